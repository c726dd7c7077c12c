// The page: state in the URL, and what happens when it changes.
import { $, el, named } from "./dom.js";
import * as api from "./api.js";
import { Rows } from "./rows.js";
import { Timeline } from "./list.js";
import { FilterBox, menus, views, valueOf, withTerm } from "./filter.js";
import { showDetails } from "./details.js";
import { overTime, concurrent, bars, gantt } from "./charts.js";
import { Counted } from "./counted.js";
import { Live } from "./live.js";
import { setUTC, isUTC, zoneName, length, dayOf } from "./time.js";

// Beyond `mostRows` nobody looks for anything by scrolling, and browsers end at some 300,000 rows' height.
const pageRows = 100, mostRows = 200_000;
const state = { query: "", view: "list", rows: null, loading: false, live: null };
let box, timeline, known = { users: [], organizations: [], workspaces: [] }, asking, early = null;

const counted = new Counted($("count"));
const say = (text) => { $("announce").textContent = text; };

// MARK: the URL

function read() {
  const parameters = new URLSearchParams(location.search);
  state.query = parameters.get("filter") || "";
  state.view = ["list", "charts", "day"].includes(parameters.get("view")) ? parameters.get("view") : "list";
  box.input.value = state.query;
}

function go(query, view = state.view) {
  const parameters = new URLSearchParams();
  if (query) parameters.set("filter", query);
  if (view !== "list") parameters.set("view", view);
  const text = parameters.toString();
  history.pushState(null, "", text ? "?" + text : location.pathname);
  read();
  refresh();
}

// MARK: what is shown

async function refresh() {
  asking?.abort();
  asking = new AbortController();
  box.complain(null);
  $("menus").replaceChildren(...menus(box, known));
  $("views").replaceChildren(...views(box));
  const q = state.query ? { q: state.query } : {};
  $("csv").href = api.url("/export", { ...q, format: "csv" });
  $("jsonl").href = api.url("/export", { ...q, format: "jsonl" });
  for (const name of ["list", "charts", "day"]) {
    $(name).hidden = state.view !== name;
    $("tab-" + name).setAttribute("aria-selected", String(state.view === name));
    $("tab-" + name).tabIndex = state.view === name ? 0 : -1;
  }
  stopLive();
  try {
    await ({ list: showList, charts: showCharts, day: showDay })[state.view](asking.signal);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

function fail(error) {
  if (error.status === 401) return showLogin(error);
  if (error.status === 400) box.complain(error);
  $("count").textContent = "";
  const words = error.status === 403 ? "You may not see connections: this token is not for that." : error.status ? error.message : "The server does not answer.";
  const again = error.status === 400 ? null : el("button", { type: "button", onclick: refresh }, "Try again");
  const place = $(state.view);
  place.replaceChildren(el("div", { class: "empty" }, el("p", { class: "error" }, words), el("p", {}, error.detail || ""), again));
  timeline = null;
  state.rows = null;
}

async function showList(signal) {
  $("count").textContent = "Looking…";
  const asked = early ?? api.list({ q: state.query, limit: pageRows }, signal);
  early = null;
  let page = await asked;
  const rows = new Rows(page);
  state.rows = rows;
  state.loading = false;
  counted.page = page;
  // Nothing yet does not say that there is nothing.
  while (!rows.all.length && rows.next) {
    counted.looking(rows, page);
    page = await api.list({ q: state.query, limit: pageRows, after: rows.next }, signal);
    if (rows !== state.rows) return;
    rows.append(page);
  }
  counted.tell(rows, page);
  if (!rows.all.length) return empty();
  if (!timeline?.scroller.isConnected) {
    $("list").replaceChildren();
    timeline = new Timeline($("list"), { open: (row) => showDetails(row, (query) => box.apply(query)), more });
  }
  timeline.scroller.scrollTop = 0;
  timeline.set(rows.all);
  learn(rows.all);
}

async function empty() {
  timeline = null;
  const message = el("div", { class: "empty" }, el("p", {}, state.query ? "No connection matches this filter." : "No connection logs available."));
  $("list").replaceChildren(message);
  const terms = state.query.match(/(?:[^\s"]|"[^"]*")+/g) || [];
  if (terms.length < 2) return;
  for (const term of terms) {
    const { count, count_exact } = await api.list({ q: terms.filter((other) => other !== term).join(" "), limit: 1 });
    if (count) message.append(el("p", {}, "Without ", named(term, "code"), `: ${count > 2000 ? "more than 2,000" : count_exact ? count : `at least ${count}`} `, el("button", { type: "button", onclick: () => box.apply(terms.filter((other) => other !== term).join(" ")) }, "Take it out")));
  }
}

// So many more rows that whoever scrolls has something to look at: the server may be out of time before it has found them.
async function more() {
  const { rows, query } = state, all = rows?.all;
  if (!rows?.next || state.loading) return;
  if (rows.all.length >= mostRows) return endList(rows, "The list ends here: narrow the filter, or export all of it.");
  state.loading = true;
  try {
    const start = rows.all.length;
    let page;
    do {
      page = await api.list({ q: query, limit: pageRows * 5, after: rows.next });
      // Live may have replaced the rows meanwhile: whoever still looks at the end asks again.
      if (rows !== state.rows || rows.all !== all || !timeline || query !== state.query || state.view !== "list") return;
      const from = rows.all.length;
      learn(rows.append(page));
      timeline.extend(rows.all, from);
      counted.tell(rows, page);
    } while (page.is_complete === false && rows.next && rows.all.length - start < pageRows && rows.all.length < mostRows);
    counted.tell(rows);
  } catch (error) {
    endList(rows, `The rest could not be loaded: ${error.message}`);
  } finally {
    if (rows === state.rows) state.loading = false;
  }
}

// Nothing more will be loaded, and everyone is told why, not only who listens.
function endList(rows, words) {
  rows.next = null;
  if (rows !== state.rows) return;
  $("count").textContent = `${rows.all.length.toLocaleString()} connections here. ${words}`;
  say(words);
}

// Workspaces that were seen, for completion.
function learn(rows) {
  const names = new Set(known.workspaces);
  for (const row of rows) if (names.size < 500) names.add(row.workspace_name);
  if (names.size === known.workspaces.length) return;
  known.workspaces = [...names].sort();
  $("menus").replaceChildren(...menus(box, known));
}

// MARK: charts

function range() {
  const time = (key) => {
    const text = valueOf(state.query, key).toUpperCase();
    const ago = /^-(\d+)([SMHDW])$/.exec(text);
    if (ago) return Date.now() - ago[1] * { S: 1e3, M: 6e4, H: 36e5, D: 864e5, W: 6048e5 }[ago[2]];
    return text ? Date.parse(text) : NaN;
  };
  return { from: time("connected_after"), to: time("connected_before") };
}

async function showCharts(signal) {
  let { from, to } = range();
  if (Number.isNaN(from) || Number.isNaN(to)) {
    const { connection_logs } = await api.rows({ q: state.query, limit: 1 }, signal);
    const newest = connection_logs.length ? Date.parse(connection_logs[0].connect_time) : Date.now();
    // Without times: the week before the newest connection there is.
    if (Number.isNaN(to)) to = Number.isNaN(from) ? newest + 6e5 : Date.now();
    if (Number.isNaN(from)) from = await busyStart(to, signal);
  }
  $("count").textContent = "";
  const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const q = state.query ? { q: state.query } : {};
  const [all, refused] = await Promise.all([
    api.stats({ ...q, ...times }, signal), api.stats({ q: `${state.query} code:400-599`.trim(), ...times }, signal),
  ]);
  const pick = (query) => box.apply(query);
  const people = (list, key) => list.slice(0, 10).map((one) => ({ name: one.username || one.id, count: one.count, query: one.username && withTerm(state.query, key, one.username) }));
  $("charts").replaceChildren(el("div", { class: "grid" },
    overTime(all, (a, b) => go(withTerm(withTerm(state.query, "connected_after", a.toISOString()), "connected_before", b.toISOString()))),
    concurrent(all),
    bars("Top users", people(all.users, "username"), pick),
    bars("Top owners", people(all.workspace_owners, "workspace_owner"), pick),
    bars("Top workspaces", all.workspaces.slice(0, 10).map((one) => ({ name: one.name || one.id, count: one.count, query: withTerm(state.query, "workspace_id", one.id) })), pick),
    bars("How long connections lasted", all.durations.map((one) => ({ name: one.label, count: one.count }))),
    bars("Refused or failed, by user", people(refused.users, "username"), pick),
    bars("Refused or failed, by workspace", refused.workspaces.slice(0, 10).map((one) => ({ name: one.name || one.id, count: one.count, query: withTerm(withTerm(state.query, "workspace_id", one.id), "code", "400-599") })), pick)));
}

// A week back, or less if all there is fills only a small part of that.
async function busyStart(to, signal) {
  const week = to - 7 * 864e5;
  const times = { from: new Date(week).toISOString(), to: new Date(to).toISOString() };
  const { buckets, interval_seconds } = await api.stats({ ...(state.query && { q: state.query }), ...times }, signal);
  const first = buckets.length ? Date.parse(buckets[0].time) : week;
  return to - first < 2 * 864e5 ? Math.max(week, first - interval_seconds * 250) : week;
}

async function showDay(signal) {
  const { connection_logs } = await api.rows({ q: state.query, limit: 1 }, signal);
  const newest = connection_logs[0];
  const { to } = range();
  const end = new Date(Number.isNaN(to) ? Date.parse(newest?.connect_time ?? new Date().toISOString()) : to);
  const from = isUTC() ? Date.UTC(end.getUTCFullYear(), end.getUTCMonth(), end.getUTCDate()) : new Date(end.getFullYear(), end.getMonth(), end.getDate()).getTime();
  const until = from + 864e5;
  const query = withTerm(withTerm(state.query, "connected_after", new Date(from - 864e5).toISOString()), "connected_before", new Date(until - 1).toISOString());
  const page = await api.rows({ q: query, limit: 500 }, signal);
  const rows = page.connection_logs.filter((row) => Date.parse(row.ssh_info?.disconnect_time ?? row.connect_time) >= from || row.connlog.status === "open");
  $("count").textContent = `${rows.length}${page.next ? "+" : ""} connections on ${dayOf(from)}`;
  const move = (days) => el("button", { type: "button", onclick: () => go(withTerm(state.query, "connected_before", new Date(from + days * 864e5 + 864e5 - 1000).toISOString())) }, days < 0 ? "Day before" : "Day after");
  const hint = /(workspace|username|workspace_owner)/.test(state.query) ? null : el("p", { class: "subtitle" }, "Choose one workspace, user or owner above to see their day alone.");
  $("day").replaceChildren(el("p", {}, move(-1), " ", move(1)), hint ?? "", rows.length ? el("figure", {}, el("figcaption", {}, dayOf(from)), gantt(rows, from, until, (row) => showDetails(row, (query) => box.apply(query)))) : el("div", { class: "empty" }, "No connection on this day."));
}

// MARK: live

function stopLive() {
  state.live?.close();
  state.live = null;
  $("live").setAttribute("aria-pressed", "false");
  $("live").textContent = "Live";
}

function toggleLive() {
  if (state.live) {
    stopLive();
    return say("Paused");
  }
  $("live").setAttribute("aria-pressed", "true");
  const follow = async (events) => {
    const { rows, query, live } = state;
    if (!live || state.view !== "list") return;
    if (!rows || !timeline?.scroller.isConnected) return showList(asking.signal);
    events.forEach((event) => rows.end(event));
    const fresh = await rows.renew((after) => api.list({ q: query, limit: 200, ...(after && { after }) }));
    if (rows !== state.rows || live !== state.live) return;
    timeline.set(rows.all, { fresh });
    say(`${events.length} new events`);
  };
  state.live = new Live(state.query, { events: (events) => follow(events).catch((error) => say(error.message)), state: (words) => { if (state.live) $("live").textContent = "Live: " + words; } });
}

// Open connections grow older while one looks.
setInterval(() => {
  for (const badge of document.querySelectorAll("[data-since]")) badge.textContent = "open " + length(Date.now() - Date.parse(badge.dataset.since));
}, 1000);

// MARK: dialogs

function note(title, ...children) {
  $("note").replaceChildren(el("h2", { id: "note-title" }, title), ...children, el("p", {}, el("button", { type: "button", autofocus: true, onclick: () => $("note").close() }, "Close")));
  $("note").showModal();
}

// Every number of a part of the status, whatever it has: part, name, value.
function figures(part, values) {
  return Object.entries(values).flatMap(([key, value]) => {
    if (typeof value === "number") return [[part, key, value]];
    if (key === "figures") return value.map((own) => [part, [own.name, ...Object.values(own.labels)].join(" "), own.value]);
    if (!value || typeof value !== "object" || Array.isArray(value)) return [];
    return Object.entries(value).map(([label, count]) => [part, `${key} ${label}`, count]);
  });
}

function figureTable(found) {
  const parts = [["queue", found.queue], ["server", found.server ?? {}], ["http", found.http ?? {}], ...found.sources.map((part) => [`source ${part.name}`, part]), ...found.sinks.map((part) => [`sink ${part.name}`, part])];
  const { queue, server, http, sources, sinks, stuck, ...own } = found;
  const rows = [...figures("connlog", own), ...parts.flatMap(([name, part]) => figures(name, part))];
  if (!rows.length) return "";
  return el("details", {}, el("summary", {}, "All figures"), el("table", {}, el("thead", {}, el("tr", {}, ...["Part", "Figure", "Value"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows.map(([part, name, value]) => el("tr", {}, el("td", {}, named(part, "span")), el("td", {}, name), el("td", { class: "number" }, value.toLocaleString()))))));
}

async function showHealth() {
  const found = await api.status();
  const sinks = found.sinks.map((sink) => el("tr", {}, el("td", {}, named(sink.name, "span")), el("td", {}, sink.type),
    el("td", {}, el("span", { class: "badge " + ({ working: "good", holding: "bad", retrying: "warn" }[sink.state] || "") }, sink.state)),
    el("td", { class: "number" }, sink.lag?.toLocaleString() ?? "–"), el("td", { class: "number" }, sink.delivered?.toLocaleString() ?? "–"), el("td", {}, sink.last_error ? named(sink.last_error, "span", 300) : "–")));
  // Whoever may see some organizations only gets no figures.
  const wait = found.queue.waiting === undefined ? "" : `; ${found.queue.waiting.toLocaleString()} events wait, and it takes ${(found.queue.bytes / 1048576).toFixed(1)} MiB`;
  note("Health", el("p", {}, `connlog ${found.version}. Queue: ${found.queue.words || found.queue.state}${wait}.`),
    el("table", {}, el("thead", {}, el("tr", {}, ...["Sink", "Type", "State", "Lag", "Delivered", "Last error"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...sinks)), figureTable(found));
}

const showWhy = () => note("Why are some events missing?",
  el("p", {}, "Coder logs connections as well as it can. An agent that is killed loses what it has not reported yet; one whose queue is full drops reports; a page or port that is opened again within an hour is logged once; without a licence nothing is logged at all."),
  el("p", {}, "connlog keeps what coderd's log holds: each event once, from when the log was first followed, for as long as the retention says. A connection whose end was never reported stays open; after a while it is shown as “end unknown”."));

// MARK: login

// Whoever was logged in is told why that is over.
function showLogin(error) {
  $("content").hidden = true;
  $("login").hidden = false;
  $("login-error").textContent = /^This login is over/.test(error?.detail) ? error.detail : "";
  $("token").focus();
  showWays().catch(() => {});
}

// Issuers first; where there are no tokens, nothing asks for one.
async function showWays() {
  const { tokens, coder, oidc } = await api.ways();
  $("login-form").hidden = oidc.length > 0 && !tokens && !coder;
  $("token-help").hidden = $("login-form").hidden;
  $("ways").hidden = oidc.length === 0;
  $("ways").replaceChildren(...oidc.map(({ name, label }) =>
    el("li", {}, el("a", { href: "login/oidc?" + new URLSearchParams({ way: name }) }, `Sign in with ${label}`))));
}

async function logIn(event) {
  event.preventDefault();
  $("login-error").textContent = "";
  try {
    await api.login($("token").value.trim());
    $("token").value = "";
    await start();
  } catch (error) {
    $("login-error").textContent = error.status === 401 ? "This token is not good." : [error.message, error.detail].filter(Boolean).join(" ");
    $("token").select();
  }
}

// MARK: start

async function start() {
  let who;
  read();
  // Before it is known who asks: the first rows are there one round trip earlier.
  early = state.view === "list" ? api.list({ q: state.query, limit: pageRows }) : null;
  early?.catch(() => {});
  const names = api.names().catch(() => ({ users: [], organizations: [], workspaces: [] }));
  try {
    who = await api.me();
  } catch (error) {
    if (error.status === 401) return showLogin(error);
    $("content").hidden = false;
    return fail(error);
  }
  $("login").hidden = true;
  $("content").hidden = false;
  $("logout").hidden = who.login_type === "none";
  refresh();
  const found = await names;
  known = { users: found.users, organizations: found.organizations, workspaces: known.workspaces };
  box.known = known;
  $("menus").replaceChildren(...menus(box, known));
}

function theme(next) {
  const order = ["auto", "light", "dark"];
  const now = localStorage.getItem("theme") || "auto";
  const chosen = next ? order[(order.indexOf(now) + 1) % 3] : now;
  localStorage.setItem("theme", chosen);
  document.documentElement.dataset.theme = chosen;
  $("theme").textContent = "Theme: " + chosen;
}

function zone() {
  $("zone").textContent = zoneName();
}

box = new FilterBox((query) => go(query));
$("login-form").addEventListener("submit", logIn);
$("logout").addEventListener("click", async () => { await api.logout(); location.reload(); });
$("health").addEventListener("click", () => showHealth().catch((error) => note("Health", el("p", { class: "error" }, error.message))));
$("why").addEventListener("click", showWhy);
$("theme").addEventListener("click", () => theme(true));
$("zone").addEventListener("click", () => { setUTC(!isUTC()); zone(); refresh(); });
$("live").addEventListener("click", toggleLive);
for (const name of ["list", "charts", "day"]) {
  $("tab-" + name).addEventListener("click", () => go(state.query, name));
  $("tab-" + name).addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: 2 }[event.key];
    if (!step) return;
    const all = ["list", "charts", "day"];
    const other = all[(all.indexOf(name) + step) % 3];
    go(state.query, other);
    $("tab-" + other).focus();
  });
}
document.addEventListener("keydown", (event) => {
  const typing = /INPUT|SELECT|TEXTAREA/.test(document.activeElement?.tagName) || document.querySelector("dialog[open]");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    box.input.focus();
  }
});
window.addEventListener("popstate", () => { read(); refresh(); });
theme(false);
zone();
start();
