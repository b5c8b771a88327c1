// Asks whether there is news of the payment, ever less often, and shows the page anew when there is. In the end it stops.
"use strict";

const longest = 15000, patience = 10 * 60000;
const view = document.querySelector("main");
const query = new URLSearchParams(location.search);
const question = JSON.stringify({ provider: query.get("provider") || "stripe", session_id: query.get("session_id") });
let wait = 1000, waited = 0;

function later() {
  if (view.dataset.poll !== "true") return;
  const over = waited >= patience;
  document.getElementById("late").hidden = !over;
  document.getElementById("next").hidden = over && view.dataset.state === "confirming"; // which says that the page checks
  if (over) return;
  setTimeout(ask, wait);
  waited += wait;
  wait = Math.min(wait * 1.5, longest);
}

async function ask() {
  if (document.hidden) { // nobody looks: ask when somebody does
    document.addEventListener("visibilitychange", ask, { once: true });
    return;
  }
  try {
    const answer = await fetch("../api/orders/capture", { method: "POST", headers: { "Content-Type": "application/json" }, body: question });
    if (answer.status === 429) wait = Math.max(wait, 1000 * (Number(answer.headers.get("Retry-After")) || 0));
    else if (answer.status === 404 ? view.dataset.state !== "unknown" : answer.ok && isNews(await answer.json())) await show();
  } catch {
    // No connection: there may be one next time.
  }
  later();
}

function isNews(answer) {
  return answer.final || answer.message !== view.dataset.message;
}

// The parts stay and only what is in them changes, or a screen reader would not hear of it.
async function show() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.querySelector("main");
  if (!next || answer.status === 429 || answer.status >= 500) return;
  Object.assign(view.dataset, next.dataset);
  const news = document.getElementById("news"), rest = document.getElementById("rest");
  const lost = rest.contains(document.activeElement);
  for (const part of [rest, news]) part.replaceChildren(...page.getElementById(part.id).childNodes);
  if (lost) news.focus();
  document.title = page.title;
}

later();
