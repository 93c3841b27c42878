// Making elements. Texts become text nodes, never markup: nothing of a contact is ever run.

const SVG = "http://www.w3.org/2000/svg";

// h("button.quiet", { type: "button", onclick }, "Text", icon("plus")). Names that begin with "on"
// are listeners, a value that is false or null is left out, `ref` is called with the element.
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (/^(value|checked)$/.test(key)) element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  fill(element, ...children);
  return element;
}

// Puts into an element what is there of its children: false, null, 0 and "" are left out.
export function fill(element, ...children) {
  element.replaceChildren();
  for (const child of children.flat(2)) if (child) element.append(child); // one by one: there may be 100,000
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const $ = (selector, from = document) => from.querySelector(selector);

export function button(label, onclick, { kind = "", name = "", ...rest } = {}) {
  return h(`button${kind && "." + kind}`, { type: "button", onclick, ...rest }, name && icon(name), label);
}

// A button that only shows an icon.
export function tool(name, label, onclick, rest = {}) {
  return h("button.tool", { type: "button", "aria-label": label, title: label, onclick, ...rest }, icon(name));
}

// Shows a message for a while. @returns a function that takes it away
export function toast(text, { action, onaction, kind = "", seconds = 8 } = {}) {
  const element = h(`div.toast${kind && "." + kind}`, {}, h("span", {}, text));
  let timer;
  const close = () => {
    clearTimeout(timer);
    element.remove();
  };
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(close, seconds * 1000);
  };
  if (action) {
    element.append(button(action, () => {
      close();
      onaction();
    }, { kind: "undo" }));
  }
  element.append(tool("close", "Dismiss", close));
  // Who is about to press a button has time.
  for (const type of ["pointerenter", "focusin"]) element.addEventListener(type, () => clearTimeout(timer));
  for (const type of ["pointerleave", "focusout"]) element.addEventListener(type, start);
  $("#toasts").append(element);
  start();
  return close;
}

// Opens a modal dialog. @returns the dialog; it is removed when it closes
export function dialog(title, ...content) {
  const before = document.activeElement;
  const element = h("dialog", { "aria-labelledby": "dialog-title" },
    h("header", {}, h("h2", { id: "dialog-title" }, title), tool("close", "Close", () => element.close())),
    ...content);
  element.addEventListener("close", () => {
    element.remove();
    if (before && before.isConnected) before.focus();
  });
  document.body.append(element);
  element.showModal();
  return element;
}

export const radio = (name, checked, onchange, ...text) => h("label.choice", {}, h("input", { type: "radio", name, checked, onchange }), h("span", {}, text));

// What fills a pane that has nothing else to show.
export function state(name, title, text, ...actions) {
  return h("div.state", {}, h("div.picture", {}, icon(name)), h("h2", {}, title), text && h("p", {}, text),
    h("div.actions", {}, actions));
}

const HUES = 8;
// Initials on a colour that is always the same for a name.
export function avatar(name, organization = "") {
  const words = (name || organization || "").split(/[\s,.]+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const first = words[0] ? [...words[0]][0] : "";
  const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
  let sum = 0;
  for (const c of name || organization) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
  return { text: (first + last).toUpperCase(), hue: sum % HUES };
}

// A link to what may be a web page; null for any other scheme, such as javascript:
export function webLink(text) {
  if (!/^https?:\/\//i.test(text)) return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// "3 contacts", with the digits grouped.
export const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
