package payment

import (
	"fmt"
	"strings"
)

// FormatAmount formats an amount of minor units for people, such as "199.00 USD", "19900 JPY" or "1.500 KWD". It is for
// display alone: amounts are compared as integers. Minor units are Stripe's (https://docs.stripe.com/currencies), which
// differ from ISO 4217 for ISK, MGA and UGX.
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

// minorDigits returns the number of decimals in Stripe's amounts of a currency, which must be in upper case.
func minorDigits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "JOD", "KWD", "OMR", "TND":
		return 3
	default: // also ISK and UGX, which have no minor unit: Stripe counts them in hundredths
		return 2
	}
}
