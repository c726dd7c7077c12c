// Follows events as they come. Many at once are shown in one go, so that the page stays calm.
import { url } from "./api.js";

const pause = 500;

export class Live {
  constructor(query, { events, state }) {
    this.events = events;
    this.waiting = [];
    this.source = new EventSource(url("/watch", query ? { q: query } : {}));
    this.source.addEventListener("connection", (message) => {
      this.waiting.push(JSON.parse(message.data));
      this.schedule();
    });
    this.source.onopen = () => state("following");
    // Refused, it does not try again: some filters say what no event by itself can.
    this.source.onerror = () => state(this.source.readyState === EventSource.CLOSED ? "not possible for this filter" : "connecting again…");
  }

  schedule() {
    if (!this.busy) this.timer ??= setTimeout(() => this.flush(), pause);
  }

  // One after the other, however long showing takes.
  async flush() {
    this.timer = null;
    this.busy = true;
    const events = this.waiting;
    this.waiting = [];
    try {
      await this.events(events);
    } finally {
      this.busy = false;
      if (this.waiting.length && !this.closed) this.schedule();
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.source.close();
  }
}
