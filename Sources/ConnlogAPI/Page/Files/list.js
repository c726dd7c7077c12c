// The timeline: only what can be seen is in the document, however many rows there are.
import { el } from "./dom.js";
import { dayOf } from "./time.js";
import { sentence, times, codeBadge, stateBadge, initial, typeName } from "./row.js";

const rowHeight = 56, dayHeight = 36, margin = 600;

export class Timeline {
  constructor(section, { open, more }) {
    this.open = open;
    this.more = more;
    this.scroller = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Connections, newest first" });
    this.spacer = el("div", { class: "spacer" });
    this.scroller.append(this.spacer);
    section.append(this.scroller);
    this.rows = [];
    this.shown = new Map();
    this.scroller.addEventListener("scroll", () => this.schedule());
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.schedule()).observe(this.scroller);
  }

  set(rows, { fresh = 0 } = {}) {
    this.rows = rows;
    this.items = [];
    let top = 0, day = null;
    rows.forEach((row, index) => {
      const name = dayOf(row.connect_time);
      if (name !== day) {
        this.items.push({ top, height: dayHeight, day: name });
        top += dayHeight;
        day = name;
      }
      this.items.push({ top, height: rowHeight, row, index, fresh: index < fresh });
      top += rowHeight;
    });
    this.spacer.style.height = top + "px";
    this.shown.forEach((node) => node.remove());
    this.shown.clear();
    this.draw();
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
    if (end >= this.spacer.clientHeight - 2000) this.more();
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
