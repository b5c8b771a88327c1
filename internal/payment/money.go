package payment

import (
	"fmt"
	"strings"
)

// FormatAmount writes an amount of minor units for people, such as "199.00 USD", "19900 JPY" or "1.500 KWD".
// It is for display alone: amounts are compared as integers. Minor units are as Stripe counts them
// (https://docs.stripe.com/currencies), which differs from ISO 4217 for ISK, MGA and UGX.
func FormatAmount(amount int64, currency string) string {
	currency = strings.ToUpper(currency)
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	digits := minorDigits(currency)
	text := fmt.Sprintf("%0*d", digits+1, amount)
	if whole := len(text) - digits; digits > 0 {
		text = text[:whole] + "." + text[whole:]
	}
	return sign + text + " " + currency
}

// minorDigits is the number of decimals in Stripe's amounts of a currency, given in upper case.
func minorDigits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "JOD", "KWD", "OMR", "TND":
		return 3
	default: // ISK and UGX too: Stripe counts them in hundredths, though they have none
		return 2
	}
}
