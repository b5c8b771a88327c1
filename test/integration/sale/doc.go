// Package sale tests orders from creation to refund on a real API server, with both servers as processes, and payments
// through the Stripe simulator's pages.
//
// Ten of its tests are well-known ways to lose money, or to deliver an order without a payment:
//
//	| Story, as a test                                        | What went wrong elsewhere                                          | What must happen here                                              |
//	|---------------------------------------------------------|--------------------------------------------------------------------|--------------------------------------------------------------------|
//	| TestLateFailureAfterPaid                                | The failure of a debit came after its success, and undid the sale. | The order stays Paid, by the payment that paid it.                 |
//	| TestSessionExpiringADayAfterPayment                     | A session that expired a day later cancelled a paid order.         | The event is acknowledged and changes nothing.                     |
//	| TestAnAcknowledgedEventHasItsEffectDespiteAStaleCache   | The cache did not have the order yet: 200, and nothing was done.   | At the 200 the fact is in the API server, whatever the cache has.  |
//	| TestMarkedSeenBeforeApplied                             | The event was noted as seen, then the database was away.           | 503 or no answer; the copy that Stripe sends again is applied.     |
//	| TestConcurrentCopies                                    | Two copies at once were two deliveries, or undid one another.      | Each payment and each refund counts once, and none is lost.        |
//	| TestTwoEventsOfOneSecondInBothOrders                    | Events were put in order by a time that counts whole seconds.      | Either order of arrival ends in the same status.                   |
//	| TestTwoPartialRefundsSwappedAndRedelivered              | Refunds were added up, so a copy or a swap gave a wrong sum.       | The order has the sum that Stripe has, after every arrival.        |
//	| TestRefundOfTheDuplicatePayment                         | The refund of a duplicate payment cancelled the order.             | The order stays Paid by the other payment, and needs no attention. |
//	| TestReferenceLostOrForeign                              | A payment without a reference was lost, or paid another order.     | No order is paid by it, and a payment of our link is parked.       |
//	| TestVerificationThatFailsOpen                           | An unset secret verified whatever was signed with the empty key.   | The server refuses to start, and forgeries are refused.            |
package sale
