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
    (document.getElementById(focused) ?? next.querySelector("h2[tabindex]"))?.focus();
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

// The search box answers while one types: a combobox with a list, by keys and by pointer; Enter alone asks the server.
const TYPING_MS = 180;
const LEAST_TYPED = 3;
const box = document.getElementById("find");
if (box) {
  const list = document.createElement("ul");
  list.id = "found";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Meters found");
  list.hidden = true;
  box.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "found",
    "aria-autocomplete": "list",
  })) {
    box.setAttribute(name, value);
  }
  let typing = null;
  let asked = null;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const text = (tag, words) => Object.assign(document.createElement(tag), { textContent: words });
  const select = (wanted) => {
    for (const each of options()) each.setAttribute("aria-selected", String(each === wanted));
    box.setAttribute("aria-activedescendant", wanted.id);
  };
  const option = (hit, at) => {
    const one = document.createElement("li");
    one.id = `found-${at}`;
    one.setAttribute("role", "option");
    one.setAttribute("aria-selected", "false");
    one.dataset.href = `/usage/meters/${hit.meter.esi_id}`;
    one.append(text("strong", `${hit.meter.service_address}, ${hit.meter.city}`));
    one.append(text("small", `${hit.meter.esi_id} · meter ${hit.meter.number}`));
    if (hit.customer) one.append(text("small", `${hit.customer}, ${hit.email}`));
    return one;
  };
  const show = ({ hits, more }) => {
    list.replaceChildren(...hits.map(option));
    const rest = hits.length ? "There are more: type on, or press Enter." : "No meter of yours has this.";
    if (more || !hits.length) list.append(Object.assign(text("li", rest), { className: "none", role: "presentation" }));
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    box.removeAttribute("aria-activedescendant");
    speak(hits.length ? `${hits.length}${more ? " or more" : ""} found` : rest);
  };
  const ask = async () => {
    asked?.abort();
    const typed = box.value.trim();
    if (typed.length < LEAST_TYPED) return close();
    asked = new AbortController();
    try {
      const answer = await fetch(`/api/v1/meters/search?${new URLSearchParams({ q: typed })}`, { signal: asked.signal });
      if (answer.ok && document.activeElement === box) show(await answer.json());
    } catch {
      // A newer question took its place, or the network is away: Enter still works.
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, TYPING_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      return close();
    }
    const all = list.hidden ? [] : options();
    const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      select(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length]);
    }
    if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      location.assign(all[at].dataset.href);
    }
  });
  // The pointer goes down before the box loses the focus, so that a click on an option is not lost.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const one = event.target.closest("[role=option]");
    if (one) location.assign(one.dataset.href);
  });
  box.addEventListener("blur", close);
}

follow();
