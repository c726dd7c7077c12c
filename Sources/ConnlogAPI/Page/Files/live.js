// Follows events as they come. Many at once are shown in one go, so that the page stays calm.
import { url } from "./api.js";

export class Live {
  constructor(query, { events, state }) {
    this.events = events;
    this.waiting = 0;
    this.source = new EventSource(url("/watch", query ? { q: query } : {}));
    this.source.addEventListener("connection", () => {
      this.waiting += 1;
      this.timer ??= setTimeout(() => this.flush(), 500);
    });
    this.source.onopen = () => state("following");
    this.source.onerror = () => state("connecting again…");
  }

  flush() {
    this.timer = null;
    const count = this.waiting;
    this.waiting = 0;
    this.events(count);
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
  }
}
