// Reads a heat map's values out: the arrow keys go from cell to cell, the pointer too; without it each cell has its title.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

for (const frame of document.querySelectorAll(".heat")) {
  const words = frame.nextElementSibling;
  const rows = [];
  for (const cell of frame.querySelectorAll("rect[data-at]")) {
    const [row, slot] = cell.dataset.at.split(" ").map(Number);
    (rows[row] ??= []).push({ cell, slot });
  }
  let now = null;
  words.hidden = false;
  words.textContent = "Arrow keys or the pointer read the values.";

  const read = (row, place) => {
    if (now) delete rows[now.row][now.place].cell.dataset.now;
    now = { row, place };
    const { cell } = rows[row][place];
    cell.dataset.now = "";
    words.textContent = cell.querySelector("title").textContent;
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  // Up and down stay at the time of day, whatever times the other day has.
  const below = (row, slot) => {
    const next = rows[row].findIndex((each) => each.slot >= slot);
    return next < 0 ? rows[row].length - 1 : next;
  };

  frame.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!now) return read(0, 0);
    const row = Math.min(Math.max(now.row + step[0], 0), rows.length - 1);
    const place = step[0] ? below(row, rows[now.row][now.place].slot) : now.place + step[1];
    read(row, Math.min(Math.max(place, 0), rows[row].length - 1));
  });
  frame.addEventListener("pointerover", (event) => {
    const at = event.target.dataset?.at?.split(" ").map(Number);
    if (at) words.textContent = event.target.querySelector("title").textContent;
  });
}
