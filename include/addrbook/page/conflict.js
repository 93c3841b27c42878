// Two people have changed the same contact: shows both versions, and lets one choose part by part.

import { request, sendJson } from "./api.js";
import { others } from "./contact.js";
import { $, button, capital, fill, h, icon, radio } from "./dom.js";
import { equal, merge, parse, pretty, stringify } from "./json.js";

// The values of a member, each in a line.
const told = (value) => others(new Map([["", value]]), new Set()).filter(({ path }) => !/^(@type|kind)$/.test(path.at(-1)))
  .map(({ path, value: v }) => (v === true ? path.at(-1) : v?.raw ?? v)).join("\n");

// @param detail  a Detail whose draft was refused. @throws ApiError
export async function conflict(detail) {
  const { saved: base, turn } = detail;
  const mine = detail.result();
  const response = await request(detail.path).catch((error) => {
    if (error.status !== 404) throw error;
    return null;
  });
  if (turn !== detail.turn) return;
  const show = (title, text, content, ...actions) => {
    detail.error = h("div.error", { role: "alert", hidden: true });
    fill(detail.pane, h("div.conflict", {},
      h("header.clash", {}, h("div.picture", {}, icon("people")), h("h1", { tabindex: "-1" }, title), h("p", {}, text)),
      detail.error, content, h("div.actions", {}, actions)));
    detail.pane.scrollTop = 0;
    $("h1", detail.pane).focus();
  };
  const act = (text, said, work, kind = "quiet") => button(text, () => detail.attempt(said, work), { kind });
  const asNew = act("Save mine as a new contact", "Both are kept: yours is a new contact", () => detail.post(stringify(mine)));

  if (!response) {
    show("This contact was deleted", "Someone has deleted it while you were at it. Yours is still here.",
      h("div", {}, [...mine].map(([name, value]) => /^(@type|version|uid)$/.test(name) ? null : h("div.field", {}, h("span.label", {}, capital(name)), h("p.said.still", {}, told(value))))),
      button("Let it go", () => {
        detail.draft = null;
        detail.hooks.onremoved(detail.id);
      }, { kind: "quiet" }),
      act("Bring it back with my changes", "It is back", () => sendJson("PUT", detail.path, stringify(mine), { "If-None-Match": "*" }), "primary"));
    return;
  }

  const condition = { "If-Match": response.headers.get("ETag") };
  const theirs = parse(await response.text());
  const names = [...new Set([...theirs.keys(), ...mine.keys()])];
  const chosen = new Map(); // values by name; undefined: leave it out
  const rows = names.map((name) => {
    const [was, my, their] = [base, mine, theirs].map((address) => address.get(name));
    const both = merge(was, my, their);
    chosen.set(name, both === undefined && !equal(was, my) && !equal(was, their) ? my : both);
    if (equal(my, their)) return null;
    const isAlike = told(my) === told(their);
    const option = (who, value) => radio(`choice-${name}`, equal(chosen.get(name), value), () => chosen.set(name, value),
      h("b", {}, who), h("span.said", {}, value === undefined ? h("i", {}, "not there") : isAlike ? pretty(stringify(value)) : told(value)));
    const only = equal(was, their) ? "only you changed it" : equal(was, my) ? "only they changed it" : "";
    return h("fieldset", {}, h("legend", {}, capital(name), only && h("span.tag", {}, only)), option("Yours", my), option("Theirs", their),
      both !== undefined && !equal(both, my) && !equal(both, their) && option("Both", both));
  }).filter(Boolean);
  show("Two people changed this contact", "Nothing is lost: choose what stays, part by part.",
    h("div", {}, rows.length ? rows : h("p", {}, "Both versions say the same.")),
    button("Drop mine", () => detail.open(detail.book, detail.id, true), { kind: "quiet" }), asNew,
    act("Save this", "Saved, with both versions", () => detail.patch(theirs, new Map([...chosen].filter(([, value]) => value !== undefined)), condition), "primary"));
}
