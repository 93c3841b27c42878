// Files of contacts: bringing in, with a look at what would happen first, and taking out.

import { base, explain, mount, request, token, upload } from "./api.js";
import { $, button, count, dialog, fill, h, icon, radio, toast } from "./dom.js";

const FORMATS = {
  vcf: ["vCard", "for phones and mail programs"],
  csv: ["CSV", "for spreadsheets"],
  jscontact: ["JSContact", "JSON, RFC 9553"],
  ndjson: ["NDJSON", "one address a line, as stored"],
  json: ["JSON", "one list, as stored"],
};
const NUMBERS = { created: "new", updated: "replaced", skipped: "left as they are", failed: "can't be read" };
const known = () => mount.formats.filter((name) => FORMATS[name]);

async function formatOf(file) {
  const start = await file.slice(0, 4096).text();
  let format = file.name.split(".").pop().toLowerCase().replace("jsonl", "ndjson");
  if (/^\s*BEGIN:VCARD/i.test(start)) format = "vcf";
  if (format === "json" && /"@type"\s*:\s*"Card"/.test(start)) format = "jscontact";
  return known().find((name) => name === format);
}

// Looks for files that are dragged over the page. @param take  called with a file
export function acceptDrops(take) {
  const veil = $("#drop");
  const on = (type, act) => addEventListener(type, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // or the browser leaves for the file
    if (!mount.formats.length || $("dialog[open]")) return;
    veil.hidden = type === "drop" || (type === "dragleave" && !event.relatedTarget);
    if (act) act(event.dataTransfer.files[0]);
  });
  on("dragenter");
  on("dragover");
  on("dragleave");
  on("drop", take);
}

// @param take  called with the file that was chosen
export function chooseFile(take) {
  const input = h("input", { type: "file", accept: ".vcf,.csv,.json,.ndjson,.jsonl" });
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  input.click();
}

export async function importFile(book, file, ondone) {
  const body = h("div.import", { "aria-live": "polite" });
  const box = dialog("Import contacts", body);
  let isOpen = true;
  box.addEventListener("close", () => (isOpen = false));
  const close = () => box.close();
  const format = await formatOf(file);
  const title = h("p.file", {}, icon("file"), h("span", {}, h("b", {}, file.name), h("br"), `${FORMATS[format]?.[0] || "unknown form"}, ${count(Math.max(1, Math.round(file.size / 1024)), "KiB", "KiB")}`));
  if (!format) {
    fill(body, title, h("p", {}, `This is not a file that can be read here. There is: ${known().map((name) => FORMATS[name][0]).join(", ")}.`), h("div.actions", {}, button("Close", close)));
    return;
  }
  let conflict = "skip";
  let isPartial = false;

  const send = (dry, label) => {
    const bar = h("progress", { max: "1", "aria-label": label });
    const text = h("p", {}, label);
    fill(body, title, text, bar);
    const query = new URLSearchParams({ format, on_conflict: conflict, ...(dry && { dry_run: "true" }), ...(isPartial && { partial: "true" }) });
    return upload(`${base(book)}?${query}`, file, (share) => {
      if (share < 1) bar.value = share;
      else bar.removeAttribute("value");
      text.textContent = share < 1 ? `${label} ${Math.round(share * 100)} %` : `${label} Nearly there`;
    });
  };
  const attempt = async (dry, label) => {
    try {
      return await send(dry, label);
    } catch (error) {
      // More records than are stored together: in parts, then.
      if (error.status !== 413 || isPartial || !/partial/.test(error.message)) throw error;
      isPartial = true;
      return send(dry, label);
    }
  };
  const failed = (error, again) => {
    const [, head, text] = explain(error);
    if (!isOpen) return again === run && toast(`${file.name}: ${text}`, { kind: "bad" });
    fill(body, title, h("div.error", { role: "alert" }, h("b", {}, head), h("p", {}, error.status === 0 ? error.message : text)),
      h("div.actions", {}, button("Close", close, { kind: "quiet" }), button("Try again", again, { kind: "primary" })));
  };
  const numbers = (report) => h("ul.numbers", {}, Object.entries(NUMBERS).map(([name, word]) => h("li", {}, h("b", {}, report[name].toLocaleString("en")), word)));
  const lines = (report) => {
    const { errors, warnings, failed_batches: parts = [] } = report;
    const row = (kind) => ({ line, message, first = line, last }) => ({ first, row: h(`tr.${kind}`, {}, h("td", {}, last ? `${first} to ${last}` : first), h("td", {}, message)) });
    const rows = [...[...parts, ...errors].map(row("bad")), ...warnings.map(row("warn"))].sort((a, b) => a.first - b.first).map((each) => each.row);
    const left = report.failed - errors.length;
    return rows.length > 0 && h("div.report", { tabindex: "0", role: "region", "aria-label": "Line by line" },
      h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Line"), h("th", {}, "What"))), h("tbody", {}, rows)),
      left > 0 && !parts.length && h("p.fine", {}, `And ${left.toLocaleString("en")} more.`));
  };

  const look = async () => {
    try {
      const report = await attempt(true, "Looking at the file …");
      if (!isOpen) return;
      const todo = report.created + report.updated;
      const choice = (value, text) => radio("conflict", conflict === value, () => {
        conflict = value;
        look();
      }, text);
      fill(body, title, h("p", {}, "Nothing is stored yet. This would happen:"),
        numbers(report),
        h("fieldset.conflicts", {}, h("legend", {}, "Contacts that are here already"), choice("skip", "Leave them"), choice("replace", "Replace them"), choice("duplicate", "Add them again")),
        lines(report),
        h("div.actions", {}, button("Cancel", close, { kind: "quiet" }), button(todo ? `Import ${count(todo, "contact")}` : "Nothing to import", run, { kind: "primary", disabled: todo === 0 })));
      $(".actions .primary:not([disabled])", body)?.focus();
    } catch (error) {
      failed(error, look);
    }
  };
  const run = async () => {
    try {
      const report = await attempt(false, "Importing …");
      ondone();
      if (!isOpen) {
        toast(`${file.name}: ${count(report.created, "contact")} imported`);
        return;
      }
      fill(body, title, h("p.done", {}, icon("check"), report.status === 207 ? "Done, but not all of it." : "Done."),
        numbers(report), lines(report),
        h("div.actions", {}, button("Close", close, { kind: "primary" })));
      $(".actions .primary", body).focus();
    } catch (error) {
      failed(error, run);
    }
  };
  await look();
}

// Gives a file to the browser. With a token it has to be read here first; so has what is to have
// a name of its own.
export async function download(path, name, isSmall) {
  const save = (href) => h("a", { href, download: name }).click();
  if (!token.get() && !isSmall) {
    save(path);
    return;
  }
  const close = toast("Preparing the file …", { seconds: 600 });
  try {
    const url = URL.createObjectURL(await (await request(path)).blob());
    save(url);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    toast(explain(error)[2], { kind: "bad" });
  } finally {
    close();
  }
}

// @param query  of the list that is shown now; "" for all. @param total  how many it has
export function exportDialog(book, { filter, sort, total }) {
  let format = known()[0];
  let isAll = !filter;
  const options = known().map((name) => radio("format", name === format, () => (format = name), h("b", {}, FORMATS[name][0]), h("span.said", {}, FORMATS[name][1])));
  const box = dialog("Export contacts",
    h("fieldset", {}, h("legend", {}, "As"), options),
    filter && h("fieldset", {}, h("legend", {}, "Which"), radio("which", true, () => (isAll = false), `The ${count(total, "contact")} shown now`), radio("which", false, () => (isAll = true), "All of the book")),
    h("div.actions", {}, button("Cancel", () => box.close(), { kind: "quiet" }), button("Export", () => {
      const query = new URLSearchParams(isAll ? {} : filter);
      query.set("format", format);
      query.set("sort", sort);
      download(`${base(book)}?${query}`, `${book || "contacts"}.${format.replace("jscontact", "json")}`);
      box.close();
    }, { kind: "primary", name: "export" })));
}
