package payment

import (
	"cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Stripe's statuses of a dispute that has ended.
const (
	disputeWon           = "won"
	disputeLost          = "lost"
	disputeWarningClosed = "warning_closed"
	disputePrevented     = "prevented"
)

// DisputeEnded reports whether a dispute with this status of Stripe's has ended. A status that Stripe adds later counts as
// open.
func DisputeEnded(status string) bool { return status == disputeLost || keptAfterDispute(status) }

// keptAfterDispute reports whether a dispute ended and the seller kept the money.
func keptAfterDispute(status string) bool {
	switch status {
	case disputeWon, disputeWarningClosed, disputePrevented:
		return true
	default:
		return false
	}
}

// compareDisputes orders two reports of one dispute. The later one holds and, of two in the same second, the one that is
// further along.
func compareDisputes(a, b v1alpha1.Dispute) int {
	return cmp.Or(
		compareTime(a.ReportedAt, b.ReportedAt),
		cmp.Compare(disputeRank(a.Status), disputeRank(b.Status)),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Amount, b.Amount),
	)
}

// disputeRank orders the statuses of a dispute by how far along they are. A status that Stripe adds later ranks as open.
func disputeRank(status string) int {
	switch status {
	case "warning_needs_response":
		return 1
	case "warning_under_review":
		return 2
	case "needs_response":
		return 3
	case "under_review":
		return 5
	case disputeLost:
		return 6
	default:
		if keptAfterDispute(status) {
			return 7
		}
		return 4
	}
}
