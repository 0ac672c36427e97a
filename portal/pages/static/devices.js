// Improves the pages of in-home devices, which work without it: joins are followed, their window is counted down,
// and a label is checked while somebody types it.

const WAIT_S = 20;
const PAUSES_MS = [1000, 2000, 5000, 10000, 15000];
const LOOKS_MS = [1000, 2000, 2000, 3000, 5000, 8000, 12000, 20000, 30000];
const GIVE_UP_MS = 15 * 60 * 1000;
const TYPING_MS = 400;
const PARTS = ["command", "device", "said", "timeline"];

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const again = () => document.querySelector("[data-again]");
const live = () => document.querySelector("[data-live]:not(html)");

function speak(words) {
  const status = document.getElementById("live-words");
  if (status && words && status.textContent !== words) status.textContent = words;
}

// Takes the parts that may have changed from the freshly rendered page; the words stay the server's.
async function renew() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const id of PARTS) {
    const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && next) old.replaceWith(document.adoptNode(next));
  }
  if (focused && document.activeElement?.id !== focused) {
    (document.getElementById(focused) ?? document.querySelector("#command-title, #device-title"))?.focus();
  }
  speak(document.querySelector("#command, #device")?.dataset.words);
  countDown();
}

// While a tab is not looked at nothing is asked for; whoever comes back sees at once what has become of it.
function visible() {
  if (!document.hidden) return Promise.resolve(false);
  return new Promise((wake) => {
    document.addEventListener("visibilitychange", () => wake(true), { once: true });
  });
}

// What is under way is waited for; what devices may still answer is looked for more and more seldom.
async function follow() {
  if (!live() && !again()) return;
  const end = Date.now() + GIVE_UP_MS;
  let misses = 0;
  let looks = 0;
  document.documentElement.dataset.following = "yes";
  while ((live() || again()) && Date.now() < end) {
    if (await visible()) looks = 0;
    try {
      if (!live()) {
        await pause(LOOKS_MS[Math.min(looks++, LOOKS_MS.length - 1)]);
        await renew();
        continue;
      }
      const { live: address, version } = live().dataset;
      const answer = await fetch(`${address}?wait=${WAIT_S}&since=${version}`, {
        headers: { Accept: "application/json" },
      });
      if ([401, 403, 404].includes(answer.status)) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      misses = 0;
      if (String((await answer.json()).version) !== version) await renew();
    } catch {
      await pause(PAUSES_MS[Math.min(misses++, PAUSES_MS.length - 1)]);
    }
  }
  delete document.documentElement.dataset.following;
}

// The time that is left counts down by itself; screen readers ask for it, they are not told every second.
let ticking = null;
function countDown() {
  clearInterval(ticking);
  const clock = document.querySelector(".countdown");
  if (!clock) return;
  const closes = Date.now() + Number(clock.dataset.leftS) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.round((closes - Date.now()) / 1000));
    const spoken = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.textContent = left ? `: ${spoken} left` : ": the time is over";
  };
  tick();
  ticking = setInterval(tick, 1000);
}

// What is wrong with a label stands at its field while somebody types; the same rules decide when it is sent.
const box = document.getElementById("label-check");
if (box) {
  const form = box.querySelector("form");
  const seen = new Set();
  let typing = null;
  let asked = null;
  const show = (name, words) => {
    const input = document.getElementById(name);
    const field = input.closest(".field");
    let said = document.getElementById(`${name}-wrong`);
    if (!said) {
      said = Object.assign(document.createElement("span"), { id: `${name}-wrong`, className: "wrong" });
      input.before(said);
    }
    said.textContent = words;
    said.hidden = !words;
    field.classList.toggle("bad", Boolean(words));
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    const hint = document.getElementById(`${name}-hint`) ? `${name}-hint` : "";
    input.setAttribute("aria-describedby", [hint, words ? said.id : ""].filter(Boolean).join(" "));
  };
  const check = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(box.dataset.check, { method: "POST", body, signal: asked.signal });
      if (!answer.ok) return;
      const { device, has_code: hasCode, faults } = await answer.json();
      for (const name of ["device", "install_code"]) {
        const filled = Boolean(document.getElementById(name).value.trim());
        show(name, seen.has(name) && (filled || name in faults === false) ? (faults[name] ?? "") : "");
      }
      const wrong = [...seen].map((name) => faults[name]).find(Boolean);
      speak(wrong ?? (device && hasCode ? "The label is complete and its checksum matches." : ""));
      box.dataset.good = String(Boolean(device && hasCode && !Object.keys(faults).length));
    } catch {
      // A newer question took its place, or the network is away: the server judges what is sent.
    }
  };
  // Nobody is told off in the middle of a word: a field is judged once it was left, or once it is long enough.
  const enough = { device: 16, install_code: 36 };
  for (const name of Object.keys(enough)) {
    const input = document.getElementById(name);
    input.addEventListener("input", () => {
      if (input.value.length >= enough[name]) seen.add(name);
      clearTimeout(typing);
      if (seen.size) typing = setTimeout(check, TYPING_MS);
    });
    input.addEventListener("change", () => {
      if (input.value.trim()) seen.add(name);
      clearTimeout(typing);
      if (seen.size) check();
    });
  }
}

countDown();
follow();
