// How many connections there are, as far as is known: the server counts and looks for a moment only.
import { short } from "./time.js";

// Who listens is not told of each step.
const pause = 500;

const plural = (count) => `${count.toLocaleString()} connection${count === 1 ? "" : "s"}`;

export class Counted {
  constructor(place) {
    this.place = place;
    this.told = 0;
  }

  // The first page of a list, which was counted.
  set page(page) {
    this.first = page;
    this.told = 0;
  }

  // What the first page said, and what is known since; `page` is the newest one.
  tell(rows, page = {}) {
    if (page.is_complete === false && rows.next) return this.looking(rows, page);
    const { count, count_cap, count_exact } = this.first;
    if (count_exact) return this.say(plural(count));
    if (!rows.next) return this.say(plural(rows.all.length));
    const least = Math.max(count, rows.all.length);
    this.say(count > count_cap ? `More than ${Math.max(count_cap, rows.all.length).toLocaleString()} connections` : `At least ${plural(least)}`);
  }

  // The server has not come to the end, and the page goes on asking.
  looking(rows, page) {
    if (Date.now() - this.told < pause) return;
    this.told = Date.now();
    this.say(`${plural(rows.all.length)} so far; looked back to ${short(Date.parse(page.looked_back_to))}…`);
  }

  say(words) { this.place.textContent = words; }
}
