// Polls the state of the payment at growing intervals, and updates the page when it changes. It stops after ten minutes.
"use strict";

const maxDelay = 15000, timeout = 10 * 60000;
const main = document.querySelector("main");
const query = new URLSearchParams(location.search);
const request = JSON.stringify({ provider: query.get("provider") || "stripe", session_id: query.get("session_id") });
let delay = 1000, elapsed = 0;

function schedule() {
  if (main.dataset.poll !== "true") return;
  const stopped = elapsed >= timeout;
  document.getElementById("timeout").hidden = !stopped;
  document.getElementById("next").hidden = stopped && main.dataset.state === "confirming"; // its text says that the page checks
  if (stopped) return;
  setTimeout(poll, delay);
  elapsed += delay;
  delay = Math.min(delay * 1.5, maxDelay);
}

async function poll() {
  if (document.hidden) { // continue when the tab is visible again
    document.addEventListener("visibilitychange", poll, { once: true });
    return;
  }
  try {
    const response = await fetch("../api/orders/capture", { method: "POST", headers: { "Content-Type": "application/json" }, body: request });
    if (response.status === 429) delay = Math.max(delay, 1000 * (Number(response.headers.get("Retry-After")) || 0));
    else if (response.status === 404 ? main.dataset.state !== "unknown" : response.ok && hasChanged(await response.json())) await update();
  } catch {
    // There is no connection. The next poll tries again.
  }
  schedule();
}

function hasChanged(payment) {
  return payment.final || payment.message !== main.dataset.message;
}

// Replaces the content of the elements and not the elements: screen readers announce only changes within role=status.
async function update() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.querySelector("main");
  if (!next || response.status === 429 || response.status >= 500) return;
  Object.assign(main.dataset, next.dataset);
  const status = document.getElementById("status"), details = document.getElementById("details");
  const losesFocus = details.contains(document.activeElement);
  for (const element of [details, status]) element.replaceChildren(...page.getElementById(element.id).childNodes);
  if (losesFocus) status.focus();
  document.title = page.title;
}

schedule();
