package faults_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// lives are the ways of a payment. The i-th order has the i-th life, modulo their number.
var lives = []struct {
	name string
	live func(*buyer)
}{
	{"paid by card", func(b *buyer) { b.card() }},
	{"a card is declined, another is not", func(b *buyer) { b.declinedCard() }},
	{"never paid", func(b *buyer) { b.leave() }},
	{"bank debit, on its way", func(b *buyer) { b.debit() }},
	{"bank debit that comes", func(b *buyer) { b.settle(b.debit(), true) }},
	{"bank debit that fails", func(b *buyer) { b.settle(b.debit(), false) }},
	{"bank debit that fails, then a card", func(b *buyer) { b.settle(b.debit(), false); b.card() }},
	{"refunded in part", func(b *buyer) { b.refund(b.card(), b.part) }},
	{"refunded in full", func(b *buyer) { b.refund(b.card(), 0) }},
	{"refunded in two parts", func(b *buyer) { s := b.card(); b.refund(s, b.part); b.refund(s, 0) }},
	{"a refund fails", func(b *buyer) { b.fail(b.refund(b.card(), b.part)) }},
	{"a refund fails, and is made again", func(b *buyer) { s := b.card(); b.fail(b.refund(s, 0)); b.refund(s, b.part) }},
	{"disputed", func(b *buyer) { b.dispute(b.card()) }},
	{"a dispute is won", func(b *buyer) { b.close(b.dispute(b.card()), "won") }},
	{"a dispute is lost", func(b *buyer) { b.close(b.dispute(b.card()), "lost") }},
	{"paid twice", func(b *buyer) { b.card(); b.card() }},
	{"paid twice, and the second is refunded", func(b *buyer) { b.card(); b.refund(b.card(), 0) }},
	{"paid too little, and refunded", func(b *buyer) { b.refund(b.tooLittle(), 0) }},
}

// buyer takes the steps of one order's life. After a step that failed, it takes no more.
type buyer struct {
	ctx    context.Context
	stripe *stripesim.Simulator
	// checkout is the order's own link, cheap one to another product with the order's reference.
	checkout, cheap string
	// part is the amount of a partial refund. It differs between the orders of a run as far as possible.
	part int64
	err  error
}

// partOf is the part of the i-th order.
func partOf(i int) int64 { return 1 + int64(i)*37%(testclient.Price-1) }

// do is one step.
func (b *buyer) do(what string, step func() error) {
	if b.err != nil {
		return
	}
	if err := step(); err != nil {
		b.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (b *buyer) card() (s stripesim.Session) { return b.pay(b.checkout) }

func (b *buyer) tooLittle() (s stripesim.Session) { return b.pay(b.cheap) }

func (b *buyer) pay(url string) (s stripesim.Session) {
	b.do("pay by card", func() (err error) {
		s, err = b.stripe.Buyer().Pay(b.ctx, url, stripesim.Card4242)
		return err
	})
	return s
}

func (b *buyer) declinedCard() {
	b.do("pay by a card that is declined", func() error {
		s, err := b.stripe.Buyer().Pay(b.ctx, b.checkout, stripesim.CardDeclined)
		var declined *stripesim.DeclinedError
		if !errors.As(err, &declined) {
			return fmt.Errorf("got %w, want a declined card", err)
		}
		_, err = b.stripe.Buyer().Pay(b.ctx, s.URL, stripesim.Card4242)
		return err
	})
}

func (b *buyer) leave() {
	b.do("open the page", func() error {
		_, err := b.stripe.Buyer().Visit(b.ctx, b.checkout)
		return err
	})
}

func (b *buyer) debit() (s stripesim.Session) {
	b.do("pay by debit", func() (err error) {
		s, err = b.stripe.Buyer().PayByDebit(b.ctx, b.checkout)
		return err
	})
	return s
}

func (b *buyer) settle(s stripesim.Session, succeed bool) {
	b.do("settle the debit", func() error { return b.stripe.SettleDebit(s.ID, succeed) })
}

func (b *buyer) refund(s stripesim.Session, amount int64) (r stripesim.Refund) {
	b.do("refund", func() (err error) {
		r, err = b.stripe.Refund(s.PaymentIntent, amount)
		return err
	})
	return r
}

func (b *buyer) fail(r stripesim.Refund) {
	b.do("fail the refund", func() error { return b.stripe.FailRefund(r.ID) })
}

func (b *buyer) dispute(s stripesim.Session) (d stripesim.Dispute) {
	b.do("dispute", func() (err error) {
		d, err = b.stripe.OpenDispute(s.PaymentIntent)
		return err
	})
	return d
}

func (b *buyer) close(d stripesim.Dispute, status string) {
	b.do("close the dispute", func() error { return b.stripe.CloseDispute(d.ID, status) })
}
