// Makes elements. Data becomes text, never markup.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// What others have named: isolated, so that it cannot turn the text around, and cut where it is long.
export function named(text, tag = "strong", longest = 80) {
  const plain = String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  const letters = Array.from(plain);
  const shown = letters.length > longest ? letters.slice(0, longest - 1).join("") + "…" : plain;
  const element = el(tag, letters.length > longest ? { title: letters.slice(0, 1000).join("") } : {});
  const inner = el("bdi");
  inner.textContent = shown;
  element.append(inner);
  return element;
}

export const $ = (id) => document.getElementById(id);
