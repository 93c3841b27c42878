// An address of any shape, read as a contact, as the server reads it (contact.hpp), and with the
// place of each value, so that a form can change one and leave all others as they are. A place is
// an array of member names and indices.

import { isMap, Num } from "./json.js";

const NAMES = ["name", "full_name"];
const GIVEN = ["given", "given_name", "first_name"];
const FAMILY = ["family", "family_name", "last_name"];
const ORGANIZATIONS = ["organization", "org", "company", "organizations"];
const ADDRESSES = ["addresses", "address"];
const LABELS = ["labels", "categories", "groups", "keywords"];
const LISTS = {
  emails: { names: ["email", "emails"], leaves: ["email", "address", "value"], leaf: "address", needed: /@/ },
  phones: { names: ["phone", "phones", "phone_numbers"], leaves: ["number", "value"], leaf: "number", needed: /\d/ },
};
const PARTS = ["country_code", "area_code", "local_number"];
const PART_NAMES = {
  title: "Title", given: "Given name", given2: "Middle name", surname: "Family name",
  surname2: "Second family name", generation: "Generation", credential: "Credentials",
};

// The parts of a postal address that one is asked for.
const PLACE = { name: "Street", postcode: "Postcode", locality: "City", region: "Region", country: "Country" };

const text = (value) => (typeof value === "string" ? value.trim() : "");
const textOrInteger = (value) => (value instanceof Num && /^-?\d+$/.test(value.raw) ? value.raw : text(value));
const joined = (...texts) => texts.filter(Boolean).join(" ");
const entries = (value) => (isMap(value) ? [...value] : Array.isArray(value) ? [...value.entries()] : []);
const isCard = (address) => address.get("@type") === "Card";

export const at = (root, path) =>
  path.reduce((value, step) => (isMap(value) ? value.get(step) : Array.isArray(value) ? value[step] : undefined), root);

export function put(root, path, value) {
  let holder = root;
  path.slice(0, -1).forEach((step) => {
    if (!entries(at(holder, [step])).length && !Array.isArray(at(holder, [step]))) holder.set(step, new Map());
    holder = at(holder, [step]);
  });
  const last = path.at(-1);
  if (isMap(holder)) holder.set(last, value);
  else holder[last] = value;
}

export function drop(root, path) {
  const holder = at(root, path.slice(0, -1));
  if (isMap(holder)) holder.delete(path.at(-1));
  else if (Array.isArray(holder)) holder.splice(path.at(-1), 1);
  // Nobody wants to keep a list that they have emptied.
  if (path.length > 1 && holder && !entries(holder).length) drop(root, path.slice(0, -1));
}

// A number stays one where it still can.
export function retyped(old, value) {
  if (old instanceof Num && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return new Num(value);
  return typeof old === "boolean" && /^(true|false)$/.test(value) ? value === "true" : value;
}

// "work, mobile": what an email or a phone says of itself.
export function hintOf(map) {
  const words = ["label", "type", "types", "kind", "contexts", "features"].flatMap((name) => {
    const value = map.get(name);
    return isMap(value) ? [...value].filter(([, v]) => v === true).map(([key]) => key) : value;
  });
  return words.filter((word) => typeof word === "string").join(", ");
}

// Reads an address. The result has `title`, what to call it; name, organization, birthday, each
// {path, item, value} or null, where `item` is the place of all that goes with the value; parts of a
// name; emails, phones, labels: such rows; `used`: the members that these tell as a whole.
// With `blanks` texts that are still empty have rows, too.
export function read(address, blanks = false) {
  const used = new Set();
  const is = (value) => typeof value === "string" && (blanks || value.trim() !== "");
  const row = (path, item, value, more) => ({ path, item, value: textOrInteger(value), ...more });

  const first = (names) => {
    const found = names.filter((name) => is(address.get(name)));
    found.forEach((name) => used.add(name));
    const best = found.find((name) => text(address.get(name))) ?? found[0];
    return best ? row([best], [best], address.get(best)) : null;
  };

  const list = ({ names, leaves, needed }) => names.flatMap((name) => {
    const one = (path, value, hint) => {
      const isText = (v) => is(v) || textOrInteger(v) !== "";
      if (!isMap(value)) return (name.startsWith("phone") ? isText(value) : is(value)) ? [row(path, path, value, { hint })] : [];
      const leaf = leaves.find((each) => isText(value.get(each)));
      if (leaf) return [row([...path, leaf], path, value.get(leaf), { hint: hintOf(value) })];
      const parts = PARTS.map((part) => row([...path, part], null, value.get(part)));
      const whole = joined(...parts.map((part) => part.value));
      return whole && name.startsWith("phone") ? [row(path, path, whole, { parts, hint: hintOf(value) })] : [];
    };
    const value = address.get(name);
    let rows = one([name], value);
    if (!rows.length) {
      rows = entries(value).flatMap(([key, v]) => {
        const isPlain = isMap(value) && !isMap(v);
        return isPlain && !needed.test(textOrInteger(v)) && !(blanks && v === "") ? [] : one([name, key], v, isPlain ? key : "");
      });
    }
    if (rows.length) used.add(name);
    return rows;
  });

  const labels = LABELS.flatMap((name) => {
    const value = address.get(name);
    const rows = text(value) ? [row(null, [name], value)] : entries(value).flatMap(([key, v]) => {
      const label = isMap(value) ? v === true && text(key) : text(v);
      return label ? [row(null, [name, key], label)] : [];
    });
    if (rows.length || (Array.isArray(value) && !value.length)) used.add(name);
    return rows;
  });

  const organizations = ORGANIZATIONS.flatMap((name) => {
    const one = (path, v) => (is(v) ? [row(path, path, v)] : isMap(v) && is(v.get("name")) ? [row([...path, "name"], path, v.get("name"))] : []);
    const value = address.get(name);
    const own = one([name], value);
    const rows = own.length ? own : entries(value).flatMap(([key, v]) => (isMap(value) && !isMap(v) ? [] : one([name, key], v)));
    if (rows.length === 1) used.add(name);
    return rows;
  });

  const births = entries(address.get("anniversaries")).flatMap(([key, v]) => {
    const date = isMap(v) && v.get("kind") === "birth" && v.get("date");
    const value = blanks && typeof date === "string" ? date : dateText(date);
    return value || (blanks && date === "") ? [row(["anniversaries", key, "date"], ["anniversaries", key], value, { isDate: true })] : [];
  });
  if (births.length && entries(address.get("anniversaries")).length === 1) used.add("anniversaries");

  let name = first(NAMES);
  const given = first(GIVEN);
  const family = first(FAMILY);
  const parts = [];
  const card = address.get("name");
  let full = "";
  if (isMap(card)) {
    used.add("name");
    full = text(card.get("full"));
    if (is(card.get("full"))) name = row(["name", "full"], ["name", "full"], full);
    const isJoined = full !== "" && full === joinName(card);
    full ||= joinName(card);
    for (const { kind, value, path } of componentsOf(card, ["name"])) {
      if (PART_NAMES[kind]) parts.push(row(path, path.slice(0, -1), value, { kind, label: PART_NAMES[kind], isJoined }));
    }
  }
  const of = (plain, ...kinds) => (plain ? plain.value : joined(...parts.filter((p) => kinds.includes(p.kind)).map((p) => p.value)));
  const [givenText, familyText] = [of(given, "given"), of(family, "surname", "surname2")];
  if (given) parts.push({ ...given, label: "Given name" });
  if (family) parts.push({ ...family, label: "Family name" });
  const organization = organizations[0] || null;
  return {
    used, name, parts, organization, labels, given: givenText, family: familyText,
    birthday: first(["birthday", "bday"]) || births[0] || null, emails: list(LISTS.emails), phones: list(LISTS.phones),
    title: full || name?.value || joined(givenText, familyText) || organization?.value || "",
  };
}

// The same as the server's view=summary.
export function summary(address) {
  const { title, given, family, organization, birthday, emails, phones, labels } = read(address);
  const values = (rows) => rows.map((row) => row.value);
  return {
    name: title, given, family, organization: organization?.value || "", birthday: birthday?.value || "",
    emails: values(emails), phones: values(phones), labels: values(labels),
  };
}

// JSContact (RFC 9553): the components of a name, and dates

const componentsOf = (holder, place) => entries(holder.get("components")).flatMap(([i, component]) =>
  (isMap(component) && typeof component.get("value") === "string"
    ? [{ kind: text(component.get("kind")), value: component.get("value"), path: [...place, "components", i, "value"] }] : []));

function joinName(name) {
  const components = componentsOf(name, []).filter(({ kind, value }) => kind === "separator" || value.trim());
  if (name.get("isOrdered") !== true) {
    return joined(...["given", "given2", "surname", "surname2"].map((kind) => joined(...components.filter((c) => c.kind === kind).map((c) => c.value))));
  }
  const separator = typeof name.get("defaultSeparator") === "string" ? name.get("defaultSeparator") : " ";
  let all = "";
  let needs = false;
  for (const { kind, value } of components) {
    all += (needs && kind !== "separator" ? separator : "") + value;
    needs = kind !== "separator";
  }
  return all.trim();
}

// After a part has changed: `full` says the same, as it did before.
export const rejoin = (address) => put(address, ["name", "full"], joinName(address.get("name")));

function dateText(date) {
  if (!isMap(date)) return "";
  const utc = text(date.get("utc"));
  if (/^\d{4}-\d\d-\d\d/.test(utc)) return utc.slice(0, 10);
  if (!["gregorian", undefined].includes(date.get("calendarScale"))) return "";
  const [year, month, day] = [["year", 4], ["month", 2], ["day", 2]].map(([name, size]) => {
    const value = textOrInteger(date.get(name));
    return value && value.padStart(size, "0");
  });
  return year || month ? (year || "-") + (month && `-${month}`) + (month && day && `-${day}`) : "";
}

// Postal addresses: [{path, value}], where the value is a text or a Map. @param used  gets their members
export const places = (address, used) => ADDRESSES.flatMap((name) => {
  const value = address.get(name);
  const all = Array.isArray(value) || isKeyed(value) ? entries(value).map(([key, v]) => ({ path: [name, key], value: v })) : [{ path: [name], value }];
  const rows = all.filter((row) => isMap(row.value) || typeof row.value === "string");
  if (rows.length) used.add(name);
  return rows;
});

const isKeyed = (value) => isMap(value) && [...value.values()].every(isMap);
export const isAddress = (root, value) => isCard(root) || Array.isArray(value.get("components")) || value.has("full");

// The parts of a JSContact Address (2.5.1). What it lacks of the usual ones it gets, empty.
export function partsOf(value, path) {
  if (value.size && !value.has("full") && !value.has("components")) value.set("components", []);
  const held = value.get("components");
  const kinds = Object.keys(PLACE);
  if (Array.isArray(held)) kinds.filter((kind) => !held.some((c) => isMap(c) && c.get("kind") === kind)).forEach((kind) => held.push(new Map([["kind", kind], ["value", ""]])));
  const order = ({ kind }) => kinds.indexOf(kind) + 1 || 9;
  const parts = componentsOf(value, path).filter(({ kind }) => kind !== "separator").sort((a, b) => order(a) - order(b))
    .map((part) => ({ ...part, item: part.path.slice(0, -1), label: PLACE[part.kind] || part.kind.replace(/[A-Z]/g, (c) => " " + c.toLowerCase()) }));
  const full = [...path, "full"];
  return typeof value.get("full") === "string" ? [...parts, { path: full, item: full, value: value.get("full"), label: "Address" }] : parts;
}

// @param name  private, work or ""; other contexts stay
export function setContext(value, name) {
  const kept = entries(value.get("contexts")).filter(([key]) => !["private", "work"].includes(key));
  if (name) kept.push([name, true]);
  if (kept.length) value.set("contexts", new Map(kept));
  else value.delete("contexts");
}

// @param date  what stands there now. @returns the same text if it is no date
export function dateOf(value, date) {
  const found = /^(?!-$)(?:(\d{4})|-)(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?$/.exec(value.trim());
  if (!found) return value;
  const kept = entries(date).filter(([name]) => !["utc", "year", "month", "day"].includes(name));
  const set = ["year", "month", "day"].flatMap((name, i) => (found[i + 1] ? [[name, new Num(String(Number(found[i + 1])))]] : []));
  return new Map([...kept.map(([name, v]) => [name, name === "@type" ? "PartialDate" : v]), ...set]);
}

// Adding, in the form that the address has already

const freshKey = (map, stem) => {
  let n = 1;
  while (map.has(stem + n)) ++n;
  return stem + n;
};

// @param kind  emails or phones. @returns the place of the text
export function addRow(address, kind) {
  const { names, leaves, leaf } = LISTS[kind];
  const name = [kind, ...names].find((each) => Array.isArray(address.get(each)) || (each === kind && isMap(address.get(each))));
  const held = name ? address.get(name) : address.has(kind) ? [address.get(kind)] : isCard(address) ? new Map() : [];
  address.set(name || kind, held);
  const like = entries(held).map(([, v]) => v).find(isMap);
  const isFlat = !like && (Array.isArray(held) || held.size > 0);
  const own = (like && leaves.find((each) => like.has(each))) || leaf;
  const key = Array.isArray(held) ? held.length : freshKey(held, isFlat ? "other" : kind[0]);
  put(held, [key], isFlat ? "" : new Map([[own, ""]]));
  return [name || kind, key, ...(isFlat ? [] : [own])];
}

// @returns the place of its first text
export function addPlace(address) {
  let held = address.get("addresses") ?? (isCard(address) ? new Map() : []);
  if (!isKeyed(held) && !Array.isArray(held)) held = [held];
  address.set("addresses", held);
  const key = isMap(held) ? freshKey(held, "a") : held.length;
  const like = entries(held).map(([, v]) => v).find(isMap) || new Map(Object.values(PLACE).map((name) => [name.toLowerCase(), name]));
  const names = isAddress(address, like) ? null : [...like.keys()].filter((name) => text(like.get(name)));
  put(held, [key], new Map(names ? names.map((name) => [name, ""]) : [["components", []]]));
  return ["addresses", key, ...(names ? names.slice(0, 1) : ["components", 0, "value"])];
}

export function addLabel(address, value) {
  const name = LABELS.find((each) => address.has(each));
  const held = address.get(name);
  if (Array.isArray(held)) held.push(value);
  else if (isMap(held)) held.set(value, true);
  else if (!name && isCard(address)) address.set("keywords", new Map([[value, true]]));
  else address.set(name || "labels", [held ?? "", value].filter((each) => each !== ""));
}

const PLACES = { name: ["name", "full"], organization: ["organizations", "o1", "name"], birthday: ["anniversaries", "b1", "date"], note: ["notes", "n1", "note"] };
// Where a field that the address lacks begins.
export const placeOf = (address, field) => (isCard(address) || (field === "name" && isMap(address.get(field))) ? PLACES[field] : [field]);

export function isFree(address, field) {
  const [first, second] = placeOf(address, field);
  const held = address.get(first);
  return !address.has(field + "s") && (!address.has(first) || (second && isMap(held) && !held.has(second)));
}

// The rest

// All single values below the members that read() does not tell: [{path, value}]
export function others(address, used) {
  const walk = (value, path) => {
    const inner = entries(value);
    return inner.length ? inner.flatMap(([key, v]) => walk(v, [...path, key])) : [{ path, value }];
  };
  return [...address].flatMap(([name, value]) => (used.has(name) ? [] : walk(value, [name])));
}

// A picture that can be shown: a data: URI of pixels. SVG is a document, and is left out.
export function photo(address) {
  const media = entries(address.get("media")).flatMap(([, m]) => (isMap(m) && m.get("kind") === "photo" ? m.get("uri") : []));
  return [address.get("photo"), address.get("image"), address.get("avatar"), ...media]
    .find((value) => typeof value === "string" && /^data:image\/(png|jpe?g|gif|webp|avif);base64,[A-Za-z0-9+/=]+$/i.test(value));
}
