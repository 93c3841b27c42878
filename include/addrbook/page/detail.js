// One contact: a form that knows every shape of an address and keeps what it does not know, and the
// same as JSON. conflict.js has what happens when two people change it at once.

import { base, explain, mount, request, sendJson } from "./api.js";
import { conflict } from "./conflict.js";
import * as contacts from "./contact.js";
import { $, avatar, button, capital, count, fill, h, icon, state, toast, tool, webLink } from "./dom.js";
import { clone, diff, equal, isMap, Num, parse, pointer, pretty, stringify } from "./json.js";

const LONG = 80; // characters: a longer text gets more lines
const MOST = 200; // values of a kind that are shown
const TECHNICAL = /^\/(@type|@version|version|uid|prodId|created|updated|language|vCardProps)\b|\/@type$/;
const PARTS = { country_code: "Country", area_code: "Area", local_number: "Number" };
const most = (list, draw, more) => [list.slice(0, MOST).map(draw), list.length < MOST ? more : h("p.fine", {}, `See JSON for all ${count(list.length, "value")}.`)];
const revisionOf = (etag) => Number(/-(\d+)/.exec(etag)?.[1]);

export class Detail {
  // @param hooks  {onsaved(id, revision, address, whether it is shown), onremoved(id), onclose(), onopen(id)}
  constructor(pane, hooks) {
    Object.assign(this, { pane, hooks, turn: 0, undos: [] });
    pane.addEventListener("input", () => this.touched());
    addEventListener("beforeunload", (event) => this.isDirty() && event.preventDefault());
  }

  get path() {
    return `${base(this.book)}/${this.id}`;
  }

  get isSaving() {
    return this.saving === this.turn;
  }

  empty(book) {
    ++this.turn;
    if (book !== this.book) this.undos = [];
    Object.assign(this, { book, id: "", draft: null });
    fill(this.pane, state("people", "Choose a contact", "Or press / to search, n for a new one, ? for all keys."));
  }

  async open(book, id, focus) {
    const turn = ++this.turn;
    Object.assign(this, { book, id, draft: null, isJson: false });
    const slow = setTimeout(() => fill(this.pane, h("div.skeleton", { "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i"))), 150);
    try {
      const answer = await this.load();
      if (turn !== this.turn) return;
      this.take(answer);
      this.render(focus);
    } catch (error) {
      if (turn !== this.turn) return;
      fill(this.pane, state(...explain(error), error.status !== 404 && button("Try again", () => this.open(book, id, focus), { kind: "primary" }),
        button("Back to the list", () => this.hooks.onclose(), { kind: "quiet" })));
    } finally {
      clearTimeout(slow);
    }
  }

  async load() {
    const response = await request(this.path);
    return { etag: response.headers.get("ETag"), text: await response.text(), changed: response.headers.get("Last-Modified") };
  }

  take({ etag, text, changed }) {
    const saved = parse(text);
    Object.assign(this, { etag, text, changed, saved, draft: clone(saved), isNew: false, rows: [] });
  }

  create(book) {
    ++this.turn;
    this.take({ etag: "", text: "{}" });
    Object.assign(this, { book, id: "", isNew: true, isJson: false });
    this.draft = parse('{"name":"","organization":"","emails":[""],"phones":[""],"note":""}');
    this.render();
    $("input", this.pane).focus();
  }

  // What would be stored: the draft without what was left empty.
  result() {
    if (this.isJson) return parse(this.editor.value);
    const address = clone(this.draft);
    const gone = this.rows.filter((row) => row.item && contacts.at(address, row.path)?.trim?.() === "" && contacts.at(this.saved, row.path) !== "");
    // From behind, so that indices stay what they are.
    const order = (a, b) => pointer(b.item).localeCompare(pointer(a.item), "en", { numeric: true });
    for (const row of gone.sort(order)) contacts.drop(address, row.item);
    return address;
  }

  isDirty() {
    if (!this.draft) return false;
    return this.isJson ? this.editor.value !== pretty(this.text) : !equal(this.result(), this.saved);
  }

  touched() {
    if (!this.draft || !this.bar) return;
    const isShown = this.isNew || this.isDirty();
    this.bar.classList.toggle("shown", isShown);
    this.bar.inert = !isShown;
  }

  render(focus) {
    const contact = contacts.read(this.saved);
    const { text, hue } = avatar(contact.title);
    const picture = contacts.photo(this.saved);
    const title = this.isNew ? "New contact" : contact.title || "No name";
    const organization = contact.organization?.value;
    const side = (label, isJson) => button(label, () => this.turnTo(isJson));
    this.notice = h("div", { role: "status" });
    this.error = h("div.error", { role: "alert", hidden: true });
    this.body = h("div.body");
    this.bar = h("div.savebar", {}, h("span", {}, !this.isNew && "Not saved yet"),
      button(this.isNew ? "Cancel" : "Discard", () => this.discard(), { kind: "quiet" }),
      button(this.isNew ? "Create contact" : "Save", () => this.save(), { kind: "primary" }));
    fill(this.pane, 
      h("header.head", {},
        h("div.tools", {},
          tool("back", "Back to the list", () => this.hooks.onclose(), { "data-only": "phone" }),
          h("div.sides", { role: "group", "aria-label": "Show as" }, side("Form", false), side("JSON", true)), h("span.space"),
          !this.isNew && this.hooks.onexport && tool("export", "Save as a vCard file", () => this.hooks.onexport(this.id, title)),
          !this.isNew && !mount.isReadOnly && tool("trash", "Delete this contact", () => this.remove())),
        h("div.who", {}, picture ? h("img.face", { src: picture, alt: "" }) : h(`span.face.hue-${hue}`, { "aria-hidden": "true" }, text || icon("person")),
          h("div", {}, h("h1", { tabindex: "-1" }, title), organization && organization !== title && h("p", {}, organization)))),
      this.notice, this.error, this.body, this.bar);
    this.pane.scrollTop = 0;
    this.fill();
    if (focus) $("h1", this.pane).focus();
  }

  fill() {
    this.rows = [];
    let content;
    try {
      content = !this.isJson && this.form();
    } catch {
      this.isJson = true; // which shows anything
    }
    fill(this.body, content || this.json());
    [...$(".sides", this.pane).children].forEach((each, i) => each.setAttribute("aria-pressed", (i > 0) === this.isJson));
    this.touched();
  }

  turnTo(isJson) {
    if (isJson === this.isJson) return;
    try {
      const address = this.result();
      if (!isMap(address)) throw new SyntaxError("An address is an object: { … }");
      this.draft = address;
    } catch (error) {
      this.fail(error.message);
      return;
    }
    this.error.hidden = true;
    this.isJson = isJson;
    this.fill();
  }

  json() {
    const text = pretty(equal(this.draft, this.saved) ? this.text : stringify(this.draft));
    this.editor = h("textarea.editor", { readonly: mount.isReadOnly, spellcheck: "false", "aria-label": "The address as JSON", rows: Math.min(40, text.split("\n").length + 2), value: text });
    return [this.editor, h("p.fine", {}, "All of the contact, as it is stored.")];
  }

  form() {
    const address = this.draft;
    const contact = contacts.read(address, true);
    const field = (row, label, more) => row && this.field(row, label, more);
    const group = (title, ...rows) => {
      const own = rows.flat(2).filter(Boolean);
      return own.length > 0 && h(title ? "section.group.titled" : "section.group", {}, title && h("h2", {}, title), h("div", {}, own));
    };
    const groups = [
      group("", field(contact.name, "Name"),
        most(contact.parts, (part) => field(part, part.label, { after: part.isJoined && (() => contacts.rejoin(address)) })),
        field(contact.organization, "Organization"), field(contact.birthday, "Birthday", { placeholder: "1815-12-10" })),
      group("Email", this.list(contact.emails, "emails", "email", (value) => ["mail", "Write to", /^[^\s@]+@[^\s@]+$/.test(value) && `mailto:${encodeURIComponent(value).replaceAll("%40", "@")}`])),
      group("Phone", this.list(contact.phones, "phones", "phone", (value) => ["phone", "Call", /\d/.test(value) && `tel:${value.replace(/[^\d+*#]/g, "")}`])),
      group("Address", most(contacts.places(address, contact.used), (row, i) => this.place(row, `address ${i + 1}`), this.adder("address", () => contacts.addPlace(address)))),
      group("Labels", this.labels(contact.labels)),
    ];
    const placed = new Set(this.rows.map((row) => pointer(row.path)));
    const leaves = contacts.others(address, contact.used).filter(({ path }) => !placed.has(pointer(path)));
    const isTechnical = ({ path }) => TECHNICAL.test(pointer(path));
    const plain = leaves.filter((leaf) => !isTechnical(leaf));
    const technical = leaves.filter(isTechnical);
    // Not where something else stands: that is for the JSON side.
    const absent = ["name", "organization", "birthday", "note"].filter((key) => !contact[key] && contacts.isFree(address, key));
    return [...groups,
      group("", most(plain, (leaf) => this.other(leaf))),
      absent.length > 0 && !mount.isReadOnly && h("div.adders", {}, absent.map((key) => this.adder(key, () => {
        const place = contacts.placeOf(address, key);
        contacts.put(address, place, "");
        if (place[2] === "date") contacts.put(address, ["anniversaries", "b1", "kind"], "birth");
        return place;
      }, capital(key)))),
      technical.length > 0 && h("details.technical", {}, h("summary", {}, "Kept as it is"), most(technical, (leaf) => this.other(leaf))),
      this.changed && h("p.fine", {}, "Last changed ", new Date(this.changed).toLocaleString([], { dateStyle: "long", timeStyle: "short" }))];
  }

  // Draws the form anew, and goes to a place in it.
  fillAt(path) {
    this.fill();
    this.rows.find((row) => pointer(row.path) === pointer(path))?.input.focus();
  }

  // @param add  @returns the place of what is to be typed now
  adder(word, add, label = `Add ${word}`) {
    return !mount.isReadOnly && button(label, () => this.fillAt(add()), { kind: "add", name: "plus" });
  }

  // A label, an input, and what can be done with the value.
  // @param action  of a text: [icon, verb, href or nothing]
  field(row, label, { type = "text", after, action, remove, hides, placeholder } = {}) {
    const place = pointer(row.path);
    const id = `field-${place}`;
    const old = contacts.at(this.draft, row.path);
    const isLong = row.value.length > LONG || /\n|note$/.test(row.value + row.path.at(-1));
    const input = h(isLong ? "textarea" : "input", { id, value: row.value, type: !isLong && type, readonly: mount.isReadOnly, placeholder: placeholder || " ", autocomplete: "off", spellcheck: String(isLong), rows: isLong && 3 });
    const [name, verb] = action ? action("") : [];
    const link = name && h("a.tool", { target: name === "web" && "_blank", rel: "noopener noreferrer" }, icon(name));
    const doubt = name === "mail" && h("p.wrong", {}, "This is no email address, but is saved.");
    const relink = () => {
      if (!link) return;
      const href = action(input.value)[2];
      if (doubt) doubt.hidden = href || !input.value.trim();
      link.hidden = !href;
      if (href) link.setAttribute("href", href);
      link.setAttribute("aria-label", `${verb} ${input.value}`);
    };
    relink();
    input.addEventListener("input", () => {
      contacts.put(this.draft, row.path, row.isDate ? contacts.dateOf(input.value, old) : contacts.retyped(old, input.value));
      if (after) after();
      relink();
    });
    this.rows.push({ ...row, input });
    return h("div.field", { "data-pointer": place }, h(`label${hides ? ".hushed" : ""}`, { for: id }, label),
      h("div.value", {}, input, row.hint && h("span.tag", {}, row.hint), link, remove && !mount.isReadOnly && tool("close", `Remove ${label} ${row.value}`, remove)),
      h("p.wrong", { hidden: true }), doubt);
  }

  list(rows, kind, word, action) {
    const type = word === "phone" ? "tel" : word;
    return most(rows, (row, i) => {
      const remove = () => {
        contacts.drop(this.draft, row.item);
        this.fill();
      };
      return row.parts
        ? h("div.parts", { role: "group", "aria-label": word }, row.parts.map((part) => this.field(part, PARTS[part.path.at(-1)], { type })))
        : this.field(row, rows.length > 1 ? `${word} ${i + 1}` : word, { type, action, remove, hides: true, placeholder: capital(word) });
    }, this.adder(word, () => contacts.addRow(this.draft, kind)));
  }

  place({ path, value }, label) {
    const remove = () => {
      contacts.drop(this.draft, path);
      this.fill();
    };
    if (!isMap(value)) return this.field({ path, item: path, value }, "Address", { remove, hides: true });
    const isCard = contacts.isAddress(this.draft, value);
    const [first, ...rest] = isCard ? contacts.partsOf(value, path).map((part) => this.field(part, capital(part.label)))
      : contacts.others(value, new Set()).slice(0, MOST).map((leaf) => this.other({ path: [...path, ...leaf.path], value: leaf.value }, path.length));
    const hint = contacts.hintOf(value);
    const select = isCard && h("select", { "aria-label": `Kind of ${label}`, disabled: mount.isReadOnly, oninput: () => contacts.setContext(value, select.value) },
      [["", "Any kind"], ["private", "Home"], ["work", "Work"]].map(([kind, text]) => h("option", { value: kind, selected: hint.includes(kind) }, text)));
    return h("div.parts.postal", { role: "group", "aria-label": label }, first,
      h("div.value", {}, select, isCard && hint.split(", ").filter((word) => !/^(private|work|)$/.test(word)).map((word) => h("span.tag", {}, word)), !mount.isReadOnly && tool("close", `Remove ${label}`, remove)), rest);
  }

  labels(labels) {
    const mayChange = !mount.isReadOnly;
    if (!mayChange && !labels.length) return false;
    const input = h("input", { "aria-label": "Add a label", placeholder: "Add a label", autocomplete: "off", list: "known-labels" });
    const change = (act, stays) => {
      act();
      const next = this.labels(contacts.read(this.draft, true).labels);
      box.replaceWith(next); // alone, so that the focus stays in another field
      if (stays) $("input", next).focus();
      this.touched();
    };
    const add = (stays) => {
      const value = input.value.trim();
      input.value = ""; // when it is removed with text in it, it sends "change" once more
      if (labels.some((row) => row.value === value)) toast(`“${value}” is there already`, { seconds: 3 });
      else if (value) change(() => contacts.addLabel(this.draft, value), stays);
    };
    input.addEventListener("keydown", (event) => {
      if (!/^(Enter|,)$/.test(event.key) || event.isComposing) return;
      event.preventDefault();
      add(true);
    });
    input.addEventListener("change", () => add());
    const box = h("div.labels", {}, most(labels, ({ value, item }) =>
      h("span.tag.big", {}, h("span", {}, value), mayChange && tool("close", `Remove label ${value}`, () => change(() => contacts.drop(this.draft, item), true)))), mayChange && input);
    return box;
  }

  // @param from  where the path of what is shown begins
  other({ path, value }, from = 0) {
    const all = path.slice(from).map((step) => (typeof step === "number" ? `${step + 1}` : step));
    const named = all.filter((step) => !/^[a-z]+\d+$/.test(step));
    const steps = named.length ? named : all;
    const label = capital(steps[0].startsWith(steps.at(-1)) ? steps.at(-1) : steps.join(" › ")); // "notes › note" is a note
    let still = "";
    if (typeof value === "object" && !(value instanceof Num)) still = value ? "empty" : "null";
    else if (value.length > 2000) still = `${/^data:[^;,]{0,40}|/.exec(value)[0]} ${count(value.length, "character")}`;
    if (still) return h("div.field", {}, h("span.label", {}, label), h("div.value.still", {}, still));
    const isText = typeof value === "string";
    return this.field({ path, item: (from || contacts.at(this.saved, path) === undefined) && path, value: value.raw ?? String(value) }, label, { action: isText && ((text) => ["web", "Open", webLink(text)]) });
  }

  // Writing

  // @param errors  [{pointer, reason}]
  fail(message, errors = []) {
    for (const old of this.pane.querySelectorAll("[aria-invalid]")) {
      old.removeAttribute("aria-invalid");
      $(".wrong", old.closest(".field")).hidden = true;
    }
    const unplaced = errors.filter(({ pointer: place, reason }) => {
      const field = $(`[data-pointer="${CSS.escape(place)}"]`, this.pane);
      const wrong = field && $(".wrong", field);
      if (wrong) {
        wrong.hidden = false;
        wrong.textContent = reason;
        $("input, textarea", field).setAttribute("aria-invalid", "true");
      }
      return !wrong;
    });
    this.error.hidden = false;
    fill(this.error, h("p", {}, message), h("ul", {}, unplaced.map(({ pointer: place, reason }) => h("li", {}, `${place || "/"} ${reason}`))));
    this.error.scrollIntoView({ block: "nearest" });
  }

  // Writes, and says so; or why not. Something else may be shown when the answer comes.
  // @param work  @returns the Response with what is stored now, or nothing
  async attempt(said, work) {
    if (this.isSaving) return;
    const { turn, book, id, bar } = this;
    const typed = () => (this.isJson ? this.editor.value : stringify(this.result()));
    const sent = typed();
    this.saving = turn;
    bar.classList.add("busy");
    try {
      const response = await work();
      if (!response) return;
      const { headers } = response;
      const [etag, text] = [headers.get("ETag"), await response.text()];
      const now = headers.get("Location")?.split("/").pop() || id;
      const isShown = turn === this.turn;
      if (isShown && typed() === sent) {
        this.take({ etag, text, changed: new Date() });
        this.id = now;
        this.render(true);
      } else if (isShown) { // one has typed on
        Object.assign(this, { etag, text, saved: parse(text), id: now, isNew: false });
        this.touched();
      }
      toast(said, { seconds: 3 });
      if (book === this.book) this.hooks.onsaved(now, revisionOf(etag), parse(text), isShown);
    } catch (error) {
      if (error.status === 403) this.hooks.onforbidden();
      if (turn !== this.turn) toast(`Not saved. ${explain(error)[2]}`, { kind: "bad" });
      else if (error.status === 412) await conflict(this).catch((failed) => this.fail(explain(failed)[2]));
      else this.fail(error.status ? error.message : explain(error)[2], error.errors);
    } finally {
      if (this.saving === turn) this.saving = 0;
      bar.classList.remove("busy");
    }
  }

  save() {
    $(".labels input", this.pane)?.dispatchEvent(new Event("change")); // a label that is still being typed
    if (!this.draft || $(".conflict", this.pane) || !(this.isNew || this.isDirty())) return;
    const wrong = this.rows.find(({ isDate, path, input: { value } }) => isDate && value.trim() && value === contacts.at(this.draft, path) && value !== contacts.at(this.saved, path));
    if (wrong && !this.isJson) return this.fail("Not saved", [{ pointer: pointer(wrong.path), reason: "is no date, such as 1815-12-10 or --12-10" }]);
    this.attempt(this.isNew ? "Created" : "Saved", async () => {
      const condition = { "If-Match": this.etag };
      if (this.isNew) return this.post(this.isJson ? this.editor.value : stringify(this.result()));
      return this.isJson ? sendJson("PUT", this.path, this.editor.value, condition) : this.patch(this.saved, this.result(), condition);
    });
  }

  post(body) {
    // Sent again after a lost answer, it makes no second contact.
    if (this.sent !== body) this.key = `${Date.now()}-${Math.random()}`;
    this.sent = body;
    return sendJson("POST", base(this.book), body, { "Idempotency-Key": this.key });
  }

  patch(before, after, condition) {
    return sendJson("PATCH", this.path, stringify(diff(before, after)), { ...condition, "Content-Type": "application/json-patch+json" });
  }

  discard() {
    if (this.isNew) {
      this.draft = null;
      this.hooks.onclose();
      return;
    }
    this.take(this);
    this.render(true);
  }

  async remove() {
    if (!this.draft || this.isNew || this.isSaving || mount.isReadOnly) return;
    const { id, book, path, text, turn } = this;
    const title = contacts.read(this.saved).title || "No name";
    this.saving = turn;
    try {
      await request(path, { method: "DELETE", headers: { "If-Match": this.etag } });
    } catch (error) {
      if (error.status === 403) this.hooks.onforbidden();
      if (error.status === 412) toast("Someone has just changed this contact.", { action: "Look again", onaction: () => (this.turn === turn ? this.open(book, id, true) : this.hooks.onopen(id)) });
      else if (error.status !== 404) toast(explain(error)[2], { kind: "bad" });
      if (error.status !== 404) return;
    } finally {
      if (this.saving === turn) this.saving = 0;
    }
    if (this.book === book) {
      if (this.id === id) this.draft = null;
      this.hooks.onremoved(id);
    }
    const undo = async () => {
      this.undos = this.undos.filter((each) => each !== undo);
      close();
      try {
        await sendJson("PUT", path, text, { "If-None-Match": "*" });
        if (this.book === book) this.hooks.onopen(id);
        toast(`${title} is back`, { seconds: 3 });
      } catch (error) {
        this.undos.push(undo);
        toast(`${title} could not be brought back. ${explain(error)[2]}`, { kind: "bad", action: "Try again", onaction: undo });
      }
    };
    this.undos.push(undo);
    const close = toast(`${title} is deleted`, { action: "Undo", onaction: undo, seconds: 12 });
  }

  // Somebody has written or removed what is shown.
  async changedBy(revision, isRemoved) {
    if (!this.draft || this.isNew || this.isSaving || revision <= revisionOf(this.etag)) return;
    if (isRemoved || this.isDirty()) {
      this.tell(isRemoved ? "Someone has deleted this contact." : "Someone else has changed this contact meanwhile.",
        button(isRemoved ? "What now?" : "Compare", () => this.attempt("", () => conflict(this)), { kind: "quiet" }));
      return;
    }
    const { turn } = this;
    const answer = await this.load().catch(() => null);
    if (!answer || this.turn !== turn || this.isDirty() || this.isSaving) return;
    this.take(answer);
    this.render(this.pane.contains(document.activeElement));
    this.tell("Updated just now by someone else");
  }

  tell(text, action) {
    fill(this.notice, h(`div.notice${action ? "" : ".calm"}`, {}, icon("people"), h("span", {}, text), action));
  }
}
