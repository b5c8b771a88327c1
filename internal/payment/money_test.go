package payment_test

import (
	"testing"

	"github.com/paylink-dev/paylink/internal/payment"
)

// TestFormatAmount has Stripe's currencies by how many minor units they have, the exceptions among them.
func TestFormatAmount(t *testing.T) {
	for _, row := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{19900, "USD", "199.00 USD"},
		{19900, "usd", "199.00 USD"},
		{19901, "eUr", "199.01 EUR"},
		{5, "USD", "0.05 USD"},
		{50, "USD", "0.50 USD"},
		{100, "USD", "1.00 USD"},
		{0, "USD", "0.00 USD"},
		{-5, "USD", "-0.05 USD"},
		{-19900, "USD", "-199.00 USD"},
		{999999999999, "IDR", "9999999999.99 IDR"},
		{1000, "HUF", "10.00 HUF"},
		{1000, "TWD", "10.00 TWD"},

		{19900, "JPY", "19900 JPY"},
		{19900, "krw", "19900 KRW"},
		{0, "JPY", "0 JPY"},
		{-7, "JPY", "-7 JPY"},
		{7, "BIF", "7 BIF"}, {7, "CLP", "7 CLP"}, {7, "DJF", "7 DJF"}, {7, "GNF", "7 GNF"}, {7, "KMF", "7 KMF"},
		{7, "PYG", "7 PYG"}, {7, "RWF", "7 RWF"}, {7, "VND", "7 VND"}, {7, "VUV", "7 VUV"}, {7, "XAF", "7 XAF"},
		{7, "XOF", "7 XOF"}, {7, "XPF", "7 XPF"},

		// ISO 4217 gives MGA decimals and Stripe does not; ISK and UGX are the other way round.
		{500, "MGA", "500 MGA"},
		{500, "ISK", "5.00 ISK"},
		{500, "UGX", "5.00 UGX"},

		{1500, "KWD", "1.500 KWD"},
		{15, "bhd", "0.015 BHD"},
		{0, "JOD", "0.000 JOD"},
		{-1500, "OMR", "-1.500 OMR"},
		{999, "TND", "0.999 TND"},
	} {
		if got := payment.FormatAmount(row.amount, row.currency); got != row.want {
			t.Errorf("FormatAmount(%d, %q) = %q, want %q", row.amount, row.currency, got, row.want)
		}
	}
}
