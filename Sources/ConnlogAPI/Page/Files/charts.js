// Charts as SVG, each with a table of its figures behind it.
import { el, svg, named } from "./dom.js";
import { short, length } from "./time.js";
import { typeLabel } from "./row.js";

const order = ["ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel", "other"];
const colour = (type) => "k" + Math.min(6, Math.max(0, order.indexOf(type)));
const width = 900, height = 220, left = 44, bottom = 24;

function table(headings, rows) {
  return el("details", {}, el("summary", {}, "Figures"), el("table", {},
    el("thead", {}, el("tr", {}, ...headings.map((name, i) => el("th", { class: i ? "number" : "", scope: "col" }, name)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, i) => el("td", { class: i ? "number" : "" }, cell instanceof Node ? cell : String(cell))))))));
}

function frame(title, max, from, to) {
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  for (const part of [0, 0.5, 1]) {
    const y = (height - bottom) - part * (height - bottom - 10);
    const label = svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" });
    label.textContent = String(Math.round(max * part));
    drawing.append(svg("line", { x1: left, x2: width, y1: y, y2: y, class: "axis" }), label);
  }
  for (const part of [0, 0.25, 0.5, 0.75]) {
    const label = svg("text", { x: left + part * (width - left), y: height - 6 });
    label.textContent = short(from + part * (to - from));
    drawing.append(label);
  }
  return drawing;
}

export function overTime(stats, brush) {
  const from = Date.parse(stats.from), to = Date.parse(stats.to), step = stats.interval_seconds * 1000;
  const total = (bucket) => Object.values(bucket.types).reduce((sum, count) => sum + count, 0);
  const max = Math.max(1, ...stats.buckets.map(total));
  const drawing = frame("Connections over time by type", max, from, to);
  const x = (time) => left + ((time - from) / (to - from)) * (width - left);
  const types = order.filter((type) => stats.types[type]);
  for (const bucket of stats.buckets) {
    const time = Date.parse(bucket.time);
    let y = height - bottom;
    for (const type of types) {
      const tall = ((bucket.types[type] || 0) / max) * (height - bottom - 10);
      if (!tall) continue;
      y -= tall;
      const bar = svg("rect", { x: x(time), y, width: Math.max(1, x(time + step) - x(time) - 1), height: tall, class: colour(type) });
      bar.append(svg("title", {}, `${short(time)}: ${bucket.types[type]} ${typeLabel(type)}`));
      drawing.append(bar);
    }
  }
  brushing(drawing, (a, b) => brush(new Date(from + a * (to - from)), new Date(from + b * (to - from))));
  const legend = el("div", { class: "legend" }, ...types.map((type) => el("span", {}, svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { width: 10, height: 10, class: colour(type) })), " ", `${typeLabel(type)} ${stats.types[type]}`)));
  return el("figure", { class: "wide" }, el("figcaption", {}, `Connections over time: ${stats.count}`), legend, drawing,
    el("p", { class: "subtitle" }, "Drag over the chart to look at a part of it."),
    table(["Time", ...types.map(typeLabel)], stats.buckets.map((bucket) => [short(Date.parse(bucket.time)), ...types.map((type) => bucket.types[type] || 0)])));
}

function brushing(drawing, done) {
  let start = null;
  const mark = svg("rect", { y: 0, height: height - bottom, class: "brush", width: 0 });
  drawing.append(mark);
  const place = (event) => {
    const box = drawing.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    return Math.min(1, Math.max(0, (at - left) / (width - left)));
  };
  drawing.addEventListener("pointerdown", (event) => { start = place(event); drawing.setPointerCapture(event.pointerId); });
  drawing.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const now = place(event);
    mark.setAttribute("x", left + Math.min(start, now) * (width - left));
    mark.setAttribute("width", Math.abs(now - start) * (width - left));
  });
  drawing.addEventListener("pointerup", (event) => {
    const end = place(event);
    mark.setAttribute("width", 0);
    if (start !== null && Math.abs(end - start) > 0.01) done(Math.min(start, end), Math.max(start, end));
    start = null;
  });
}

export function concurrent(stats) {
  const from = Date.parse(stats.from), to = Date.parse(stats.to);
  const points = stats.concurrent.map((point) => [Date.parse(point.time), point.count]);
  const max = Math.max(1, ...points.map(([, count]) => count));
  const drawing = frame("Agents' connections open at once", max, from, to);
  const path = points.map(([time, count], i) => `${i ? "L" : "M"}${left + ((time - from) / (to - from)) * (width - left)} ${(height - bottom) - (count / max) * (height - bottom - 10)}`).join("");
  drawing.append(svg("path", { d: path, class: "trace" }));
  return el("figure", { class: "wide" }, el("figcaption", {}, "Open at once (agents' connections)"), drawing,
    table(["Time", "Open"], points.map(([time, count]) => [short(time), count])));
}

export function bars(title, entries, pick) {
  const max = Math.max(1, ...entries.map((entry) => entry.count));
  const drawing = svg("svg", { viewBox: `0 0 400 ${Math.max(1, entries.length) * 20}`, role: "img", "aria-label": title });
  entries.forEach((entry, i) => {
    const label = svg("text", { x: 0, y: i * 20 + 14 });
    label.textContent = Array.from(entry.name).slice(0, 22).join("");
    const number = svg("text", { x: 396, y: i * 20 + 14, "text-anchor": "end" });
    number.textContent = String(entry.count);
    drawing.append(label, svg("rect", { x: 150, y: i * 20 + 4, width: Math.max(1, (entry.count / max) * 200), height: 12, class: "k0" }), number);
  });
  return el("figure", {}, el("figcaption", {}, title), entries.length ? drawing : el("p", { class: "subtitle" }, "None in this time."),
    table(["Name", "Connections"], entries.map((entry) => [pick && entry.query ? el("button", { type: "button", onclick: () => pick(entry.query) }, named(entry.name, "span", 40)) : named(entry.name, "span", 40), entry.count])));
}

// One day of one workspace or one user: a lane for each kind, a bar for each connection.
export function gantt(rows, from, to, open) {
  const lanes = [...new Set(rows.map((row) => `${row.workspace_name} · ${row.app_display_name || typeLabel(row.type)}`))];
  const tall = Math.max(60, lanes.length * 26 + 30), start = 220;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${tall}`, role: "group", "aria-label": "Connections of the day" });
  const x = (time) => start + Math.min(1, Math.max(0, (time - from) / (to - from))) * (width - start);
  lanes.forEach((lane, i) => {
    const label = svg("text", { x: 0, y: i * 26 + 17 });
    label.textContent = Array.from(lane).slice(0, 36).join("");
    drawing.append(label, svg("rect", { x: start, y: i * 26 + 2, width: width - start, height: 22, class: "lane" }));
  });
  for (const row of rows) {
    const lane = lanes.indexOf(`${row.workspace_name} · ${row.app_display_name || typeLabel(row.type)}`);
    const begin = Date.parse(row.connect_time);
    const end = row.ssh_info?.disconnect_time ? Date.parse(row.ssh_info.disconnect_time) : row.connlog.status === "open" ? Date.now() : begin;
    const bar = svg("rect", { x: x(begin), y: lane * 26 + 5, width: Math.max(3, x(end) - x(begin)), height: 16, class: colour(row.type), tabindex: "0", role: "button", "aria-label": `${lane >= 0 ? lanes[lane] : ""}, ${short(begin)}, ${length(end - begin)}` });
    bar.addEventListener("click", () => open(row));
    bar.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && open(row));
    drawing.append(bar);
  }
  for (const part of [0, 0.25, 0.5, 0.75]) {
    const label = svg("text", { x: start + part * (width - start), y: tall - 6 });
    label.textContent = short(from + part * (to - from));
    drawing.append(label);
  }
  return drawing;
}
