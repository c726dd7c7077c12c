// The filter box: completion while typing, mistakes at the word that is wrong, menus that write terms.
import { el, $ } from "./dom.js";
import { typeLabel } from "./row.js";

const keys = {
  type: "what it is", method: "how it is made", app: "the client's app", workspace_owner: "owner's user name, or me",
  workspace_owner_email: "owner's address", person: "who it was, recorded or inferred, or me", username: "who acted, or me", user_email: "their address",
  organization: "name or id", workspace: "workspace's name", workspace_id: "its id", agent: "agent's name",
  connection_id: "its id", status: "open, unconfirmed, lost, completed", during: "2026-03-03..2026-03-05, -24h", port: "8080, 8000-8999", hour: "08-18", day: "sat,sun, mon-fri", reason: "part of it", client_session_id: "its id", new: "ip", connected_after: "a time, or -24h", connected_before: "a time, or -1h",
  duration: ">1h, <=90s, 5m-2h", code: "403, 400-599", ip: "an address, or 10.0.0.0/8", event: "connected or disconnected",
};
const values = {
  type: ["ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel"],
  method: ["ssh", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel"],
  status: ["open", "unconfirmed", "lost", "completed", "start_unknown", "ongoing"], during: ["-24h", "-7d", "-30d"], hour: ["08-18", "18-08"], day: ["sat,sun", "mon-fri"], new: ["ip"], event: ["connected", "disconnected"], connected_after: ["-1h", "-24h", "-7d", "-30d"],
  connected_before: ["-1h", "-24h"], code: ["400-599", "403", "0", "1-255"], duration: [">1h", ">8h", "<1m"],
};

const quoted = (value) => (/[\s:"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value);

// The words of a query: blanks outside quotes part them.
export function words(query) {
  return [...query.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map((match) => ({ text: match[0], start: match.index }));
}

export function valueOf(query, key) {
  const word = words(query).find((candidate) => candidate.text.startsWith(key + ":"));
  return word ? word.text.slice(key.length + 1).replace(/^"|"$/g, "") : "";
}

// Sets one key of a query, or takes it out.
export function withTerm(query, key, value) {
  const rest = words(query).map((word) => word.text).filter((text) => !text.startsWith(key + ":"));
  if (value) rest.push(`${key}:${quoted(value)}`);
  return rest.join(" ");
}

export class FilterBox {
  constructor(apply) {
    this.input = $("query");
    this.list = $("suggestions");
    this.apply = apply;
    this.known = { users: [], organizations: [], workspaces: [] };
    this.chosen = -1;
    this.input.addEventListener("input", () => this.suggest());
    this.input.addEventListener("focus", () => this.suggest());
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.input.addEventListener("keydown", (event) => this.key(event));
    $("filter").addEventListener("submit", (event) => {
      event.preventDefault();
      this.close();
      apply(this.input.value.trim());
    });
  }

  get value() { return this.input.value.trim(); }

  candidates() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const word = /(?:[^\s"]|"[^"]*"?)*$/.exec(before)[0];
    const start = before.length - word.length;
    const negated = word.startsWith("-") ? "-" : "";
    const [key, ...rest] = word.slice(negated.length).split(":");
    if (!rest.length) {
      return Object.entries(keys).filter(([name]) => name.startsWith(key) && (key || !negated))
        .map(([name, help]) => ({ start, text: `${negated}${name}:`, help, open: true }));
    }
    const typed = rest.join(":").replaceAll('"', "").toLowerCase();
    const people = this.known.users.map((user) => user.username);
    const more = {
      workspace_owner: ["me", ...people], person: ["me", ...people], username: ["me", ...people], organization: this.known.organizations.map((one) => one.name),
      workspace_owner_email: this.known.users.map((user) => user.email).filter(Boolean), user_email: this.known.users.map((user) => user.email).filter(Boolean),
      workspace: this.known.workspaces,
    };
    return (values[key] || more[key] || []).filter((value) => value && value.toLowerCase().includes(typed)).slice(0, 50)
      .map((value) => ({ start, text: `${negated}${key}:${quoted(value)} `, help: values.type.includes(value) ? typeLabel(value) : "" }));
  }

  suggest() {
    const found = this.candidates();
    this.found = found;
    this.chosen = -1;
    this.list.replaceChildren(...found.map((one, index) => el("li", {
      role: "option", id: "suggestion-" + index, "aria-selected": "false",
      onmousedown: (event) => { event.preventDefault(); this.take(index); },
    }, one.text.trim(), one.help ? el("span", { class: "help" }, "  " + one.help) : "")));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    this.list.children[index]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", "suggestion-" + index);
  }

  take(index) {
    const one = this.found[index];
    const after = this.input.value.slice(this.input.selectionStart);
    this.input.value = this.input.value.slice(0, one.start) + one.text + after.trimStart();
    const place = one.start + one.text.length;
    this.input.setSelectionRange(place, place);
    this.input.focus();
    if (one.open) this.suggest(); else this.close();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.key === "Escape") return this.close();
    if (this.list.hidden) return;
    const count = this.found.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.choose((this.chosen + (event.key === "ArrowDown" ? 1 : count - 1) + (this.chosen < 0 && event.key === "ArrowUp" ? 1 : 0)) % count);
    } else if ((event.key === "Enter" || event.key === "Tab") && this.chosen >= 0) {
      event.preventDefault();
      this.take(this.chosen);
    }
  }

  // Says what is wrong, and marks the first wrong word. Places come in bytes of UTF-8.
  complain(error) {
    const box = $("query-error");
    this.input.setAttribute("aria-invalid", error ? "true" : "false");
    if (!error) return box.replaceChildren();
    const lines = error.validations?.length ? error.validations.map((one) => `${one.field}: ${one.detail}`) : [error.message, error.detail || ""];
    box.textContent = lines.filter(Boolean).join("\n");
    const first = error.validations?.find((one) => one.start !== undefined);
    if (!first) return;
    const bytes = new TextEncoder().encode(this.input.value);
    const place = (count) => new TextDecoder().decode(bytes.slice(0, count)).length;
    this.input.focus();
    this.input.setSelectionRange(place(first.start), place(first.end));
    this.close();
  }
}

const presets = [
  ["Everything", ""], ["Active SSH connections", "status:ongoing method:ssh"], ["Last 24 hours", "connected_after:-24h"],
  ["Refused or failed", "code:400-599"], ["Longer than 8 hours", "duration:>8h"],
];

// Menus and presets; each writes one term of the query.
export function menus(box, known) {
  const query = () => box.value;
  const menu = (label, key, choices) => {
    const now = valueOf(query(), key);
    const options = choices.some(([value]) => value === now) || !now ? choices : [...choices, [now, now]];
    return el("label", {}, label, el("select", {
      "data-key": key, onchange: (event) => box.apply(withTerm(query(), key, event.target.value)),
    }, ...options.map(([value, name]) => el("option", { value, selected: value === now }, name))));
  };
  const people = known.users.map((user) => [user.username, user.username]);
  const date = (label, key) => el("label", {}, label, el("input", {
    type: "date", "data-key": key, value: /^\d{4}-\d\d-\d\d/.exec(valueOf(query(), key).toUpperCase())?.[0] ?? "",
    onchange: (event) => {
      const day = event.target.value;
      box.apply(withTerm(query(), key, day && `${day}T${key === "connected_after" ? "00:00:00" : "23:59:59"}Z`));
    },
  }));
  return [
    menu("Owner", "workspace_owner", [["", "All owners"], ["me", "Me"], ...people]),
    menu("Person", "person", [["", "Everybody"], ["me", "Me"], ...people]),
    ...(known.organizations.length > 1 ? [menu("Organization", "organization", [["", "All organizations"], ...known.organizations.map((one) => [one.name, one.display_name || one.name])])] : []),
    menu("Type", "type", [["", "All types"], ...values.type.map((value) => [value, typeLabel(value)])]),
    menu("Status", "status", [["", "All sessions"], ["ongoing", "Ongoing"], ["completed", "Completed"]]),
    menu("Workspace", "workspace", [["", "All workspaces"], ...known.workspaces.map((name) => [name, name])]),
    date("From", "connected_after"), date("To", "connected_before"),
  ];
}

export function views(box) {
  const saved = JSON.parse(localStorage.getItem("views") || "[]");
  const store = (list) => {
    localStorage.setItem("views", JSON.stringify(list));
    $("views").replaceChildren(...views(box));
  };
  const all = [...presets, ...saved];
  return [
    el("label", {}, el("span", {}, "Views "), el("select", {
      id: "presets", onchange: (event) => event.target.value !== "-" && box.apply(all[Number(event.target.value)][1]),
    }, el("option", { value: "-" }, "Choose…"), ...all.map(([name], index) => el("option", { value: index }, name)))),
    el("button", {
      type: "button", id: "save-view", onclick: () => {
        const name = prompt("Name of this view");
        if (name) store([...saved.filter(([old]) => old !== name), [name, box.value]]);
      },
    }, "Save this view"),
    ...(saved.length ? [el("button", { type: "button", onclick: () => store([]) }, "Forget saved views")] : []),
  ];
}
