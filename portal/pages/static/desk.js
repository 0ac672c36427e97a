// Improves the desk's pages, which work without it: orders are followed, rows are ticked together, meters are found.

const LOOKS_MS = [2000, 2000, 3000, 5000, 8000, 12000, 20000, 30000];
const MOST_LOOKS = 400;

const root = document.documentElement;
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const followed = () => document.querySelector("[data-follow]");

// While a tab is not looked at nothing is asked for; whoever comes back sees at once what has become of it.
function visible() {
  if (!document.hidden) return Promise.resolve(false);
  return new Promise((wake) => {
    document.addEventListener("visibilitychange", () => wake(true), { once: true });
  });
}

function speak(words) {
  const status = document.getElementById("live-words");
  if (status && words && status.textContent !== words) status.textContent = words;
}

// Takes the page anew from its own address; the parts that it follows are replaced, the words stay the server's.
async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const old = followed();
  const next = fresh.getElementById(old.id);
  if (!next) return location.reload();
  const focused = document.activeElement?.id;
  const before = old.dataset.words;
  old.replaceWith(document.adoptNode(next));
  const files = fresh.getElementById("order-files");
  if (files && !document.getElementById("order-files")) next.after(document.adoptNode(files));
  if (focused && document.activeElement?.id !== focused) {
    (document.getElementById(focused) ?? document.getElementById("order-title"))?.focus();
  }
  if (next.dataset.words !== before) speak(next.dataset.words);
}

async function follow() {
  if (!followed()) return;
  root.dataset.following = "yes";
  let looks = 0;
  for (let count = 0; followed() && count < MOST_LOOKS; count++) {
    await pause(LOOKS_MS[Math.min(looks++, LOOKS_MS.length - 1)]);
    if (await visible()) looks = 0;
    try {
      await look();
    } catch {
      // The network is away for a while: the next look is later.
    }
  }
  delete root.dataset.following;
}

// Rows of a list are ticked together without a reload; the link does it with one.
const boxes = () => [...document.querySelectorAll("table.picked-from td.pick input")];
const all = document.getElementById("select-all");
function count() {
  const number = boxes().filter((box) => box.checked).length;
  document.getElementById("picked-count").textContent = number ? `${number} selected` : "";
  all.textContent = number === boxes().length ? "Select none" : "Select all shown";
}
if (all) {
  all.setAttribute("role", "button");
  all.addEventListener("click", (event) => {
    event.preventDefault();
    const every = boxes().every((box) => box.checked);
    for (const box of boxes()) box.checked = !every;
    count();
  });
  all.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    all.click();
  });
  document.querySelector("table.picked-from").addEventListener("change", count);
  count();
}

for (const button of document.querySelectorAll("button.print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

follow();
