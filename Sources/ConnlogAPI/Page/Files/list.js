// The timeline: only what can be seen is in the document, however many rows there are.
import { el } from "./dom.js";
import { dayOf } from "./time.js";
import { sentence, times, codeBadge, stateBadge, initial, typeName } from "./row.js";

// In pixels; `ahead` is how far from the end more is asked for.
const rowHeight = 56, dayHeight = 36, margin = 600, ahead = 10000;

export class Timeline {
  constructor(section, { open, more }) {
    this.open = open;
    this.more = more;
    this.scroller = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Connections, newest first" });
    this.spacer = el("div", { class: "spacer" });
    this.scroller.append(this.spacer);
    section.append(this.scroller);
    this.rows = [];
    this.height = 0;
    this.shown = new Map();
    this.scroller.addEventListener("scroll", () => this.schedule());
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.schedule()).observe(this.scroller);
  }

  // All rows anew, the first `fresh` of them marked. Whoever has scrolled down goes on looking at the same rows.
  set(rows, { fresh = 0 } = {}) {
    const top = this.scroller.scrollTop, before = this.height;
    this.rows = rows;
    this.items = [];
    this.height = 0;
    this.day = null;
    this.fresh = fresh;
    this.place(rows, 0);
    const focused = this.scroller.contains(document.activeElement) && document.activeElement.dataset.id;
    this.shown.forEach((node) => node.remove());
    this.shown.clear();
    if (fresh && top > rowHeight) this.scroller.scrollTop = top + this.height - before;
    this.draw();
    if (focused) [...this.shown.values()].find((node) => node.dataset.id === focused)?.focus({ preventScroll: true });
  }

  // More rows at the end; `rows` are all of them.
  extend(rows, from) {
    this.rows = rows;
    this.place(rows, from);
    this.draw();
  }

  place(rows, from) {
    for (let index = from; index < rows.length; index++) {
      const row = rows[index], day = dayOf(row.connect_time);
      if (day !== this.day) {
        this.items.push({ top: this.height, height: dayHeight, day });
        this.height += dayHeight;
        this.day = day;
      }
      this.items.push({ top: this.height, height: rowHeight, row, index, fresh: index < this.fresh });
      this.height += rowHeight;
    }
    this.spacer.style.height = this.height + "px";
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  first(top) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].top + this.items[middle].height < top) low = middle + 1; else high = middle;
    }
    return low;
  }

  draw() {
    if (!this.items) return;
    const top = this.scroller.scrollTop - margin, end = this.scroller.scrollTop + this.scroller.clientHeight + margin;
    const wanted = new Set();
    for (let i = this.first(top); i < this.items.length && this.items[i].top < end; i++) {
      wanted.add(i);
      if (!this.shown.has(i)) {
        const node = this.node(this.items[i]);
        node.style.top = this.items[i].top + "px";
        this.shown.set(i, node);
        this.spacer.append(node);
      }
    }
    for (const [i, node] of this.shown) {
      if (!wanted.has(i) && node !== document.activeElement) {
        node.remove();
        this.shown.delete(i);
      }
    }
    if (end >= this.height - ahead) this.more();
  }

  node(item) {
    if (item.day) return el("h2", { class: "day" }, item.day);
    const { row } = item;
    const what = el("span", { class: "what" }, ...sentence(row));
    const when = el("span", { class: "when" }, times(row), row.ip ? " · " + row.ip : "", row.ssh_info?.disconnect_reason ? " · " + row.ssh_info.disconnect_reason.slice(0, 120) : "");
    return el("button", {
      class: "row" + (item.fresh ? " fresh" : ""), type: "button", "data-id": row.id, "data-index": item.index,
      "aria-haspopup": "dialog", onclick: () => this.open(row),
    }, el("span", { class: "mark", "aria-hidden": "true", title: typeName(row) }, initial(row)), what, when,
    el("span", { class: "badges" }, codeBadge(row), stateBadge(row)));
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    const at = Number(document.activeElement?.dataset?.index ?? -1);
    if (!step) return;
    const next = Math.min(Math.max(at + step, 0), this.rows.length - 1);
    const item = this.items?.find((candidate) => candidate.index === next);
    if (!item) return;
    event.preventDefault();
    if (item.top < this.scroller.scrollTop) this.scroller.scrollTop = item.top;
    if (item.top + rowHeight > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = item.top + rowHeight - this.scroller.clientHeight;
    this.draw();
    this.shown.get(this.items.indexOf(item))?.focus();
  }
}
