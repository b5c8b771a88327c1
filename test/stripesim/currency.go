package stripesim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Stripe's own exponents, which are not ISO 4217's: MGA has none here, and ISK
// and UGX are sent with two decimals that must be 00.
// https://docs.stripe.com/currencies
const (
	zeroDecimal  = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
	threeDecimal = "bhd jod kwd omr tnd"
)

func decimals(currency string) int {
	currency = strings.ToLower(currency)
	switch {
	case slices.Contains(strings.Fields(zeroDecimal), currency):
		return 0
	case slices.Contains(strings.Fields(threeDecimal), currency):
		return 3
	}
	return 2
}

// money shows an amount of minor units to a person, as "199.00 USD".
func money(amount int64, currency string) string {
	code := strings.ToUpper(currency)
	places := decimals(currency)
	if places == 0 {
		return fmt.Sprintf("%d %s", amount, code)
	}
	sign, digits := "", strconv.FormatInt(amount, 10)
	if amount < 0 {
		sign, digits = "-", digits[1:]
	}
	digits = strings.Repeat("0", max(0, places+1-len(digits))) + digits
	point := len(digits) - places
	return fmt.Sprintf("%s%s.%s %s", sign, digits[:point], digits[point:], code)
}

// validCurrency reports whether a code has the form of one.
func validCurrency(code string) bool {
	return len(code) == 3 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") == ""
}
