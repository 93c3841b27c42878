// The list: any number of contacts, of which only those in sight are elements. Pages are asked for
// as one scrolls to them, by cursor, one after the other.

import { avatar, fill, h, icon } from "./dom.js";

const ROW = 64; // pixels, as in app.css
const MARGIN = 8; // rows beyond those in sight
const MOST_PIXELS = 12_000_000; // browsers can't make an element of any height
const FIRST_PAGE = 100;
const PAGE = 1000;

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

// What a list is sorted by. Near enough to the server's order to put one contact in its place.
const KEYS = {
  name: (row) => fold(row.summary.name),
  given: (row) => fold(row.summary.given),
  family: (row) => fold(row.summary.family),
};

export class List {
  // @param load    async (limit, cursor query or "", signal) => {rows, total, next}
  // @param onopen  called with a row and whether it was chosen, or only passed over
  // @param onunsure called when it is not known how many there are
  // @param onstate called after each answer: with the list and an error, if it is one
  constructor(viewport, hooks) {
    Object.assign(this, hooks, { viewport });
    this.canvas = h("div.canvas", { role: "presentation" });
    viewport.append(this.canvas);
    this.elements = new Map(); // by index
    this.spare = [];
    this.rows = [];
    this.total = 0;
    this.active = -1;
    this.turn = 0;
    this.selected = "";
    viewport.addEventListener("scroll", () => this.draw(), { passive: true });
    viewport.addEventListener("keydown", (event) => this.key(event));
    viewport.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(viewport);
  }

  // Asks for the list anew. What is shown stays until the answer is there.
  // @param keepPlace  whether one goes on looking at the same place
  async reset({ keepPlace = false, sort = this.sort } = {}) {
    const turn = ++this.turn; // an older answer never replaces a newer one
    this.aborter?.abort();
    this.aborter = new AbortController();
    this.loading = true;
    this.late = [];
    this.viewport.setAttribute("aria-busy", "true");
    try {
      const wanted = keepPlace ? Math.min(Math.max(this.rows.length, FIRST_PAGE), PAGE) : FIRST_PAGE;
      const page = await this.load(wanted, "", this.aborter.signal);
      if (turn !== this.turn) return;
      this.sort = sort;
      this.rows = page.rows;
      this.total = page.total;
      this.next = page.next;
      this.active = this.rows.findIndex((row) => row.id === this.selected);
      if (!keepPlace) this.viewport.scrollTop = 0;
      this.catchUp();
      this.finish();
      this.onstate(this, null);
    } catch (error) {
      if (turn !== this.turn || error.name === "AbortError") return;
      this.finish();
      this.onstate(this, error);
    }
  }

  finish() {
    this.loading = false;
    this.viewport.removeAttribute("aria-busy");
    this.redraw();
  }

  // Reads on until the row is there.
  async reach(index) {
    if (this.loading || !this.next || index < this.rows.length) return;
    const turn = this.turn;
    this.loading = true;
    this.late = [];
    try {
      while (this.next && this.lastWanted >= this.rows.length && turn === this.turn) {
        const page = await this.load(PAGE, this.next, this.aborter.signal);
        if (turn !== this.turn) return;
        // A contact that was written meanwhile is here already.
        const fresh = new Set(this.rows.filter((row) => row.fresh).map((row) => row.id));
        for (const row of page.rows) if (!fresh.has(row.id)) this.rows.push(row);
        this.next = page.next;
        this.catchUp();
        if (!this.next) this.total = this.rows.length;
        this.redraw();
      }
    } catch (error) {
      if (turn === this.turn && error.name !== "AbortError") this.onstate(this, error);
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }

  // Where rows stand. Above MOST_PIXELS one pixel of the bar stands for several of the list.

  get scale() {
    return Math.max(1, (this.total * ROW) / MOST_PIXELS);
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.redraw();
    });
  }

  redraw() {
    const { viewport, canvas, scale } = this;
    const height = viewport.clientHeight;
    canvas.style.height = `${Math.min(this.total * ROW, MOST_PIXELS)}px`;
    const top = viewport.scrollTop;
    const most = Math.max(1, Math.min(this.total * ROW, MOST_PIXELS) - height);
    const real = scale === 1 ? top : (Math.min(top, most) / most) * (this.total * ROW - height);
    const first = Math.max(0, Math.floor(real / ROW) - MARGIN);
    const last = Math.min(this.total, Math.ceil((real + height) / ROW) + MARGIN);
    for (const [index, element] of this.elements) {
      if (index >= first && index < last) continue;
      this.elements.delete(index);
      this.spare.push(element);
    }
    const shift = top - real;
    for (let index = first; index < last; ++index) {
      let element = this.elements.get(index);
      if (!element) {
        element = this.spare.pop() || this.make();
        this.elements.set(index, element);
      }
      this.fill(element, index);
      const place = index * ROW + shift;
      if (element.place !== place) element.style.transform = `translateY(${(element.place = place)}px)`;
    }
    for (const element of this.spare) element.hidden = true;
    const active = this.elements.get(this.active);
    if (active && this.rows[this.active]) viewport.setAttribute("aria-activedescendant", active.id);
    else viewport.removeAttribute("aria-activedescendant");
    this.lastWanted = last + (this.rows.length > FIRST_PAGE ? 200 : 0);
    this.reach(this.lastWanted);
  }

  make() {
    const element = h("div.row", { role: "option", id: `row-${this.canvas.childElementCount}` },
      h("span.initial", { "aria-hidden": "true" }), h("span.avatar", { "aria-hidden": "true" }),
      h("span.texts", {}, h("span.name"), h("span.more")), h("span.tags"));
    this.canvas.append(element);
    return element;
  }

  fill(element, index) {
    const row = this.rows[index];
    const before = this.rows[index - 1];
    element.hidden = false;
    element.index = index;
    element.classList.toggle("active", index === this.active);
    element.setAttribute("aria-selected", String(Boolean(row) && row.id === this.selected));
    element.setAttribute("aria-posinset", String(index + 1));
    element.setAttribute("aria-setsize", String(this.total));
    const initial = this.initialOf(row) !== this.initialOf(before) ? this.initialOf(row) : "";
    if (element.row === row && element.shown === initial) return;
    element.row = row;
    element.shown = initial;
    const [mark, face, { children: [name, more] }, tags] = element.children;
    element.classList.toggle("blank", !row);
    if (row) element.removeAttribute("aria-label");
    else element.setAttribute("aria-label", "Not loaded yet");
    element.classList.toggle("fresh", Boolean(row && row.fresh));
    mark.textContent = initial;
    if (!row) {
      for (const part of [face, name, more, tags]) part.textContent = "";
      face.className = "avatar";
      return;
    }
    const { summary } = row;
    const { text, hue } = avatar(summary.name, summary.organization);
    fill(face, text || icon("person"));
    face.className = `avatar hue-${hue}`;
    name.textContent = summary.name || "No name";
    name.classList.toggle("nameless", !summary.name);
    const organization = summary.organization !== summary.name ? summary.organization : "";
    more.textContent = [organization, summary.emails[0] || summary.phones[0]].filter(Boolean).join(" · ");
    fill(tags, summary.labels.slice(0, 2).map((label) => h("span.tag", {}, label)));
  }

  initialOf(row) {
    const key = KEYS[(this.sort || "").replace("-", "")];
    if (!row || !key) return "";
    const first = [...key(row)][0] || "";
    return /\p{L}/u.test(first) ? first.toUpperCase() : first && "#";
  }

  // Choosing

  select(id) {
    this.selected = id;
    const index = this.rows.findIndex((row) => row.id === id);
    if (index >= 0) this.active = index;
    this.redraw();
  }

  move(index) {
    if (this.total === 0) return;
    this.active = Math.max(0, Math.min(this.total - 1, index));
    const { viewport, scale } = this;
    const height = viewport.clientHeight;
    const top = this.active * ROW;
    if (scale > 1) viewport.scrollTop = Math.min(1, top / (this.total * ROW - height)) * (MOST_PIXELS - height);
    else viewport.scrollTop = Math.min(top, Math.max(viewport.scrollTop, top + ROW - height));
    this.redraw();
    const row = this.rows[this.active];
    if (row) this.onopen(row, false);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.viewport.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      event.preventDefault();
      this.move(this.active < 0 ? (event.key === "End" ? Infinity : 0) : this.active + steps[event.key]);
    } else if ((event.key === "Enter" || event.key === " ") && this.rows[this.active]) {
      event.preventDefault();
      this.onopen(this.rows[this.active], true);
    }
  }

  click(event) {
    const element = event.target.closest(".row");
    if (!element || !this.rows[element.index]) return;
    this.active = element.index;
    this.redraw();
    this.onopen(this.rows[element.index], true);
  }

  // What changes

  // Applies the events again that came while an older answer was on its way.
  catchUp() {
    for (const change of this.late.splice(0)) this.apply(...change);
  }

  // A contact was written, or removed. @param summary  null: it was removed
  apply(id, revision, summary) {
    if (this.loading) this.late.push([id, revision, summary]);
    const index = this.rows.findIndex((row) => row.id === id);
    const old = this.rows[index];
    if (old && old.revision >= revision) return;
    const activeId = this.rows[this.active]?.id;
    if (old) this.rows.splice(index, 1);
    // Nobody knows whether it is new, or one that has not been read yet.
    else this.onunsure();
    if (old && !summary) --this.total;
    const byCreation = /created/.test(this.sort);
    if (summary && (old || !byCreation)) {
      const row = { id, revision, summary, fresh: true };
      const place = byCreation ? index : this.placeOf(row);
      // Beyond what has been read it will come with its page.
      if (place < this.rows.length || !this.next) this.rows.splice(place, 0, row);
      this.total = Math.max(this.total, this.rows.length);
    }
    this.active = activeId ? this.rows.findIndex((row) => row.id === activeId) : this.active;
    this.draw();
  }

  placeOf(row) {
    const key = KEYS[(this.sort || "").replace("-", "")];
    const isDown = this.sort.startsWith("-");
    if (!key) return isDown ? 0 : this.rows.length;
    const mine = key(row);
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = key(this.rows[middle]);
      // Those without a name are last in either direction.
      const isBefore = mine === "" || (other !== "" && (other === mine || (other < mine) !== isDown));
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
