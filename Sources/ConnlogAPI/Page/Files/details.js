// The drawer: everything about one connection, its events as received, and the rows that explain it.
import { el, named, $ } from "./dom.js";
import * as api from "./api.js";
import { sentence, times, codeMeaning, stateBadge, typeName, browser, basis, inferred } from "./row.js";

const copy = (text) => el("button", {
  type: "button", "aria-label": "Copy " + text, onclick: async (event) => {
    await navigator.clipboard.writeText(text);
    event.target.textContent = "copied";
  },
}, "copy");

function fact(list, name, value, copies) {
  if (value === undefined || value === null || value === "") return;
  const text = String(value);
  list.append(el("dt", {}, name), el("dd", {}, named(text, "span", 2000), copies ? copy(text) : null));
}

function facts(row) {
  const list = el("dl", {});
  const web = row.web_info, ssh = row.ssh_info;
  fact(list, "Time", times(row));
  fact(list, "Began", row.connect_time);
  fact(list, "Ended", ssh?.disconnect_time);
  fact(list, "Type", typeName(row) + ` (${row.connection_method}${row.connlog?.type_text ? ", " + row.connlog.type_text : ""})`);
  if (web || ssh.exit_code !== undefined) fact(list, "Outcome", codeMeaning(row));
  fact(list, "Close reason", ssh?.disconnect_reason);
  fact(list, "Address", row.ip, true);
  fact(list, "User", web?.user && (web.user.username || web.user.id));
  if (ssh) {
    fact(list, "Who it was", inferred(row) && (row.connlog.person_basis === "recorded" ? "" : "≈") + inferred(row));
    fact(list, "On what grounds", basis(row));
  }
  fact(list, "E-mail", web?.user?.email);
  fact(list, "App or port", web?.slug_or_port);
  fact(list, "Browser", web && browser(web.user_agent));
  fact(list, "User agent", web?.user_agent);
  fact(list, "Workspace", row.workspace_name);
  fact(list, "Agent", row.agent_name);
  fact(list, "Owner", row.workspace_owner_username);
  fact(list, "Organization", row.organization.display_name || row.organization.name);
  fact(list, "Id", row.id, true);
  fact(list, "Connection id", ssh?.connection_id, true);
  fact(list, "Client session id", row.connlog?.client_session_id, true);
  fact(list, "User id", web?.user?.id, true);
  fact(list, "Workspace id", row.workspace_id, true);
  fact(list, "Owner id", row.workspace_owner_id, true);
  fact(list, "Organization id", row.organization.id, true);
  return list;
}

const around = (time, before, after) => {
  const at = Date.parse(time);
  return `connected_after:"${new Date(at - before).toISOString()}" connected_before:"${new Date(at + after).toISOString()}"`;
};

// What explains a row: a terminal's own session, the tunnel that tells who an agent's session was, the same connection.
function related(row) {
  const here = `workspace_id:${row.workspace_id}`;
  const asked = [];
  if (row.web_info?.slug_or_port === "terminal") {
    asked.push(["The terminal's session", `${here} type:reconnecting_pty ${around(row.connect_time, 5000, 60000)}`]);
  }
  if (row.ssh_info) {
    if (row.ssh_info.connection_id !== "00000000-0000-0000-0000-000000000000") {
      asked.push(["The same connection", `connection_id:${row.ssh_info.connection_id}`]);
    }
  }
  return asked;
}

export async function showDetails(row, ask) {
  const dialog = $("details");
  const events = el("div", {}, "…"), others = el("div", {});
  dialog.replaceChildren(
    el("h2", { id: "details-title" }, ...sentence(row)), el("p", {}, stateBadge(row)), facts(row),
    el("h3", {}, "Related"), others, el("h3", {}, "Events as received"), events,
    el("p", {}, el("button", { type: "button", onclick: () => dialog.close(), autofocus: true }, "Close"), " ",
      el("button", { type: "button", onclick: () => { dialog.close(); ask(`workspace_id:${row.workspace_id}`); } }, "All of this workspace"), " ",
      el("button", { type: "button", onclick: () => { dialog.close(); ask(`ip:"${row.ip}"`); }, disabled: !row.ip }, "All from this address")));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  try {
    const found = await api.details(row.id);
    events.replaceChildren(...found.events.map((event) => el("pre", { tabindex: "0", "aria-label": "Event " + event.number }, pretty(event.line))));
    if (!found.events.length) events.textContent = "They are no longer kept.";
  } catch (error) {
    events.textContent = error.message;
  }
  const show = (title, rows) => {
    if (rows.length) others.append(el("p", {}, title + ":"), el("ul", {}, ...rows.map((other) => el("li", {}, el("button", { type: "button", onclick: () => showDetails(other, ask) }, ...sentence(other), " · " + times(other))))));
  };
  const grounds = (row.connlog?.person_candidates ?? []).slice(0, 6).filter((candidate) => candidate.row);
  const found = await Promise.all(grounds.map((candidate) => api.details(candidate.row).catch(() => null)));
  show("Who it may have been, the likeliest first", found.filter(Boolean).map((one) => one.connection_log));
  for (const [title, query] of related(row)) {
    const { connection_logs } = await api.list({ q: query, limit: 6 });
    show(title, connection_logs.filter((other) => other.id !== row.id));
  }
  if (!others.children.length) others.textContent = "Nothing else explains it.";
}

function pretty(line) {
  try { return JSON.stringify(JSON.parse(line), null, 2); } catch { return line; }
}
