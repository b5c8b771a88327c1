// Reads one JSON object from standard input, does with Stripe's own library what
// a shop would, and writes what it saw to standard output as JSON.
import Stripe from 'stripe';
import { text } from 'node:stream/consumers';

const given = JSON.parse(await text(process.stdin));
const base = new URL(given.base);
const stripe = new Stripe(given.key, {
  protocol: 'http', host: base.hostname, port: base.port,
  apiVersion: '2023-10-16', maxNetworkRetries: 0, telemetry: false,
});

const event = stripe.webhooks.constructEvent(given.body, given.header, given.secret);

let forged = 'accepted';
try {
  stripe.webhooks.constructEvent(given.body.trimEnd() + ' ', given.header, given.secret);
} catch (err) {
  forged = err.type;
}

const price = await stripe.prices.create({ currency: 'usd', unit_amount: 19900, product_data: { name: 'Lifetime' } });
const link = await stripe.paymentLinks.create({ line_items: [{ price: price.id, quantity: 1 }], metadata: { order_id: '7' } });
const sessions = await stripe.checkout.sessions.list({ payment_intent: given.intent, expand: ['data.line_items'] });
const events = [];
for await (const one of stripe.events.list({ types: ['charge.succeeded', 'checkout.session.completed'], limit: 1 })) events.push(one.type);
let refused = 'nothing';
try {
  await stripe.refunds.create({ payment_intent: given.intent, amount: 1e6 });
} catch (err) {
  refused = `${err.type} ${err.param}`;
}

console.log(JSON.stringify({
  event: event.id, type: event.type, forged, link: link.id, session: sessions.data[0].id,
  item: sessions.data[0].line_items.data[0].description, events, refused,
  signed: stripe.webhooks.generateTestHeaderString({ payload: given.body, secret: given.secret, timestamp: given.timestamp }),
}));
