package reconciliation

import (
	"context"
	"time"

	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// payments is a Stripe that knows the sessions of payments.
type payments struct {
	live     bool
	sessions map[string]payment.Fact
	err      error
	asked    []string
}

func (p *payments) Live() bool { return p.live }

func (p *payments) SessionsOfPayment(_ context.Context, intent string) ([]stripeclient.Session, error) {
	p.asked = append(p.asked, intent)
	fact, known := p.sessions[intent]
	if p.err != nil || !known {
		return nil, p.err
	}
	fact.EventID = fact.Session.ID + ":Paid"
	return []stripeclient.Session{{Status: stripeclient.SessionComplete, Fact: fact}}, nil
}

func throughLink(id string, fact payment.Fact) payment.Fact {
	session := *fact.Session
	session.PaymentLinkID = id
	fact.Session = &session
	return fact
}

// orphan is money that came through the link plink_1 and names no order.
func orphan(session string) payment.Fact { return throughLink("plink_1", paid("", session)) }

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)
