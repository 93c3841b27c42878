/// The files of the contacts page. Made by cmake/embed-page.sh from those beside it: change them.
#pragma once

#include <string_view>

namespace addrbook::detail {

struct PageFile {
  std::string_view name;
  const char* text;
};

// clang-format off
inline constexpr PageFile page_files[] = {
{"index.html", R"file(<!doctype html>
<html lang="en" data-tail="{tail}" data-formats="{formats}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f4f0">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171816">
<title>Contacts</title>
<link rel="icon" href="_page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="_page/app.css">
<link rel="modulepreload" href="_page/api.js">
<link rel="modulepreload" href="_page/contact.js">
<link rel="modulepreload" href="_page/detail.js">
<link rel="modulepreload" href="_page/dom.js">
<link rel="modulepreload" href="_page/json.js">
<link rel="modulepreload" href="_page/list.js">
<link rel="modulepreload" href="_page/live.js">
<link rel="modulepreload" href="_page/transfer.js">
<script type="module" src="_page/app.js"></script>
</head>
<body data-pane="list">
<svg hidden xmlns="http://www.w3.org/2000/svg">
<symbol id="i-plus" viewBox="0 0 24 24"><path d="M12 5v14M5 12h14"/></symbol>
<symbol id="i-close" viewBox="0 0 24 24"><path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/></symbol>
<symbol id="i-search" viewBox="0 0 24 24"><circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5"/></symbol>
<symbol id="i-back" viewBox="0 0 24 24"><path d="M14.5 5.5L8 12l6.5 6.5"/></symbol>
<symbol id="i-dots" viewBox="0 0 24 24"><path d="M5.5 12h.01M12 12h.01M18.5 12h.01" stroke-width="3"/></symbol>
<symbol id="i-trash" viewBox="0 0 24 24"><path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5M10.3 10.5v5.5M13.7 10.5v5.5"/></symbol>
<symbol id="i-import" viewBox="0 0 24 24"><path d="M12 4v10.5M7.5 10.5L12 15l4.5-4.5M4.5 16v3.5h15V16"/></symbol>
<symbol id="i-export" viewBox="0 0 24 24"><path d="M12 15V4.5M7.5 9L12 4.5 16.5 9M4.5 16v3.5h15V16"/></symbol>
<symbol id="i-mail" viewBox="0 0 24 24"><rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="M4 7l8 6 8-6"/></symbol>
<symbol id="i-phone" viewBox="0 0 24 24"><path d="M8.5 4.5l1.8 4.3-2 1.6a12 12 0 005.3 5.3l1.6-2 4.3 1.8v3a2 2 0 01-2.2 2A16 16 0 013.5 6.7a2 2 0 012-2.2z"/></symbol>
<symbol id="i-web" viewBox="0 0 24 24"><path d="M13.5 4.5h6v6M19 5l-8.5 8.5M10 5.5H5.5v13h13V14"/></symbol>
<symbol id="i-book" viewBox="0 0 24 24"><path d="M6 4.5h11.5v15H7.5A1.5 1.5 0 016 18zM6 17.5A1.5 1.5 0 017.5 16h10"/><circle cx="11.8" cy="9" r="1.6"/><path d="M9 13a2.9 2.9 0 015.6 0"/></symbol>
<symbol id="i-people" viewBox="0 0 24 24"><circle cx="9" cy="8.5" r="3.2"/><path d="M3.5 19a5.5 5.5 0 0111 0M15.5 5.7a3.2 3.2 0 010 5.6M17 14a5.5 5.5 0 013.5 5"/></symbol>
<symbol id="i-person" viewBox="0 0 24 24"><circle cx="12" cy="8.5" r="3.5"/><path d="M5.5 19.5a6.5 6.5 0 0113 0"/></symbol>
<symbol id="i-lock" viewBox="0 0 24 24"><rect x="5.5" y="10.5" width="13" height="9" rx="2"/><path d="M8.5 10.5V8a3.5 3.5 0 017 0v2.5"/></symbol>
<symbol id="i-offline" viewBox="0 0 24 24"><path d="M4 4l16 16M8.5 15a5 5 0 015-1.2M5 11.5a10 10 0 014-2.3M2.5 8a15 15 0 014-2.5M12.5 8.6a10 10 0 016.5 2.9M10 5a15 15 0 0111.5 3M12 18.5h.01"/></symbol>
<symbol id="i-busy" viewBox="0 0 24 24"><path d="M7 4h10M7 20h10M8 4c0 4.5 8 5.5 8 8s-8 3.5-8 8M16 4c0 4.5-8 5.5-8 8s8 3.5 8 8"/></symbol>
<symbol id="i-alert" viewBox="0 0 24 24"><path d="M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01"/></symbol>
<symbol id="i-file" viewBox="0 0 24 24"><path d="M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4"/></symbol>
<symbol id="i-check" viewBox="0 0 24 24"><path d="M5 12.5l4.5 4.5L19 7.5"/></symbol>
<symbol id="i-keys" viewBox="0 0 24 24"><rect x="3.5" y="6.5" width="17" height="11" rx="2"/><path d="M7 10h.01M10.3 10h.01M13.7 10h.01M17 10h.01M8 14h8"/></symbol>
</svg>
<a class="skip" href="#search" id="skip">Skip to the search</a>
<main id="app">
<section id="side" aria-label="Contacts">
<header class="top">
<h2 class="brand"><img src="_page/icon.svg" alt="" width="28" height="28">Contacts</h2>
<button type="button" id="book" class="chip" hidden><span id="book-name"></span></button>
<span class="space"></span>
<button type="button" id="new" class="tool strong" aria-label="New contact" title="New contact (n)"><svg class="icon" aria-hidden="true"><use href="#i-plus"/></svg></button>
<details class="menu" id="menu"><summary class="tool" aria-label="More" title="More"><svg class="icon" aria-hidden="true"><use href="#i-dots"/></svg></summary><ul></ul></details>
</header>
<div class="find">
<svg class="icon" aria-hidden="true"><use href="#i-search"/></svg>
<input type="search" id="search" placeholder="Search" aria-label="Search contacts" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="search">
<kbd aria-hidden="true">/</kbd>
<button type="button" id="clear" class="tool" aria-label="Clear the search" hidden><svg class="icon" aria-hidden="true"><use href="#i-close"/></svg></button>
</div>
<div id="labels" role="group" aria-label="Labels" hidden></div>
<div class="sorting">
<span id="count" role="status"></span>
<label for="sort">Sort</label><select id="sort"></select>
</div>
<div id="banner" role="status" hidden></div>
<div id="list" role="listbox" tabindex="0" aria-label="Contacts"></div>
<div id="list-state" hidden></div>
<footer id="live" data-state="off"><i aria-hidden="true"></i><span id="live-text"></span></footer>
</section>
<section id="detail" aria-label="Contact"></section>
</main>
<datalist id="known-labels"></datalist>
<div id="toasts" role="status"></div>
<div id="drop" hidden><div><svg class="icon" aria-hidden="true"><use href="#i-import"/></svg><p>Drop a file of contacts</p></div></div>
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
)file"},
{"app.css", R"file(:root {
--paper: #f6f4f0;
--sheet: #fffefb;
--sunk: #eeebe4;
--line: #e3dfd6;
--ink: #1d1f1c;
--soft: #5f625b;
--green: #2b5c4d;
--green-deep: #1f463a;
--on-green: #fff;
--wash: #e2ece6;
--red: #a3342a;
--red-wash: #f8e7e3;
--amber-wash: #f7eeda;
--shadow: 0 1px 2px rgb(40 36 28 / 6%), 0 12px 32px rgb(40 36 28 / 12%);
--round: 10px;
--sans: "Inter Variable", Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
--mono: ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", Menlo, monospace;
color-scheme: light;
}
@media (prefers-color-scheme: dark) {
:root {
--paper: #171816;
--sheet: #1f211e;
--sunk: #292b27;
--line: #343631;
--ink: #ecebe5;
--soft: #a7aaa0;
--green: #8cc5b0;
--green-deep: #a9d8c6;
--on-green: #10241d;
--wash: #263a32;
--red: #f0a093;
--red-wash: #3c2421;
--amber-wash: #393020;
--shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 12px 32px rgb(0 0 0 / 50%);
color-scheme: dark;
}
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { height: 100%; }
body {
height: 100%; margin: 0; background: var(--paper); color: var(--ink);
font: 400 15px/1.5 var(--sans); font-feature-settings: "cv05", "ss03"; -webkit-font-smoothing: antialiased; overflow: hidden;
}
h1, h2, p, ul, dl, dd, fieldset, pre { margin: 0; padding: 0; border: 0; }
ul { list-style: none; }
h1 { font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -0.021em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 15px; font-weight: 600; letter-spacing: -0.006em; }
button, input, select, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button, summary, select { cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--green); outline-offset: 2px; }
h1:focus-visible { outline: none; }
.icon { width: 20px; height: 20px; fill: none; stroke: currentcolor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.space { flex: 1; }
.fine { font-size: 13px; color: var(--soft); }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 12px; top: 12px; z-index: 9; padding: 8px 12px; background: var(--sheet); color: var(--green); border-radius: 8px; }
kbd { font: 500 12px/1 var(--mono); padding: 4px 6px; border: 1px solid var(--line); border-radius: 5px; background: var(--sheet); color: var(--soft); }
button { border: 0; background: none; border-radius: 8px; padding: 8px 14px; min-height: 36px; display: inline-flex; align-items: center; justify-content: center; gap: 8px; font-weight: 550; }
button:disabled { opacity: 0.55; cursor: default; }
.primary { background: var(--green); color: var(--on-green); }
.primary:hover:enabled { background: var(--green-deep); }
.quiet { background: var(--sunk); }
.quiet:hover { background: var(--line); }
.tool { width: 36px; min-height: 36px; height: 36px; padding: 0; color: var(--soft); border-radius: 8px; display: inline-flex; align-items: center; justify-content: center; flex: none; }
.tool:hover { background: var(--sunk); color: var(--ink); }
.strong { background: var(--green); color: var(--on-green); }
.strong:hover { background: var(--green-deep); color: var(--on-green); }
.add { color: var(--green); padding: 6px 10px 6px 6px; margin-left: -6px; font-size: 14px; min-height: 32px; gap: 4px; }
.add:hover { background: var(--wash); }
.add .icon { width: 18px; height: 18px; }
.tag { font-size: 12px; line-height: 20px; padding: 0 8px; border-radius: 10px; background: var(--sunk); color: var(--soft); white-space: nowrap; max-width: 16ch; overflow: hidden; text-overflow: ellipsis; }
.chip { font-size: 13px; min-height: 28px; padding: 2px 12px; border-radius: 14px; background: var(--sunk); color: var(--soft); font-weight: 500; white-space: nowrap; max-width: 24ch; overflow: hidden; text-overflow: ellipsis; display: block; }
.chip:hover { color: var(--ink); }
.chip[aria-pressed="true"] { background: var(--green); color: var(--on-green); }
#app { display: grid; grid-template-columns: minmax(320px, 400px) minmax(0, 1fr); height: 100%; }
#side { display: flex; flex-direction: column; min-height: 0; min-width: 0; border-right: 1px solid var(--line); }
#detail { min-height: 0; overflow-y: auto; background: var(--sheet); scrollbar-gutter: stable; position: relative; }
.top { display: flex; align-items: center; gap: 8px; padding: 16px 16px 12px 20px; }
.brand { font-size: 20px; font-weight: 650; letter-spacing: -0.018em; display: flex; align-items: center; gap: 10px; }
.brand img { width: 26px; height: 26px; }
.find { position: relative; margin: 0 16px 12px 20px; display: flex; align-items: center; }
.find > .icon { position: absolute; left: 12px; color: var(--soft); pointer-events: none; }
.find input { width: 100%; height: 44px; padding: 0 44px; border: 1px solid var(--line); border-radius: var(--round); background: var(--sheet); font-size: 16px; appearance: none; }
.find input::-webkit-search-cancel-button { display: none; }
.find input:focus { outline: 2px solid var(--green); outline-offset: -1px; border-color: transparent; }
.find kbd { position: absolute; right: 12px; pointer-events: none; }
.find input:focus ~ kbd, .find input:not(:placeholder-shown) ~ kbd { display: none; }
.find .tool { position: absolute; right: 4px; }
::placeholder { color: var(--soft); opacity: 1; }
#labels { display: flex; gap: 6px; padding: 0 16px 12px 20px; overflow-x: auto; scrollbar-width: none; flex: none; }
.sorting { display: flex; align-items: center; gap: 6px; padding: 0 12px 6px 20px; font-size: 13px; color: var(--soft); }
#count { flex: 1; font-variant-numeric: tabular-nums; }
select { border: 0; background: none; padding: 4px; border-radius: 6px; font-weight: 550; color: var(--ink); }
option { background: var(--sheet); color: var(--ink); }
#banner { display: flex; gap: 10px; align-items: center; margin: 4px 16px 8px 20px; padding: 10px 12px; border-radius: var(--round); background: var(--amber-wash); font-size: 13px; line-height: 1.4; }
#live { display: flex; align-items: center; gap: 8px; font-size: 12px; color: var(--soft); padding: 8px 20px; border-top: 1px solid var(--line); min-height: 36px; }
#live i { width: 8px; height: 8px; border-radius: 50%; background: var(--line); }
#live[data-state="live"] i { background: #3f9a78; box-shadow: 0 0 0 3px rgb(63 154 120 / 18%); }
#live[data-state="waiting"] i { background: #d39b35; }
#list { flex: 1; overflow-y: auto; position: relative; contain: strict; outline-offset: -2px; border-top: 1px solid var(--line); }
#list[aria-busy] .canvas { opacity: 0.75; transition: opacity 0.1s 0.25s; }
#list-state { flex: 1; overflow-y: auto; border-top: 1px solid var(--line); }
.canvas { position: relative; }
.row { position: absolute; inset: 0 0 auto; height: 64px; padding: 0 16px 0 12px; display: flex; align-items: center; gap: 12px; cursor: pointer; contain: strict; }
.row:hover { background: var(--sunk); }
.row.active { background: var(--sunk); }
.row[aria-selected="true"] { background: var(--wash); }
#list:focus-visible .row.active { box-shadow: inset 3px 0 var(--green); }
.row.fresh { animation: fresh 2.4s ease-out; }
@keyframes fresh { from { background: var(--amber-wash); } }
.initial { width: 16px; text-align: center; font-size: 12px; font-weight: 650; color: var(--green); flex: none; margin-right: -4px; }
.avatar { width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center; font-size: 14px; font-weight: 600; letter-spacing: 0.01em; flex: none; }
.texts { flex: 1; min-width: 0; display: grid; }
.texts span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row .name { font-weight: 550; letter-spacing: -0.008em; line-height: 1.4; }
.row .nameless { color: var(--soft); font-style: italic; font-weight: 400; }
.row .more { font-size: 13px; color: var(--soft); line-height: 1.4; min-height: 18px; }
.tags { display: flex; gap: 4px; flex: none; }
.row[aria-selected="true"] .tag { background: var(--sheet); }
.row.blank .avatar, .row.blank .name, .row.blank .more { background: var(--sunk); border-radius: 6px; }
.row.blank .avatar { border-radius: 50%; }
.row.blank .name { width: 45%; height: 12px; min-height: 12px; margin: 2px 0 8px; }
.row.blank .more { width: 70%; height: 10px; min-height: 10px; }
.hue-0 { background: #e4e0f4; color: #463b78; } .hue-1 { background: #dbe8f3; color: #23527a; }
.hue-2 { background: #d8ebe4; color: #1f5c48; } .hue-3 { background: #e6ebd3; color: #49591c; }
.hue-4 { background: #f5e8cd; color: #6d4c0f; } .hue-5 { background: #f8e0d3; color: #83401a; }
.hue-6 { background: #f7dde0; color: #883244; } .hue-7 { background: #f0def0; color: #6f3570; }
@media (prefers-color-scheme: dark) {
.hue-0 { background: #35305a; color: #cfc8f4; } .hue-1 { background: #20405a; color: #bddcf5; }
.hue-2 { background: #1f4639; color: #b7e2d1; } .hue-3 { background: #3a431d; color: #d9e5ac; }
.hue-4 { background: #4d3a15; color: #f2d9a2; } .hue-5 { background: #56311b; color: #f7cdb4; }
.hue-6 { background: #562a33; color: #f7c7cf; } .hue-7 { background: #4a2b4b; color: #efc9ef; }
}
.head { padding: 16px 24px 0; max-width: 760px; margin: 0 auto; }
.tools { display: flex; align-items: center; gap: 4px; margin-bottom: 24px; }
.sides { display: flex; padding: 3px; border-radius: 10px; background: var(--sunk); }
.sides button { min-height: 30px; padding: 2px 14px; border-radius: 7px; font-size: 13px; color: var(--soft); }
.sides [aria-pressed="true"] { background: var(--sheet); color: var(--ink); box-shadow: 0 1px 2px rgb(0 0 0 / 12%); }
.who { display: flex; align-items: center; gap: 20px; padding-bottom: 8px; }
.who p { color: var(--soft); font-size: 16px; margin-top: 2px; }
.face { width: 80px; height: 80px; border-radius: 50%; object-fit: cover; display: grid; place-items: center; font-size: 28px; font-weight: 600; letter-spacing: -0.01em; flex: none; }
.face .icon { width: 36px; height: 36px; }
.body { padding: 16px 24px 40px; max-width: 760px; margin: 0 auto; }
.group { padding: 16px 0; border-top: 1px solid var(--line); display: grid; gap: 2px; }
.group:first-child { border-top: 0; }
.group > h2 { font-size: 13px; color: var(--soft); font-weight: 550; margin-bottom: 4px; letter-spacing: 0; }
.field { display: grid; grid-template-columns: 136px minmax(0, 1fr); align-items: start; column-gap: 12px; }
.field label, .label { font-size: 13px; line-height: 20px; color: var(--soft); padding: 8px 0; overflow-wrap: anywhere; }
.group > h2 ~ .field:has(.hushed) { grid-template-columns: minmax(0, 1fr); }
.hushed { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
.value { display: flex; align-items: center; gap: 4px; min-width: 0; }
.value input, .value textarea, .labels input { flex: 1; min-width: 0; height: 36px; padding: 6px 10px; margin-left: -10px; border: 1px solid transparent; border-radius: 8px; background: none; transition: background 0.12s; }
.value textarea { height: auto; min-height: 84px; resize: vertical; line-height: 1.5; }
.value input:hover, .value textarea:hover, .labels input:hover { background: var(--sunk); }
.value input:focus, .value textarea:focus, .labels input:focus { background: var(--sheet); border-color: var(--green); outline: 1px solid var(--green); outline-offset: 0; }
.value input[aria-invalid], .value textarea[aria-invalid] { border-color: var(--red); }
.value .tool { opacity: 0.55; }
.value:hover .tool, .value .tool:focus-visible, .value:focus-within .tool { opacity: 1; }
a.tool { color: var(--green); }
.still { padding: 6px 0; color: var(--soft); }
.wrong { grid-column: 2; font-size: 13px; color: var(--red); padding-bottom: 4px; }
.parts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px; }
.parts .field { grid-template-columns: minmax(0, 1fr); }
.parts label { padding: 4px 0 0; font-size: 12px; line-height: 16px; }
.labels { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.tag.big { font-size: 14px; line-height: 30px; padding: 0 4px 0 12px; border-radius: 16px; display: inline-flex; align-items: center; color: var(--ink); max-width: 40ch; }
.big .tool { width: 26px; height: 26px; min-height: 26px; border-radius: 13px; }
.big .icon { width: 14px; height: 14px; }
.labels input { margin-left: 0; flex: 0 1 150px; font-size: 14px; }
.adders { display: flex; flex-wrap: wrap; gap: 12px; padding: 12px 0; border-top: 1px solid var(--line); }
.technical { border-top: 1px solid var(--line); padding: 12px 0; font-size: 14px; }
.technical summary { font-size: 13px; color: var(--soft); padding: 6px 0; border-radius: 6px; }
.body > .fine { padding-top: 12px; }
.editor { width: 100%; padding: 16px; border: 1px solid var(--line); border-radius: var(--round); background: var(--paper); font: 13px/1.6 var(--mono); tab-size: 2; resize: vertical; white-space: pre; overflow: auto; }
.savebar { position: sticky; bottom: 0; display: flex; align-items: center; justify-content: flex-end; gap: 8px; padding: 12px 24px; background: var(--sheet); border-top: 1px solid var(--line); visibility: hidden; opacity: 0; transform: translateY(6px); transition: opacity 0.15s, transform 0.15s; }
.savebar.shown { visibility: visible; opacity: 1; transform: none; }
.savebar span { margin-right: auto; font-size: 13px; color: var(--soft); }
.savebar.busy .primary { opacity: 0.6; pointer-events: none; }
.notice, .error { display: flex; align-items: center; gap: 10px; max-width: 712px; margin: 12px auto 0; padding: 10px 14px; border-radius: var(--round); font-size: 14px; background: var(--amber-wash); }
.notice span { flex: 1; }
.notice .quiet { background: var(--sheet); }
.notice.calm { background: var(--wash); }
.error { background: var(--red-wash); color: var(--red); display: block; }
.error code { font: 13px var(--mono); }
.skeleton { max-width: 712px; margin: 76px auto 0; padding: 0 24px; display: grid; gap: 20px; }
.skeleton i { height: 18px; border-radius: 8px; background: var(--sunk); width: 60%; }
.skeleton i:first-child { width: 80px; height: 80px; border-radius: 50%; margin-bottom: 16px; }
.state { min-height: 100%; display: flex; flex-direction: column; align-items: center; justify-content: center; text-align: center; padding: 40px 32px; gap: 8px; color: var(--soft); }
.state h2 { font-size: 18px; font-weight: 600; color: var(--ink); letter-spacing: -0.014em; }
.state p { max-width: 38ch; text-wrap: balance; overflow-wrap: anywhere; }
.picture { width: 72px; height: 72px; border-radius: 50%; background: var(--wash); color: var(--green); display: grid; place-items: center; margin-bottom: 12px; }
.picture .icon { width: 32px; height: 32px; stroke-width: 1.4; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; padding-top: 20px; }
.state .actions, .clash { justify-content: center; }
.conflict { max-width: 760px; margin: 0 auto; padding: 40px 24px 56px; }
.clash { text-align: center; display: grid; justify-items: center; gap: 4px; padding-bottom: 20px; color: var(--soft); }
.clash h1 { color: var(--ink); font-size: 24px; }
.conflict fieldset { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 8px; padding: 16px 0; border-top: 1px solid var(--line); min-width: 0; }
legend { font-weight: 600; padding: 0; float: left; grid-column: 1 / -1; display: flex; gap: 8px; align-items: center; }
.choice { display: flex; gap: 10px; padding: 12px; border: 1px solid var(--line); border-radius: var(--round); cursor: pointer; min-width: 0; }
.choice:hover { background: var(--sunk); }
.choice:has(:checked) { border-color: var(--green); background: var(--wash); }
.choice > span { min-width: 0; display: grid; }
.choice b { font-weight: 550; }
.conflict .choice b { font-size: 13px; color: var(--soft); }
.said { overflow-wrap: anywhere; white-space: pre-wrap; max-height: 240px; overflow: auto; }
input[type="radio"] { accent-color: var(--green); width: 16px; height: 16px; margin: 3px 0 0; flex: none; }
.version { font: 13px/1.6 var(--mono); background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); padding: 16px; overflow: auto; max-height: 50vh; }
.menu { position: relative; }
.menu summary { list-style: none; }
.menu summary::-webkit-details-marker { display: none; }
.menu ul { position: absolute; right: 0; top: 40px; z-index: 5; min-width: 200px; padding: 6px; background: var(--sheet); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); }
.menu li button { width: 100%; justify-content: flex-start; font-weight: 450; gap: 12px; padding: 8px 10px; }
.menu li button:hover { background: var(--sunk); }
.menu li .icon { color: var(--soft); }
dialog { border: 0; padding: 0 24px 24px; border-radius: 16px; background: var(--sheet); color: var(--ink); box-shadow: var(--shadow); width: min(520px, calc(100vw - 32px)); max-height: calc(100vh - 32px); overflow: auto; }
dialog::backdrop { background: rgb(20 22 18 / 40%); }
dialog > header { display: flex; align-items: center; justify-content: space-between; padding: 16px 0 8px; margin-right: -8px; position: sticky; top: 0; background: var(--sheet); z-index: 1; }
dialog h2 { font-size: 18px; letter-spacing: -0.014em; }
dialog fieldset { display: grid; gap: 6px; padding: 8px 0; }
dialog legend { float: none; font-size: 13px; color: var(--soft); font-weight: 550; padding-bottom: 6px; }
dialog .choice { padding: 8px 12px; align-items: baseline; }
dialog .choice > span { display: flex; gap: 8px; flex-wrap: wrap; align-items: baseline; }
dialog .choice .said { color: var(--soft); font-size: 13px; }
.token { display: grid; gap: 8px; }
.token label { font-size: 13px; color: var(--soft); padding-top: 8px; }
.token input, dialog input[type="search"] { width: 100%; height: 44px; padding: 0 12px; border: 1px solid var(--line); border-radius: var(--round); background: var(--paper); font-size: 16px; }
.books { margin: 8px -8px 0; max-height: 50vh; overflow: auto; }
.books button { width: 100%; justify-content: flex-start; font-weight: 400; padding: 10px 8px; gap: 12px; }
.books button:hover { background: var(--sunk); }
.books [aria-current] { background: var(--wash); }
.books b { font-weight: 550; flex: 1; text-align: left; overflow-wrap: anywhere; }
.books span { color: var(--soft); font-size: 13px; }
.books .icon { color: var(--green); }
.import { display: grid; gap: 12px; }
.file { display: flex; gap: 12px; align-items: center; padding: 12px; border-radius: var(--round); background: var(--sunk); font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
.file b { color: var(--ink); font-size: 15px; font-weight: 550; }
.numbers { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; }
.numbers li { padding: 10px 12px; border: 1px solid var(--line); border-radius: var(--round); font-size: 12px; line-height: 1.35; color: var(--soft); }
.numbers b { display: block; font-size: 22px; font-weight: 600; letter-spacing: -0.02em; color: var(--ink); font-variant-numeric: tabular-nums; }
.conflicts { grid-template-columns: repeat(3, 1fr); }
.conflicts legend { grid-column: 1 / -1; }
.done { display: flex; gap: 8px; font-weight: 550; color: var(--green); align-items: center; }
.report { max-height: 220px; overflow: auto; border: 1px solid var(--line); border-radius: var(--round); font-size: 13px; }
.report table { width: 100%; border-collapse: collapse; }
.report th { text-align: left; font-weight: 550; color: var(--soft); padding: 8px 12px; position: sticky; top: 0; background: var(--sheet); }
.report td { padding: 6px 12px; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.report td:first-child { font-variant-numeric: tabular-nums; color: var(--soft); white-space: nowrap; }
.report .bad td:last-child { color: var(--red); }
.report .fine { padding: 8px 12px; }
progress { width: 100%; height: 6px; appearance: none; border: 0; border-radius: 3px; background: var(--sunk); accent-color: var(--green); }
progress::-webkit-progress-bar { background: var(--sunk); border-radius: 3px; }
progress::-webkit-progress-value { background: var(--green); border-radius: 3px; }
.keys div { display: grid; grid-template-columns: 96px 1fr; padding: 8px 0; align-items: center; border-top: 1px solid var(--line); }
.keys div:first-child { border: 0; }
.keys dt { display: flex; gap: 4px; }
#toasts { position: fixed; left: 50%; bottom: 24px; transform: translateX(-50%); display: grid; gap: 8px; z-index: 20; width: max-content; max-width: calc(100vw - 32px); }
.toast { display: flex; align-items: center; gap: 4px; padding: 6px 6px 6px 16px; min-height: 48px; border-radius: 12px; background: #262824; color: #f4f3ee; box-shadow: var(--shadow); animation: rise 0.18s ease-out; overflow-wrap: anywhere; }
.toast span { flex: 1; padding-right: 8px; }
.toast .tool { color: #bdbfb6; }
.toast .tool:hover { background: #3a3d37; color: #fff; }
.toast .undo { color: #a9dcc8; }
.toast .undo:hover { background: #3a3d37; }
.toast.bad { background: #5c211b; color: #fff1ee; }
.toast :focus-visible { outline-color: #a9dcc8; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
#drop { position: fixed; inset: 0; z-index: 30; padding: 24px; background: rgb(20 22 18 / 45%); }
#drop > div { height: 100%; border: 2px dashed var(--green); border-radius: 20px; background: var(--sheet); color: var(--green); display: grid; place-content: center; justify-items: center; gap: 8px; font-size: 20px; font-weight: 600; }
#drop .icon { width: 48px; height: 48px; }
[data-only="phone"] { display: none; }
@media (max-width: 47.99rem) {
#app { grid-template-columns: minmax(0, 1fr); }
#side { border: 0; }
[data-pane="list"] #detail, [data-pane="detail"] #side { display: none; }
[data-only="phone"] { display: inline-flex; margin-left: -10px; margin-right: 4px; }
.find kbd { display: none; }
.top { padding-top: max(12px, env(safe-area-inset-top)); }
.head, .body { padding-left: 20px; padding-right: 20px; }
.who { gap: 16px; }
.face { width: 64px; height: 64px; font-size: 22px; }
h1 { font-size: 24px; }
.field { grid-template-columns: minmax(0, 1fr); }
.field > label:not(.hushed), .label { padding: 8px 0 0; }
.wrong { grid-column: 1; }
.value input, .value textarea, .labels input, select { font-size: 16px; }
.value .tool { opacity: 1; }
.numbers { grid-template-columns: repeat(2, 1fr); }
.conflicts { grid-template-columns: 1fr; }
.savebar { padding-bottom: max(12px, env(safe-area-inset-bottom)); }
.notice, .error { margin-left: 20px; margin-right: 20px; }
}
@media (prefers-reduced-motion: reduce) {
*, ::before, ::after { animation: none !important; transition: none !important; }
}
)file"},
{"api.js", R"file(const html = document.documentElement;
const root = location.pathname.replace(/\/_page\/?$/, "");
export const mount = {
root,
tail: html.dataset.tail, // of many books: what follows a book's name
formats: html.dataset.formats.split(" ").filter(Boolean),
get hasBooks() {
return this.tail !== "";
},
};
export const bookPath = (name) => `${root}/${encodeURIComponent(name)}`;
export const base = (book) => (mount.hasBooks ? bookPath(book) + mount.tail : root);
export class ApiError extends Error {
constructor(status, message, { errors = [], retryAfter = 0 } = {}) {
super(message);
this.status = status;
this.errors = errors;
this.retryAfter = retryAfter;
}
}
const KEY = `addrbook-token ${root}`;
export const token = {
get: () => sessionStorage.getItem(KEY) || "",
set: (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};
let askForToken = null;
let asking = null;
export function onUnauthorized(ask) {
askForToken = ask;
}
export function headersWithToken(headers = {}) {
return token.get() ? { ...headers, Authorization: `Bearer ${token.get()}` } : headers;
}
export async function errorOf(response) {
let body = {};
try {
body = JSON.parse(await response.text());
} catch {
}
return new ApiError(response.status, body.message || response.statusText || `Status ${response.status}`, {
errors: body.errors || [],
retryAfter: Number(response.headers.get("Retry-After")) || 0,
});
}
export async function request(path, { method = "GET", headers = {}, body, signal } = {}) {
for (;;) {
const used = token.get();
let response;
try {
response = await fetch(path, { method, headers: headersWithToken(headers), body, signal, credentials: "omit" });
} catch (error) {
if (error.name === "AbortError") throw error;
throw new ApiError(0, "The server can't be reached.");
}
if (response.ok) return response;
const error = await errorOf(response);
if (response.status !== 401 || !askForToken) throw error;
if (token.get() !== used) continue; // another request has asked meanwhile
asking ??= askForToken(used !== "").finally(() => (asking = null));
if (!(await asking)) throw error;
}
}
*  @param onprogress  called with 0 to 1. @returns what the server reports; `status` is in it */
export function upload(path, file, onprogress) {
return new Promise((resolve, reject) => {
const xhr = new XMLHttpRequest();
xhr.open("POST", path);
for (const [name, value] of Object.entries(headersWithToken())) xhr.setRequestHeader(name, value);
xhr.upload.onprogress = (event) => event.lengthComputable && onprogress(event.loaded / event.total);
xhr.onerror = () => reject(new ApiError(0, "The connection was lost."));
xhr.onload = () => {
let body = {};
try {
body = JSON.parse(xhr.responseText);
} catch {
}
if (xhr.status === 200 || xhr.status === 207) resolve({ status: xhr.status, ...body });
else reject(new ApiError(xhr.status, body.message || xhr.statusText, { errors: body.errors }));
};
xhr.send(file);
});
}
export function nextQuery(response) {
const found = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") || "");
return found ? found[1].slice(found[1].indexOf("?") + 1) : "";
}
export function explain(error) {
switch (error.status) {
case 0: return ["offline", "No connection", "The server can't be reached. What you have typed is still here."];
case 401: return ["lock", "A token is needed", "This book is only for those who have a token."];
case 403: return ["lock", "Not allowed", error.message.replace(/^Forbidden: /, "") + "."];
case 404: return ["book", "Not there", error.message + "."];
case 503: return ["busy", "The server is busy", error.message + "."];
case 507: return ["busy", "No room left", error.message + "."];
default: return ["alert", "That did not work", error.message + "."];
}
}
)file"},
{"app.js", R"file(import { ApiError, base, bookPath, explain, mount, nextQuery, onUnauthorized, request, token } from "./api.js";
import { summary } from "./contact.js";
import { Detail } from "./detail.js";
import { $, button, count, dialog, h, icon, state, toast } from "./dom.js";
import { parse } from "./json.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { acceptDrops, chooseFile, download, exportDialog, importFile } from "./transfer.js";
const SORTS = { name: "Name", given: "Given name", family: "Family name", "-created": "Newest first", "-updated": "Last changed first" };
const MANY = 60; // changes at once after which the list is read anew
const search = $("#search");
const sorting = $("#sort");
const listState = $("#list-state");
const isNarrow = matchMedia("(max-width: 47.99rem)");
const place = { book: "", q: "", label: "", sort: "name", id: "" };
function readPlace() {
const hash = new URLSearchParams(location.hash.slice(1));
for (const key of Object.keys(place)) place[key] = hash.get(key) || (key === "sort" ? "name" : "");
if (!(place.sort in SORTS)) place.sort = "name";
}
function writePlace(isStep) {
const hash = new URLSearchParams();
for (const [key, value] of Object.entries(place)) if (value && !(key === "sort" && value === "name")) hash.set(key, value);
const url = `${location.pathname}${hash.size ? "#" + hash : ""}`;
history[isStep ? "pushState" : "replaceState"](null, "", url);
}
onUnauthorized((wasRefused) => new Promise((resolve) => {
const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, spellcheck: "false" });
let given = "";
const form = h("form.token", { method: "dialog", onsubmit: () => {
given = input.value.trim();
token.set(given);
} },
wasRefused && h("p.error", { role: "alert" }, "That token is not accepted."),
h("p", {}, "This book is for those who have a token. It is kept in this tab only, until you close it."),
h("label", { for: "token" }, "Token"), input,
h("div.actions", {}, h("button.primary", { type: "submit" }, icon("lock"), "Open the book")));
if (wasRefused) token.set("");
const box = dialog("A token, please", form);
input.focus();
box.addEventListener("close", () => resolve(given));
}));
const filter = () => ({ ...(place.q && { q: place.q }), ...(place.label && { label: place.label }) });
const list = new List($("#list"), {
async load(limit, next, signal) {
const query = next ? new URLSearchParams(next) : new URLSearchParams({ ...filter(), sort: place.sort, view: "summary", count: "true" });
query.set("limit", limit);
const response = await request(`${base(place.book)}?${query}`, { signal });
const rows = await response.json();
const total = Number(response.headers.get("X-Total-Count") ?? rows.length);
noteLabels(rows);
if (!next) firstAnswer(response, total);
return { rows, total, next: nextQuery(response) };
},
onopen(row, isChosen) {
clearTimeout(opening);
if (isChosen) openContact(row.id, { focus: !isNarrow.matches && document.activeElement === list.viewport, step: true });
else if (!isNarrow.matches) opening = setTimeout(() => openContact(row.id), 120);
},
onstate: showListState,
});
let opening;
let retrying;
function showListState(_, error) {
clearTimeout(retrying);
const hasRows = list.total > 0;
let shown = null;
document.body.classList.toggle("is-offline", error?.status === 0);
if (error) {
const [name, title, text] = explain(error);
const isPassing = error.status === 0 || error.status === 503;
const again = button("Try again", () => refresh(), { kind: "primary" });
if (isPassing) retrying = setTimeout(() => refresh({ keepPlace: true }), 1000 * (error.retryAfter || 4));
if (isPassing && hasRows) $("#banner").replaceChildren(icon(name), h("span", {}, `${title}. Showing what was here; trying again …`));
else shown = state(name, title, error.status === 401 ? text : `${text}${isPassing ? " Trying again …" : ""}`, again, mount.hasBooks && error.status === 404 && button("Choose a book", chooseBook, { kind: "quiet" }));
}
$("#banner").hidden = !(error && !shown);
if (!error && !hasRows) {
if (place.q || place.label) {
shown = state("search", "Nothing found", place.q ? `No contact has words that begin with “${place.q}”${place.label ? ` and the label “${place.label}”` : ""}.` : `No contact has the label “${place.label}”.`,
button("Show all contacts", clearSearch, { kind: "quiet" }));
} else {
shown = state("book", "No contacts yet", "Add the first one, or drop a .vcf or .csv file anywhere on this page.",
button("New contact", newContact, { kind: "primary", name: "plus" }), mount.formats.length > 0 && button("Import a file", pickFile, { kind: "quiet", name: "import" }));
}
}
listState.replaceChildren(...(shown ? [shown] : []));
listState.hidden = !shown;
list.viewport.hidden = Boolean(shown);
$("#count").textContent = shown ? "" : count(list.total, place.q || place.label ? "match" : "contact", place.q || place.label ? "matches" : undefined);
if (!shown) list.redraw();
}
function refresh({ keepPlace = false } = {}) {
list.reset({ keepPlace, sort: place.sort });
}
let searched;
search.addEventListener("input", () => {
place.q = search.value.trim();
$("#clear").hidden = !search.value;
writePlace(false);
refresh();
});
search.addEventListener("keydown", (event) => {
if (event.key === "ArrowDown" || (event.key === "Enter" && !event.isComposing)) {
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
const labels = new Map();
function noteLabels(rows) {
for (const { summary: { labels: all } } of rows) for (const label of all) labels.set(label, (labels.get(label) || 0) + 1);
drawLabels();
}
function drawLabels() {
const names = [...labels].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
const shown = names.slice(0, 12);
if (place.label && !shown.includes(place.label)) shown.unshift(place.label);
shown.sort();
const key = JSON.stringify([shown, place.label]);
if (drawLabels.last === key) return;
drawLabels.last = key;
const focused = document.activeElement?.closest("#labels") && document.activeElement.textContent;
$("#labels").replaceChildren(...shown.map((label) => h("button.chip", {
type: "button", "aria-pressed": String(label === place.label), onclick: () => {
place.label = label === place.label ? "" : label;
writePlace(false);
drawLabels();
refresh();
},
}, label)));
$("#labels").hidden = shown.length === 0;
$("#known-labels").replaceChildren(...names.slice(0, 200).map((value) => h("option", { value })));
for (const chip of $("#labels").children) if (chip.textContent === focused) chip.focus();
}
const detail = new Detail($("#detail"), {
canExport: mount.formats.includes("vcf"),
onsaved(id, revision, address) {
place.id = id;
writePlace(false);
list.selected = id;
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
onexport: (id, title) => download(`${base(place.book)}/${id}?format=vcf`, `${title.replace(/[^\p{L}\p{N} -]/gu, "") || "contact"}.vcf`),
});
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
detail.open(place.book, id, { focus });
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
if (!mayLeave()) return;
place.id = "";
writePlace(true);
list.select("");
show("detail");
detail.create(place.book);
}
function show(which) {
document.body.dataset.pane = which;
}
const live = new Live({
onstate(now) {
const lamp = $("#live");
lamp.dataset.state = now;
lamp.title = { live: "Live: you see what others change", waiting: "Not connected: trying again", off: "" }[now];
$("#live-text").textContent = { live: "Live", waiting: "Reconnecting", off: "" }[now];
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
function firstAnswer(response) {
const tag = /"([0-9a-f]+)-(\d+)/.exec(response.headers.get("ETag") || "");
const path = `${base(place.book)}/_changes`;
if (tag && live.path !== path) live.start(path, tag[1] + tag[2]);
}
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
found.replaceChildren(...shown.map((book) => h("li", {}, h("button", { type: "button", "aria-current": book.name === place.book && "true", onclick: () => {
box.close();
openBook(book.name);
} }, icon("book"), h("b", {}, book.name), h("span", {}, count(book.count, "contact"))))));
const isNew = /^[A-Za-z0-9][A-Za-z0-9._~@+-]*$/.test(text) && !all.some((book) => book.name === text);
make.replaceChildren(...(isNew ? [button(`Make the book “${text}”`, async () => {
try {
await request(bookPath(text), { method: "PUT" });
box.close();
openBook(text);
} catch (error) {
toast(explain(error)[2], { kind: "bad" });
}
}, { kind: "primary", name: "plus" })] : []));
if (!shown.length && !isNew) found.replaceChildren(h("li.fine", {}, all.length ? "No book has such a name." : "There are no books yet. Type a name to make one."));
};
field.addEventListener("input", draw);
draw();
field.focus();
}
function openBook(name) {
if (!mayLeave()) return;
Object.assign(place, { book: name, q: "", label: "", id: "" });
writePlace(true);
start();
}
const KEYS = [["/", "Search"], ["↑ ↓", "Go through the list; Page, Home and End too"], ["Enter", "Open the contact"], ["n", "New contact"], ["Ctrl S", "Save"], ["Esc", "Back to the list"], ["Del", "Delete the contact, in the list"], ["z", "Undo the deletion"], ["?", "These keys"]];
function showKeys() {
dialog("Keys", h("dl.keys", {}, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key.split(" ").map((each) => h("kbd", {}, each))), h("dd", {}, what)))));
}
const pickFile = () => chooseFile(takeFile);
const takeFile = (file) => importFile(place.book, file, () => refresh({ keepPlace: true }));
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
if (event.key === "Delete" && document.activeElement === list.viewport && detail.draft && !detail.isNew) detail.remove();
if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
const action = { "/": () => (search.focus(), search.select()), n: newContact, "?": showKeys, z: () => detail.undo?.() }[event.key];
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
$("ul", menu).replaceChildren(...[
item("import", "Import …", pickFile, hasFormats),
item("export", "Export …", () => exportDialog(place.book, { filter: Object.keys(filter()).length && filter(), sort: place.sort, total: list.total }), hasFormats),
item("book", "Books …", chooseBook, mount.hasBooks),
item("lock", "Forget the token", () => {
token.set("");
location.reload();
}, token.get() !== ""),
item("keys", "Keys", showKeys),
].filter(Boolean));
}
menu.addEventListener("toggle", () => menu.open && fillMenu());
addEventListener("click", (event) => !event.target.closest(".menu") && (menu.open = false));
$("#new").addEventListener("click", newContact);
$("#book").addEventListener("click", chooseBook);
acceptDrops(takeFile);
addEventListener("offline", () => showListState(list, new ApiError(0, "")));
addEventListener("online", () => refresh({ keepPlace: true }));
addEventListener("popstate", () => {
const before = { ...place };
readPlace();
if (before.book !== place.book) start();
else {
if (["q", "label", "sort"].some((key) => before[key] !== place[key])) {
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
if (mount.hasBooks && !place.book) {
list.viewport.hidden = true;
listState.hidden = false;
listState.replaceChildren(state("book", "Many books", "Each has contacts of its own.", button("Choose a book", chooseBook, { kind: "primary" })));
chooseBook();
return;
}
list.selected = place.id;
refresh();
if (place.id) detail.open(place.book, place.id);
}
readPlace();
list.total = 12;
list.redraw();
start();
)file"},
{"contact.js", R"file(import { Num } from "./json.js";
const NAMES = ["name", "full_name"];
const GIVEN = ["given", "given_name", "first_name"];
const FAMILY = ["family", "family_name", "last_name"];
const ORGANIZATIONS = ["organization", "org", "company", "organizations"];
const BIRTHDAYS = ["birthday", "bday"];
const EMAILS = ["email", "emails"];
const PHONES = ["phone", "phones", "phone_numbers"];
const LABELS = ["labels", "categories", "groups", "keywords"];
const PART_NAMES = {
title: "Title", given: "Given name", given2: "Middle name", surname: "Family name",
surname2: "Second family name", generation: "Generation", credential: "Credentials",
};
const isMap = (value) => value instanceof Map;
const text = (value) => (typeof value === "string" ? value.trim() : "");
const textOrInteger = (value) => (value instanceof Num && /^-?\d+$/.test(value.raw) ? value.raw : text(value));
const joined = (...texts) => texts.filter(Boolean).join(" ");
export const at = (root, path) =>
path.reduce((value, step) => (isMap(value) ? value.get(step) : Array.isArray(value) ? value[step] : undefined), root);
export function put(root, path, value) {
const last = path[path.length - 1];
let holder = root;
for (const step of path.slice(0, -1)) {
let next = isMap(holder) ? holder.get(step) : holder[step];
if (!isMap(next) && !Array.isArray(next)) {
next = new Map();
holder.set(step, next);
}
holder = next;
}
if (isMap(holder)) holder.set(last, value);
else holder[last] = value;
}
export function drop(root, path) {
const holder = at(root, path.slice(0, -1));
const last = path[path.length - 1];
if (isMap(holder)) holder.delete(last);
else if (Array.isArray(holder)) holder.splice(last, 1);
if (path.length > 1 && holder && (holder.size === 0 || holder.length === 0)) drop(root, path.slice(0, -1));
}
export function retyped(old, value) {
if (old instanceof Num && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return new Num(value);
if (typeof old === "boolean" && (value === "true" || value === "false")) return value === "true";
return value;
}
function hintOf(map) {
const words = [];
for (const name of ["label", "type", "types", "kind", "contexts", "features"]) {
const value = map.get(name);
if (typeof value === "string") words.push(value);
else if (Array.isArray(value)) words.push(...value.filter((v) => typeof v === "string"));
else if (isMap(value)) words.push(...[...value].filter(([, v]) => v === true).map(([k]) => k));
}
return words.join(", ");
}
function emailOf(path, value) {
if (text(value)) return { path, item: path, value: text(value) };
if (!isMap(value)) return null;
for (const name of ["email", "address", "value"]) {
if (text(value.get(name))) return { path: [...path, name], item: path, value: text(value.get(name)), hint: hintOf(value) };
}
return null;
}
function phoneOf(path, value) {
if (!isMap(value)) return textOrInteger(value) ? { path, item: path, value: textOrInteger(value) } : null;
for (const name of ["number", "value"]) {
const found = textOrInteger(value.get(name));
if (found) return { path: [...path, name], item: path, value: found, hint: hintOf(value) };
}
const parts = ["country_code", "area_code", "local_number"]
.map((name) => ({ name, path: [...path, name], value: textOrInteger(value.get(name)) }));
const whole = joined(...parts.map((part) => part.value));
return whole ? { path, item: path, value: whole, parts, hint: hintOf(value) } : null;
}
function each(address, names, read, needed, used) {
const rows = [];
for (const name of names) {
const value = address.get(name);
const before = rows.length;
const add = (row, hint) => row && rows.push(hint ? { ...row, hint } : row);
const whole = read([name], value);
if (whole) add(whole);
else if (Array.isArray(value)) value.forEach((v, i) => add(read([name, i], v)));
else if (isMap(value)) {
for (const [key, v] of value) {
if (isMap(v)) add(read([name, key], v));
else if (needed.test(textOrInteger(v))) add(read([name, key], v), key);
}
}
if (rows.length > before) used.add(name);
}
return rows;
}
function labelsOf(address, used) {
const rows = [];
for (const name of LABELS) {
const value = address.get(name);
const before = rows.length;
if (text(value)) rows.push({ item: [name], value: text(value) });
else if (Array.isArray(value)) {
value.forEach((v, i) => text(v) && rows.push({ item: [name, i], value: text(v) }));
} else if (isMap(value)) {
for (const [key, v] of value) if (v === true && text(key)) rows.push({ item: [name, key], value: text(key) });
}
if (rows.length > before || (Array.isArray(value) && value.length === 0)) used.add(name);
}
return rows;
}
function first(address, names, used) {
let found = null;
for (const name of names) {
const value = text(address.get(name));
if (!value) continue;
used.add(name);
found ??= { path: [name], item: [name], value };
}
return found;
}
function componentsOf(name) {
const components = Array.isArray(name.get("components")) ? name.get("components") : [];
return components.flatMap((component, i) => (isMap(component) && typeof component.get("value") === "string"
? [{ kind: text(component.get("kind")), value: component.get("value"), path: ["name", "components", i, "value"], item: ["name", "components", i] }]
: []));
}
function joinComponents(name, components) {
if (name.get("isOrdered") === true) {
const separator = typeof name.get("defaultSeparator") === "string" ? name.get("defaultSeparator") : " ";
let all = "";
let needs = false;
for (const { kind, value } of components) {
if (needs && kind !== "separator") all += separator;
needs = kind !== "separator";
all += value;
}
return all;
}
const of = (kind) => joined(...components.filter((c) => c.kind === kind).map((c) => c.value));
return joined(of("given"), of("given2"), of("surname"), of("surname2"));
}
export function dateText(date) {
if (!isMap(date)) return text(date);
const utc = text(date.get("utc"));
if (/^\d{4}-\d\d-\d\d/.test(utc)) return utc.slice(0, 10);
if (date.has("calendarScale") && date.get("calendarScale") !== "gregorian") return "";
const digits = (name, size) => {
const value = textOrInteger(date.get(name));
return /^\d+$/.test(value) ? value.padStart(size, "0") : "";
};
const [year, month, day] = [digits("year", 4), digits("month", 2), digits("day", 2)];
if (!year && !month) return "";
return (year || "-") + (month && "-" + month) + (month && day && "-" + day);
}
export function dateOf(value, date) {
if (!isMap(date)) return value;
const found = /^(?:(\d{4})|-)(?:-(\d\d))?(?:-(\d\d))?$/.exec(value);
if (!found) return date;
const result = new Map([...date].filter(([name]) => !["utc", "year", "month", "day", "@type"].includes(name)));
if (date.has("@type")) result.set("@type", "PartialDate");
["year", "month", "day"].forEach((name, i) => found[i + 1] && result.set(name, new Num(String(Number(found[i + 1])))));
return result;
}
function birthdayOf(address, used) {
const plain = first(address, BIRTHDAYS, used);
const all = address.get("anniversaries");
if (plain || !isMap(all)) return plain;
for (const [key, value] of all) {
if (!isMap(value) || value.get("kind") !== "birth" || !dateText(value.get("date"))) continue;
if (all.size === 1) used.add("anniversaries");
return { path: ["anniversaries", key, "date"], item: ["anniversaries", key], value: dateText(value.get("date")), isDate: true };
}
return null;
}
function organizationOf(address, used) {
let found = null;
const offer = (path, value, item) => {
if (text(value)) found ??= { path, item, value: text(value) };
return text(value) !== "";
};
const one = (path, value) => (isMap(value) ? offer([...path, "name"], value.get("name"), path) : offer(path, value, path));
for (const name of ORGANIZATIONS) {
const value = address.get(name);
let count = 0;
if (one([name], value)) ++count;
else if (Array.isArray(value)) value.forEach((v, i) => one([name, i], v) && ++count);
else if (isMap(value)) for (const [key, v] of value) if (isMap(v) && one([name, key], v)) ++count;
if (count === 1 && found.path[0] === name) used.add(name);
}
return found;
}
*  @returns {name, given, family, organization, birthday} each {path, item, value} or null; parts of
*  a name; emails, phones, labels: rows; `title`: what to call it; `used`: the members that are told
*  whole by these */
export function read(address) {
const used = new Set();
const contact = { used, isCard: address.get("@type") === "Card", parts: [] };
const plainName = first(address, NAMES, used);
const given = first(address, GIVEN, used);
const family = first(address, FAMILY, used);
contact.organization = organizationOf(address, used);
let full = "";
contact.name = plainName;
const name = address.get("name");
if (isMap(name)) {
used.add("name");
const components = componentsOf(name);
full = text(name.get("full")) || joinComponents(name, components);
if (text(name.get("full"))) contact.name = { path: ["name", "full"], item: ["name", "full"], value: full };
contact.parts = components.filter((c) => PART_NAMES[c.kind]).map((c) => ({ ...c, label: PART_NAMES[c.kind] }));
contact.isJoined = contact.name !== null && full === joinComponents(name, components);
}
if (given) contact.parts.push({ ...given, label: "Given name" });
if (family) contact.parts.push({ ...family, label: "Family name" });
const of = (plain, ...kinds) =>
plain ? plain.value : joined(...contact.parts.filter((p) => kinds.includes(p.kind)).map((p) => p.value.trim()));
contact.given = of(given, "given");
contact.family = of(family, "surname", "surname2");
contact.birthday = birthdayOf(address, used);
contact.emails = each(address, EMAILS, emailOf, /@/, used);
contact.phones = each(address, PHONES, phoneOf, /\d/, used);
contact.labels = labelsOf(address, used);
contact.title = full || (contact.name && contact.name.value) || joined(contact.given, contact.family) ||
(contact.organization ? contact.organization.value : "");
return contact;
}
export function summary(address) {
const contact = read(address);
const values = (rows) => rows.map((row) => row.value);
return {
name: contact.title, given: contact.given, family: contact.family,
organization: contact.organization ? contact.organization.value : "",
emails: values(contact.emails), phones: values(contact.phones), labels: values(contact.labels),
birthday: contact.birthday ? contact.birthday.value : "",
};
}
export function rejoin(address) {
const name = address.get("name");
put(address, ["name", "full"], joinComponents(name, componentsOf(name)));
}
const freshKey = (map, stem) => {
let n = 1;
while (map.has(stem + n)) ++n;
return stem + n;
};
export function addRow(address, kind, value = "") {
const [names, plural, member] = kind === "emails" ? [EMAILS, "emails", "address"] : [PHONES, "phones", "number"];
const known = [plural, ...names].find((name) => isMap(address.get(name)) || Array.isArray(address.get(name)));
const held = known && address.get(known);
const isCard = address.get("@type") === "Card";
if (!known || (isMap(held) && known !== plural)) {
if (isCard) put(address, [plural], new Map([[kind[0] + "1", new Map([[member, value]])]]));
else put(address, [plural], [value]);
return isCard ? [plural, kind[0] + "1", member] : [plural, 0];
}
if (Array.isArray(held)) {
const like = held.find(isMap);
const leaf = like && ["email", "address", "value", "number"].find((name) => like.has(name));
held.push(leaf ? new Map([[leaf, value]]) : value);
return leaf ? [known, held.length - 1, leaf] : [known, held.length - 1];
}
const values = [...held.values()];
const key = freshKey(held, values.some(isMap) ? kind[0] : "other");
if (!values.length || values.some(isMap)) {
const like = values.find(isMap);
const leaf = (like && ["email", "address", "value", "number"].find((name) => like.has(name))) || member;
held.set(key, new Map([[leaf, value]]));
return [known, key, leaf];
}
held.set(key, value);
return [known, key];
}
export function addLabel(address, value) {
const known = LABELS.find((name) => address.has(name));
const held = known && address.get(known);
if (Array.isArray(held)) held.push(value);
else if (isMap(held)) held.set(value, true);
else if (text(held)) put(address, [known], [held, value]);
else if (address.get("@type") === "Card") put(address, ["keywords"], new Map([[value, true]]));
else put(address, ["labels"], [value]);
}
export function placeOf(address, field) {
const isCard = address.get("@type") === "Card";
switch (field) {
case "name": return isCard || isMap(address.get("name")) ? ["name", "full"] : ["name"];
case "organization": return isCard ? ["organizations", "o1", "name"] : ["organization"];
case "birthday": return ["birthday"];
default: return isCard ? ["notes", "n1", "note"] : ["note"];
}
}
export function others(address, used) {
const leaves = [];
const walk = (value, path) => {
if (isMap(value)) for (const [name, v] of value) walk(v, [...path, name]);
else if (Array.isArray(value)) value.forEach((v, i) => walk(v, [...path, i]));
else leaves.push({ path, item: path, value });
if ((isMap(value) || Array.isArray(value)) && (value.size ?? value.length) === 0) leaves.push({ path, value });
};
for (const [name, value] of address) if (!used.has(name)) walk(value, [name]);
return leaves;
}
export const placeText = (path) => path.map((step) => (typeof step === "number" ? step + 1 : step)).join(" › ");
export function photo(address) {
const isPixels = (value) => typeof value === "string" && /^data:image\/(png|jpe?g|gif|webp|avif);base64,[A-Za-z0-9+/=]+$/i.test(value);
const media = address.get("media");
const offered = [address.get("photo"), address.get("image"), address.get("avatar"),
...(isMap(media) ? [...media.values()].filter((m) => isMap(m) && m.get("kind") === "photo").map((m) => m.get("uri")) : [])];
return offered.flat().find(isPixels) || null;
}
)file"},
{"detail.js", R"file(import { base, explain, request } from "./api.js";
import * as contacts from "./contact.js";
import { $, avatar, button, count, h, icon, state, toast, tool, webLink } from "./dom.js";
import { clone, diff, equal, merge, Num, parse, pointer, pretty, stringify } from "./json.js";
function behind(a, b) {
for (let i = 0; i < Math.min(a.length, b.length); ++i) {
if (a[i] === b[i]) continue;
return typeof a[i] === "number" && typeof b[i] === "number" ? a[i] - b[i] : String(a[i]) < String(b[i]) ? -1 : 1;
}
return a.length - b.length;
}
const LONG = 80; // characters: a longer text gets more lines
export class Detail {
constructor(pane, hooks) {
this.pane = pane;
this.hooks = hooks;
this.turn = 0;
pane.addEventListener("input", () => this.touched());
addEventListener("beforeunload", (event) => this.isDirty() && event.preventDefault());
}
path(id = this.id) {
return `${base(this.book)}/${id}`;
}
empty(book) {
++this.turn;
this.book = book;
this.id = "";
this.draft = null;
this.pane.replaceChildren(state("people", "Choose a contact", "Or press / to search, n for a new one, ? for all keys."));
}
async open(book, id, { focus = false } = {}) {
const turn = ++this.turn;
this.book = book;
const slow = setTimeout(() => turn === this.turn && this.pane.replaceChildren(h("div.skeleton", { "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i"))), 150);
try {
const answer = await this.load(id);
if (turn !== this.turn) return;
this.id = id;
this.take(answer);
this.render();
if (focus) $("h1", this.pane)?.focus();
} catch (error) {
if (turn !== this.turn) return;
this.id = id;
this.draft = null;
const [name, title, text] = explain(error);
const again = error.status !== 404 && button("Try again", () => this.open(book, id, { focus }), { kind: "primary" });
this.pane.replaceChildren(state(name, title, text, ...[again].filter(Boolean), button("Back to the list", () => this.hooks.onclose(), { kind: "quiet" })));
} finally {
clearTimeout(slow);
}
}
async load(id) {
const response = await request(this.path(id));
return { etag: response.headers.get("ETag"), text: await response.text(), changed: response.headers.get("Last-Modified") };
}
take({ etag, text, changed }) {
this.etag = etag;
this.text = text;
this.changed = changed;
this.saved = parse(text);
this.draft = clone(this.saved);
this.isJson = false;
this.isNew = false;
this.rows = [];
}
create(book) {
++this.turn;
Object.assign(this, { book, id: "", etag: null, text: "{}", changed: null, isNew: true, isJson: false });
this.saved = new Map();
this.draft = new Map([["name", ""], ["organization", ""], ["emails", [""]], ["phones", [""]], ["note", ""]]);
this.render();
$("input", this.pane)?.focus();
}
result() {
const address = clone(this.draft);
const gone = this.rows.filter((row) => row.input.value.trim() === "" && row.item);
gone.sort((a, b) => behind(b.item, a.item)); // from behind, so that indices stay what they are
for (const row of gone) contacts.drop(address, row.item);
return address;
}
isDirty() {
if (!this.draft) return false;
if (this.isJson) return this.editor.value !== this.shown;
return !equal(this.result(), this.saved);
}
touched() {
const dirty = this.isDirty();
this.bar?.classList.toggle("shown", dirty || this.isNew);
if (this.bar) this.bar.inert = !(dirty || this.isNew);
}
render() {
this.pane.scrollTop = 0;
this.rows = [];
const contact = contacts.read(this.isNew ? new Map() : this.saved);
const { text, hue } = avatar(contact.title);
const picture = contacts.photo(this.draft);
const title = this.isNew ? "New contact" : contact.title || "No name";
const face = picture ? h("img.face", { src: picture, alt: "" }) : h(`span.face.hue-${hue}`, { "aria-hidden": "true" }, text || icon("person"));
const organization = contact.organization && contact.organization.value !== contact.title ? contact.organization.value : "";
const side = (label, isJson) => h("button", {
type: "button", "aria-pressed": String(this.isJson === isJson), onclick: () => this.turnTo(isJson),
}, label);
this.notice = h("div.notices", { role: "status" });
this.body = h("div.body");
this.error = h("div.error", { role: "alert", hidden: true });
this.bar = h("div.savebar", {},
h("span", {}, this.isNew ? "" : "Not saved yet"),
button(this.isNew ? "Cancel" : "Discard", () => this.discard(), { kind: "quiet" }),
button(this.isNew ? "Create contact" : "Save", () => this.save(), { kind: "primary", "aria-keyshortcuts": "Control+S" }));
this.pane.replaceChildren(
h("header.head", {},
h("div.tools", {},
tool("back", "Back to the list", () => this.hooks.onclose(), { "data-only": "phone" }),
h("div.sides", { role: "group", "aria-label": "Show as" }, side("Form", false), side("JSON", true)),
h("span.space"),
!this.isNew && this.hooks.canExport && tool("export", "Save as a vCard file", () => this.hooks.onexport(this.id, title)),
!this.isNew && tool("trash", "Delete this contact", () => this.remove())),
h("div.who", {}, face, h("div", {}, h("h1", { tabindex: "-1" }, title), organization && h("p", {}, organization)))),
this.notice, this.error, this.body, this.bar);
this.fillBody();
}
fillBody() {
this.rows = [];
if (this.isJson) this.fillJson();
else this.fillForm();
this.touched();
}
turnTo(isJson) {
if (isJson === this.isJson) return;
if (!isJson) {
try {
const address = parse(this.editor.value);
if (!(address instanceof Map)) throw new SyntaxError("An address is an object: { … }");
this.draft = address;
} catch (error) {
this.fail(error.message);
return;
}
}
this.error.hidden = true;
const address = isJson ? this.result() : null;
this.isJson = isJson;
if (isJson) {
const stored = pretty(this.text);
const edited = this.isNew || !equal(address, this.saved);
this.shown = stored;
this.initial = edited ? pretty(stringify(address)) : stored;
}
for (const [i, each] of [...$(".sides", this.pane).children].entries()) each.setAttribute("aria-pressed", String((i === 1) === isJson));
this.fillBody();
}
fillJson() {
this.editor = h("textarea.editor", { spellcheck: "false", "aria-label": "The address as JSON", rows: Math.min(40, this.initial.split("\n").length + 2), value: this.initial });
this.editor.addEventListener("keydown", (event) => {
if (event.key !== "Enter" || event.isComposing) return;
const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
event.preventDefault();
this.editor.setRangeText("\n" + /^ */.exec(line)[0], this.editor.selectionStart, this.editor.selectionEnd, "end");
this.touched();
});
this.body.replaceChildren(this.editor, h("p.fine", {}, "Everything of the contact as it is stored. What you save here replaces all of it."));
}
fillForm() {
const address = this.draft;
const contact = contacts.read(address);
const placed = new Set();
const text = (row, label, rest) => this.textRow(row, label, rest);
const groups = [];
const group = (title, ...rows) => rows.flat().length && groups.push(h("section.group", {}, title && h("h2", {}, title), ...rows));
const name = [];
const field = (key, label, rest) => {
if (contact[key]) return text(contact[key], label, rest);
if (this.isNew || this.adding === key) {
const path = contacts.placeOf(address, key);
if (contacts.at(address, path) === undefined) contacts.put(address, path, "");
return text({ path, item: path.length > 2 ? path.slice(0, -1) : path, value: "" }, label, rest);
}
return [];
};
if (contact.name || !contact.parts.length || this.adding === "name") name.push(contact.name || this.isNew || !contact.parts.length
? this.ensure("name", contact, "Name") : field("name", "Name"));
for (const part of contact.parts) {
name.push(text(part, part.label, part.path[0] === "name" && contact.isJoined ? { after: () => contacts.rejoin(address) } : {}));
}
name.push(field("organization", "Organization"), field("birthday", "Birthday", { placeholder: "1815-12-10", isDate: contact.birthday?.isDate }));
group("", name);
group("Email", this.listRows(contact.emails, "emails", "Email", "email", (value) => ["mail", "Write to", /^[^\s@]+@[^\s@]+$/.test(value) && `mailto:${encodeURIComponent(value).replaceAll("%40", "@")}`]));
group("Phone", this.listRows(contact.phones, "phones", "Phone", "tel", (value) => ["phone", "Call", /\d/.test(value) && `tel:${value.replace(/^tel:/, "").replace(/[^\d+*#]/g, "")}`]));
group("Labels", this.labelRow(contact.labels));
for (const row of this.rows) placed.add(pointer(row.path));
const leaves = contacts.others(address, contact.used).filter(({ path }) => !placed.has(pointer(path)) && !(this.isNew && path[0] !== "note"));
const isTechnical = ({ path }) => /^(@type|@version|version|uid|prodId|created|updated|language|vCardProps)$/.test(path[0]) || path[path.length - 1] === "@type";
const plain = leaves.filter((leaf) => !isTechnical(leaf));
const technical = leaves.filter(isTechnical);
group("More", plain.slice(0, 60).map((leaf) => this.otherRow(leaf)), plain.length > 60 && h("p.fine", {}, `And ${count(plain.length - 60, "more value")}: see JSON.`));
const more = ["organization", "birthday", "note"].filter((key) => !this.isNew && (key === "note" ? !address.has("note") && !address.has("notes") : !contact[key]) && this.adding !== key);
if (contact.parts.length && !contact.name && this.adding !== "name") more.unshift("name");
if (more.length) {
groups.push(h("div.adders", {}, more.map((key) => button(key[0].toUpperCase() + key.slice(1), () => this.add(key), { kind: "add", name: "plus" }))));
}
if (technical.length) groups.push(h("details.technical", {}, h("summary", {}, `Kept as it is: ${count(technical.length, "value")}`), technical.slice(0, 60).map((leaf) => this.otherRow(leaf))));
if (this.changed) groups.push(h("p.fine", {}, "Last changed ", h("time", {}, new Date(this.changed).toLocaleString([], { dateStyle: "long", timeStyle: "short" }))));
this.body.replaceChildren(...groups);
}
ensure(key, contact, label) {
if (contact[key]) return this.textRow(contact[key], label);
const path = contacts.placeOf(this.draft, key);
const isAbsent = contacts.at(this.draft, path) === undefined;
if (!isAbsent && typeof contacts.at(this.draft, path) !== "string") return [];
return this.textRow({ path, item: path, value: "" }, label);
}
add(key) {
if (key === "note") {
contacts.put(this.draft, contacts.placeOf(this.draft, "note"), "");
} else {
this.adding = key;
}
this.fillBody();
this.adding = "";
const path = pointer(contacts.placeOf(this.draft, key));
this.rows.find((row) => pointer(row.path) === path)?.input.focus();
}
textRow(row, label, { type = "text", after, action, isDate = row.isDate, remove, hidesLabel, placeholder = "", note = row.hint } = {}) {
const id = `field-${pointer(row.path)}`;
const isLong = typeof row.value === "string" && (row.value.length > LONG || row.value.includes("\n"));
const old = contacts.at(this.draft, row.path);
const input = h(isLong || row.isLong ? "textarea" : "input", {
id, value: row.value, type: !isLong && !row.isLong && type, placeholder, autocomplete: "off", spellcheck: String(isLong), rows: (isLong || row.isLong) && 3,
"aria-describedby": `${id}-error`,
});
const link = h("a.tool", { hidden: true, target: action && action("")[0] === "web" && "_blank", rel: "noopener noreferrer" }, action && icon(action("")[0]));
const relink = () => {
const [, verb, href] = action ? action(input.value) : [];
link.hidden = !href;
if (href) {
link.setAttribute("href", href);
link.setAttribute("aria-label", `${verb} ${input.value}`);
}
};
relink();
input.addEventListener("input", () => {
const value = isDate ? contacts.dateOf(input.value.trim(), old) : contacts.retyped(old, input.value);
contacts.put(this.draft, row.path, value);
if (after) after();
relink();
});
const shown = { ...row, input };
if (!row.keepsEmpty) this.rows.push(shown);
return h("div.field", { "data-pointer": pointer(row.path) },
h("label", { for: id, class: hidesLabel && "hushed" }, label),
h("div.value", {}, input, note && h("span.tag", {}, note), action && link,
remove && tool("close", `Remove ${label.toLowerCase()} ${row.value}`, remove)),
h("p.wrong", { id: `${id}-error`, hidden: true }));
}
listRows(rows, kind, label, type, action) {
const remove = (row) => () => {
contacts.drop(this.draft, row.item);
this.fillBody();
};
const elements = rows.flatMap((row, i) => {
const name = rows.length > 1 ? `${label} ${i + 1}` : label;
if (row.parts) {
return h("div.parts", { role: "group", "aria-label": name }, row.parts.map((part) =>
this.textRow(part, { country_code: "Country", area_code: "Area", local_number: "Number" }[part.name], { type: "tel" })), row.hint && h("span.tag", {}, row.hint));
}
return this.textRow(row, name, { type: type === "email" ? "email" : type, action, remove: remove(row), hidesLabel: true });
});
for (const path of this.blank?.[kind] ?? (this.isNew ? [[kind, 0]] : [])) {
if (contacts.at(this.draft, path) !== "" ) continue;
elements.push(this.textRow({ path, item: this.itemOf(path), value: "" }, `New ${label.toLowerCase()}`, { type, action, hidesLabel: true, placeholder: label }));
}
elements.push(button(`Add ${label.toLowerCase()}`, () => {
const path = contacts.addRow(this.draft, kind);
this.blank = { ...this.blank, [kind]: [...(this.blank?.[kind] ?? (this.isNew ? [[kind, 0]] : [])), path] };
this.fillBody();
this.rows.find((row) => row.path === path)?.input.focus();
}, { kind: "add", name: "plus" }));
return elements;
}
itemOf(path) {
return ["email", "address", "value", "number"].includes(path[path.length - 1]) ? path.slice(0, -1) : path;
}
labelRow(labels) {
const input = h("input", { type: "text", "aria-label": "Add a label", placeholder: "Add a label", autocomplete: "off", list: "known-labels" });
const add = () => {
const value = input.value.trim();
if (!value) return false;
if (!labels.some((row) => row.value === value)) contacts.addLabel(this.draft, value);
this.fillBody();
$(".labels input", this.body).focus();
return true;
};
input.addEventListener("keydown", (event) => {
if ((event.key === "Enter" || event.key === ",") && !event.isComposing) {
event.preventDefault();
add();
}
});
input.addEventListener("change", add);
return h("div.labels", {}, labels.map((row) => h("span.tag.big", {}, row.value, tool("close", `Remove label ${row.value}`, () => {
contacts.drop(this.draft, row.item);
this.fillBody();
}))), input);
}
otherRow({ path, item, value }) {
const label = contacts.placeText(path);
if (!item) return h("div.field", {}, h("span.label", {}, label), h("div.value", {}, h("span.still", {}, "empty")));
if (value === null || (typeof value === "string" && value.length > 2000)) {
const what = value === null ? "null" : value.startsWith("data:") ? `${/^data:([^;,]{1,40})/.exec(value)?.[1] || "data"}, ${count(Math.round(value.length * 0.75 / 1024), "KiB", "KiB")}` : `${count(value.length, "character")}: see JSON`;
return h("div.field", {}, h("span.label", {}, label), h("div.value", {}, h("span.still", {}, what)));
}
const shown = value instanceof Num ? value.raw : String(value);
const action = typeof value === "string" && ((text) => ["web", "Open", webLink(text)]);
return this.textRow({ path, item, value: shown, isLong: path[path.length - 1] === "note", keepsEmpty: !this.isNew && path[0] !== "note" && path[0] !== "notes" }, label === "note" ? "Note" : label, { action });
}
fail(message, errors = []) {
const unplaced = [];
for (const { pointer: place, reason } of errors) {
const field = [...this.pane.querySelectorAll("[data-pointer]")].find((each) => each.dataset.pointer === place);
if (!field) {
unplaced.push(h("li", {}, h("code", {}, place || "/"), ` ${reason}`));
continue;
}
const wrong = $(".wrong", field);
wrong.hidden = false;
wrong.textContent = reason;
$("input, textarea", field).setAttribute("aria-invalid", "true");
}
this.error.hidden = false;
this.error.replaceChildren(h("p", {}, message), unplaced.length > 0 && h("ul", {}, unplaced) || "");
this.error.scrollIntoView({ block: "nearest" });
}
async save() {
if (!this.draft || this.saving) return;
if (!this.isDirty() && !this.isNew) return;
this.saving = true;
this.bar.classList.add("busy");
try {
await this.write();
} catch (error) {
if (error.status === 412) await this.conflict();
else this.fail(error.status === 0 ? "The server can't be reached. Nothing is lost: try again." : error.message, error.errors);
} finally {
this.saving = false;
this.bar.classList.remove("busy");
}
}
async write() {
let response;
const headers = { Prefer: "return=representation" };
const isNew = this.isNew;
if (isNew) {
const body = this.isJson ? this.editor.value : stringify(this.result());
if (this.sent !== body) this.key = `${Date.now()}-${Math.random()}`;
this.sent = body;
response = await request(base(this.book), { method: "POST", body, headers: { ...headers, "Content-Type": "application/json", "Idempotency-Key": this.key } });
this.id = response.headers.get("Location").split("/").pop();
} else if (this.isJson) {
response = await request(this.path(), { method: "PUT", body: this.editor.value, headers: { ...headers, "Content-Type": "application/json", "If-Match": this.etag } });
} else {
const patch = stringify(diff(this.saved, this.result()));
response = await request(this.path(), { method: "PATCH", body: patch, headers: { ...headers, "Content-Type": "application/json-patch+json", "If-Match": this.etag } });
}
await this.stored(response, isNew ? "Created" : "Saved");
}
async stored(response, said) {
const isJson = this.isJson;
this.take({ etag: response.headers.get("ETag"), text: await response.text(), changed: new Date().toUTCString() });
this.blank = null;
this.render();
if (isJson) this.turnTo(true);
$("h1", this.pane).focus();
toast(said, { seconds: 3 });
this.hooks.onsaved(this.id, this.revision(), this.saved);
}
revision() {
return Number(/-(\d+)(?:-[a-z0-9]+)?"$/.exec(this.etag)?.[1] || 0);
}
discard() {
this.blank = null;
if (this.isNew) {
this.draft = null;
this.hooks.onclose();
return;
}
this.take(this);
this.render();
$("h1", this.pane).focus();
}
async remove() {
const { id, book, etag, text } = this;
const title = contacts.read(this.saved).title || "No name";
try {
await request(this.path(), { method: "DELETE", headers: { "If-Match": etag } });
} catch (error) {
if (error.status === 412) toast("Someone has just changed this contact. Look at it again, then delete it.", { action: "Show it", onaction: () => this.open(book, id, { focus: true }) });
else if (error.status === 404) this.hooks.onremoved(id);
else toast(explain(error)[2], { kind: "bad" });
return;
}
this.draft = null;
this.hooks.onremoved(id);
this.undo = async () => {
this.undo = null;
closeToast();
try {
await request(`${base(book)}/${id}`, { method: "PUT", body: text, headers: { "Content-Type": "application/json", "If-None-Match": "*" } });
this.hooks.onopen(id);
toast(`${title} is back`, { seconds: 3 });
} catch (error) {
toast(`${title} could not be brought back. ${explain(error)[2]}`, { kind: "bad", action: "Try again", onaction: undo });
}
};
const undo = this.undo;
const closeToast = toast(`${title} is deleted`, { action: "Undo", onaction: undo, seconds: 12 });
}
async changedBy(revision, isRemoved) {
if (!this.draft || this.isNew || this.saving || (!isRemoved && revision <= this.revision())) return;
if (isRemoved && revision <= this.revision()) return;
if (isRemoved || this.isDirty()) {
const say = isRemoved ? "Someone has deleted this contact." : "Someone else has changed this contact meanwhile.";
this.notice.replaceChildren(h("div.notice", {}, icon("people"), h("span", {}, say), button(isRemoved ? "What now?" : "Compare", () => this.conflict(), { kind: "quiet" })));
return;
}
const { id, turn } = this;
const answer = await this.load(id).catch(() => null);
if (!answer || this.id !== id || this.turn !== turn || this.isDirty() || this.saving) return;
const isJson = this.isJson;
const hadFocus = this.pane.contains(document.activeElement);
this.take(answer);
this.render();
if (isJson) this.turnTo(true);
if (hadFocus) $("h1", this.pane).focus();
this.notice.replaceChildren(h("div.notice.calm", {}, icon("people"), h("span", {}, "Updated just now by someone else")));
}
async conflict() {
let mine;
try {
mine = this.isJson ? parse(this.editor.value) : this.result();
} catch (error) {
this.fail(error.message);
return;
}
const old = this.saved;
const raw = await fetchState(this.path());
if (raw.error) {
this.fail(explain(raw.error)[2]);
return;
}
const asNew = button("Save mine as a new contact", async () => {
try {
const response = await request(base(this.book), { method: "POST", body: stringify(mine), headers: { "Content-Type": "application/json", Prefer: "return=representation" } });
this.draft = null;
const id = response.headers.get("Location").split("/").pop();
toast("Both are kept: yours is a new contact");
this.hooks.onopen(id);
} catch (error) {
this.fail(explain(error)[2], error.errors);
}
}, { kind: "quiet" });
const head = (title, text) => h("header.clash", {}, h("div.picture", {}, icon("people")), h("h1", { tabindex: "-1" }, title), h("p", {}, text));
const show = (...content) => {
this.pane.replaceChildren(h("div.conflict", {}, ...content));
this.pane.scrollTop = 0;
$("h1", this.pane).focus();
};
this.error = h("div.error", { role: "alert", hidden: true });
if (!raw.text) {
show(head("This contact was deleted", "Someone has deleted it while you were at it. Yours is still here."), this.error,
h("pre.version", { tabindex: "0", "aria-label": "Your version" }, pretty(stringify(mine))),
h("div.actions", {}, button("Bring it back with my changes", async () => {
try {
const response = await request(this.path(), { method: "PUT", body: stringify(mine), headers: { "Content-Type": "application/json", "If-None-Match": "*", Prefer: "return=representation" } });
await this.stored(response, "It is back");
} catch (error) {
this.fail(explain(error)[2], error.errors);
}
}, { kind: "primary" }), button("Let it go", () => {
this.draft = null;
this.hooks.onremoved(this.id);
}, { kind: "quiet" })));
return;
}
const theirs = parse(raw.text);
const names = [...new Set([...theirs.keys(), ...mine.keys()])].filter((name) => !equal(mine.get(name), theirs.get(name)));
const choices = new Map();
const rows = names.map((name) => {
const [was, my, their] = [old.get(name), mine.get(name), theirs.get(name)];
const both = merge(was, my, their);
const isBoth = both !== undefined && !equal(both, my) && !equal(both, their);
const only = equal(was, my) ? "theirs" : equal(was, their) ? "mine" : "";
choices.set(name, only || (isBoth ? "both" : "mine"));
const option = (value, who, content) => h("label.choice", {},
h("input", { type: "radio", name: `choice-${name}`, checked: choices.get(name) === value, onchange: () => choices.set(name, value), value }),
h("span", {}, h("b", {}, who), h("span.said", {}, content === undefined ? h("i", {}, "not there") : typeof content === "string" ? content : pretty(stringify(content)))));
return h("fieldset", {}, h("legend", {}, name, only ? h("span.tag", {}, only === "mine" ? "only you changed it" : "only they changed it") : null),
option("mine", "Yours", my), option("theirs", "Theirs", their), isBoth && option("both", "Both", both));
});
const merged = () => {
const result = new Map();
for (const name of new Set([...theirs.keys(), ...mine.keys()])) {
const choice = choices.get(name);
const value = choice === "both" ? merge(old.get(name), mine.get(name), theirs.get(name)) : (choice === "mine" ? mine : theirs).get(name);
if (value !== undefined) result.set(name, value);
}
return result;
};
const keep = button("Save this", async () => {
keep.disabled = true;
try {
const patch = stringify(diff(theirs, merged()));
const response = patch === "[]" ? null : await request(this.path(), { method: "PATCH", body: patch, headers: { "Content-Type": "application/json-patch+json", "If-Match": raw.etag, Prefer: "return=representation" } });
if (response) await this.stored(response, "Saved, with both versions");
else await this.open(this.book, this.id, { focus: true });
} catch (error) {
keep.disabled = false;
if (error.status === 412) await this.conflict();
else this.fail(error.status === 0 ? explain(error)[2] : error.message, error.errors);
}
}, { kind: "primary" });
show(head("Two people changed this contact", "Nothing is lost: choose what stays, part by part."), this.error,
h("div.choices", {}, rows.length ? rows : h("p", {}, "Both versions say the same.")),
h("div.actions", {}, keep, asNew, button("Drop mine", () => {
this.draft = null;
this.open(this.book, this.id, { focus: true });
}, { kind: "quiet" })));
}
}
async function fetchState(path) {
try {
const response = await request(path);
return { text: await response.text(), etag: response.headers.get("ETag") };
} catch (error) {
return error.status === 404 ? {} : { error };
}
}
)file"},
{"dom.js", R"file(const SVG = "http://www.w3.org/2000/svg";
*  are listeners, a value that is false or null is left out, `ref` is called with the element. */
export function h(name, props = {}, ...children) {
const [tag, ...classes] = name.split(".");
const element = document.createElement(tag || "div");
if (classes.length) element.className = classes.join(" ");
for (const [key, value] of Object.entries(props)) {
if (value === false || value === null || value === undefined) continue;
if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
else if (key === "value") element.value = value;
else if (key === "checked") element.checked = value;
else element.setAttribute(key, value === true ? "" : value);
}
element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
return element;
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
export function tool(name, label, onclick, rest = {}) {
return h("button.tool", { type: "button", "aria-label": label, title: label, onclick, ...rest }, icon(name));
}
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
for (const type of ["pointerenter", "focusin"]) element.addEventListener(type, () => clearTimeout(timer));
for (const type of ["pointerleave", "focusout"]) element.addEventListener(type, start);
$("#toasts").append(element);
start();
return close;
}
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
export function state(name, title, text, ...actions) {
return h("div.state", {}, h("div.picture", {}, icon(name)), h("h2", {}, title), text && h("p", {}, text),
actions.length > 0 && h("div.actions", {}, actions));
}
const HUES = 8;
export function avatar(name, organization = "") {
const words = (name || organization || "").split(/[\s,.]+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
const first = words[0] ? [...words[0]][0] : "";
const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
let sum = 0;
for (const c of name || organization) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
return { text: (first + last).toUpperCase(), hue: sum % HUES };
}
export function webLink(text) {
if (!/^https?:\/\//i.test(text)) return null;
try {
return new URL(text).href;
} catch {
return null;
}
}
export const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
)file"},
{"json.js", R"file(export class Num {
constructor(raw) {
this.raw = raw;
}
}
const TOKEN = /[\s]*([[\]{}:,]|"(?:[^"\\]+|\\.)*"|[^\s,\]}]+)/y;
function tokens(text) {
JSON.parse(text); // throws a SyntaxError that says where
const list = [];
TOKEN.lastIndex = 0;
for (let found; (found = TOKEN.exec(text)); ) list.push(found[1]);
return list;
}
export function parse(text) {
const list = tokens(text);
let at = 0;
const read = () => {
const token = list[at++];
if (token === "{") {
const map = new Map();
while (list[at] !== "}") {
if (list[at] === ",") ++at;
const name = JSON.parse(list[at]);
at += 2; // the name and its colon
map.set(name, read());
}
++at;
return map;
}
if (token === "[") {
const array = [];
while (list[at] !== "]") {
if (list[at] === ",") ++at;
array.push(read());
}
++at;
return array;
}
if (token[0] === '"' || /^[tfn]/.test(token)) return JSON.parse(token);
return new Num(token);
};
return read();
}
export function pretty(text) {
let out = "";
let depth = 0;
let before = "";
for (const token of tokens(text)) {
const closes = token === "}" || token === "]";
if (closes) --depth;
const follows = before === "," || before === "{" || before === "[";
if (closes ? !follows : follows) out += "\n" + "  ".repeat(depth);
out += token === ":" ? ": " : token;
if (token === "{" || token === "[") ++depth;
before = token;
}
return out;
}
export function stringify(value) {
if (value instanceof Num) return value.raw;
if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
if (value instanceof Map) {
return `{${[...value].map(([name, v]) => `${JSON.stringify(name)}:${stringify(v)}`).join(",")}}`;
}
return JSON.stringify(value);
}
export function clone(value) {
if (Array.isArray(value)) return value.map(clone);
if (value instanceof Map) return new Map([...value].map(([name, v]) => [name, clone(v)]));
return value;
}
export function equal(a, b) {
if (a instanceof Map && b instanceof Map) {
return a.size === b.size && [...a].every(([name, v]) => b.has(name) && equal(v, b.get(name)));
}
if (Array.isArray(a) && Array.isArray(b)) {
return a.length === b.length && a.every((v, i) => equal(v, b[i]));
}
if (a instanceof Num && b instanceof Num) return a.raw === b.raw;
return a === b;
}
export const pointer = (path) =>
path.map((step) => "/" + String(step).replaceAll("~", "~0").replaceAll("/", "~1")).join("");
*  equal in both is not in it, so it stays as it is stored, byte for byte. */
export function diff(before, after, path = []) {
const op = (name, at, value) => {
const members = [["op", name], ["path", pointer(at)]];
if (value !== undefined) members.push(["value", value]);
return new Map(members);
};
if (equal(before, after)) return [];
if (before instanceof Map && after instanceof Map) {
const ops = [];
for (const [name, value] of before) {
if (!after.has(name)) ops.push(op("remove", [...path, name]));
else ops.push(...diff(value, after.get(name), [...path, name]));
}
for (const [name, value] of after) {
if (!before.has(name)) ops.push(op("add", [...path, name], value));
}
return ops;
}
if (Array.isArray(before) && Array.isArray(after)) {
let start = 0;
while (start < before.length && start < after.length && equal(before[start], after[start])) ++start;
let tail = 0;
while (tail < Math.min(before.length, after.length) - start &&
equal(before[before.length - 1 - tail], after[after.length - 1 - tail])) ++tail;
const old = before.slice(start, before.length - tail);
const now = after.slice(start, after.length - tail);
const both = Math.min(old.length, now.length);
const ops = [];
for (let i = 0; i < both; ++i) ops.push(...diff(old[i], now[i], [...path, start + i]));
for (let i = old.length - 1; i >= both; --i) ops.push(op("remove", [...path, start + i]));
for (let i = both; i < now.length; ++i) ops.push(op("add", [...path, start + i], now[i]));
return ops;
}
return [op("replace", path, after)];
}
const plain = (value) => !(value instanceof Map) && !Array.isArray(value);
*  object its members likewise. @returns undefined if one must choose */
export function merge(base, mine, theirs) {
if (equal(mine, theirs) || equal(base, mine)) return clone(theirs);
if (equal(base, theirs)) return clone(mine);
if (Array.isArray(mine) && Array.isArray(theirs)) {
const old = Array.isArray(base) ? base : [];
const has = (list, value) => list.some((v) => equal(v, value));
const kept = theirs.filter((v) => has(mine, v) || !has(old, v));
return clone([...kept, ...mine.filter((v) => !has(theirs, v) && !has(old, v))]);
}
if (mine instanceof Map && theirs instanceof Map) {
const old = base instanceof Map ? base : new Map();
const result = new Map();
for (const name of new Set([...theirs.keys(), ...mine.keys()])) {
const value = merge(old.get(name), mine.get(name), theirs.get(name));
if (value === undefined) {
const all = [old.get(name), mine.get(name), theirs.get(name)];
if (!all.some((v, i) => i > 0 && v === undefined && equal(all[0], all[3 - i]))) return undefined;
} else {
result.set(name, value);
}
}
return result;
}
return undefined;
}
export { plain };
)file"},
{"list.js", R"file(import { avatar, h } from "./dom.js";
const ROW = 64; // pixels, as in app.css
const MARGIN = 8; // rows beyond those in sight
const MOST_PIXELS = 12_000_000; // browsers can't make an element of any height
const FIRST_PAGE = 100;
const PAGE = 1000;
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const KEYS = {
name: (row) => fold(row.summary.name),
given: (row) => fold(row.summary.given),
family: (row) => fold(row.summary.family),
};
export class List {
*  @param onopen  called with a row and whether it was chosen, or only passed over
*  @param onstate called after each answer: with the list and an error, if it is one */
constructor(viewport, { load, onopen, onstate }) {
Object.assign(this, { viewport, load, onopen, onstate });
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
*  @param keepPlace  whether one goes on looking at the same place */
async reset({ keepPlace = false, sort = this.sort } = {}) {
const turn = ++this.turn; // an older answer never replaces a newer one
this.aborter?.abort();
this.aborter = new AbortController();
this.loading = true;
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
async reach(index) {
if (this.loading || !this.next || index < this.rows.length) return;
const turn = this.turn;
this.loading = true;
try {
while (this.next && this.lastWanted >= this.rows.length && turn === this.turn) {
const page = await this.load(PAGE, this.next, this.aborter.signal);
if (turn !== this.turn) return;
for (const row of page.rows) this.rows.push(row);
this.next = page.next;
if (!this.next) this.total = this.rows.length;
this.redraw();
}
} catch (error) {
if (turn === this.turn && error.name !== "AbortError") this.onstate(this, error);
} finally {
if (turn === this.turn) this.loading = false;
}
}
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
element.classList.toggle("fresh", Boolean(row && row.fresh));
mark.textContent = initial;
if (!row) {
for (const part of [face, name, more, tags]) part.textContent = "";
face.className = "avatar";
return;
}
const { summary } = row;
const { text, hue } = avatar(summary.name, summary.organization);
face.textContent = text;
face.className = `avatar hue-${hue}`;
name.textContent = summary.name || "No name";
name.classList.toggle("nameless", !summary.name);
const organization = summary.organization !== summary.name ? summary.organization : "";
more.textContent = [organization, summary.emails[0] || summary.phones[0]].filter(Boolean).join(" · ");
tags.replaceChildren(...summary.labels.slice(0, 2).map((label) => h("span.tag", {}, label)));
}
initialOf(row) {
const key = KEYS[(this.sort || "").replace("-", "")];
if (!row || !key) return "";
const first = [...key(row)][0] || "";
return /\p{L}/u.test(first) ? first.toUpperCase() : first && "#";
}
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
if (scale === 1) {
const top = this.active * ROW;
if (top < viewport.scrollTop) viewport.scrollTop = top;
else if (top + ROW > viewport.scrollTop + viewport.clientHeight) viewport.scrollTop = top + ROW - viewport.clientHeight;
} else {
const share = (this.active * ROW) / Math.max(1, this.total * ROW - viewport.clientHeight);
viewport.scrollTop = Math.min(1, share) * (MOST_PIXELS - viewport.clientHeight);
}
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
apply(id, revision, summary) {
const index = this.rows.findIndex((row) => row.id === id);
const old = this.rows[index];
if (old && old.revision >= revision) return;
const activeId = this.rows[this.active]?.id;
if (old) {
this.rows.splice(index, 1);
--this.total;
}
if (summary) {
const row = { id, revision, summary, fresh: true };
const stays = old && /created/.test(this.sort);
const place = stays ? index : this.placeOf(row);
if (place < this.rows.length || !this.next) this.rows.splice(place, 0, row);
++this.total;
}
this.active = activeId ? this.rows.findIndex((row) => row.id === activeId) : this.active;
this.draw();
}
placeOf(row) {
const key = KEYS[(this.sort || "").replace("-", "")];
if (!key) return this.sort.startsWith("-") ? 0 : this.rows.length;
const sign = this.sort.startsWith("-") ? -1 : 1;
const mine = key(row);
let low = 0;
let high = this.rows.length;
while (low < high) {
const middle = (low + high) >> 1;
const other = key(this.rows[middle]);
const isBefore = mine === "" ? true : other === "" ? false : other === mine ? true : (other < mine) === (sign > 0);
if (isBefore) low = middle + 1;
else high = middle;
}
return low;
}
}
)file"},
{"live.js", R"file(import { request, token } from "./api.js";
export class Live {
*  @param onstate   called with "live", "waiting" or "off"
*  @param onreset   called where changes are lost: read the book anew, then start() */
constructor({ onchange, onstate, onreset }) {
Object.assign(this, { onchange, onstate, onreset });
this.batch = [];
document.addEventListener("visibilitychange", () => {
clearTimeout(this.hiding);
if (!this.path) return;
if (document.hidden) this.hiding = setTimeout(() => this.close(), 30_000);
else if (!this.source && !this.aborter) this.open();
});
addEventListener("online", () => this.path && this.open());
}
*  @param since  a token of the book's state now */
start(path, since) {
this.path = path;
this.since = since;
this.open();
}
stop() {
this.path = "";
this.close();
this.onstate("off");
}
close() {
clearTimeout(this.retry);
this.source?.close();
this.aborter?.abort();
this.source = this.aborter = null;
}
open() {
this.close();
if (!this.path) return;
const url = `${this.path}?since=${encodeURIComponent(this.since)}`;
if (token.get()) {
this.follow(url);
return;
}
const source = (this.source = new EventSource(url));
source.onopen = () => this.onstate("live");
source.onmessage = (event) => this.take(event.lastEventId, event.data);
source.addEventListener("reset", () => this.reset());
source.onerror = () => this.again();
}
async follow(url) {
const aborter = (this.aborter = new AbortController());
try {
const response = await request(url, { headers: { Accept: "text/event-stream" }, signal: aborter.signal });
this.onstate("live");
const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
let held = "";
for (;;) {
const { value, done } = await reader.read();
if (done) break;
const events = (held + value).split("\n\n");
held = events.pop();
for (const event of events) this.takeEvent(event);
}
} catch (error) {
if (error.name === "AbortError") return;
}
if (this.aborter === aborter) this.again();
}
takeEvent(text) {
const fields = { data: [] };
for (const line of text.split("\n")) {
const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line) || [];
if (name === "data") fields.data.push(value);
else if (name) fields[name] = value;
}
if (fields.event === "reset") this.reset();
else if (fields.data.length) this.take(fields.id, fields.data.join("\n"));
}
take(id, data) {
if (id) this.since = id;
this.batch.push(data);
this.flushing ??= setTimeout(() => {
this.flushing = null;
this.onchange(this.batch.splice(0));
}, 40);
}
reset() {
this.close();
this.onreset();
}
again() {
this.close();
this.onstate("waiting");
this.retry = setTimeout(() => this.open(), 2000);
}
}
)file"},
{"transfer.js", R"file(import { base, explain, headersWithToken, mount, request, token, upload } from "./api.js";
import { $, button, count, dialog, h, icon, toast } from "./dom.js";
const FORMATS = {
vcf: ["vCard", "for phones and mail programs", "vcf"],
csv: ["CSV", "for spreadsheets", "csv"],
jscontact: ["JSContact", "JSON, RFC 9553", "json"],
ndjson: ["NDJSON", "one address a line, as stored", "ndjson"],
json: ["JSON", "one list, as stored", "json"],
};
const SUFFIXES = { vcf: "vcf", vcard: "vcf", csv: "csv", tsv: "csv", ndjson: "ndjson", jsonl: "ndjson", json: "json", jscontact: "jscontact" };
const known = () => mount.formats.filter((name) => FORMATS[name]);
async function formatOf(file) {
const suffix = /\.([a-z]+)$/i.exec(file.name)?.[1].toLowerCase();
let format = SUFFIXES[suffix] || (/vcard/.test(file.type) ? "vcf" : /csv/.test(file.type) ? "csv" : "");
const start = await file.slice(0, 4096).text();
if (!format && /^\s*BEGIN:VCARD/i.test(start)) format = "vcf";
if (format === "json" && /"@type"\s*:\s*"Card"/.test(start)) format = "jscontact";
return known().includes(format) ? format : "";
}
export function acceptDrops(take) {
const veil = $("#drop");
let depth = 0;
const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && mount.formats.length > 0;
const show = (is) => {
if (!is) depth = 0;
veil.hidden = !is;
};
addEventListener("dragenter", (event) => hasFiles(event) && (event.preventDefault(), ++depth, show(true)));
addEventListener("dragleave", (event) => hasFiles(event) && --depth <= 0 && show(false));
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
if (!hasFiles(event)) return;
event.preventDefault();
show(false);
if (event.dataTransfer.files[0] && !$("dialog[open]")) take(event.dataTransfer.files[0]);
});
}
export function chooseFile(take) {
const input = h("input", { type: "file", accept: ".vcf,.csv,.json,.ndjson,.jsonl,text/vcard,text/csv" });
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
body.replaceChildren(title, h("p", {}, `This is not a file that can be read here. There is: ${known().map((name) => FORMATS[name][0]).join(", ")}.`), h("div.actions", {}, button("Close", close)));
return;
}
let conflict = "skip";
let isPartial = false;
const send = (dry, label) => {
const bar = h("progress", { max: "1", "aria-label": label });
const text = h("p", {}, label);
body.replaceChildren(title, text, bar);
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
if (error.status !== 413 || isPartial || !/partial/.test(error.message)) throw error;
isPartial = true;
return send(dry, label);
}
};
const failed = (error, again) => {
if (error.status === 401) request(base(book) + "?limit=1").then(again, () => {});
const [, head, text] = explain(error);
body.replaceChildren(title, h("div.error", { role: "alert" }, h("b", {}, head), h("p", {}, error.status === 0 ? error.message : text)),
h("div.actions", {}, button("Close", close, { kind: "quiet" }), button("Try again", again, { kind: "primary" })));
};
const numbers = (report, words) => h("ul.numbers", {}, Object.entries(words).map(([name, word]) =>
h(`li.${name}`, {}, h("b", {}, (report[name] || 0).toLocaleString("en")), word)));
const lines = (report) => {
const parts = (report.failed_batches || []).map((part) => ({ ...part, message: `Records ${part.first} to ${part.last}: ${part.message}` }));
const all = [...parts, ...(report.errors || [])].map((line) => ["bad", line]).concat((report.warnings || []).map((line) => ["warn", line]));
if (!all.length) return null;
const left = report.failed - (report.errors || []).length;
return h("div.report", { tabindex: "0", role: "region", "aria-label": "Line by line" },
h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Line"), h("th", { scope: "col" }, "What"))),
h("tbody", {}, all.map(([kind, { line, index, message }]) => h(`tr.${kind}`, {}, h("td", {}, line ?? (index !== undefined ? `#${index + 1}` : "")), h("td", {}, message))))),
left > 0 && !parts.length && h("p.fine", {}, `And ${left.toLocaleString("en")} more.`));
};
const look = async () => {
try {
const report = await attempt(true, "Looking at the file …");
if (!isOpen) return;
const todo = report.created + report.updated;
const choice = (value, text) => h("label.choice", {}, h("input", { type: "radio", name: "conflict", value, checked: conflict === value, onchange: () => {
conflict = value;
look();
} }), h("span", {}, text));
body.replaceChildren(title, h("p", {}, "Nothing is stored yet. This would happen:"),
numbers(report, { created: "new", updated: "replaced", skipped: "left as they are", failed: "can't be read" }),
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
body.replaceChildren(title, h("p.done", {}, icon("check"), report.status === 207 ? "Done, but not all of it." : "Done."),
numbers(report, { created: "new", updated: "replaced", skipped: "left as they are", failed: "can't be read" }), lines(report),
h("div.actions", {}, button("Close", close, { kind: "primary" })));
$(".actions .primary", body).focus();
} catch (error) {
failed(error, run);
}
};
await look();
}
export async function download(path, name) {
const save = (href) => h("a", { href, download: name }).click();
if (!token.get()) {
save(path);
return;
}
const close = toast("Preparing the file …", { seconds: 600 });
try {
const url = URL.createObjectURL(await (await request(path, { headers: headersWithToken() })).blob());
save(url);
setTimeout(() => URL.revokeObjectURL(url), 60_000);
} catch (error) {
toast(explain(error)[2], { kind: "bad" });
} finally {
close();
}
}
export function exportDialog(book, { filter, sort, total }) {
let format = known()[0];
let isAll = !filter;
const radio = (group, value, checked, onchange, ...text) => h("label.choice", {}, h("input", { type: "radio", name: group, value, checked, onchange }), h("span", {}, ...text));
const options = known().map((name) => radio("format", name, name === format, () => (format = name), h("b", {}, FORMATS[name][0]), h("span.said", {}, FORMATS[name][1])));
const box = dialog("Export contacts",
h("fieldset", {}, h("legend", {}, "As"), options),
filter && h("fieldset", {}, h("legend", {}, "Which"), radio("which", "shown", true, () => (isAll = false), `The ${count(total, "contact")} shown now`), radio("which", "all", false, () => (isAll = true), "All of the book")),
h("div.actions", {}, button("Cancel", () => box.close(), { kind: "quiet" }), button("Export", () => {
const query = new URLSearchParams(isAll ? {} : filter);
query.set("format", format);
query.set("sort", sort);
download(`${base(book)}?${query}`, `${book || "contacts"}.${FORMATS[format][2]}`);
box.close();
}, { kind: "primary", name: "export" })));
}
)file"},
{"icon.svg", R"file(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="3" y="2" width="26" height="28" rx="7" fill="#2f6152"/><rect x="3" y="2" width="6" height="28" rx="3" fill="#24493e"/><circle cx="18.5" cy="12.5" r="4" fill="#f3e9d7"/><path d="M11 24a7.5 7.5 0 0115 0z" fill="#f3e9d7"/></svg>
)file"},
};
// clang-format on

}  // namespace addrbook::detail
