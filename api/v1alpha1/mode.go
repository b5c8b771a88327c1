package v1alpha1

// Mode is Stripe's word for a livemode: live for real money, test for Stripe's test mode.
func Mode(livemode bool) string {
	if livemode {
		return "live"
	}
	return "test"
}
