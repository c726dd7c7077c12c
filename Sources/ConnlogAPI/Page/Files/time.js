// Times in the zone that was chosen.
let utc = localStorage.getItem("zone") === "utc";
export const isUTC = () => utc;
export function setUTC(on) {
  utc = on;
  localStorage.setItem("zone", on ? "utc" : "local");
  formats = make();
  days.clear();
}
function make() {
  const zone = utc ? { timeZone: "UTC" } : {};
  return {
    clock: new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, ...zone }),
    day: new Intl.DateTimeFormat([], { weekday: "long", year: "numeric", month: "long", day: "numeric", ...zone }),
    short: new Intl.DateTimeFormat([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false, ...zone }),
  };
}
let formats = make();
const days = new Map();
export const clock = (text) => formats.clock.format(new Date(text));
// Formatting is slow and a list has many rows: once for each ten minutes, since zones begin their day at such times.
export function dayOf(text) {
  const part = String(text).slice(0, 15);
  let day = days.get(part);
  if (!day) days.set(part, day = formats.day.format(new Date(text)));
  return day;
}
export const short = (time) => formats.short.format(new Date(time));
export const zoneName = () => (utc ? "UTC" : "Local time");

export function length(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
