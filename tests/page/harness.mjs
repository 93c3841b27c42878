// What the tests of the contacts page share: a browser, pages that report what they must not do,
// checks, pictures.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.PAGE_MODULES, "x.js"));
const puppeteer = require("puppeteer-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const servers = JSON.parse(process.env.PAGE_SERVERS); // {book, tokens, books: URLs}
export const home = process.env.PAGE_WORK;
const pictures = process.env.PAGE_PICTURES;

export const browser = await puppeteer.launch({
  executablePath: process.env.PAGE_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--lang=en-US", "--hide-scrollbars", "--font-render-hinting=none"],
});

const failures = [];
export function check(is, what, seen) {
  if (!is) throw new Error(seen === undefined ? what : `${what}: ${JSON.stringify(seen)}`);
}

const tests = [];
export const test = (name, run) => tests.push([name, run]);

export async function runAll(only) {
  for (const [name, run] of tests) {
    if (only && !name.includes(only)) continue;
    const began = Date.now();
    const open = [];
    try {
      const said = await run((...args) => newPage(open, ...args));
      for (const { problems } of open) check(problems.length === 0, "the page reports", problems);
      console.log(`ok      ${name}${said ? `: ${said}` : ""} (${Date.now() - began} ms)`);
    } catch (error) {
      failures.push(name);
      console.log(`FAILED  ${name}: ${error.message}\n${(error.stack || "").split("\n").filter((line) => line.includes("page.mjs")).slice(0, 3).join("\n")}`);
      const last = open[open.length - 1]?.page;
      if (last) await last.screenshot({ path: join(home, "failed.png") }).catch(() => {});
      if (last && process.env.PAGE_KEEP) await last.screenshot({ path: process.env.PAGE_KEEP }).catch(() => {});
    } finally {
      for (const { context } of open) await context.close();
    }
  }
  await browser.close();
  return failures.length === 0;
}

// A page in a browser of its own. @param allowed  what it may say on the console
async function newPage(open, url, { width = 1280, height = 800, dark = false, allowed = /(?!)/, before, scale = 1 } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const problems = [];
  open.push({ context, page, problems });
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => problems.push(String(error.message)));
  page.on("console", (message) => message.type() === "error" && !allowed.test(message.text()) && problems.push(message.text()));
  page.on("dialog", (dialog) => {
    if (dialog.type() === "alert") problems.push(`an alert: ${dialog.message()}`);
    dialog.accept();
  });
  const host = new URL(url).host;
  page.on("request", (request) => {
    if (!/^(data|blob|about):/.test(request.url()) && new URL(request.url()).host !== host) problems.push(`a request to ${request.url()}`);
  });
  await page.setViewport({ width, height, deviceScaleFactor: scale });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await page.evaluateOnNewDocument(() => addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.blockedURI}`)));
  if (before) await before(page);
  await page.goto(url);
  return page;
}

export const until = (page, test, ...args) => page.waitForFunction(test, { polling: "raf" }, ...args).catch(async (error) => {
  throw new Error(`${error.message.split("\n")[0]} in ${String(test).slice(0, 160)}; ${await page.evaluate(() => document.body.innerText.slice(0, 200).replaceAll("\n", " | "))}`);
});
export const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
export const hasRows = (page) => until(page, () => document.querySelector(".row:not([hidden]) .name")?.textContent);
export const names = (page) => page.$$eval(".row:not([hidden]):not(.blank)", (rows) => rows.sort((a, b) => a.index - b.index).map((row) => row.querySelector(".name").textContent));
export const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
export const click = (page, label, within = "body") => until(page, (label, within) => {
  const all = [...document.querySelectorAll(`${within} button, ${within} summary, ${within} label, ${within} .row`)];
  const found = all.find((each) => each.offsetParent !== null && !each.disabled && (each.textContent.trim() === label || each.getAttribute("aria-label") === label));
  found?.click();
  return Boolean(found);
}, label, within);
export async function fill(page, selector, value) {
  await page.waitForSelector(selector);
  await page.$eval(selector, (input) => {
    input.focus();
    input.value = "";
  });
  await page.keyboard.type(value);
  if (!value) await page.$eval(selector, (input) => input.dispatchEvent(new Event("input", { bubbles: true })));
}

// All rules of axe, none is left out.
export async function axe(page, what) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary.split("\n").slice(1, 2)}`).join("; ")}`);
  });
  check(found.length === 0, `axe, ${what}`, found);
}

let pictured = 0;
export async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: join(pictures, `${name}.png`), optimizeForSpeed: false });
  ++pictured;
}

export async function api(path, { method = "GET", body, headers = {}, server = servers.book } = {}) {
  const response = await fetch(`${server}${path}`, { method, headers, body: typeof body === "object" ? JSON.stringify(body) : body });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

// 100,000 invented people, always the same
export function people(count) {
  let seed = 7;
  const random = (n) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % n;
  };
  const given = "Ada Alan Grace Linus Margaret Barbara Edsger Donald Katherine Dorothy Radia Hedy Tim Vint Leslie Frances Jean Adele Karen Shafi Amir Noor Yuki Marta Siobhán Ömer Zoë Łukasz Bjørn Ingrid Chloé Mateo Aisha Kwame Priya Arjun Mei Hiro Olga Ivan".split(" ");
  const family = "Abbott Okafor Lindqvist Tanabe Alvarez Brenner Castillo Dubois Eriksen Fischer Gupta Haddad Ito Jansen Kowalski Larsen Moreau Nakamura Oliveira Petrov Quinn Rossi Sørensen Takeda Ueda Vargas Weber Xu Yilmaz Zhang Novák Ibrahim Mbeki Sato Romano Keller".split(" ");
  const firms = ["Northwind Supplies", "Harbor Books", "Lumen Labs", "Cedar & Co", "Blue Fjord AS", "Atelier Nord", "Pine Street Clinic", "Orbit Freight", "Quiet Bakery", "Example Works"];
  const labels = ["friends", "family", "work", "suppliers", "choir", "neighbours"];
  const middle = "ABCDEFGHIJKLMNOPRSTVWZ";
  return Array.from({ length: count }, (_, i) => {
    const [first, last] = [given[random(given.length)], family[random(family.length)]];
    const mail = `${first}.${last}.${i}`.normalize("NFKD").replace(/[^A-Za-z0-9.]/g, "").toLowerCase();
    return {
      name: `${first} ${middle[random(middle.length)]}. ${last}`, emails: [`${mail}@example.com`],
      phones: [`+1 555 ${String(random(1000)).padStart(3, "0")} ${String(random(10000)).padStart(4, "0")}`],
      ...(random(3) === 0 && { organization: firms[random(firms.length)] }), ...(random(2) === 0 && { labels: [labels[random(labels.length)]] }),
    };
  });
}
