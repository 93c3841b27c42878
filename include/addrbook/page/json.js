// JSON without loss. JSON.parse() rounds 20-digit integers, and moves members whose names are
// numbers: whoever stores what it gives changes what they never touched. Here objects are Maps, and
// numbers keep their digits.

export class Num {
  constructor(raw) {
    this.raw = raw;
  }
}

export const isMap = (value) => value instanceof Map;

const TOKEN = /\s*([[\]{}:,]|"(?:[^"\\]+|\\.)*"|[^\s,\]}]+)/g;

// Throws a SyntaxError that says where.
function tokens(text) {
  JSON.parse(text);
  return Array.from(text.matchAll(TOKEN), (found) => found[1]);
}

// @returns a Map, an array, a string, a Num, a boolean or null
export function parse(text) {
  const list = tokens(text);
  let at = 0;
  const read = () => {
    const token = list[at++];
    if (token === "{" || token === "[") {
      const map = new Map();
      const array = [];
      for (; list[at] !== "}" && list[at] !== "]"; at += list[at] === ",") {
        if (token === "[") array.push(read());
        else map.set(JSON.parse(list[(at += 2) - 2]), read());
      }
      ++at;
      return token === "[" ? array : map;
    }
    return /^[-\d]/.test(token) ? new Num(token) : JSON.parse(token);
  };
  return read();
}

// The same text with a line for each value. Strings and numbers stay as they are written.
export function pretty(text) {
  let out = "";
  let depth = 0;
  let before = "";
  for (const token of tokens(text)) {
    const closes = /^[}\]]$/.test(token);
    const opened = /^[{[]$/.test(before);
    if (closes) --depth;
    if (closes ? !opened : opened || before === ",") out += `\n${"  ".repeat(depth)}`;
    out += token === ":" ? ": " : token;
    if (/^[{[]$/.test(token)) ++depth;
    before = token;
  }
  return out;
}

export function stringify(value) {
  if (value instanceof Num) return value.raw;
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  return `{${[...value].map(([name, v]) => `${JSON.stringify(name)}:${stringify(v)}`).join(",")}}`;
}

export const clone = (value) =>
  (Array.isArray(value) ? value.map(clone) : isMap(value) ? new Map([...value].map(([name, v]) => [name, clone(v)])) : value);

export function equal(a, b) {
  if (isMap(a) && isMap(b)) return a.size === b.size && [...a].every(([name, v]) => b.has(name) && equal(v, b.get(name)));
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => equal(v, b[i]));
  return a === b || (a instanceof Num && b instanceof Num && a.raw === b.raw);
}

export const pointer = (path) => path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

// @returns a JSON Patch (RFC 6902), an array of Maps, that makes `after` of `before`. What is equal
// in both is not in it, so it stays as it is stored, byte for byte.
export function diff(before, after, path = []) {
  const op = (name, at, ...value) => new Map([["op", name], ["path", pointer(at)], ...value.map((v) => ["value", v])]);
  if (equal(before, after)) return [];
  if (isMap(before) && isMap(after)) {
    return [
      ...[...before].flatMap(([name, v]) => (after.has(name) ? diff(v, after.get(name), [...path, name]) : [op("remove", [...path, name])])),
      ...[...after].flatMap(([name, v]) => (before.has(name) ? [] : [op("add", [...path, name], v)])),
    ];
  }
  if (!Array.isArray(before) || !Array.isArray(after)) return [op("replace", path, after)];
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && equal(before[start], after[start])) ++start;
  let tail = 0;
  while (tail < least - start && equal(before.at(-1 - tail), after.at(-1 - tail))) ++tail;
  const ops = [];
  for (let i = start; i < least - tail; ++i) ops.push(...diff(before[i], after[i], [...path, i]));
  for (let i = before.length - tail - 1; i >= least - tail; --i) ops.push(op("remove", [...path, i]));
  for (let i = least - tail; i < after.length - tail; ++i) ops.push(op("add", [...path, i], after[i]));
  return ops;
}

// What two people made of the same value, together: of a list all that either has added, of an
// object its members likewise. @returns undefined if one must choose, or if it is gone
export function merge(base, mine, theirs) {
  if (equal(mine, theirs) || equal(base, mine)) return theirs;
  if (equal(base, theirs)) return mine;
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    const has = (list, value) => Array.isArray(list) && list.some((v) => equal(v, value));
    return [...theirs.filter((v) => has(mine, v) || !has(base, v)), ...mine.filter((v) => !has(theirs, v) && !has(base, v))];
  }
  if (!isMap(mine) || !isMap(theirs)) return undefined;
  const result = new Map();
  for (const name of new Set([...theirs.keys(), ...mine.keys()])) {
    const [was, my, their] = [isMap(base) ? base.get(name) : undefined, mine.get(name), theirs.get(name)];
    const value = merge(was, my, their);
    if (value !== undefined) result.set(name, value);
    else if (!equal(was, my) && !equal(was, their)) return undefined;
  }
  return result;
}
