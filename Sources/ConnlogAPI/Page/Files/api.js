// Asks the server. Paths are relative to the page, so it works under a prefix too.
export class APIError extends Error {
  constructor(status, body) {
    super(body?.message || `The server answered ${status}.`);
    this.status = status;
    this.detail = body?.detail || "";
    this.validations = body?.validations || [];
  }
}

const base = "api/v2/connectionlog";

export function url(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return base + path + (query ? "?" + query : "");
}

async function ask(path, options = {}) {
  const reply = await fetch(path, { credentials: "same-origin", ...options });
  const body = (reply.headers.get("content-type") || "").includes("json") ? await reply.json() : null;
  if (!reply.ok) throw new APIError(reply.status, body);
  return body;
}

export const list = (parameters, signal) => ask(url("", { connlog: "true", ...parameters }), { signal });

// Up to `limit` rows. A server that has looked for a while says how far it came, and this goes on from there. `told` is called
// with each answer that is not complete.
export async function rows(parameters, signal, told = () => {}) {
  const page = await list(parameters, signal);
  let { next } = page, isComplete = page.is_complete !== false;
  while (!isComplete && next && page.connection_logs.length < parameters.limit) {
    told(page);
    const more = await list({ ...parameters, limit: parameters.limit - page.connection_logs.length, after: next }, signal);
    page.connection_logs.push(...more.connection_logs);
    isComplete = more.is_complete !== false;
    next = more.next;
    page.looked_back_to = more.looked_back_to;
  }
  return { ...page, next, is_complete: isComplete };
}

export const details = (id) => ask(url("/" + encodeURIComponent(id)));
export const stats = (parameters, signal) => ask(url("/stats", parameters), { signal });
export const names = () => ask(url("/names"));
export const status = () => ask(url("/status"));
export const me = () => ask("api/v2/users/me");
export const login = (token) =>
  ask("login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) });
export const ways = () => ask("login/ways");
export const logout = () => ask("logout", { method: "POST" });
