// One connection in one sentence, as Coder's page has it, and a little more.
import { el, named } from "./dom.js";
import { clock, length, dayOf } from "./time.js";

const methods = {
  ssh: "SSH", vscode: "VS Code", jetbrains: "JetBrains", reconnecting_pty: "Web Terminal", workspace_app: "Workspace App",
  port_forwarding: "Port Forwarding", tunnel: "Tunnel",
};
export const typeName = (row) => row.app_display_name || methods[row.type] || row.type || "Unknown";
export const typeLabel = (type) => methods[type] || type;

export const ownerName = (row) => row.workspace_owner_username || row.workspace_owner_id.slice(0, 8);

function place(row, user) {
  const owner = user && user === row.workspace_owner_username ? "their" : null;
  return [owner ? "their " : named(ownerName(row), "span"), owner ? "" : "'s ", named(row.workspace_name), " workspace"];
}

// Whom the server takes an agent's connection to be of, and why.
export const inferred = (row) => row.connlog?.person ?? null;
export function basis(row) {
  const words = row.connlog?.person_basis ?? "none";
  const of = /^nearest_of_(\d+)$/.exec(words);
  if (of) return `Inferred: of ${of[1]} users who were let in before, this one came last`;
  return {
    recorded: "The event names this user", session: "Inferred: the same client session is this user's",
    only_candidate: "Inferred: nobody else was let in before",
  }[words] ?? "Nobody can be named";
}

export function sentence(row) {
  const web = row.web_info;
  if (!web) {
    const agent = row.agent_name ? [" (agent ", named(row.agent_name, "span", 40), ")"] : [];
    const person = inferred(row);
    const by = person ? [" by ", el("span", { class: "person", title: basis(row) }, row.connlog.person_basis === "recorded" ? "" : "≈", named(person, "span"))] : [];
    return [typeName(row), " session to ", ...place(row), ...agent, ...by];
  }
  const who = web.user ? named(web.user.username || web.user.id.slice(0, 8)) : null;
  const user = web.user?.username;
  const failed = web.status_code >= 400;
  if (row.type === "tunnel") {
    return [who || "Unknown user", failed ? " was denied a tunnel to " : " established a tunnel to ", ...place(row, user)];
  }
  const port = row.type === "port_forwarding";
  const verb = web.status_code === 303
    ? (port ? " was redirected attempting to access " : " was redirected attempting to open ")
    : failed ? (port ? " unsuccessfully attempted to access " : " unsuccessfully attempted to open ")
    : port ? " accessed " : " opened ";
  return [who || "Unauthenticated user", verb, port ? "port " : "", named(web.slug_or_port || "?"), " in ", ...place(row, user)];
}

const meanings = {
  101: "accepted: the tunnel was allowed", 200: "OK", 303: "redirected, usually to log in", 401: "not logged in",
  403: "not allowed", 404: "not found", 502: "the app did not answer", 503: "the app was not available",
};
export function codeMeaning(row) {
  if (row.web_info) return `HTTP status ${row.web_info.status_code}${meanings[row.web_info.status_code] ? ": " + meanings[row.web_info.status_code] : ""}`;
  const code = row.ssh_info.exit_code;
  const known = code === 0 ? ": ended by itself" : code > 128 && code < 160 ? `: ended by signal ${code - 128}` : code === 255 ? ": connection failed" : "";
  return `Exit code ${code}${known}`;
}

export function codeBadge(row) {
  const code = row.web_info ? row.web_info.status_code : row.ssh_info.exit_code;
  if (code === undefined || (row.web_info && code === 0)) return null;
  const bad = row.web_info ? code >= 400 : code !== 0;
  const words = codeMeaning(row);
  return el("span", { class: "badge " + (bad ? "bad" : "good"), title: words, "aria-label": words }, String(code));
}

export function stateBadge(row, now = Date.now()) {
  const state = row.connlog?.status;
  if (state === "open") {
    const badge = el("span", { class: "badge good", "data-since": row.connect_time, title: "This connection is open" });
    badge.textContent = "open " + length(now - Date.parse(row.connect_time));
    return badge;
  }
  if (state === "unconfirmed") return el("span", { class: "badge warn", title: "No end was reported, and it was not heard of for a day" }, "unconfirmed");
  if (state === "start_unknown") return el("span", { class: "badge", title: "Only its end was reported" }, "start unknown");
  if (state === "lost") return el("span", { class: "badge warn", title: "Its end was never reported" }, "end unknown");
  if (state === "completed") return el("span", { class: "badge", title: "How long it lasted" }, length(row.connlog.duration_ms));
  return null;
}

export function times(row) {
  const end = row.ssh_info?.disconnect_time;
  if (!end) return clock(row.connect_time);
  const other = dayOf(end) !== dayOf(row.connect_time);
  return `${clock(row.connect_time)} → ${other ? dayOf(end) + " " : ""}${clock(end)}`;
}

export function initial(row) {
  const user = row.web_info?.user;
  return user ? (Array.from(user.username || "?")[0] || "?").toUpperCase() : row.web_info ? "?" : "⇄";
}

export function browser(agent) {
  const found = /(Edg|OPR|Firefox|Chrome|Version)\/(\d+)/.exec(agent) || /^([\w-]+)\/([\d.]+)/.exec(agent);
  const system = /Windows|Mac OS X|Android|iPhone|Linux|CrOS/.exec(agent);
  const name = found ? ({ Edg: "Edge", OPR: "Opera", Version: "Safari" }[found[1]] || found[1]) + " " + found[2] : "";
  return [name, system ? system[0].replace("Mac OS X", "macOS") : ""].filter(Boolean).join(" on ");
}
