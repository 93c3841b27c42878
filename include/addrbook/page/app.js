// The contacts page: what is shown where, and how its parts work together.

import { ApiError, base, bookPath, explain, mayOnlyRead, mount, nextQuery, onUnauthorized, request, token } from "./api.js";
import { summary } from "./contact.js";
import { Detail } from "./detail.js";
import { $, button, count, dialog, fill, h, icon, state, toast } from "./dom.js";
import { parse } from "./json.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { acceptDrops, chooseFile, download, exportDialog, importFile } from "./transfer.js";

const SORTS = { name: "Name", given: "Given name", family: "Family name", "-created": "Newest first", "-updated": "Last changed first" };
const BOOK = /^[A-Za-z0-9][\w.~@+-]{0,127}$/;
const MANY = 60; // changes at once after which the list is read anew

const search = $("#search");
const sorting = $("#sort");
const listState = $("#list-state");
const isNarrow = matchMedia("(max-width: 47.99rem)");

// Where one is: in the address, so that reload, back and a link to a contact work.
const place = { book: "", q: "", label: "", sort: "name", id: "" };

function readPlace() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(place)) place[key] = hash.get(key) || "";
  if (!Object.hasOwn(SORTS, place.sort)) place.sort = "name";
  // They become parts of paths, and whoever wrote the link must not choose those.
  if (!BOOK.test(place.book)) place.book = "";
  if (!/^[A-Za-z0-9-]{1,64}$/.test(place.id)) place.id = "";
}

function writePlace(isStep) {
  const hash = new URLSearchParams();
  for (const [key, value] of Object.entries(place)) if (value && !(key === "sort" && value === "name")) hash.set(key, value);
  const url = `${location.pathname}${hash.size ? "#" + hash : ""}`;
  history[isStep ? "pushState" : "replaceState"](null, "", url);
}

// The token

onUnauthorized((wasRefused) => new Promise((resolve) => {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, spellcheck: "false" });
  let given = "";
  const form = h("form.token", { method: "dialog", onsubmit: () => {
    given = input.value.trim();
    token.set(given);
  } },
    wasRefused && h("p.error", { role: "alert" }, "That token is not accepted."),
    h("p", {}, "This book is only for those who have a token. It is kept in this tab only, until you close it."),
    h("label", { for: "token" }, "Token"), input,
    h("div.actions", {}, h("button.primary", { type: "submit" }, icon("lock"), "Open the book")));
  if (wasRefused) token.set("");
  const box = dialog("A token, please", form);
  input.focus();
  box.addEventListener("close", () => resolve(given));
}));

// The list

let listed; // what the rows that are shown were searched for
const wanted = () => JSON.stringify(filter());
const filter = () => ({ ...(place.q && { q: place.q }), ...(place.label && { label: place.label }) });

const list = new List($("#list"), {
  async load(limit, next, signal) {
    const asked = wanted();
    const query = new URLSearchParams(next || { ...filter(), sort: place.sort, view: "summary", count: "true" });
    query.set("limit", limit);
    const response = await request(`${base(place.book)}?${query}`, { signal });
    const rows = await response.json();
    const total = Number(response.headers.get("X-Total-Count") ?? rows.length);
    noteLabels(rows);
    listed = asked;
    if (!next) follow(response);
    return { rows, total, next: nextQuery(response) };
  },
  onopen(row, isChosen) {
    clearTimeout(opening);
    if (isChosen) openContact(row.id, { focus: true, step: true });
    // The arrow keys open a contact only where they rest.
    else if (!isNarrow.matches) opening = setTimeout(() => openContact(row.id), 120);
  },
  onstate: showListState,
  onunsure() {
    clearTimeout(counting);
    counting = setTimeout(async () => {
      const response = await request(`${base(place.book)}?limit=1&view=summary`).catch(() => null);
      if (!response || place.q || place.label) return;
      if (list.sort === "-created") return refresh({ keepPlace: true }); // what is new is at the top
      list.total = Math.max(list.rows.length, Number(response.headers.get("X-Total-Count")));
      settle();
    }, 100);
  },
});
let counting;
let opening;
let retrying;
let searched;

function showListState(_, error) {
  clearTimeout(retrying);
  const hasRows = list.total > 0;
  const waits = listed !== wanted();
  const isSearch = place.q || place.label;
  let shown = null;
  document.body.classList.toggle("is-offline", error?.status === 0);
  if (error) {
    const [name, title, text] = explain(error);
    const isPassing = error.status === 0 || error.status === 503;
    const again = button("Try again", () => refresh(), { kind: "primary" });
    if (isPassing) retrying = setTimeout(() => refresh({ keepPlace: true }), 1000 * (error.retryAfter || 4));
    if (isPassing && hasRows) fill($("#banner"), icon(name), h("span", {}, `${title}. ${waits ? "The search waits for it: this is the list from before" : "Showing what was here; trying again"} …`));
    else shown = state(name, title, `${text}${isPassing ? " Trying again …" : ""}`, again, mount.hasBooks && error.status === 404 && button("Choose a book", chooseBook, { kind: "quiet" }));
  }
  $("#banner").hidden = !(error && !shown);
  if (!error && !hasRows) {
    if (isSearch) {
      const words = [place.q && `words that begin with “${place.q}”`, place.label && `the label “${place.label}”`].filter(Boolean).join(" and ");
      shown = state("search", "Nothing found", `No contact has ${words}.`,
        button("Show all contacts", clearSearch, { kind: "quiet" }));
    } else if (mount.isReadOnly) shown = state("book", "No contacts yet");
    else {
      shown = state("book", "No contacts yet", "Add the first one, or drop a .vcf or .csv file anywhere on this page.",
        button("New contact", newContact, { kind: "primary", name: "plus" }), mount.formats.length > 0 && button("Import a file", pickFile, { kind: "quiet", name: "import" }));
    }
  }
  fill(listState, shown);
  listState.hidden = !shown;
  list.viewport.hidden = Boolean(shown);
  $("#count").textContent = shown || waits ? "" : isSearch ? count(list.total, "match", "matches") : count(list.total, "contact");
  if (!shown) list.redraw();
}

function refresh({ keepPlace = false } = {}) {
  list.reset({ keepPlace, sort: place.sort });
}

search.addEventListener("input", () => {
  place.q = search.value.trim();
  $("#clear").hidden = !search.value;
  writePlace(false);
  refresh();
});
search.addEventListener("keydown", (event) => {
  if (/^(ArrowDown|Enter)$/.test(event.key) && !event.isComposing) {
    event.preventDefault();
    list.viewport.focus();
    if (list.active < 0) list.move(0);
    if (event.key === "Enter" && list.rows[list.active]) list.onopen(list.rows[list.active], true);
  } else if (event.key === "Escape" && search.value) {
    event.stopPropagation();
    clearSearch();
  }
});
$("#clear").addEventListener("click", () => clearSearch());

function clearSearch() {
  search.value = place.q = place.label = "";
  $("#clear").hidden = true;
  writePlace(false);
  drawLabels();
  refresh();
  search.focus();
}

sorting.append(...Object.entries(SORTS).map(([value, text]) => h("option", { value }, text)));
sorting.addEventListener("change", () => {
  place.sort = sorting.value;
  writePlace(false);
  refresh();
});

// Labels: those that have been seen, the most frequent first.

const labels = new Map();
const MOST = 12;
let hasAll = false;

function noteLabels(rows) {
  for (const label of rows.flatMap((row) => row.summary.labels)) labels.set(label, (labels.get(label) || 0) + 1);
  drawLabels();
}

function drawLabels() {
  const names = [...labels.keys()].sort((a, b) => labels.get(b) - labels.get(a));
  const shown = names.slice(0, hasAll ? 200 : MOST);
  if (place.label && !shown.includes(place.label)) shown.unshift(place.label);
  const more = names.length - shown.length;
  shown.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const key = JSON.stringify([shown, place.label, more]);
  if (drawLabels.last === key) return;
  drawLabels.last = key;
  const focused = document.activeElement?.closest("#labels") && document.activeElement.textContent;
  fill($("#labels"), shown.map((label) => h("button.chip", {
    type: "button", "aria-pressed": String(label === place.label), onclick: () => {
      place.label = label === place.label ? "" : label;
      writePlace(false);
      drawLabels();
      refresh();
    },
  }, label)), !hasAll && more > 0 && h("button.chip", { type: "button", onclick: () => {
    hasAll = true;
    drawLabels();
  } }, `${more} more`));
  $("#labels").classList.toggle("all", hasAll);
  $("#labels").hidden = shown.length === 0;
  fill($("#known-labels"), names.slice(0, 200).map((value) => h("option", { value })));
  for (const chip of $("#labels").children) if (chip.textContent === focused) chip.focus();
}

// One contact

const detail = new Detail($("#detail"), {
  onsaved(id, revision, address, isShown) {
    if (isShown) {
      place.id = list.selected = id;
      writePlace(false);
    }
    if (place.q || place.label) refresh({ keepPlace: true });
    else list.apply(id, revision, summary(address));
    settle();
  },
  onremoved(id) {
    const next = list.rows[list.rows.findIndex((row) => row.id === id) + 1];
    list.apply(id, Infinity, null);
    settle();
    if (place.id !== id) return;
    if (next && !isNarrow.matches) openContact(next.id);
    else closeContact();
    list.viewport.focus();
  },
  onopen: (id) => {
    openContact(id, { focus: true, step: true });
    refresh({ keepPlace: true });
  },
  onclose: closeContact,
  onforbidden: askForRights,
  onexport: mount.formats.includes("vcf") && ((id, title) => download(`${base(place.book)}/${id}?format=vcf`, `${title.replace(/[^\p{L}\p{N}\x20-]/gu, "") || "contact"}.vcf`, true)),
});

// The state of the list may be another now: it was empty, or is.
function settle() {
  if ((list.total === 0) !== list.viewport.hidden || !list.viewport.hidden) showListState(list, null);
}

function mayLeave() {
  return !detail.isDirty() || confirm("What you have typed is not saved. Leave it?");
}

function openContact(id, { focus = false, step = false } = {}) {
  if (id === detail.id && detail.draft && !detail.isNew) {
    show("detail");
    if (focus) $("h1", detail.pane)?.focus();
    return;
  }
  if (!mayLeave()) return;
  place.id = id;
  writePlace(step);
  list.select(id);
  show("detail");
  detail.open(place.book, id, focus);
}

function closeContact() {
  if (detail.draft && !mayLeave()) return;
  place.id = "";
  writePlace(false);
  list.select("");
  detail.empty(place.book);
  show("list");
  if (!list.viewport.hidden) list.viewport.focus();
}

function newContact() {
  if (mount.isReadOnly || needsBook() || !mayLeave()) return;
  place.id = "";
  writePlace(true);
  list.select("");
  show("detail");
  detail.create(place.book);
}

// On a phone there is room for one of them.
function show(which) {
  document.body.dataset.pane = which;
}

// Others

const live = new Live({
  onstate(now) {
    $("#live").dataset.state = now;
    $("#live-text").textContent = { live: "Live: others’ changes show at once", waiting: "Reconnecting", off: "" }[now];
    if (now === "live" && document.body.classList.contains("is-offline")) refresh({ keepPlace: true });
  },
  onchange(texts) {
    const changes = texts.map(parse);
    for (const change of changes) {
      if (change.get("id") === detail.id) detail.changedBy(Number(change.get("revision").raw), change.get("op") === "delete");
    }
    if (changes.length > MANY || place.q || place.label) {
      clearTimeout(searched);
      searched = setTimeout(() => refresh({ keepPlace: true }), changes.length > MANY ? 400 : 0);
      return;
    }
    for (const change of changes) {
      const address = change.get("op") === "put" ? summary(change.get("address")) : null;
      if (address) noteLabels([{ summary: address }]);
      list.apply(change.get("id"), Number(change.get("revision").raw), address);
    }
    settle();
  },
  onreset: () => {
    live.path = "";
    refresh();
  },
});

// The list's state is where following begins.
function follow(response) {
  const tag = /"([0-9a-f]+)-(\d+)/.exec(response.headers.get("ETag") || "");
  const path = `${base(place.book)}/_changes`;
  if (!tag || live.path === path) return;
  live.start(path, tag[1] + tag[2]);
  if (token.get()) askForRights();
}

async function askForRights() {
  const { book } = place;
  const isRefused = await mayOnlyRead(book);
  if (book !== place.book || isRefused === mount.isReadOnly) return;
  mount.isReadOnly = $("#new").hidden = isRefused;
  $("#read-only").hidden = !isRefused;
  showListState(list, null);
  if (detail.draft && !detail.isDirty()) detail.render();
}

// Many books

async function books() {
  const all = [];
  for (let query = "limit=1000"; query && all.length < 10_000; ) {
    const response = await request(`${mount.root}?${query}`);
    all.push(...(await response.json()));
    query = nextQuery(response);
  }
  return all;
}

async function chooseBook() {
  let all = [];
  let failure = null;
  try {
    all = await books();
  } catch (error) {
    failure = error;
  }
  const field = h("input", { type: "search", "aria-label": "Find or name a book", placeholder: "Find or name a book", autocomplete: "off", spellcheck: "false", maxlength: "128" });
  const found = h("ul.books", {});
  const make = h("div.actions", {});
  const box = dialog("Books", failure && h("p.error", {}, explain(failure)[2]), field, found, make);
  const draw = () => {
    const text = field.value.trim();
    const shown = all.filter((book) => book.name.toLowerCase().includes(text.toLowerCase())).slice(0, 200);
    fill(found, shown.map((book) => h("li", {}, h("button", { type: "button", "aria-current": book.name === place.book && "true", onclick: () => {
      box.close();
      openBook(book.name);
    } }, icon("book"), h("b", {}, book.name), h("span", {}, count(book.count, "contact"))))));
    const isNew = BOOK.test(text) && !all.some((book) => book.name === text);
    fill(make, isNew && button(`Make the book “${text}”`, async () => {
      try {
        await request(bookPath(text), { method: "PUT" });
        box.close();
        openBook(text);
      } catch (error) {
        toast(explain(error)[2], { kind: "bad" });
      }
    }, { kind: "primary", name: "plus" }));
    if (!shown.length && !isNew) fill(found, h("li.fine", {}, text ? "A book’s name has letters, digits and . _ ~ @ + - only; the first is a letter or a digit." : "No book yet. Type a name to make one."));
  };
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const same = [...found.children].find((each) => $("b", each)?.textContent === field.value.trim());
    $("button", same || make)?.click();
  });
  field.addEventListener("input", draw);
  draw();
  field.focus();
}

// @returns whether there is none yet; then it asks for one
function needsBook() {
  if (!mount.hasBooks || place.book) return false;
  chooseBook();
  return true;
}

function openBook(name) {
  if (!mayLeave()) return;
  Object.assign(place, { book: name, q: "", label: "", id: "" });
  writePlace(true);
  start();
}

// Keys, menus, start

const KEYS = [["/", "Search"], ["↑ ↓", "Go through the list; Page, Home and End too"], ["Enter", "Open the contact"], ["n", "New contact"], ["Ctrl S", "Save"], ["Esc", "Back to the list"], ["Del", "Delete the contact, in the list"], ["z", "Undo the deletion"], ["?", "These keys"]];

function showKeys() {
  dialog("Keys", h("dl.keys", {}, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key.split(" ").map((each) => h("kbd", {}, each))), h("dd", {}, what)))));
}

const pickFile = () => chooseFile(takeFile);
const takeFile = (file) => mount.isReadOnly || needsBook() || importFile(place.book, file, () => refresh({ keepPlace: true }));

addEventListener("keydown", (event) => {
  const isMod = event.ctrlKey || event.metaKey;
  if (isMod && event.key.toLowerCase() === "s") {
    event.preventDefault();
    detail.save();
    return;
  }
  if ($("dialog[open]") || event.altKey) return;
  if (isMod && event.key.toLowerCase() === "k") {
    event.preventDefault();
    search.focus();
    return;
  }
  if (isMod) return;
  if (event.key === "Escape") {
    const menu = $("details[open].menu");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
    } else if (detail.pane.contains(document.activeElement)) {
      if (isNarrow.matches || detail.isNew) closeContact();
      else list.viewport.focus();
    }
    return;
  }
  if (event.key === "Delete" && document.activeElement === list.viewport && !event.repeat && list.rows[list.active]?.id === detail.id) detail.remove();
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const action = { "/": () => (search.focus(), search.select()), n: newContact, "?": showKeys, z: () => detail.undos.at(-1)?.() }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

const menu = $("#menu");
function fillMenu() {
  const item = (name, text, act, isOn = true) => isOn && h("li", {}, button(text, () => {
    menu.open = false;
    act();
  }, { name }));
  const hasFormats = mount.formats.length > 0;
  fill($("ul", menu),
    item("import", "Import …", pickFile, hasFormats && !mount.isReadOnly),
    item("export", "Export …", () => exportDialog(place.book, { filter: Object.keys(filter()).length && filter(), sort: place.sort, total: list.total }), hasFormats),
    item("book", "Books …", chooseBook, mount.hasBooks),
    item("lock", "Forget the token", () => {
      token.set("");
      location.reload();
    }, token.get() !== ""),
    item("keys", "Keys", showKeys));
}
menu.addEventListener("toggle", () => menu.open && fillMenu());
addEventListener("click", (event) => !event.target.closest(".menu") && (menu.open = false));

$("#new").addEventListener("click", newContact);
$("#book").addEventListener("click", chooseBook);
acceptDrops(takeFile);
addEventListener("offline", () => {
  live.close();
  live.onstate("waiting");
  showListState(list, new ApiError(0));
});
addEventListener("online", () => refresh({ keepPlace: true }));
addEventListener("popstate", () => {
  const before = { ...place };
  readPlace();
  const differs = (...keys) => keys.some((key) => before[key] !== place[key]);
  if (differs("book", "id")) {
    if (!mayLeave()) {
      Object.assign(place, before);
      writePlace(true);
      return;
    }
    detail.draft = null;
  }
  if (differs("book")) start();
  else {
    if (differs("q", "label", "sort")) {
      search.value = place.q;
      sorting.value = place.sort;
      drawLabels();
      refresh();
    }
    if (place.id) openContact(place.id);
    else if (before.id) closeContact();
    else show("list");
  }
});

function start() {
  live.stop();
  labels.clear();
  search.value = place.q;
  sorting.value = place.sort;
  $("#clear").hidden = !place.q;
  $("#book").hidden = !mount.hasBooks;
  $("#book-name").textContent = place.book || "Choose a book";
  document.title = place.book ? `${place.book} – Contacts` : "Contacts";
  detail.empty(place.book);
  show(place.id ? "detail" : "list");
  if (needsBook()) {
    list.viewport.hidden = true;
    listState.hidden = false;
    fill(listState, state("book", "Many books", "Each has contacts of its own.", button("Choose a book", chooseBook, { kind: "primary" })));
    return;
  }
  list.selected = place.id;
  refresh();
  if (place.id) detail.open(place.book, place.id);
}

// Before the first answer the rows stand there, still empty.
readPlace();
list.total = 12;
list.redraw();
start();

