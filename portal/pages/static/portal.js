// Improves pages that also work without it: live reads, the theme without a reload, and keyboard shortcuts.

const SECTIONS = ["on-demand-read", "last-reads"];
const WAIT_S = 20;
const PAUSES_MS = [1000, 2000, 5000, 10000, 15000];
const GIVE_UP_MS = 5 * 60 * 1000;

const root = document.documentElement;
root.dataset.live = "yes";

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const card = () => document.getElementById("on-demand-read");

// Takes the parts of a freshly rendered page that may have changed; the words stay the server's.
function renew(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const focused = document.activeElement?.id;
  for (const id of SECTIONS) {
    const old = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (old && next) old.replaceWith(document.adoptNode(next));
  }
  if (focused) refocus(focused);
  announce();
}

// A button that became disabled loses the focus: its card's heading takes it, so that nobody is thrown to the top.
function refocus(id) {
  const same = document.getElementById(id);
  if (same === document.activeElement) return;
  if (same && !same.disabled) same.focus();
  else if (id.startsWith("odr-")) document.getElementById("odr-heading")?.focus();
}

function announce() {
  const words = card()?.dataset.words ?? "";
  const status = document.getElementById("live-words");
  if (status && status.textContent !== words) status.textContent = words;
}

// A page that is being left is left once: a second navigation would break off the first.
let leaving = false;
function leave() {
  if (!leaving) location.reload();
  leaving = true;
}

async function reload() {
  const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return leave();
  renew(await answer.text());
}

// One read is followed at a time; it ends with the read, or after a limit, when the page's own link still works.
let following = null;
async function follow() {
  const read = card()?.dataset.read;
  if (!read || following === read) return;
  following = read;
  const end = Date.now() + GIVE_UP_MS;
  let misses = 0;
  while (!leaving && following === read && card()?.dataset.read === read && Date.now() < end) {
    try {
      const since = card().dataset.status;
      const answer = await fetch(`/api/v1/reads/${read}?wait=${WAIT_S}&since=${since}`, {
        headers: { Accept: "application/json" },
      });
      if (answer.status === 401 || answer.status === 404) return leave();
      if (!answer.ok) throw new Error(String(answer.status));
      misses = 0;
      if ((await answer.json()).status !== since) await reload();
      else await pause(250);
    } catch {
      await pause(PAUSES_MS[Math.min(misses++, PAUSES_MS.length - 1)]);
    }
  }
  following = null;
  unlock();
}

// The button comes back by itself at the instant at which the next read is allowed.
let unlocking = null;
function unlock() {
  clearTimeout(unlocking);
  const waits = Number(card()?.dataset.allowedInMs);
  if (waits > 0 && waits < 2 ** 31) unlocking = setTimeout(() => reload().then(unlock), waits + 50);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id === "odr-form") {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      const html = await answer.text();
      if (!html.includes('id="on-demand-read"')) return leave();
      renew(html);
      document.getElementById("odr-heading")?.focus();
      follow().then(unlock);
      unlock();
    } catch {
      form.submit();
    }
  }
  if (form.id === "theme-form") {
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    const html = await (await fetch(form.action, { method: "POST", body: fields })).text();
    const fresh = new DOMParser().parseFromString(html, "text/html");
    root.dataset.theme = fresh.documentElement.dataset.theme;
    const next = fresh.getElementById("theme-form");
    if (next) form.replaceWith(document.adoptNode(next));
    document.querySelector("#theme-form button")?.focus();
  }
});

// A tip is closed by Escape until the pointer or the focus has left it and comes back (WCAG 1.4.13).
const openTips = () => document.querySelectorAll(".tip:is(:hover, :focus)");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const tip of openTips()) tip.dataset.closed = "yes";
});
for (const left of ["focusout", "pointerout"]) {
  document.addEventListener(left, (event) => {
    const tip = event.target.closest?.(".tip");
    if (tip && !tip.contains(event.relatedTarget)) delete tip.dataset.closed;
  });
}

// Shortcuts of one key can be switched off on the Help page (WCAG 2.1.4).
const shortcuts = () => localStorage.getItem("shortcuts") !== "off";
document.addEventListener("keydown", (event) => {
  if (!shortcuts() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (event.key === "/") {
    const field = document.getElementById("search-value") ?? document.getElementById("find");
    if (!field) return;
    event.preventDefault();
    if (field.offsetParent) field.focus();
    else location.assign("/usage/meters");
  }
  if (event.key === "?") location.assign("/help#keyboard");
});

const choice = document.getElementById("shortcuts");
if (choice) {
  document.getElementById("shortcuts-choice").hidden = false;
  choice.checked = shortcuts();
  choice.addEventListener("change", () => localStorage.setItem("shortcuts", choice.checked ? "on" : "off"));
}

document.getElementById("problem")?.focus();
follow().then(unlock);
