// The connections that were loaded: newest first and without a hole, from the newest down to the last one of the last page.
const mostNew = 2000;

const place = (cursor) => cursor.split(".").map(Number);

// As the server orders rows, which have a cursor of time, partition and place.
function placesNewerFirst(a, b) {
  const x = place(a), y = place(b);
  return y[0] - x[0] || y[1] - x[1] || y[2] - x[2];
}

const newerFirst = (a, b) => placesNewerFirst(a.connlog.cursor, b.connlog.cursor);

const session = (workspace, agent, connection) => [workspace, agent, connection].join("/");
const sessionOf = (row) => row.ssh_info && session(row.workspace_id, row.agent_name, row.ssh_info.connection_id);

export class Rows {
  constructor(page) {
    this.all = page.connection_logs;
    this.next = page.next ?? null;
    this.ids = new Map();
    this.sessions = new Map();
    this.all.forEach((row) => this.know(row));
  }

  know(row) {
    this.ids.set(row.id, row);
    if (row.ssh_info?.connection_id) this.sessions.set(sessionOf(row), row);
  }

  // The next page. Rows that live brought already are left out.
  append(page) {
    const added = page.connection_logs.filter((row) => !this.ids.has(row.id));
    added.forEach((row) => { this.know(row); this.all.push(row); });
    this.next = page.next ?? null;
    return added;
  }

  // Takes the newest rows in and says how many are new. `ask` gives a page after a cursor. Where so many have come that
  // the rows known before are not reached in a few pages, those are let go: a list with a hole would mislead.
  async renew(ask) {
    const newest = this.all[0], found = [];
    let page, after = null;
    // A page goes on after its last row, or after where it has looked back to.
    const isReached = () => !newest || placesNewerFirst(newest.connlog.cursor, after) <= 0;
    do {
      page = await ask(after);
      found.push(...page.connection_logs);
      after = page.next ?? null;
    } while (after && !isReached() && found.length < mostNew);
    if (!found.length) return 0;
    const fresh = found.filter((row) => !this.ids.has(row.id)).length;
    if (after && (!newest || !isReached())) {
      Object.assign(this, new Rows({ connection_logs: found, next: after }));
      return fresh;
    }
    this.take(found);
    return fresh;
  }

  // Rows that reach down into the known ones, which are replaced where both have them.
  take(found) {
    const oldest = found[found.length - 1];
    let end = this.all.findIndex((row) => newerFirst(oldest, row) < 0);
    if (end < 0) end = this.all.length;
    const head = new Map(this.all.slice(0, end).map((row) => [row.id, row]));
    found.forEach((row) => { head.set(row.id, row); this.know(row); });
    this.all = [...head.values()].sort(newerFirst).concat(this.all.slice(end));
  }

  // A disconnect of a row that is too old to be among the newest.
  end(event) {
    const row = this.sessions.get(session(event.workspace_id, event.agent_name, event.connection_id));
    if (event.event !== "disconnected" || !row || row.ssh_info.disconnect_time) return;
    row.ssh_info.disconnect_time = event.time;
    row.ssh_info.disconnect_reason ??= event.disconnect_reason || undefined;
    row.ssh_info.exit_code ??= event.code ?? undefined;
    row.connlog.status = "completed";
  }
}
