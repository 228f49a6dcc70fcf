"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const wide = matchMedia("(min-width: 1100px)");
  document.documentElement.classList.add("js");
  all(".scripted").forEach((element) => { element.hidden = false; });

  /* Contents: folded away on small screens, and the section that is being read marked. */
  const menus = all("#contents .menu");
  const fit = () => menus.forEach((menu) => { menu.open = wide.matches; });
  wide.addEventListener("change", fit);
  fit();
  const links = all("#contents a");
  const places = links.map((link) => document.getElementById(link.hash.slice(1)));
  const here = document.querySelector("#contents .here");
  const mark = () => {
    let current = 0;
    places.forEach((place, index) => {
      const box = place.getBoundingClientRect();
      if ((box.width || box.height) && box.top < innerHeight * 0.3) current = index;
    });
    if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2) current = links.length - 1;
    links.forEach((link, index) => {
      if (index === current) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
    here.textContent = "\u203a " + links[current].textContent;
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  mark();

  /* Folding: a link opens what it points into, paper opens everything. */
  const reveal = (hash) => {
    const place = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!place) return;
    for (let outer = place.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
    place.scrollIntoView();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#"]');
    if (!link) return;
    if (!wide.matches && link.closest("#contents")) menus.forEach((menu) => { menu.open = false; });
    setTimeout(() => reveal(link.hash));
  });
  if (location.hash) reveal(location.hash);
  const folds = all("main details");
  const unfold = document.getElementById("unfold");
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") === "false";
    folds.forEach((fold) => { fold.open = open; });
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "fold all" : "unfold all";
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    closed.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((fold) => { fold.open = false; }); });

  /* Tables: sorted by a column, and filtered where they are long. */
  const key = (cell) => {
    const text = cell ? cell.innerText.trim().replace(/\u2212/g, "-").replace(/,(?=\d{3})/g, "") : "";
    const found = /^[<>]?\s*(-?\d*\.?\d+(?:e[+-]?\d+)?)/i.exec(text);
    if (!found) return { text };
    return { text, number: Number(found[1]) - (text.startsWith("<") ? 1e-9 : 0) };
  };
  const compare = (one, other, numbers) => {
    if (!numbers) return one.text.localeCompare(other.text, undefined, { numeric: true });
    return one.number - other.number;
  };
  const sort = (table, head, place) => {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    all("thead th", table).forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: key(row.cells[place]) }));
    const numbers = head.classList.contains("number") || rows.every((each) => "number" in each.key);
    const has = (each) => (numbers ? "number" in each.key : each.key.text !== "");
    const known = rows.filter(has).sort((one, other) => way * compare(one.key, other.key, numbers));
    body.append(...[...known, ...rows.filter((each) => !has(each))].map((each) => each.row));
  };
  all("table.sorted").forEach((table) => {
    all("thead th", table).forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, place));
    });
    const rows = [...table.tBodies[0].rows];
    if (rows.length <= 12) return;
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("span");
    label.className = "filter";
    field.type = "search";
    label.append("Filter ", field, " ", count);
    table.closest(".scroll").before(label);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      const shown = rows.filter((row) => {
        const text = row.innerText.toLowerCase() || row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        return !row.hidden;
      });
      count.textContent = words.length ? `${shown.length} of ${rows.length} rows` : "";
    });
  });

  /* Groups: switched on and off in every figure and table at once. */
  const boxes = all("#groups input");
  const apply = () => {
    const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
    all("main [data-group]").forEach((element) => element.classList.toggle("off", off.has(element.dataset.group)));
  };
  boxes.forEach((box) => box.addEventListener("change", apply));
  all("#groups [data-all]").forEach((button) => button.addEventListener("click", () => {
    boxes.forEach((box) => { box.checked = button.dataset.all === "on"; });
    apply();
  }));

  /* Marks say what they are: to a pointer, a finger, and the arrow keys. */
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const tell = (element, x, y) => {
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.max(4, Math.min(x + 12, innerWidth - box.width - 4));
    const top = y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16;
    tip.style.transform = `translate(${left}px, ${Math.max(4, top)}px)`;
  };
  all(".drawn").forEach((drawn) => {
    const marks = all("[id*='mark-'] title, use > title", drawn).map((title) => {
      const element = title.parentElement;
      element.dataset.tip = title.textContent;
      title.remove();
      return element;
    });
    if (!marks.length) return;
    const found = (x, y) => {
      for (const reach of [0, 4, 8]) {
        for (const [i, j] of [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]]) {
          const hit = document.elementFromPoint(x + i * reach, y + j * reach);
          const element = hit && drawn.contains(hit) && hit.closest("[data-tip]");
          if (element) return element;
          if (!reach) break;
        }
      }
      return null;
    };
    const point = (event) => {
      const element = found(event.clientX, event.clientY);
      if (element) tell(element, event.clientX, event.clientY);
      else hide();
    };
    drawn.addEventListener("pointermove", point);
    drawn.addEventListener("pointerdown", point);
    drawn.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
    let place = -1;
    drawn.tabIndex = 0;
    drawn.setAttribute("aria-description", "Arrow keys go through the marks.");
    const leave = () => all(".at", drawn).forEach((element) => element.classList.remove("at"));
    drawn.addEventListener("blur", () => { leave(); hide(); });
    drawn.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") { leave(); hide(); }
      if (!step) return;
      const shown = marks.filter((element) => !element.closest(".off"));
      if (!shown.length) return;
      event.preventDefault();
      place = (place + step + shown.length) % shown.length;
      leave();
      shown[place].classList.add("at");
      const box = shown[place].getBoundingClientRect();
      tell(shown[place], box.left + box.width / 2, box.top + box.height / 2);
    });
  });
  addEventListener("scroll", hide, { passive: true });
})();
