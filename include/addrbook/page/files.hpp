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
<title>Contacts</title>
<link rel="icon" href="_page/files/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="_page/files/app.css">
<link rel="modulepreload" href="_page/files/api.js">
<link rel="modulepreload" href="_page/files/conflict.js">
<link rel="modulepreload" href="_page/files/contact.js">
<link rel="modulepreload" href="_page/files/detail.js">
<link rel="modulepreload" href="_page/files/dom.js">
<link rel="modulepreload" href="_page/files/json.js">
<link rel="modulepreload" href="_page/files/list.js">
<link rel="modulepreload" href="_page/files/live.js">
<link rel="modulepreload" href="_page/files/transfer.js">
<script type="module" src="_page/files/app.js"></script>
</head>
<body data-pane="list">
<svg hidden>
<symbol viewBox="0 0 24 24" id="i-plus"><path d="M12 5v14M5 12h14"/></symbol>
<symbol viewBox="0 0 24 24" id="i-close"><path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/></symbol>
<symbol viewBox="0 0 24 24" id="i-search"><circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-back"><path d="M14.5 5.5L8 12l6.5 6.5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-dots"><path d="M5.5 12h.01M12 12h.01M18.5 12h.01" stroke-width="3"/></symbol>
<symbol viewBox="0 0 24 24" id="i-trash"><path d="M5 7h14M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-import"><path d="M12 4v10.5M7.5 10.5L12 15l4.5-4.5M4.5 16v3.5h15V16"/></symbol>
<symbol viewBox="0 0 24 24" id="i-export"><path d="M12 15V4.5M7.5 9L12 4.5 16.5 9M4.5 16v3.5h15V16"/></symbol>
<symbol viewBox="0 0 24 24" id="i-mail"><rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="M4 7l8 6 8-6"/></symbol>
<symbol viewBox="0 0 24 24" id="i-phone"><path d="M8.5 4.5l2 4-2 2a12 12 0 005 5l2-2 4 2v3a2 2 0 01-2 2A16 16 0 013.5 6.5a2 2 0 012-2z"/></symbol>
<symbol viewBox="0 0 24 24" id="i-web"><path d="M13 5h6v6M19 5l-9 9M10 5H5v14h14v-5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-book"><path d="M6 4.5h12v15H6zM9 16a3 3 0 016 0"/><circle cx="12" cy="10" r="2"/></symbol>
<symbol viewBox="0 0 24 24" id="i-people"><circle cx="9" cy="9" r="3"/><path d="M3.5 19a5.5 5.5 0 0111 0M15.5 6a3 3 0 010 6M17 14a5.5 5.5 0 013.5 5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-person"><circle cx="12" cy="8.5" r="3.5"/><path d="M5.5 19.5a6.5 6.5 0 0113 0"/></symbol>
<symbol viewBox="0 0 24 24" id="i-lock"><rect x="5.5" y="10.5" width="13" height="9" rx="2"/><path d="M8.5 10.5V8a3.5 3.5 0 017 0v2.5"/></symbol>
<symbol viewBox="0 0 24 24" id="i-offline"><path d="M4 4l16 16M8 15a6 6 0 018 0M4.5 11a11 11 0 0115 0M12 18.5h.01"/></symbol>
<symbol viewBox="0 0 24 24" id="i-busy"><path d="M7 4h10M7 20h10M8 4c0 8 8 8 8 16M16 4c0 8-8 8-8 16"/></symbol>
<symbol viewBox="0 0 24 24" id="i-alert"><path d="M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01"/></symbol>
<symbol viewBox="0 0 24 24" id="i-file"><path d="M6.5 3.5h7l4 4v13h-11zM13 4v4h4"/></symbol>
<symbol viewBox="0 0 24 24" id="i-check"><path d="M5 12.5l4.5 4.5L19 7.5"/></symbol>
</svg>
<main id="app">
<section id="side" aria-label="Contacts">
<header class="top">
<h1 class="brand"><img src="_page/files/icon.svg" alt="" width="28" height="28">Contacts</h1>
<button type="button" id="book" class="chip" hidden><span id="book-name"></span></button>
<span class="space"></span>
<span id="read-only" class="tag" hidden>Read only</span>
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
{"app.css", R"file(:root{
--paper:light-dark(#f6f4f0,#171816);
--sheet:light-dark(#fffefb,#1f211e);
--sunk:light-dark(#eeebe4,#292b27);
--line:light-dark(#e3dfd6,#343631);
--ink:light-dark(#1d1f1c,#ecebe5);
--soft:light-dark(#5f625b,#a7aaa0);
--green:light-dark(#2b5c4d,#8cc5b0);
--green-deep:light-dark(#1f463a,#a9d8c6);
--on-green:light-dark(#fff,#10241d);
--wash:light-dark(#e2ece6,#263a32);
--red:light-dark(#a3342a,#f0a093);
--red-wash:light-dark(#f8e7e3,#3c2421);
--amber-wash:light-dark(#f7eeda,#393020);
--shadow:0 1px 2px rgb(0 0 0 / 10%),0 12px 32px rgb(0 0 0 / 20%);
--sans:"Inter Variable",Inter,ui-sans-serif,system-ui,sans-serif;
--mono:ui-monospace,monospace;
color-scheme:light dark;
}
*,::before,::after{box-sizing:border-box}
[hidden]{display:none !important}
html{height:100%}
body{
height:100%;margin:0;background:var(--paper);color:var(--ink);
font:400 15px/1.5 var(--sans);overflow:hidden;
}
h1,h2,p,ul,dl,dd,fieldset,pre{margin:0;padding:0;border:0}
ul{list-style:none}
h1{font-size:28px;line-height:1.2;font-weight:650;letter-spacing:-0.021em;text-wrap:balance}
h1,p,li,.field,.said,.file,.toast,.report,.books b{overflow-wrap:anywhere}
h2{font-size:15px;font-weight:600}
button,input,select,textarea{font:inherit;color:inherit;letter-spacing:inherit}
button,summary,select{cursor:pointer}
:focus{outline:none}
:focus-visible:not(h1){outline:2px solid var(--green);outline-offset:2px}
.icon{width:20px;height:20px;fill:none;stroke:currentcolor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round;flex:none}
.space{flex:1}
.fine{font-size:13px;color:var(--soft)}
kbd{font:500 12px/1 var(--mono);padding:4px 6px;border:1px solid var(--line);border-radius:5px;background:var(--sheet);color:var(--soft)}
button{border:0;background:none;border-radius:8px;padding:8px 14px;min-height:36px;display:inline-flex;align-items:center;justify-content:center;gap:8px;font-weight:550}
button:disabled{opacity:0.55;cursor:default}
.primary{background:var(--green);color:var(--on-green)}
.primary:hover:enabled{background:var(--green-deep)}
.quiet{background:var(--sunk)}
.quiet:hover{background:var(--line)}
.tool{width:36px;min-height:36px;height:36px;padding:0;color:var(--soft);border-radius:8px;display:inline-flex;align-items:center;justify-content:center;flex:none}
.tool:hover{background:var(--sunk);color:var(--ink)}
.strong{background:var(--green);color:var(--on-green)}
.strong:hover{background:var(--green-deep);color:var(--on-green)}
.add{width:max-content;color:var(--green);padding:6px 10px 6px 6px;margin-left:-6px;font-size:14px;min-height:32px;gap:4px}
.add:hover{background:var(--wash)}
.add .icon{width:18px;height:18px}
.tag{font-size:12px;line-height:20px;padding:0 8px;border-radius:10px;background:var(--sunk);color:var(--soft);white-space:nowrap;max-width:16ch;overflow:hidden;text-overflow:ellipsis}
.chip{font-size:13px;min-height:28px;padding:2px 12px;border-radius:14px;background:var(--sunk);color:var(--soft);font-weight:500;white-space:nowrap;max-width:24ch;overflow:hidden;text-overflow:ellipsis;display:block;flex:none}
.chip:hover{color:var(--ink)}
.chip[aria-pressed="true"]{background:var(--green);color:var(--on-green)}
#app{display:grid;grid-template-columns:minmax(320px,400px) minmax(0,1fr);height:100%}
#side{display:flex;flex-direction:column;min-height:0;min-width:0;border-right:1px solid var(--line)}
#detail{min-height:0;overflow-y:auto;background:var(--sheet);position:relative}
.top{display:flex;align-items:center;gap:8px;padding:16px 16px 12px 20px}
.brand{font-size:20px;font-weight:650;display:flex;align-items:center;gap:10px}
.brand img{width:26px;height:26px}
.find{position:relative;margin:0 16px 12px 20px;display:flex;align-items:center}
.find > .icon{position:absolute;left:12px;color:var(--soft);pointer-events:none}
.find input{width:100%;height:44px;padding:0 44px;border:1px solid var(--line);border-radius:10px;background:var(--sheet);font-size:16px;appearance:none}
.find input::-webkit-search-cancel-button{display:none}
.find input:focus{outline:2px solid var(--green);outline-offset:-1px;border-color:transparent}
.find kbd{position:absolute;right:12px;pointer-events:none}
.find input:focus ~ kbd,.find input:not(:placeholder-shown) ~ kbd{display:none}
.find .tool{position:absolute;right:4px}
::placeholder{color:var(--soft);opacity:1}
#labels{display:flex;gap:6px;padding:0 16px 12px 20px;overflow-x:auto;scrollbar-width:none;flex:none}
.sorting{display:flex;align-items:center;gap:6px;padding:0 12px 6px 20px;font-size:13px;color:var(--soft)}
#count{flex:1;font-variant-numeric:tabular-nums}
select{border:0;background:none;padding:4px;border-radius:6px;font-weight:550;color:var(--ink)}
option{background:var(--sheet);color:var(--ink)}
#banner{display:flex;gap:10px;align-items:center;margin:4px 16px 8px 20px;padding:10px 12px;border-radius:10px;background:var(--amber-wash);font-size:13px;line-height:1.4}
#live{display:flex;align-items:center;gap:8px;font-size:12px;color:var(--soft);padding:8px 20px;border-top:1px solid var(--line);min-height:36px}
#live i{width:8px;height:8px;border-radius:50%;background:var(--line)}
#live[data-state="live"] i{background:#3f9a78;box-shadow:0 0 0 3px rgb(63 154 120 / 18%)}
#live[data-state="waiting"] i{background:#d39b35}
#list{flex:1;overflow-y:auto;position:relative;contain:strict;outline-offset:-2px;border-top:1px solid var(--line)}
#list[aria-busy] .canvas{opacity:0.75;transition:opacity 0.1s 0.25s}
#list-state{flex:1;overflow-y:auto;border-top:1px solid var(--line)}
.canvas{position:relative}
.row{position:absolute;inset:0 0 auto;height:64px;padding:0 16px 0 12px;display:flex;align-items:center;gap:12px;cursor:pointer;contain:strict}
.row:hover{background:var(--sunk)}
.row.active{background:var(--sunk)}
.row[aria-selected="true"]{background:var(--wash)}
#list:focus-visible .row.active{box-shadow:inset 3px 0 var(--green)}
.row.fresh{animation:fresh 2.4s ease-out}
@keyframes fresh{from{background:var(--amber-wash)} }
.initial{width:16px;text-align:center;font-size:12px;font-weight:650;color:var(--green);flex:none;margin-right:-4px}
.avatar{width:40px;height:40px;border-radius:50%;display:grid;place-items:center;font-size:14px;font-weight:600;flex:none}
.texts{flex:1;min-width:0;display:grid}
.texts span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.row .name{font-weight:550;line-height:1.4}
.row .nameless{color:var(--soft);font-style:italic;font-weight:400}
.row .more{font-size:13px;color:var(--soft);line-height:1.4;min-height:18px}
.tags{display:flex;gap:4px;flex:none}
.row[aria-selected="true"] .tag{background:var(--sheet)}
.blank .avatar,.blank .texts span{background:var(--sunk)}
.blank .texts span{border-radius:6px;height:12px;min-height:12px;width:70%;margin:4px 0}
[class*="hue-"]{background:light-dark(oklch(0.91 0.04 var(--hue)),oklch(0.35 0.06 var(--hue)));color:light-dark(oklch(0.4 0.09 var(--hue)),oklch(0.89 0.055 var(--hue)))}
.hue-0{--hue:290} .hue-1{--hue:245} .hue-2{--hue:170} .hue-3{--hue:120}
.hue-4{--hue:80} .hue-5{--hue:50} .hue-6{--hue:15} .hue-7{--hue:330}
.head{padding:16px 24px 0;max-width:760px;margin:0 auto}
.tools{display:flex;align-items:center;gap:4px;margin-bottom:24px}
.sides{display:flex;padding:3px;border-radius:10px;background:var(--sunk)}
.sides button{min-height:30px;padding:2px 14px;border-radius:7px;font-size:13px;color:var(--soft)}
.sides [aria-pressed="true"]{background:var(--sheet);color:var(--ink);box-shadow:0 1px 2px rgb(0 0 0 / 12%)}
.who{display:flex;align-items:center;gap:20px;padding-bottom:8px}
.who p{color:var(--soft);font-size:16px;margin-top:2px}
.face{width:80px;height:80px;border-radius:50%;object-fit:cover;display:grid;place-items:center;font-size:28px;font-weight:600;letter-spacing:-0.01em;flex:none}
.face .icon{width:36px;height:36px}
.body{padding:16px 24px 40px;max-width:760px;margin:0 auto}
.group{padding:16px 0;border-top:1px solid var(--line)}
.titled{display:grid;grid-template-columns:136px minmax(0,1fr);column-gap:12px}
.group:first-child{border-top:0}
.group > h2{font-size:13px;line-height:20px;padding:8px 0;color:var(--soft);font-weight:400}
.field{display:grid;grid-template-columns:136px minmax(0,1fr);align-items:start;column-gap:12px}
.field label,.label{font-size:13px;line-height:20px;color:var(--soft);padding:8px 0}
.titled .field:has(.hushed){grid-template-columns:minmax(0,1fr)}
.hushed{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden;white-space:nowrap}
.value{display:flex;align-items:center;gap:4px;min-width:0}
.value :is(input,textarea),.labels input{flex:1;min-width:0;height:36px;padding:6px 10px;margin-left:-10px;border:1px solid transparent;border-radius:8px;background:none;transition:background 0.12s}
.value textarea{height:auto;field-sizing:content;min-height:36px;resize:none}
.value :is(input,textarea):is(:hover,:placeholder-shown),.labels input{background:var(--sunk)}
.value :is(input,textarea):focus,.labels input:focus{background:var(--sheet);border-color:var(--green);outline:1px solid var(--green);outline-offset:0}
.value [aria-invalid]{border-color:var(--red)}
a.tool{color:var(--green)}
.still{padding:6px 0;color:var(--soft)}
.wrong{grid-column:2;font-size:13px;color:var(--red);padding-bottom:4px}
.parts{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:12px}
.parts .field{grid-template-columns:minmax(0,1fr)}
.parts label{padding:4px 0 0;font-size:12px;line-height:16px}
.labels{display:flex;flex-wrap:wrap;gap:6px;align-items:center}
.tag.big{font-size:14px;line-height:30px;padding:0 4px 0 12px;border-radius:16px;display:inline-flex;align-items:center;color:var(--ink);max-width:40ch}
.big .tool{width:26px;height:26px;min-height:26px;border-radius:13px}
.big .icon{width:14px;height:14px}
.labels input:not(:first-child){margin-left:0}
.labels input{flex:0 1 150px;font-size:14px}
.adders{display:flex;flex-wrap:wrap;gap:12px;padding:12px 0;border-top:1px solid var(--line)}
.technical{border-top:1px solid var(--line);padding:12px 0;font-size:14px}
.technical summary{font-size:13px;color:var(--soft);padding:6px 0;border-radius:6px}
.editor,.version{width:100%;padding:16px;border:1px solid var(--line);border-radius:10px;background:var(--paper);font:13px/1.6 var(--mono);resize:vertical;white-space:pre;overflow:auto}
.savebar{position:sticky;bottom:0;display:flex;align-items:center;justify-content:flex-end;gap:8px;padding:12px 24px;background:var(--sheet);border-top:1px solid var(--line);visibility:hidden;opacity:0;transform:translateY(6px);transition:opacity 0.15s,transform 0.15s}
.savebar.shown{visibility:visible;opacity:1;transform:none}
.savebar span{margin-right:auto;font-size:13px;color:var(--soft)}
.savebar.busy .primary{opacity:0.6;pointer-events:none}
.notice,.error{display:flex;align-items:center;gap:10px;max-width:712px;margin:12px auto 0;padding:10px 14px;border-radius:10px;font-size:14px;background:var(--amber-wash)}
.notice span{flex:1}
.notice .quiet{background:var(--sheet)}
.notice.calm{background:var(--wash)}
.error{background:var(--red-wash);color:var(--red);display:block}
.error code{font:13px var(--mono)}
.skeleton{max-width:712px;margin:76px auto 0;padding:0 24px;display:grid;gap:20px}
.skeleton i{height:18px;border-radius:8px;background:var(--sunk);width:60%}
.skeleton i:first-child{width:80px;height:80px;border-radius:50%;margin-bottom:16px}
.state{min-height:100%;display:flex;flex-direction:column;align-items:center;justify-content:center;text-align:center;padding:40px 32px;gap:8px;color:var(--soft)}
.state h2{font-size:18px;font-weight:600;color:var(--ink)}
.state p{max-width:38ch}
.picture{width:72px;height:72px;border-radius:50%;background:var(--wash);color:var(--green);display:grid;place-items:center;margin-bottom:12px}
.picture .icon{width:32px;height:32px;stroke-width:1.4}
.actions{display:flex;flex-wrap:wrap;gap:8px;justify-content:flex-end;padding-top:20px}
.state .actions,.clash{justify-content:center}
.conflict{max-width:760px;margin:0 auto;padding:40px 24px 56px}
.clash{text-align:center;display:grid;justify-items:center;gap:4px;padding-bottom:20px;color:var(--soft)}
.clash h1{color:var(--ink);font-size:24px}
.conflict fieldset{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:8px;padding:16px 0;border-top:1px solid var(--line);min-width:0}
legend{font-weight:600;padding:0;float:left;grid-column:1 / -1;display:flex;gap:8px;align-items:center}
.choice{display:flex;gap:10px;padding:12px;border:1px solid var(--line);border-radius:10px;cursor:pointer;min-width:0}
.choice:hover{background:var(--sunk)}
.choice:has(:checked){border-color:var(--green);background:var(--wash)}
.choice > span{min-width:0;display:grid;align-content:start}
legend .tag{max-width:none}
.choice b{font-weight:550}
.conflict .choice b{font-size:13px;color:var(--soft)}
.said{white-space:pre-wrap;max-height:240px;overflow:auto}
input[type="radio"]{accent-color:var(--green);width:16px;height:16px;margin:3px 0 0;flex:none}
.version{max-height:50vh}
.menu{position:relative}
.menu summary{list-style:none}
.menu summary::-webkit-details-marker{display:none}
.menu ul{position:absolute;right:0;top:40px;z-index:5;min-width:200px;padding:6px;background:var(--sheet);border:1px solid var(--line);border-radius:12px;box-shadow:var(--shadow)}
.menu li button{width:100%;justify-content:flex-start;font-weight:450;gap:12px;padding:8px 10px}
.menu li button:hover{background:var(--sunk)}
.menu li .icon{color:var(--soft)}
dialog{border:0;padding:0 24px 24px;border-radius:16px;background:var(--sheet);color:var(--ink);box-shadow:var(--shadow);width:min(520px,calc(100vw - 32px));max-height:calc(100vh - 32px);overflow:auto}
dialog::backdrop{background:rgb(20 22 18 / 40%)}
dialog > header{display:flex;align-items:center;justify-content:space-between;padding:16px 0 8px;margin-right:-8px;position:sticky;top:0;background:var(--sheet);z-index:1}
dialog h2{font-size:18px}
dialog fieldset{display:grid;gap:6px;padding:8px 0}
dialog legend{float:none;font-size:13px;color:var(--soft);font-weight:550;padding-bottom:6px}
dialog .choice{padding:8px;gap:8px;align-items:baseline}
dialog .choice > span{display:flex;gap:8px;flex-wrap:wrap;align-items:baseline}
dialog .choice .said{color:var(--soft);font-size:13px}
.token{display:grid;gap:8px}
.token label{font-size:13px;color:var(--soft);padding-top:8px}
.token input,dialog input[type="search"]{width:100%;height:44px;padding:0 12px;border:1px solid var(--line);border-radius:10px;background:var(--paper);font-size:16px}
.books{margin:8px -8px 0;max-height:50vh;overflow:auto}
.books button{width:100%;justify-content:flex-start;font-weight:400;padding:10px 8px;gap:12px}
.books button:hover{background:var(--sunk)}
.books [aria-current]{background:var(--wash)}
.books b{font-weight:550;flex:1;text-align:left}
.books span{color:var(--soft);font-size:13px}
.books .icon{color:var(--green)}
.import{display:grid;gap:12px}
.file{display:flex;gap:12px;align-items:center;padding:12px;border-radius:10px;background:var(--sunk);font-size:13px;color:var(--soft)}
.file b{color:var(--ink);font-size:15px;font-weight:550}
.numbers{display:grid;grid-template-columns:repeat(4,1fr);gap:8px}
.numbers li{padding:10px 12px;border:1px solid var(--line);border-radius:10px;font-size:12px;line-height:1.35;color:var(--soft)}
.numbers b{display:block;font-size:22px;font-weight:600;color:var(--ink)}
.conflicts{grid-template-columns:repeat(auto-fit,minmax(130px,1fr))}
.done{display:flex;gap:8px;font-weight:550;color:var(--green);align-items:center}
.report{max-height:220px;overflow:auto;border:1px solid var(--line);border-radius:10px;font-size:13px}
.report table{width:100%;border-collapse:collapse}
.report th{text-align:left;font-weight:550;color:var(--soft);padding:8px 12px;position:sticky;top:0;background:var(--sheet)}
.report td{padding:6px 12px;border-top:1px solid var(--line);vertical-align:top}
.report td:first-child{font-variant-numeric:tabular-nums;color:var(--soft);white-space:nowrap}
.report .bad td:last-child{color:var(--red)}
.report .fine{padding:8px 12px}
progress{width:100%;accent-color:var(--green)}
.keys div{display:grid;grid-template-columns:96px 1fr;padding:8px 0;align-items:center;border-top:1px solid var(--line)}
.keys div:first-child{border:0}
.keys dt{display:flex;gap:4px}
#toasts{position:fixed;left:50%;bottom:24px;transform:translateX(-50%);display:grid;gap:8px;z-index:20;width:max-content;max-width:calc(100vw - 32px)}
.toast{display:flex;align-items:center;gap:4px;padding:6px 6px 6px 16px;min-height:48px;border-radius:12px;background:#262824;color:#f4f3ee;box-shadow:var(--shadow)}
.toast span{flex:1;padding-right:8px}
.toast .tool{color:#bdbfb6}
.toast button:hover{background:#3a3d37;color:#fff}
.toast .undo{color:#a9dcc8}
.toast.bad{background:#5c211b;color:#fff1ee}
#drop{position:fixed;inset:0;z-index:30;padding:24px;background:rgb(20 22 18 / 45%)}
#drop > div{height:100%;border:2px dashed var(--green);border-radius:20px;background:var(--sheet);color:var(--green);display:grid;place-content:center;justify-items:center;gap:8px;font-size:20px;font-weight:600}
#drop .icon{width:48px;height:48px}
[data-only="phone"]{display:none}
@media (max-width:47.99rem){
#app{grid-template-columns:minmax(0,1fr)}
#side{border:0}
[data-pane="list"] #detail,[data-pane="detail"] #side{display:none}
[data-only="phone"]{display:inline-flex;margin-left:-10px;margin-right:4px}
.find kbd{display:none}
.top{padding-top:max(12px,env(safe-area-inset-top))}
.head,.body{padding-left:20px;padding-right:20px}
.who{gap:16px}
.face{width:64px;height:64px;font-size:22px}
.who h1{font-size:24px}
.field,.titled{grid-template-columns:minmax(0,1fr)}
.field > label:not(.hushed),.label{padding:8px 0 0}
.wrong{grid-column:1}
.value :is(input,textarea),.labels input,select{font-size:16px}
.numbers{grid-template-columns:repeat(2,1fr)}
.savebar{padding-bottom:max(12px,env(safe-area-inset-bottom))}
.notice,.error{margin-left:20px;margin-right:20px}
}
@media (prefers-reduced-motion:reduce){
*,::before,::after{animation:none !important;transition:none !important}
}
)file"},
{"api.js", R"file(const html=document.documentElement;
const root=location.pathname.replace(/\/_page\/?$/, "");
export const mount={
root,
tail: html.dataset.tail,
formats: html.dataset.formats.split(" ").filter(Boolean),
isReadOnly: false,
get hasBooks(){
return this.tail!=="";
},
};
export const bookPath=(name)=>`${root}/${encodeURIComponent(name)}`;
export const base=(book)=>(mount.hasBooks?bookPath(book) + mount.tail:root);
export class ApiError extends Error {
constructor(status, message, errors=[], retryAfter=0){
super(message);
Object.assign(this, {status, errors, retryAfter});
}
}
const KEY=`addrbook-token ${root}`;
export const token={
get: ()=>sessionStorage.getItem(KEY)||"",
set: (text)=>(text?sessionStorage.setItem(KEY, text):sessionStorage.removeItem(KEY)),
};
let askForToken=null;
let asking=null;
export function onUnauthorized(ask){
askForToken=ask;
}
const withToken=(headers)=>(token.get()?{...headers, Authorization: `Bearer ${token.get()}`}:{...headers});
async function errorOf(response){
const body=await response.json().catch(()=>({}));
return new ApiError(response.status, body.message||response.statusText||`Status ${response.status}`, body.errors, Number(response.headers.get("Retry-After")));
}
export async function request(path, {headers, ...rest}={}){
for(;;){
const used=token.get();
let response;
try {
response=await fetch(path, {...rest, headers: withToken(headers), credentials: "omit"});
} catch(error){
if(error.name==="AbortError") throw error;
throw new ApiError(0, "The server can't be reached.");
}
if(response.ok) return response;
const error=await errorOf(response);
if(response.status!==401||!askForToken) throw error;
if(token.get()!==used) continue;
asking ??= askForToken(used!=="").finally(()=>(asking=null));
if(!(await asking)) throw error;
}
}
export const sendJson=(method, path, body, headers) =>
request(path, {method, body, headers: {"Content-Type": "application/json", Prefer: "return=representation", ...headers}});
export const mayOnlyRead=(book)=>sendJson("POST", `${base(book)}/_batch`, "[]").then(()=>false, (error)=>error.status===403);
export function upload(path, file, onprogress){
return new Promise((resolve, reject)=>{
const xhr=new XMLHttpRequest();
xhr.open("POST", path);
xhr.responseType="json";
for(const [name, value] of Object.entries(withToken())) xhr.setRequestHeader(name, value);
xhr.upload.onprogress=(event)=>event.lengthComputable&&onprogress(event.loaded / event.total);
xhr.onerror=()=>reject(new ApiError(0, "The connection was lost."));
xhr.onload=()=>{
const {status}=xhr;
if(status===200||status===207) resolve({status, ...xhr.response});
else reject(new ApiError(status, xhr.response?.message||xhr.statusText));
};
xhr.send(file);
});
}
export function nextQuery(response){
const found=/<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link")||"");
return found?found[1].slice(found[1].indexOf("?") + 1):"";
}
export function explain(error){
switch (error.status){
case 0: return ["offline", "No connection", "The server can't be reached. What you have typed is still here."];
case 401: return ["lock", "A token is needed", "This book is only for those who have a token."];
case 403: return ["lock", "Not allowed", error.message.replace(/^Forbidden: /, "") + "."];
case 404: return ["book", "Not there", error.message + "."];
case 503: return ["busy", "The server is busy", error.message + "."];
default: return ["alert", "That did not work", error.message + "."];
}
}
)file"},
{"app.js", R"file(import {ApiError, base, bookPath, explain, mayOnlyRead, mount, nextQuery, onUnauthorized, request, token} from "./api.js";
import {summary} from "./contact.js";
import {Detail} from "./detail.js";
import {$, button, count, dialog, fill, h, icon, state, toast} from "./dom.js";
import {parse} from "./json.js";
import {List} from "./list.js";
import {Live} from "./live.js";
import {acceptDrops, chooseFile, download, exportDialog, importFile} from "./transfer.js";
const SORTS={name: "Name", given: "Given name", family: "Family name", "-created": "Newest first", "-updated": "Last changed first"};
const MANY=60;
const search=$("#search");
const sorting=$("#sort");
const listState=$("#list-state");
const isNarrow=matchMedia("(max-width: 47.99rem)");
const place={book: "", q: "", label: "", sort: "name", id: ""};
function readPlace(){
const hash=new URLSearchParams(location.hash.slice(1));
for(const key of Object.keys(place)) place[key]=hash.get(key)||(key==="sort"?"name":"");
if(!(place.sort in SORTS)) place.sort="name";
}
function writePlace(isStep){
const hash=new URLSearchParams();
for(const [key, value] of Object.entries(place)) if(value&&!(key==="sort"&&value==="name")) hash.set(key, value);
const url=`${location.pathname}${hash.size?"#" + hash:""}`;
history[isStep?"pushState":"replaceState"](null, "", url);
}
onUnauthorized((wasRefused)=>new Promise((resolve)=>{
const input=h("input", {type: "password", id: "token", autocomplete: "off", required: true, spellcheck: "false"});
let given="";
const form=h("form.token", {method: "dialog", onsubmit: ()=>{
given=input.value.trim();
token.set(given);
}},
wasRefused&&h("p.error", {role: "alert"}, "That token is not accepted."),
h("p", {}, "This book is for those who have a token. It is kept in this tab only, until you close it."),
h("label", {for: "token"}, "Token"), input,
h("div.actions", {}, h("button.primary", {type: "submit"}, icon("lock"), "Open the book")));
if(wasRefused) token.set("");
const box=dialog("A token, please", form);
input.focus();
box.addEventListener("close", ()=>resolve(given));
}));
let listed;
const filter=()=>({...(place.q&&{q: place.q}), ...(place.label&&{label: place.label})});
const list=new List($("#list"), {
async load(limit, next, signal){
const asked=JSON.stringify(filter());
const query=new URLSearchParams(next||{...filter(), sort: place.sort, view: "summary", count: "true"});
query.set("limit", limit);
const response=await request(`${base(place.book)}?${query}`, {signal});
const rows=await response.json();
const total=Number(response.headers.get("X-Total-Count") ?? rows.length);
noteLabels(rows);
listed=asked;
if(!next) follow(response);
return {rows, total, next: nextQuery(response)};
},
onopen(row, isChosen){
clearTimeout(opening);
if(isChosen) openContact(row.id, {focus: true, step: true});
else if(!isNarrow.matches) opening=setTimeout(()=>openContact(row.id), 120);
},
onstate: showListState,
onunsure(){
clearTimeout(counting);
counting=setTimeout(async ()=>{
const response=await request(`${base(place.book)}?limit=1&view=summary`).catch(()=>null);
if(!response||place.q||place.label) return;
list.total=Math.max(list.rows.length, Number(response.headers.get("X-Total-Count")));
settle();
}, 100);
},
});
let counting;
let opening;
let retrying;
let searched;
function showListState(_, error){
clearTimeout(retrying);
const hasRows=list.total > 0;
const waits=listed!==JSON.stringify(filter());
let shown=null;
document.body.classList.toggle("is-offline", error?.status===0);
if(error){
const [name, title, text]=explain(error);
const isPassing=error.status===0||error.status===503;
const again=button("Try again", ()=>refresh(), {kind: "primary"});
if(isPassing) retrying=setTimeout(()=>refresh({keepPlace: true}), 1000 * (error.retryAfter||4));
if(isPassing&&hasRows) fill($("#banner"), icon(name), h("span", {}, `${title}. ${waits?"The search waits for it: this is the list from before":"Showing what was here; trying again"} …`));
else shown=state(name, title, `${text}${isPassing?" Trying again …":""}`, again, mount.hasBooks&&error.status===404&&button("Choose a book", chooseBook, {kind: "quiet"}));
}
$("#banner").hidden=!(error&&!shown);
if(!error&&!hasRows){
if(place.q||place.label){
const words=[place.q&&`words that begin with “${place.q}”`, place.label&&`the label “${place.label}”`].filter(Boolean).join(" and ");
shown=state("search", "Nothing found", `No contact has ${words}.`,
button("Show all contacts", clearSearch, {kind: "quiet"}));
} else if(mount.isReadOnly) shown=state("book", "No contacts yet");
else {
shown=state("book", "No contacts yet", "Add the first one, or drop a .vcf or .csv file anywhere on this page.",
button("New contact", newContact, {kind: "primary", name: "plus"}), mount.formats.length > 0&&button("Import a file", pickFile, {kind: "quiet", name: "import"}));
}
}
fill(listState, shown);
listState.hidden=!shown;
list.viewport.hidden=Boolean(shown);
$("#count").textContent=shown||waits?"":count(list.total, place.q||place.label?"match":"contact", place.q||place.label?"matches":undefined);
if(!shown) list.redraw();
}
function refresh({keepPlace=false}={}){
list.reset({keepPlace, sort: place.sort});
}
search.addEventListener("input", ()=>{
place.q=search.value.trim();
$("#clear").hidden=!search.value;
writePlace(false);
refresh();
});
search.addEventListener("keydown", (event)=>{
if(event.key==="ArrowDown"||(event.key==="Enter"&&!event.isComposing)){
event.preventDefault();
list.viewport.focus();
if(list.active < 0) list.move(0);
if(event.key==="Enter"&&list.rows[list.active]) list.onopen(list.rows[list.active], true);
} else if(event.key==="Escape"&&search.value){
event.stopPropagation();
clearSearch();
}
});
$("#clear").addEventListener("click", ()=>clearSearch());
function clearSearch(){
search.value=place.q=place.label="";
$("#clear").hidden=true;
writePlace(false);
drawLabels();
refresh();
search.focus();
}
sorting.append(...Object.entries(SORTS).map(([value, text])=>h("option", {value}, text)));
sorting.addEventListener("change", ()=>{
place.sort=sorting.value;
writePlace(false);
refresh();
});
const labels=new Map();
function noteLabels(rows){
for(const label of rows.flatMap((row)=>row.summary.labels)) labels.set(label, (labels.get(label)||0) + 1);
drawLabels();
}
function drawLabels(){
const names=[...labels.keys()].sort((a, b)=>labels.get(b) - labels.get(a));
const shown=names.slice(0, 12);
if(place.label&&!shown.includes(place.label)) shown.unshift(place.label);
shown.sort();
const key=JSON.stringify([shown, place.label]);
if(drawLabels.last===key) return;
drawLabels.last=key;
const focused=document.activeElement?.closest("#labels")&&document.activeElement.textContent;
fill($("#labels"), shown.map((label)=>h("button.chip", {
type: "button", "aria-pressed": String(label===place.label), onclick: ()=>{
place.label=label===place.label?"":label;
writePlace(false);
drawLabels();
refresh();
},
}, label)));
$("#labels").hidden=shown.length===0;
fill($("#known-labels"), names.slice(0, 200).map((value)=>h("option", {value})));
for(const chip of $("#labels").children) if(chip.textContent===focused) chip.focus();
}
const detail=new Detail($("#detail"), {
onsaved(id, revision, address){
place.id=id;
writePlace(false);
list.selected=id;
if(place.q||place.label) refresh({keepPlace: true});
else list.apply(id, revision, summary(address));
settle();
},
onremoved(id){
const next=list.rows[list.rows.findIndex((row)=>row.id===id) + 1];
list.apply(id, Infinity, null);
settle();
if(place.id!==id) return;
if(next&&!isNarrow.matches) openContact(next.id);
else closeContact();
list.viewport.focus();
},
onopen: (id)=>{
openContact(id, {focus: true, step: true});
refresh({keepPlace: true});
},
onclose: closeContact,
onforbidden: askForRights,
onexport: mount.formats.includes("vcf")&&((id, title)=>download(`${base(place.book)}/${id}?format=vcf`, `${title.replace(/[^\p{L}\p{N} -]/gu, "")||"contact"}.vcf`, true)),
});
function settle(){
if((list.total===0)!==list.viewport.hidden||!list.viewport.hidden) showListState(list, null);
}
function mayLeave(){
return !detail.isDirty()||confirm("What you have typed is not saved. Leave it?");
}
function openContact(id, {focus=false, step=false}={}){
if(id===detail.id&&detail.draft&&!detail.isNew){
show("detail");
if(focus) $("h1", detail.pane)?.focus();
return;
}
if(!mayLeave()) return;
place.id=id;
writePlace(step);
list.select(id);
show("detail");
detail.open(place.book, id, focus);
}
function closeContact(){
if(detail.draft&&!mayLeave()) return;
place.id="";
writePlace(false);
list.select("");
detail.empty(place.book);
show("list");
if(!list.viewport.hidden) list.viewport.focus();
}
function newContact(){
if(mount.isReadOnly||needsBook()||!mayLeave()) return;
place.id="";
writePlace(true);
list.select("");
show("detail");
detail.create(place.book);
}
function show(which){
document.body.dataset.pane=which;
}
const live=new Live({
onstate(now){
$("#live").dataset.state=now;
$("#live-text").textContent={live: "Live: others’ changes show at once", waiting: "Reconnecting", off: ""}[now];
if(now==="live"&&document.body.classList.contains("is-offline")) refresh({keepPlace: true});
},
onchange(texts){
const changes=texts.map(parse);
for(const change of changes){
if(change.get("id")===detail.id) detail.changedBy(Number(change.get("revision").raw), change.get("op")==="delete");
}
if(changes.length > MANY||place.q||place.label){
clearTimeout(searched);
searched=setTimeout(()=>refresh({keepPlace: true}), changes.length > MANY?400:0);
return;
}
for(const change of changes){
const address=change.get("op")==="put"?summary(change.get("address")):null;
if(address) noteLabels([{summary: address}]);
list.apply(change.get("id"), Number(change.get("revision").raw), address);
}
settle();
},
onreset: ()=>{
live.path="";
refresh();
},
});
function follow(response){
const tag=/"([0-9a-f]+)-(\d+)/.exec(response.headers.get("ETag")||"");
const path=`${base(place.book)}/_changes`;
if(!tag||live.path===path) return;
live.start(path, tag[1] + tag[2]);
if(token.get()) askForRights();
}
async function askForRights(){
const {book}=place;
const isRefused=await mayOnlyRead(book);
if(book!==place.book||isRefused===mount.isReadOnly) return;
mount.isReadOnly=$("#new").hidden=isRefused;
$("#read-only").hidden=!isRefused;
showListState(list, null);
if(detail.draft&&!detail.isDirty()) detail.render();
}
async function books(){
const all=[];
for(let query="limit=1000"; query&&all.length < 10_000; ){
const response=await request(`${mount.root}?${query}`);
all.push(...(await response.json()));
query=nextQuery(response);
}
return all;
}
async function chooseBook(){
let all=[];
let failure=null;
try {
all=await books();
} catch(error){
failure=error;
}
const field=h("input", {type: "search", "aria-label": "Find or name a book", placeholder: "Find or name a book", autocomplete: "off", spellcheck: "false", maxlength: "128"});
const found=h("ul.books", {});
const make=h("div.actions", {});
const box=dialog("Books", failure&&h("p.error", {}, explain(failure)[2]), field, found, make);
const draw=()=>{
const text=field.value.trim();
const shown=all.filter((book)=>book.name.toLowerCase().includes(text.toLowerCase())).slice(0, 200);
fill(found, shown.map((book)=>h("li", {}, h("button", {type: "button", "aria-current": book.name===place.book&&"true", onclick: ()=>{
box.close();
openBook(book.name);
}}, icon("book"), h("b", {}, book.name), h("span", {}, count(book.count, "contact"))))));
const isNew=/^[A-Za-z0-9][A-Za-z0-9._~@+-]*$/.test(text)&&!all.some((book)=>book.name===text);
fill(make, isNew&&button(`Make the book “${text}”`, async ()=>{
try {
await request(bookPath(text), {method: "PUT"});
box.close();
openBook(text);
} catch(error){
toast(explain(error)[2], {kind: "bad"});
}
}, {kind: "primary", name: "plus"}));
if(!shown.length&&!isNew) fill(found, h("li.fine", {}, text?"A book’s name has letters, digits and . _ ~ @ + - only, and begins with a letter or a digit.":"No book yet. Type a name to make one."));
};
field.addEventListener("keydown", (event)=>{
if(event.key!=="Enter"||event.isComposing) return;
const same=[...found.children].find((each)=>$("b", each)?.textContent===field.value.trim());
$("button", same||make)?.click();
});
field.addEventListener("input", draw);
draw();
field.focus();
}
function needsBook(){
if(!mount.hasBooks||place.book) return false;
chooseBook();
return true;
}
function openBook(name){
if(!mayLeave()) return;
Object.assign(place, {book: name, q: "", label: "", id: ""});
writePlace(true);
start();
}
const KEYS=[["/", "Search"], ["↑ ↓", "Go through the list; Page, Home and End too"], ["Enter", "Open the contact"], ["n", "New contact"], ["Ctrl S", "Save"], ["Esc", "Back to the list"], ["Del", "Delete the contact, in the list"], ["z", "Undo the deletion"], ["?", "These keys"]];
function showKeys(){
dialog("Keys", h("dl.keys", {}, KEYS.map(([key, what])=>h("div", {}, h("dt", {}, key.split(" ").map((each)=>h("kbd", {}, each))), h("dd", {}, what)))));
}
const pickFile=()=>chooseFile(takeFile);
const takeFile=(file)=>mount.isReadOnly||needsBook()||importFile(place.book, file, ()=>refresh({keepPlace: true}));
addEventListener("keydown", (event)=>{
const isMod=event.ctrlKey||event.metaKey;
if(isMod&&event.key.toLowerCase()==="s"){
event.preventDefault();
detail.save();
return;
}
if($("dialog[open]")||event.altKey) return;
if(isMod&&event.key.toLowerCase()==="k"){
event.preventDefault();
search.focus();
return;
}
if(isMod) return;
if(event.key==="Escape"){
const menu=$("details[open].menu");
if(menu){
menu.open=false;
$("summary", menu).focus();
} else if(detail.pane.contains(document.activeElement)){
if(isNarrow.matches||detail.isNew) closeContact();
else list.viewport.focus();
}
return;
}
if(event.key==="Delete"&&document.activeElement===list.viewport&&!event.repeat) detail.remove();
if(/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
const action={"/": ()=>(search.focus(), search.select()), n: newContact, "?": showKeys, z: ()=>detail.undos.at(-1)?.()}[event.key];
if(!action) return;
event.preventDefault();
action();
});
const menu=$("#menu");
function fillMenu(){
const item=(name, text, act, isOn=true)=>isOn&&h("li", {}, button(text, ()=>{
menu.open=false;
act();
}, {name}));
const hasFormats=mount.formats.length > 0;
fill($("ul", menu),
item("import", "Import …", pickFile, hasFormats&&!mount.isReadOnly),
item("export", "Export …", ()=>exportDialog(place.book, {filter: Object.keys(filter()).length&&filter(), sort: place.sort, total: list.total}), hasFormats),
item("book", "Books …", chooseBook, mount.hasBooks),
item("lock", "Forget the token", ()=>{
token.set("");
location.reload();
}, token.get()!==""),
item("keys", "Keys", showKeys));
}
menu.addEventListener("toggle", ()=>menu.open&&fillMenu());
addEventListener("click", (event)=>!event.target.closest(".menu")&&(menu.open=false));
$("#new").addEventListener("click", newContact);
$("#book").addEventListener("click", chooseBook);
acceptDrops(takeFile);
addEventListener("offline", ()=>{
live.close();
live.onstate("waiting");
showListState(list, new ApiError(0));
});
addEventListener("online", ()=>refresh({keepPlace: true}));
addEventListener("popstate", ()=>{
const before={...place};
readPlace();
if(before.book!==place.book) start();
else {
if(["q", "label", "sort"].some((key)=>before[key]!==place[key])){
search.value=place.q;
sorting.value=place.sort;
drawLabels();
refresh();
}
if(place.id) openContact(place.id);
else if(before.id) closeContact();
else show("list");
}
});
function start(){
live.stop();
labels.clear();
search.value=place.q;
sorting.value=place.sort;
$("#clear").hidden=!place.q;
$("#book").hidden=!mount.hasBooks;
$("#book-name").textContent=place.book||"Choose a book";
document.title=place.book?`${place.book} – Contacts`:"Contacts";
detail.empty(place.book);
show(place.id?"detail":"list");
if(needsBook()){
list.viewport.hidden=true;
listState.hidden=false;
fill(listState, state("book", "Many books", "Each has contacts of its own.", button("Choose a book", chooseBook, {kind: "primary"})));
return;
}
list.selected=place.id;
refresh();
if(place.id) detail.open(place.book, place.id);
}
readPlace();
list.total=12;
list.redraw();
start();
)file"},
{"conflict.js", R"file(import {request, sendJson} from "./api.js";
import {$, button, fill, h, icon} from "./dom.js";
import {equal, merge, parse, pretty, stringify} from "./json.js";
const isText=(value)=>typeof value==="string";
const told=(value)=>(isText(value)?value:Array.isArray(value)&&value.every(isText)?value.join("\n"):pretty(stringify(value)));
export async function conflict(detail){
const base=detail.saved;
const mine=detail.result();
const response=await request(detail.path).catch((error)=>{
if(error.status!==404) throw error;
return null;
});
const show=(title, text, content, ...actions)=>{
detail.error=h("div.error", {role: "alert", hidden: true});
fill(detail.pane, h("div.conflict", {},
h("header.clash", {}, h("div.picture", {}, icon("people")), h("h1", {tabindex: "-1"}, title), h("p", {}, text)),
detail.error, content, h("div.actions", {}, actions)));
detail.pane.scrollTop=0;
$("h1", detail.pane).focus();
};
const act=(text, work, kind="quiet")=>button(text, ()=>detail.attempt(work), {kind});
const asNew=act("Save mine as a new contact", ()=>detail.post(stringify(mine), "Both are kept: yours is a new contact"));
if(!response){
show("This contact was deleted", "Someone has deleted it while you were at it. Yours is still here.",
h("pre.version", {tabindex: "0", "aria-label": "Your version"}, pretty(stringify(mine))),
act("Bring it back with my changes", async ()=>detail.stored(await sendJson("PUT", detail.path, stringify(mine), {"If-None-Match": "*"}), "It is back"), "primary"),
button("Let it go", ()=>{
detail.draft=null;
detail.hooks.onremoved(detail.id);
}, {kind: "quiet"}));
return;
}
const condition={"If-Match": response.headers.get("ETag")};
const theirs=parse(await response.text());
const names=[...new Set([...theirs.keys(), ...mine.keys()])];
const chosen=new Map();
const rows=names.map((name)=>{
const [was, my, their]=[base, mine, theirs].map((address)=>address.get(name));
const both=merge(was, my, their);
chosen.set(name, both===undefined&&!equal(was, my)&&!equal(was, their)?my:both);
if(equal(my, their)) return null;
const option=(who, value)=>h("label.choice", {},
h("input", {type: "radio", name: `choice-${name}`, checked: equal(chosen.get(name), value), onchange: ()=>chosen.set(name, value)}),
h("span", {}, h("b", {}, who), h("span.said", {}, value===undefined?h("i", {}, "not there"):told(value))));
const only=equal(was, their)?"only you changed it":equal(was, my)?"only they changed it":"";
return h("fieldset", {}, h("legend", {}, name, only&&h("span.tag", {}, only)), option("Yours", my), option("Theirs", their),
both!==undefined&&!equal(both, my)&&!equal(both, their)&&option("Both", both));
}).filter(Boolean);
show("Two people changed this contact", "Nothing is lost: choose what stays, part by part.",
h("div", {}, rows.length?rows:h("p", {}, "Both versions say the same.")),
act("Save this", ()=>detail.patch(theirs, new Map([...chosen].filter(([, value])=>value!==undefined)), condition, "Saved, with both versions"), "primary"),
asNew, button("Drop mine", ()=>detail.open(detail.book, detail.id, true), {kind: "quiet"}));
}
)file"},
{"contact.js", R"file(import {isMap, Num} from "./json.js";
const NAMES=["name", "full_name"];
const GIVEN=["given", "given_name", "first_name"];
const FAMILY=["family", "family_name", "last_name"];
const ORGANIZATIONS=["organization", "org", "company", "organizations"];
const ADDRESSES=["addresses", "address"];
const LABELS=["labels", "categories", "groups", "keywords"];
const LISTS={
emails: {names: ["email", "emails"], leaves: ["email", "address", "value"], leaf: "address", needed: /@/},
phones: {names: ["phone", "phones", "phone_numbers"], leaves: ["number", "value"], leaf: "number", needed: /\d/},
};
const PARTS=["country_code", "area_code", "local_number"];
const PART_NAMES={
title: "Title", given: "Given name", given2: "Middle name", surname: "Family name",
surname2: "Second family name", generation: "Generation", credential: "Credentials",
};
const PLACE={name: "Street", postcode: "Postcode", locality: "City", region: "Region", country: "Country"};
const PLAIN=["street", "postcode", "city", "region", "country"];
const text=(value)=>(typeof value==="string"?value.trim():"");
const textOrInteger=(value)=>(value instanceof Num&&/^-?\d+$/.test(value.raw)?value.raw:text(value));
const joined=(...texts)=>texts.filter(Boolean).join(" ");
const entries=(value)=>(isMap(value)?[...value]:Array.isArray(value)?[...value.entries()]:[]);
const isCard=(address)=>address.get("@type")==="Card";
export const at=(root, path) =>
path.reduce((value, step)=>(isMap(value)?value.get(step):Array.isArray(value)?value[step]:undefined), root);
export function put(root, path, value){
let holder=root;
path.slice(0, -1).forEach((step)=>{
if(!entries(at(holder, [step])).length&&!Array.isArray(at(holder, [step]))) holder.set(step, new Map());
holder=at(holder, [step]);
});
const last=path.at(-1);
if(isMap(holder)) holder.set(last, value);
else holder[last]=value;
}
export function drop(root, path){
const holder=at(root, path.slice(0, -1));
if(isMap(holder)) holder.delete(path.at(-1));
else if(Array.isArray(holder)) holder.splice(path.at(-1), 1);
if(path.length > 1&&holder&&!entries(holder).length) drop(root, path.slice(0, -1));
}
export function retyped(old, value){
if(old instanceof Num&&/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return new Num(value);
return typeof old==="boolean"&&/^(true|false)$/.test(value)?value==="true":value;
}
export function hintOf(map){
const words=["label", "type", "types", "kind", "contexts", "features"].flatMap((name)=>{
const value=map.get(name);
return isMap(value)?[...value].filter(([, v])=>v===true).map(([key])=>key):value;
});
return words.filter((word)=>typeof word==="string").join(", ");
}
export function read(address, blanks=false){
const used=new Set();
const is=(value)=>typeof value==="string"&&(blanks||value.trim()!=="");
const row=(path, item, value, more)=>({path, item, value: textOrInteger(value), ...more});
const first=(names)=>{
const found=names.filter((name)=>is(address.get(name)));
found.forEach((name)=>used.add(name));
const best=found.find((name)=>text(address.get(name))) ?? found[0];
return best?row([best], [best], address.get(best)):null;
};
const list=({names, leaves, needed})=>names.flatMap((name)=>{
const one=(path, value, hint)=>{
const isText=(v)=>is(v)||textOrInteger(v)!=="";
if(!isMap(value)) return (name.startsWith("phone")?isText(value):is(value))?[row(path, path, value, {hint})]:[];
const leaf=leaves.find((each)=>isText(value.get(each)));
if(leaf) return [row([...path, leaf], path, value.get(leaf), {hint: hintOf(value)})];
const parts=PARTS.map((part)=>row([...path, part], null, value.get(part)));
const whole=joined(...parts.map((part)=>part.value));
return whole&&name.startsWith("phone")?[row(path, path, whole, {parts, hint: hintOf(value)})]:[];
};
const value=address.get(name);
let rows=one([name], value);
if(!rows.length){
rows=entries(value).flatMap(([key, v])=>{
const isPlain=isMap(value)&&!isMap(v);
return isPlain&&!needed.test(textOrInteger(v))&&!(blanks&&v==="")?[]:one([name, key], v, isPlain?key:"");
});
}
if(rows.length) used.add(name);
return rows;
});
const labels=LABELS.flatMap((name)=>{
const value=address.get(name);
const rows=text(value)?[row(null, [name], value)]:entries(value).flatMap(([key, v])=>{
const label=isMap(value)?v===true&&text(key):text(v);
return label?[row(null, [name, key], label)]:[];
});
if(rows.length||(Array.isArray(value)&&!value.length)) used.add(name);
return rows;
});
const organizations=ORGANIZATIONS.flatMap((name)=>{
const one=(path, v)=>(is(v)?[row(path, path, v)]:isMap(v)&&is(v.get("name"))?[row([...path, "name"], path, v.get("name"))]:[]);
const value=address.get(name);
const own=one([name], value);
const rows=own.length?own:entries(value).flatMap(([key, v])=>(isMap(value)&&!isMap(v)?[]:one([name, key], v)));
if(rows.length===1) used.add(name);
return rows;
});
const births=entries(address.get("anniversaries")).flatMap(([key, v])=>{
const date=isMap(v)&&v.get("kind")==="birth"&&(dateText(v.get("date"))||(blanks&&v.get("date")===""));
return date?[row(["anniversaries", key, "date"], ["anniversaries", key], date, {isDate: true})]:[];
});
if(births.length&&entries(address.get("anniversaries")).length===1) used.add("anniversaries");
let name=first(NAMES);
const given=first(GIVEN);
const family=first(FAMILY);
const parts=[];
const card=address.get("name");
let full="";
if(isMap(card)){
used.add("name");
full=text(card.get("full"));
if(is(card.get("full"))) name=row(["name", "full"], ["name", "full"], full);
const isJoined=full!==""&&full===joinName(card);
full ||= joinName(card);
for(const {kind, value, path} of componentsOf(card, ["name"])){
if(PART_NAMES[kind]) parts.push(row(path, path, value, {kind, label: PART_NAMES[kind], isJoined}));
}
}
const of=(plain, ...kinds)=>(plain?plain.value:joined(...parts.filter((p)=>kinds.includes(p.kind)).map((p)=>p.value)));
const [givenText, familyText]=[of(given, "given"), of(family, "surname", "surname2")];
if(given) parts.push({...given, label: "Given name"});
if(family) parts.push({...family, label: "Family name"});
const organization=organizations[0]||null;
return {
used, name, parts, organization, labels, given: givenText, family: familyText,
birthday: first(["birthday", "bday"])||births[0]||null, emails: list(LISTS.emails), phones: list(LISTS.phones),
title: full||name?.value||joined(givenText, familyText)||organization?.value||"",
};
}
export function summary(address){
const {title, given, family, organization, birthday, emails, phones, labels}=read(address);
const values=(rows)=>rows.map((row)=>row.value);
return {
name: title, given, family, organization: organization?.value||"", birthday: birthday?.value||"",
emails: values(emails), phones: values(phones), labels: values(labels),
};
}
const componentsOf=(holder, place)=>entries(holder.get("components")).flatMap(([i, component]) =>
(isMap(component)&&typeof component.get("value")==="string"
? [{kind: text(component.get("kind")), value: component.get("value"), path: [...place, "components", i, "value"]}]:[]));
function joinName(name){
const components=componentsOf(name, []);
if(name.get("isOrdered")!==true){
return joined(...["given", "given2", "surname", "surname2"].map((kind)=>joined(...components.filter((c)=>c.kind===kind).map((c)=>c.value))));
}
const separator=typeof name.get("defaultSeparator")==="string"?name.get("defaultSeparator"):" ";
let all="";
let needs=false;
for(const {kind, value} of components){
all += (needs&&kind!=="separator"?separator:"") + value;
needs=kind!=="separator";
}
return all;
}
export const rejoin=(address)=>put(address, ["name", "full"], joinName(address.get("name")));
function dateText(date){
if(!isMap(date)) return "";
const utc=text(date.get("utc"));
if(/^\d{4}-\d\d-\d\d/.test(utc)) return utc.slice(0, 10);
if(!["gregorian", undefined].includes(date.get("calendarScale"))) return "";
const [year, month, day]=[["year", 4], ["month", 2], ["day", 2]].map(([name, size])=>{
const value=textOrInteger(date.get(name));
return value&&value.padStart(size, "0");
});
return year||month?(year||"-") + (month&&`-${month}`) + (month&&day&&`-${day}`):"";
}
export const places=(address, used)=>ADDRESSES.flatMap((name)=>{
const value=address.get(name);
const all=Array.isArray(value)||isKeyed(value)?entries(value).map(([key, v])=>({path: [name, key], value: v})):[{path: [name], value}];
const rows=all.filter((row)=>isMap(row.value)||typeof row.value==="string");
if(rows.length) used.add(name);
return rows;
});
const isKeyed=(value)=>isMap(value)&&[...value.values()].every(isMap);
export const isAddress=(root, value)=>isCard(root)||Array.isArray(value.get("components"))||value.has("full");
export function partsOf(value, path){
if(!value.has("full")&&!value.has("components")) value.set("components", []);
const held=value.get("components");
const kinds=Object.keys(PLACE);
if(Array.isArray(held)) kinds.filter((kind)=>!held.some((c)=>isMap(c)&&c.get("kind")===kind)).forEach((kind)=>held.push(new Map([["kind", kind], ["value", ""]])));
const order=({kind})=>kinds.indexOf(kind) + 1||9;
const parts=componentsOf(value, path).filter(({kind})=>kind!=="separator").sort((a, b)=>order(a) - order(b))
.map((part)=>({...part, item: part.path.slice(0, -1), label: PLACE[part.kind]||part.kind.replace(/[A-Z]/g, (c)=>" " + c.toLowerCase())}));
const full=[...path, "full"];
return typeof value.get("full")==="string"?[...parts, {path: full, item: full, value: value.get("full"), label: "Address"}]:parts;
}
export function setContext(value, name){
const kept=entries(value.get("contexts")).filter(([key])=>!["private", "work"].includes(key));
if(name) kept.push([name, true]);
if(kept.length) value.set("contexts", new Map(kept));
else value.delete("contexts");
}
export function dateOf(value, date){
const found=/^(?:(\d{4})|-)(?:-(\d\d))?(?:-(\d\d))?$/.exec(value);
if(!found) return date;
const kept=entries(date).filter(([name])=>!["utc", "year", "month", "day"].includes(name));
const set=["year", "month", "day"].flatMap((name, i)=>(found[i + 1]?[[name, new Num(String(Number(found[i + 1])))]]:[]));
return new Map([...kept.map(([name, v])=>[name, name==="@type"?"PartialDate":v]), ...set]);
}
const freshKey=(map, stem)=>{
let n=1;
while(map.has(stem + n)) ++n;
return stem + n;
};
export function addRow(address, kind){
const {names, leaves, leaf}=LISTS[kind];
const name=[kind, ...names].find((each)=>Array.isArray(address.get(each))||(each===kind&&isMap(address.get(each))));
const held=name?address.get(name):isCard(address)?new Map():[];
address.set(name||kind, held);
const like=entries(held).map(([, v])=>v).find(isMap);
const isFlat=!like&&(Array.isArray(held)||held.size > 0);
const own=(like&&leaves.find((each)=>like.has(each)))||leaf;
const key=Array.isArray(held)?held.length:freshKey(held, isFlat?"other":kind[0]);
put(held, [key], isFlat?"":new Map([[own, ""]]));
return [name||kind, key, ...(isFlat?[]:[own])];
}
export function addPlace(address){
let held=address.get("addresses") ?? (isCard(address)?new Map():[]);
if(!isKeyed(held)&&!Array.isArray(held)) held=[held];
address.set("addresses", held);
const key=isMap(held)?freshKey(held, "a"):held.length;
const like=entries(held).map(([, v])=>v).find(isMap)||new Map(PLAIN.map((name)=>[name, name]));
const names=isAddress(address, like)?null:[...like.keys()].filter((name)=>text(like.get(name)));
put(held, [key], new Map(names?names.map((name)=>[name, ""]):[["components", []]]));
return ["addresses", key, ...(names?names.slice(0, 1):["components", 0, "value"])];
}
export function addLabel(address, value){
const name=LABELS.find((each)=>address.has(each));
const held=address.get(name);
if(Array.isArray(held)) held.push(value);
else if(isMap(held)) held.set(value, true);
else if(!name&&isCard(address)) address.set("keywords", new Map([[value, true]]));
else address.set(name||"labels", [text(held), value].filter(Boolean));
}
export const placeOf=(address, field)=>({
name: isCard(address)||isMap(address.get("name"))?["name", "full"]:["name"],
organization: isCard(address)?["organizations", "o1", "name"]:["organization"],
birthday: isCard(address)?["anniversaries", "b1", "date"]:["birthday"],
note: isCard(address)?["notes", "n1", "note"]:["note"],
})[field];
export function others(address, used){
const walk=(value, path)=>{
const inner=entries(value);
return inner.length?inner.flatMap(([key, v])=>walk(v, [...path, key])):[{path, value}];
};
return [...address].flatMap(([name, value])=>(used.has(name)?[]:walk(value, [name])));
}
export function photo(address){
const media=entries(address.get("media")).flatMap(([, m])=>(isMap(m)&&m.get("kind")==="photo"?m.get("uri"):[]));
return [address.get("photo"), address.get("image"), address.get("avatar"), ...media]
.find((value)=>typeof value==="string"&&/^data:image\/(png|jpe?g|gif|webp|avif);base64,[A-Za-z0-9+/=]+$/i.test(value));
}
)file"},
{"detail.js", R"file(import {base, explain, mount, request, sendJson} from "./api.js";
import {conflict} from "./conflict.js";
import * as contacts from "./contact.js";
import {$, avatar, button, count, fill, h, icon, state, toast, tool, webLink} from "./dom.js";
import {clone, diff, equal, isMap, Num, parse, pointer, pretty, stringify} from "./json.js";
const LONG=80;
const MOST=60;
const TECHNICAL=/^\/(@type|@version|version|uid|prodId|created|updated|language|vCardProps)\b|\/@type$/;
const PARTS={country_code: "Country", area_code: "Area", local_number: "Number"};
const capital=(text)=>text[0].toUpperCase() + text.slice(1);
export class Detail {
constructor(pane, hooks){
Object.assign(this, {pane, hooks, turn: 0, undos: []});
pane.addEventListener("input", ()=>this.touched());
addEventListener("beforeunload", (event)=>this.isDirty()&&event.preventDefault());
}
get path(){
return `${base(this.book)}/${this.id}`;
}
get revision(){
return Number(/"\w+-(\d+)/.exec(this.etag)?.[1]||0);
}
empty(book){
++this.turn;
if(book!==this.book) this.undos=[];
Object.assign(this, {book, id: "", draft: null});
fill(this.pane, state("people", "Choose a contact", "Or press / to search, n for a new one,?for all keys."));
}
async open(book, id, focus){
const turn=++this.turn;
Object.assign(this, {book, id, draft: null});
const slow=setTimeout(()=>fill(this.pane, h("div.skeleton", {"aria-hidden": "true"}, h("i"), h("i"), h("i"), h("i"))), 150);
try {
const answer=await this.load();
if(turn!==this.turn) return;
this.take(answer);
this.render(focus);
} catch(error){
if(turn!==this.turn) return;
fill(this.pane, state(...explain(error), error.status!==404&&button("Try again", ()=>this.open(book, id, focus), {kind: "primary"}),
button("Back to the list", ()=>this.hooks.onclose(), {kind: "quiet"})));
} finally {
clearTimeout(slow);
}
}
async load(){
const response=await request(this.path);
return {etag: response.headers.get("ETag"), text: await response.text(), changed: response.headers.get("Last-Modified")};
}
take({etag, text, changed}){
const saved=parse(text);
Object.assign(this, {etag, text, changed, saved, draft: clone(saved), isJson: false, isNew: false, rows: []});
}
create(book){
++this.turn;
this.take({etag: "", text: "{}"});
Object.assign(this, {book, id: "", isNew: true});
this.draft=parse('{"name":"","organization":"","emails":[""],"phones":[""],"note":""}');
this.render();
$("input", this.pane).focus();
}
result(){
if(this.isJson) return parse(this.editor.value);
const address=clone(this.draft);
const gone=this.rows.filter((row)=>row.item&&row.input.value.trim()===""&&contacts.at(this.saved, row.path)!=="");
const order=(a, b)=>pointer(b.item).localeCompare(pointer(a.item), "en", {numeric: true});
for(const row of gone.sort(order)) contacts.drop(address, row.item);
return address;
}
isDirty(){
if(!this.draft) return false;
return this.isJson?this.editor.value!==pretty(this.text):!equal(this.result(), this.saved);
}
touched(){
if(!this.draft||!this.bar) return;
const isShown=this.isNew||this.isDirty();
this.bar.classList.toggle("shown", isShown);
this.bar.inert=!isShown;
}
render(focus){
const contact=contacts.read(this.saved);
const {text, hue}=avatar(contact.title);
const picture=contacts.photo(this.saved);
const title=this.isNew?"New contact":contact.title||"No name";
const organization=contact.organization?.value;
const side=(label, isJson)=>button(label, ()=>this.turnTo(isJson), {"aria-pressed": this.isJson===isJson?"true":"false"});
this.notice=h("div", {role: "status"});
this.error=h("div.error", {role: "alert", hidden: true});
this.body=h("div.body");
this.bar=h("div.savebar", {}, h("span", {}, !this.isNew&&"Not saved yet"),
button(this.isNew?"Cancel":"Discard", ()=>this.discard(), {kind: "quiet"}),
button(this.isNew?"Create contact":"Save", ()=>this.save(), {kind: "primary"}));
fill(this.pane, 
h("header.head", {},
h("div.tools", {},
tool("back", "Back to the list", ()=>this.hooks.onclose(), {"data-only": "phone"}),
h("div.sides", {role: "group", "aria-label": "Show as"}, side("Form", false), side("JSON", true)), h("span.space"),
!this.isNew&&this.hooks.onexport&&tool("export", "Save as a vCard file", ()=>this.hooks.onexport(this.id, title)),
!this.isNew&&!mount.isReadOnly&&tool("trash", "Delete this contact", ()=>this.remove())),
h("div.who", {}, picture?h("img.face", {src: picture, alt: ""}):h(`span.face.hue-${hue}`, {"aria-hidden": "true"}, text||icon("person")),
h("div", {}, h("h1", {tabindex: "-1"}, title), organization&&organization!==title&&h("p", {}, organization)))),
this.notice, this.error, this.body, this.bar);
this.pane.scrollTop=0;
this.fill();
if(focus) $("h1", this.pane).focus();
}
fill(){
this.rows=[];
fill(this.body, this.isJson?this.json():this.form());
this.touched();
}
turnTo(isJson){
if(isJson===this.isJson) return;
try {
const address=this.result();
if(!isMap(address)) throw new SyntaxError("An address is an object: {…}");
this.draft=address;
} catch(error){
this.fail(error.message);
return;
}
this.error.hidden=true;
this.isJson=isJson;
[...$(".sides", this.pane).children].forEach((each, i)=>each.setAttribute("aria-pressed", String((i===1)===isJson)));
this.fill();
}
json(){
const text=pretty(equal(this.draft, this.saved)?this.text:stringify(this.draft));
this.editor=h("textarea.editor", {readonly: mount.isReadOnly, spellcheck: "false", "aria-label": "The address as JSON", rows: Math.min(40, text.split("\n").length + 2), value: text});
return [this.editor, h("p.fine", {}, "All of the contact, as it is stored.")];
}
form(){
const address=this.draft;
const contact=contacts.read(address, true);
const field=(row, label, more)=>row&&this.field(row, label, more);
const group=(title, ...rows)=>{
const own=rows.flat(2).filter(Boolean);
return own.length > 0&&h(title?"section.group.titled":"section.group", {}, title&&h("h2", {}, title), h("div", {}, own));
};
const groups=[
group("", field(contact.name, "Name"),
contact.parts.map((part)=>field(part, part.label, {after: part.isJoined&&(()=>contacts.rejoin(address))})),
field(contact.organization, "Organization"), field(contact.birthday, "Birthday", {placeholder: "1815-12-10"})),
group("Email", this.list(contact.emails, "emails", "email", (value)=>["mail", "Write to", /^[^\s@]+@[^\s@]+$/.test(value)&&`mailto:${encodeURIComponent(value).replaceAll("%40", "@")}`])),
group("Phone", this.list(contact.phones, "phones", "phone", (value)=>["phone", "Call", /\d/.test(value)&&`tel:${value.replace(/[^\d+*#]/g, "")}`])),
group("Address", contacts.places(address, contact.used).map((row, i)=>this.place(row, `address ${i + 1}`)), this.adder("address", ()=>contacts.addPlace(address))),
group("Labels", this.labels(contact.labels)),
];
const placed=new Set(this.rows.map((row)=>pointer(row.path)));
const leaves=contacts.others(address, contact.used).filter(({path})=>!placed.has(pointer(path)));
const isTechnical=({path})=>TECHNICAL.test(pointer(path));
const plain=leaves.filter((leaf)=>!isTechnical(leaf));
const technical=leaves.filter(isTechnical);
const absent=mount.isReadOnly?[]:["name", "organization", "birthday"].filter((key)=>!contact[key]&&!(key==="birthday"&&address.has("anniversaries")));
if(!mount.isReadOnly&&!address.has("note")&&!address.has("notes")) absent.push("note");
return [...groups,
group("", plain.slice(0, MOST).map((leaf)=>this.other(leaf)), plain.length > MOST&&h("p.fine", {}, `And ${count(plain.length - MOST, "more value")}: see JSON.`)),
absent.length > 0&&h("div.adders", {}, absent.map((key)=>this.adder(key, ()=>{
const place=contacts.placeOf(address, key);
contacts.put(address, place, "");
if(place[2]==="date") contacts.put(address, ["anniversaries", "b1", "kind"], "birth");
return place;
}, capital(key)))),
technical.length > 0&&h("details.technical", {}, h("summary", {}, "Kept as it is"), technical.slice(0, MOST).map((leaf)=>this.other(leaf))),
this.changed&&h("p.fine", {}, "Last changed ", new Date(this.changed).toLocaleString([], {dateStyle: "long", timeStyle: "short"}))];
}
fillAt(path){
this.fill();
this.rows.find((row)=>pointer(row.path)===pointer(path))?.input.focus();
}
adder(word, add, label=`Add ${word}`){
return !mount.isReadOnly&&button(label, ()=>this.fillAt(add()), {kind: "add", name: "plus"});
}
field(row, label, {type="text", after, action, remove, hides, placeholder}={}){
const place=pointer(row.path);
const id=`field-${place}`;
const old=contacts.at(this.draft, row.path);
const isLong=row.value.length > LONG||/\n|note$/.test(row.value + row.path.at(-1));
const input=h(isLong?"textarea":"input", {id, value: row.value, type: !isLong&&type, readonly: mount.isReadOnly, placeholder: placeholder||" ", autocomplete: "off", spellcheck: String(isLong), rows: isLong&&3});
const [name, verb]=action?action(""):[];
const link=name&&h("a.tool", {target: name==="web"&&"_blank", rel: "noopener noreferrer"}, icon(name));
const relink=()=>{
const href=action&&action(input.value)[2];
if(!link) return;
link.hidden=!href;
if(href) link.setAttribute("href", href);
link.setAttribute("aria-label", `${verb} ${input.value}`);
};
relink();
input.addEventListener("input", ()=>{
contacts.put(this.draft, row.path, row.isDate?contacts.dateOf(input.value.trim(), old):contacts.retyped(old, input.value));
if(after) after();
relink();
});
this.rows.push({...row, input});
return h("div.field", {"data-pointer": place}, h(`label${hides?".hushed":""}`, {for: id}, label),
h("div.value", {}, input, row.hint&&h("span.tag", {}, row.hint), link, remove&&!mount.isReadOnly&&tool("close", `Remove ${label} ${row.value}`, remove)),
h("p.wrong", {hidden: true}));
}
list(rows, kind, word, action){
const type=word==="phone"?"tel":word;
return [...rows.map((row, i)=>{
const remove=()=>{
contacts.drop(this.draft, row.item);
this.fill();
};
return row.parts
? h("div.parts", {role: "group", "aria-label": word}, row.parts.map((part)=>this.field(part, PARTS[part.path.at(-1)], {type})))
: this.field(row, rows.length > 1?`${word} ${i + 1}`:word, {type, action, remove, hides: true, placeholder: capital(word)});
}), this.adder(word, ()=>contacts.addRow(this.draft, kind))];
}
place({path, value}, label){
const remove=()=>{
contacts.drop(this.draft, path);
this.fill();
};
if(!isMap(value)) return this.field({path, item: path, value}, "Address", {remove, hides: true});
const isCard=contacts.isAddress(this.draft, value);
const [first, ...rest]=isCard?contacts.partsOf(value, path).map((part)=>this.field(part, capital(part.label)))
: contacts.others(value, new Set()).map((leaf)=>this.other({path: [...path, ...leaf.path], value: leaf.value}, path.length));
const hint=contacts.hintOf(value);
const select=isCard&&h("select", {"aria-label": `Kind of ${label}`, disabled: mount.isReadOnly, oninput: ()=>contacts.setContext(value, select.value)},
[["", "Any kind"], ["private", "Home"], ["work", "Work"]].map(([kind, text])=>h("option", {value: kind, selected: hint.includes(kind)}, text)));
return h("div.parts.postal", {role: "group", "aria-label": label}, first,
h("div.value", {}, select, isCard&&hint.includes(",")&&h("span.tag", {}, hint), !mount.isReadOnly&&tool("close", `Remove ${label}`, remove)), rest);
}
labels(labels){
if(mount.isReadOnly) return labels.length > 0&&h("div.labels", {}, labels.map(({value})=>h("span.tag.big", {}, value)));
const input=h("input", {"aria-label": "Add a label", placeholder: "Add a label", autocomplete: "off", list: "known-labels"});
const change=(act)=>{
act();
this.fill();
$(".labels input", this.body).focus();
};
const add=()=>{
const value=input.value.trim();
input.value="";
if(labels.some((row)=>row.value===value)) toast(`“${value}” is there already`, {seconds: 3});
else if(value) change(()=>contacts.addLabel(this.draft, value));
};
input.addEventListener("keydown", (event)=>{
if(!/^(Enter|,)$/.test(event.key)||event.isComposing) return;
event.preventDefault();
add();
});
input.addEventListener("change", add);
return h("div.labels", {}, labels.map(({value, item}) =>
h("span.tag.big", {}, value, tool("close", `Remove label ${value}`, ()=>change(()=>contacts.drop(this.draft, item))))), input);
}
other({path, value}, from=0){
const steps=path.slice(from).map((step)=>(typeof step==="number"?step + 1:step)).filter((step)=>!/^[a-z]+\d+$/.test(step));
const label=capital(String(steps[0]).startsWith(steps.at(-1))?steps.at(-1):steps.join(" › "));
let still="";
if(typeof value==="object"&&!(value instanceof Num)) still=value?"empty":"null";
else if(value.length > 2000) still=`${/^data:[^;,]{0,40}|/.exec(value)[0]} ${count(value.length, "character")}`;
if(still) return h("div.field", {}, h("span.label", {}, label), h("div.value.still", {}, still));
const isText=typeof value==="string";
return this.field({path, item: (from||this.isNew)&&path, value: value.raw ?? String(value)}, label, {action: isText&&((text)=>["web", "Open", webLink(text)])});
}
fail(message, errors=[]){
const unplaced=errors.filter(({pointer: place, reason})=>{
const field=$(`[data-pointer="${CSS.escape(place)}"]`, this.pane);
const wrong=field&&$(".wrong", field);
if(wrong){
wrong.hidden=false;
wrong.textContent=reason;
$("input, textarea", field).setAttribute("aria-invalid", "true");
}
return !wrong;
});
this.error.hidden=false;
fill(this.error, h("p", {}, message), h("ul", {}, unplaced.map(({pointer: place, reason})=>h("li", {}, `${place||"/"} ${reason}`))));
this.error.scrollIntoView({block: "nearest"});
}
async attempt(work){
if(this.saving) return;
this.saving=true;
this.bar.classList.add("busy");
try {
await work();
} catch(error){
if(error.status===403) this.hooks.onforbidden();
if(error.status===412) await conflict(this).catch((failed)=>this.fail(explain(failed)[2]));
else this.fail(error.status?error.message:explain(error)[2], error.errors);
} finally {
this.saving=false;
this.bar.classList.remove("busy");
}
}
save(){
$(".labels input", this.pane)?.dispatchEvent(new Event("change"));
if(!this.draft||!(this.isNew||this.isDirty())) return;
this.attempt(async ()=>{
const condition={"If-Match": this.etag};
if(this.isNew) await this.post(this.isJson?this.editor.value:stringify(this.result()), "Created");
else if(this.isJson) await this.stored(await sendJson("PUT", this.path, this.editor.value, condition), "Saved");
else await this.patch(this.saved, this.result(), condition, "Saved");
});
}
async post(body, said){
if(this.sent!==body) this.key=`${Date.now()}-${Math.random()}`;
this.sent=body;
const response=await sendJson("POST", base(this.book), body, {"Idempotency-Key": this.key});
this.id=response.headers.get("Location").split("/").pop();
await this.stored(response, said);
}
async patch(before, after, condition, said){
await this.stored(await sendJson("PATCH", this.path, stringify(diff(before, after)), {...condition, "Content-Type": "application/json-patch+json"}), said);
}
async stored(response, said){
const {isJson}=this;
this.take({etag: response.headers.get("ETag"), text: await response.text(), changed: new Date()});
this.isJson=isJson;
this.render(true);
toast(said, {seconds: 3});
this.hooks.onsaved(this.id, this.revision, this.saved);
}
discard(){
if(this.isNew){
this.draft=null;
this.hooks.onclose();
return;
}
this.take(this);
this.render(true);
}
async remove(){
if(!this.draft||this.isNew||this.saving||mount.isReadOnly) return;
const {id, book, path, text}=this;
const title=contacts.read(this.saved).title||"No name";
this.saving=true;
try {
await request(path, {method: "DELETE", headers: {"If-Match": this.etag}});
} catch(error){
if(error.status===403) this.hooks.onforbidden();
if(error.status===412) toast("Someone has just changed this contact.", {action: "Look again", onaction: ()=>this.open(book, id, true)});
else if(error.status!==404) toast(explain(error)[2], {kind: "bad"});
if(error.status!==404) return;
} finally {
this.saving=false;
}
this.draft=null;
this.hooks.onremoved(id);
const undo=async ()=>{
this.undos=this.undos.filter((each)=>each!==undo);
close();
try {
await sendJson("PUT", path, text, {"If-None-Match": "*"});
this.hooks.onopen(id);
toast(`${title} is back`, {seconds: 3});
} catch(error){
this.undos.push(undo);
toast(`${title} could not be brought back. ${explain(error)[2]}`, {kind: "bad", action: "Try again", onaction: undo});
}
};
this.undos.push(undo);
const close=toast(`${title} is deleted`, {action: "Undo", onaction: undo, seconds: 12});
}
async changedBy(revision, isRemoved){
if(!this.draft||this.isNew||this.saving||revision <= this.revision) return;
if(isRemoved||this.isDirty()){
this.tell(isRemoved?"Someone has deleted this contact.":"Someone else has changed this contact meanwhile.",
button(isRemoved?"What now?":"Compare", ()=>this.attempt(()=>conflict(this)), {kind: "quiet"}));
return;
}
const {turn, isJson}=this;
const answer=await this.load().catch(()=>null);
if(!answer||this.turn!==turn||this.isDirty()||this.saving) return;
this.take(answer);
this.isJson=isJson;
this.render(this.pane.contains(document.activeElement));
this.tell("Updated just now by someone else");
}
tell(text, action){
fill(this.notice, h(`div.notice${action?"":".calm"}`, {}, icon("people"), h("span", {}, text), action));
}
}
)file"},
{"dom.js", R"file(const SVG="http://www.w3.org/2000/svg";
export function h(name, props={}, ...children){
const [tag, ...classes]=name.split(".");
const element=document.createElement(tag);
if(classes.length) element.className=classes.join(" ");
for(const [key, value] of Object.entries(props)){
if(value===false||value===null||value===undefined) continue;
if(key.startsWith("on")) element.addEventListener(key.slice(2), value);
else if(key==="value") element.value=value;
else if(key==="checked") element.checked=value;
else element.setAttribute(key, value===true?"":value);
}
fill(element, ...children);
return element;
}
export const fill=(element, ...children)=>element.replaceChildren(...children.flat(2).filter(Boolean));
export function icon(name){
const svg=document.createElementNS(SVG, "svg");
svg.setAttribute("class", "icon");
svg.setAttribute("aria-hidden", "true");
const use=document.createElementNS(SVG, "use");
use.setAttribute("href", `#i-${name}`);
svg.append(use);
return svg;
}
export const $=(selector, from=document)=>from.querySelector(selector);
export function button(label, onclick, {kind="", name="", ...rest}={}){
return h(`button${kind&&"." + kind}`, {type: "button", onclick, ...rest}, name&&icon(name), label);
}
export function tool(name, label, onclick, rest={}){
return h("button.tool", {type: "button", "aria-label": label, title: label, onclick, ...rest}, icon(name));
}
export function toast(text, {action, onaction, kind="", seconds=8}={}){
const element=h(`div.toast${kind&&"." + kind}`, {}, h("span", {}, text));
let timer;
const close=()=>{
clearTimeout(timer);
element.remove();
};
const start=()=>{
clearTimeout(timer);
timer=setTimeout(close, seconds * 1000);
};
if(action){
element.append(button(action, ()=>{
close();
onaction();
}, {kind: "undo"}));
}
element.append(tool("close", "Dismiss", close));
for(const type of ["pointerenter", "focusin"]) element.addEventListener(type, ()=>clearTimeout(timer));
for(const type of ["pointerleave", "focusout"]) element.addEventListener(type, start);
$("#toasts").append(element);
start();
return close;
}
export function dialog(title, ...content){
const before=document.activeElement;
const element=h("dialog", {"aria-labelledby": "dialog-title"},
h("header", {}, h("h2", {id: "dialog-title"}, title), tool("close", "Close", ()=>element.close())),
...content);
element.addEventListener("close", ()=>{
element.remove();
if(before&&before.isConnected) before.focus();
});
document.body.append(element);
element.showModal();
return element;
}
export function state(name, title, text, ...actions){
return h("div.state", {}, h("div.picture", {}, icon(name)), h("h2", {}, title), text&&h("p", {}, text),
h("div.actions", {}, actions));
}
const HUES=8;
export function avatar(name, organization=""){
const words=(name||organization||"").split(/[\s,.]+/).filter((word)=>/^[\p{L}\p{N}]/u.test(word));
const first=words[0]?[...words[0]][0]:"";
const last=words.length > 1?[...words[words.length - 1]][0]:"";
let sum=0;
for(const c of name||organization) sum=(sum * 31 + c.codePointAt(0)) >>> 0;
return {text: (first + last).toUpperCase(), hue: sum % HUES};
}
export function webLink(text){
if(!/^https?:\/\//i.test(text)) return null;
try {
return new URL(text).href;
} catch {
return null;
}
}
export const count=(n, one, many=one + "s")=>`${n.toLocaleString("en")} ${n===1?one:many}`;
)file"},
{"json.js", R"file(export class Num {
constructor(raw){
this.raw=raw;
}
}
export const isMap=(value)=>value instanceof Map;
const TOKEN=/\s*([[\]{}:,]|"(?:[^"\\]+|\\.)*"|[^\s,\]}]+)/g;
function tokens(text){
JSON.parse(text);
return Array.from(text.matchAll(TOKEN), (found)=>found[1]);
}
export function parse(text){
const list=tokens(text);
let at=0;
const read=()=>{
const token=list[at++];
if(token==="{"||token==="["){
const map=new Map();
const array=[];
for(; list[at]!=="}"&&list[at]!=="]"; at += list[at]===","){
if(token==="[") array.push(read());
else map.set(JSON.parse(list[(at += 2) - 2]), read());
}
++at;
return token==="["?array:map;
}
return /^[-\d]/.test(token)?new Num(token):JSON.parse(token);
};
return read();
}
export function pretty(text){
let out="";
let depth=0;
let before="";
for(const token of tokens(text)){
const closes=/^[}\]]$/.test(token);
const opened=/^[{[]$/.test(before);
if(closes) --depth;
if(closes?!opened:opened||before===",") out += `\n${"  ".repeat(depth)}`;
out += token===":"?": ":token;
if(/^[{[]$/.test(token)) ++depth;
before=token;
}
return out;
}
export function stringify(value){
if(value instanceof Num) return value.raw;
if(Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
if(!isMap(value)) return JSON.stringify(value);
return `{${[...value].map(([name, v])=>`${JSON.stringify(name)}:${stringify(v)}`).join(",")}}`;
}
export const clone=(value) =>
(Array.isArray(value)?value.map(clone):isMap(value)?new Map([...value].map(([name, v])=>[name, clone(v)])):value);
export function equal(a, b){
if(isMap(a)&&isMap(b)) return a.size===b.size&&[...a].every(([name, v])=>b.has(name)&&equal(v, b.get(name)));
if(Array.isArray(a)&&Array.isArray(b)) return a.length===b.length&&a.every((v, i)=>equal(v, b[i]));
return a===b||(a instanceof Num&&b instanceof Num&&a.raw===b.raw);
}
export const pointer=(path)=>path.map((step)=>`/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
export function diff(before, after, path=[]){
const op=(name, at, ...value)=>new Map([["op", name], ["path", pointer(at)], ...value.map((v)=>["value", v])]);
if(equal(before, after)) return [];
if(isMap(before)&&isMap(after)){
return [
...[...before].flatMap(([name, v])=>(after.has(name)?diff(v, after.get(name), [...path, name]):[op("remove", [...path, name])])),
...[...after].flatMap(([name, v])=>(before.has(name)?[]:[op("add", [...path, name], v)])),
];
}
if(!Array.isArray(before)||!Array.isArray(after)) return [op("replace", path, after)];
const least=Math.min(before.length, after.length);
let start=0;
while(start < least&&equal(before[start], after[start])) ++start;
let tail=0;
while(tail < least - start&&equal(before.at(-1 - tail), after.at(-1 - tail))) ++tail;
const ops=[];
for(let i=start; i < least - tail; ++i) ops.push(...diff(before[i], after[i], [...path, i]));
for(let i=before.length - tail - 1; i >= least - tail; --i) ops.push(op("remove", [...path, i]));
for(let i=least - tail; i < after.length - tail; ++i) ops.push(op("add", [...path, i], after[i]));
return ops;
}
export function merge(base, mine, theirs){
if(equal(mine, theirs)||equal(base, mine)) return theirs;
if(equal(base, theirs)) return mine;
if(Array.isArray(mine)&&Array.isArray(theirs)){
const has=(list, value)=>Array.isArray(list)&&list.some((v)=>equal(v, value));
return [...theirs.filter((v)=>has(mine, v)||!has(base, v)), ...mine.filter((v)=>!has(theirs, v)&&!has(base, v))];
}
if(!isMap(mine)||!isMap(theirs)) return undefined;
const result=new Map();
for(const name of new Set([...theirs.keys(), ...mine.keys()])){
const [was, my, their]=[isMap(base)?base.get(name):undefined, mine.get(name), theirs.get(name)];
const value=merge(was, my, their);
if(value!==undefined) result.set(name, value);
else if(!equal(was, my)&&!equal(was, their)) return undefined;
}
return result;
}
)file"},
{"list.js", R"file(import {avatar, fill, h} from "./dom.js";
const ROW=64;
const MARGIN=8;
const MOST_PIXELS=12_000_000;
const FIRST_PAGE=100;
const PAGE=1000;
const fold=(text)=>text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const KEYS={
name: (row)=>fold(row.summary.name),
given: (row)=>fold(row.summary.given),
family: (row)=>fold(row.summary.family),
};
export class List {
constructor(viewport, hooks){
Object.assign(this, hooks, {viewport});
this.canvas=h("div.canvas", {role: "presentation"});
viewport.append(this.canvas);
this.elements=new Map();
this.spare=[];
this.rows=[];
this.total=0;
this.active=-1;
this.turn=0;
this.selected="";
viewport.addEventListener("scroll", ()=>this.draw(), {passive: true});
viewport.addEventListener("keydown", (event)=>this.key(event));
viewport.addEventListener("click", (event)=>this.click(event));
new ResizeObserver(()=>this.draw()).observe(viewport);
}
async reset({keepPlace=false, sort=this.sort}={}){
const turn=++this.turn;
this.aborter?.abort();
this.aborter=new AbortController();
this.loading=true;
this.viewport.setAttribute("aria-busy", "true");
try {
const wanted=keepPlace?Math.min(Math.max(this.rows.length, FIRST_PAGE), PAGE):FIRST_PAGE;
const page=await this.load(wanted, "", this.aborter.signal);
if(turn!==this.turn) return;
this.sort=sort;
this.rows=page.rows;
this.total=page.total;
this.next=page.next;
this.active=this.rows.findIndex((row)=>row.id===this.selected);
if(!keepPlace) this.viewport.scrollTop=0;
this.finish();
this.onstate(this, null);
} catch(error){
if(turn!==this.turn||error.name==="AbortError") return;
this.finish();
this.onstate(this, error);
}
}
finish(){
this.loading=false;
this.viewport.removeAttribute("aria-busy");
this.redraw();
}
async reach(index){
if(this.loading||!this.next||index < this.rows.length) return;
const turn=this.turn;
this.loading=true;
try {
while(this.next&&this.lastWanted >= this.rows.length&&turn===this.turn){
const page=await this.load(PAGE, this.next, this.aborter.signal);
if(turn!==this.turn) return;
for(const row of page.rows) this.rows.push(row);
this.next=page.next;
if(!this.next) this.total=this.rows.length;
this.redraw();
}
} catch(error){
if(turn===this.turn&&error.name!=="AbortError") this.onstate(this, error);
} finally {
if(turn===this.turn) this.loading=false;
}
}
get scale(){
return Math.max(1, (this.total * ROW) / MOST_PIXELS);
}
draw(){
this.frame ??= requestAnimationFrame(()=>{
this.frame=null;
this.redraw();
});
}
redraw(){
const {viewport, canvas, scale}=this;
const height=viewport.clientHeight;
canvas.style.height=`${Math.min(this.total * ROW, MOST_PIXELS)}px`;
const top=viewport.scrollTop;
const most=Math.max(1, Math.min(this.total * ROW, MOST_PIXELS) - height);
const real=scale===1?top:(Math.min(top, most) / most) * (this.total * ROW - height);
const first=Math.max(0, Math.floor(real / ROW) - MARGIN);
const last=Math.min(this.total, Math.ceil((real + height) / ROW) + MARGIN);
for(const [index, element] of this.elements){
if(index >= first&&index < last) continue;
this.elements.delete(index);
this.spare.push(element);
}
const shift=top - real;
for(let index=first; index < last; ++index){
let element=this.elements.get(index);
if(!element){
element=this.spare.pop()||this.make();
this.elements.set(index, element);
}
this.fill(element, index);
const place=index * ROW + shift;
if(element.place!==place) element.style.transform=`translateY(${(element.place=place)}px)`;
}
for(const element of this.spare) element.hidden=true;
const active=this.elements.get(this.active);
if(active&&this.rows[this.active]) viewport.setAttribute("aria-activedescendant", active.id);
else viewport.removeAttribute("aria-activedescendant");
this.lastWanted=last + (this.rows.length > FIRST_PAGE?200:0);
this.reach(this.lastWanted);
}
make(){
const element=h("div.row", {role: "option", id: `row-${this.canvas.childElementCount}`},
h("span.initial", {"aria-hidden": "true"}), h("span.avatar", {"aria-hidden": "true"}),
h("span.texts", {}, h("span.name"), h("span.more")), h("span.tags"));
this.canvas.append(element);
return element;
}
fill(element, index){
const row=this.rows[index];
const before=this.rows[index - 1];
element.hidden=false;
element.index=index;
element.classList.toggle("active", index===this.active);
element.setAttribute("aria-selected", String(Boolean(row)&&row.id===this.selected));
element.setAttribute("aria-posinset", String(index + 1));
element.setAttribute("aria-setsize", String(this.total));
const initial=this.initialOf(row)!==this.initialOf(before)?this.initialOf(row):"";
if(element.row===row&&element.shown===initial) return;
element.row=row;
element.shown=initial;
const [mark, face, {children: [name, more]}, tags]=element.children;
element.classList.toggle("blank", !row);
if(row) element.removeAttribute("aria-label");
else element.setAttribute("aria-label", "Not loaded yet");
element.classList.toggle("fresh", Boolean(row&&row.fresh));
mark.textContent=initial;
if(!row){
for(const part of [face, name, more, tags]) part.textContent="";
face.className="avatar";
return;
}
const {summary}=row;
const {text, hue}=avatar(summary.name, summary.organization);
face.textContent=text;
face.className=`avatar hue-${hue}`;
name.textContent=summary.name||"No name";
name.classList.toggle("nameless", !summary.name);
const organization=summary.organization!==summary.name?summary.organization:"";
more.textContent=[organization, summary.emails[0]||summary.phones[0]].filter(Boolean).join(" · ");
fill(tags, summary.labels.slice(0, 2).map((label)=>h("span.tag", {}, label)));
}
initialOf(row){
const key=KEYS[(this.sort||"").replace("-", "")];
if(!row||!key) return "";
const first=[...key(row)][0]||"";
return /\p{L}/u.test(first)?first.toUpperCase():first&&"#";
}
select(id){
this.selected=id;
const index=this.rows.findIndex((row)=>row.id===id);
if(index >= 0) this.active=index;
this.redraw();
}
move(index){
if(this.total===0) return;
this.active=Math.max(0, Math.min(this.total - 1, index));
const {viewport, scale}=this;
const height=viewport.clientHeight;
const top=this.active * ROW;
if(scale > 1) viewport.scrollTop=Math.min(1, top / (this.total * ROW - height)) * (MOST_PIXELS - height);
else viewport.scrollTop=Math.min(top, Math.max(viewport.scrollTop, top + ROW - height));
this.redraw();
const row=this.rows[this.active];
if(row) this.onopen(row, false);
}
key(event){
if(event.ctrlKey||event.metaKey||event.altKey) return;
const page=Math.max(1, Math.floor(this.viewport.clientHeight / ROW) - 1);
const steps={ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
if(event.key in steps){
event.preventDefault();
this.move(this.active < 0?(event.key==="End"?Infinity:0):this.active + steps[event.key]);
} else if((event.key==="Enter"||event.key===" ")&&this.rows[this.active]){
event.preventDefault();
this.onopen(this.rows[this.active], true);
}
}
click(event){
const element=event.target.closest(".row");
if(!element||!this.rows[element.index]) return;
this.active=element.index;
this.redraw();
this.onopen(this.rows[element.index], true);
}
apply(id, revision, summary){
const index=this.rows.findIndex((row)=>row.id===id);
const old=this.rows[index];
if(old&&old.revision >= revision) return;
const activeId=this.rows[this.active]?.id;
if(old) this.rows.splice(index, 1);
else this.onunsure();
if(old&&!summary) --this.total;
if(summary){
const row={id, revision, summary, fresh: true};
const stays=old&&/created/.test(this.sort);
const place=stays?index:this.placeOf(row);
if(place < this.rows.length||!this.next) this.rows.splice(place, 0, row);
this.total=Math.max(this.total, this.rows.length);
}
this.active=activeId?this.rows.findIndex((row)=>row.id===activeId):this.active;
this.draw();
}
placeOf(row){
const key=KEYS[(this.sort||"").replace("-", "")];
if(!key) return this.sort.startsWith("-")?0:this.rows.length;
const sign=this.sort.startsWith("-")?-1:1;
const mine=key(row);
let low=0;
let high=this.rows.length;
while(low < high){
const middle=(low + high) >> 1;
const other=key(this.rows[middle]);
const isBefore=mine===""?true:other===""?false:other===mine?true:(other < mine)===(sign > 0);
if(isBefore) low=middle + 1;
else high=middle;
}
return low;
}
}
)file"},
{"live.js", R"file(import {request, token} from "./api.js";
export class Live {
constructor({onchange, onstate, onreset}){
Object.assign(this, {onchange, onstate, onreset});
this.batch=[];
document.addEventListener("visibilitychange", ()=>{
clearTimeout(this.hiding);
if(!this.path) return;
if(document.hidden) this.hiding=setTimeout(()=>this.close(), 30_000);
else if(!this.source&&!this.aborter) this.open();
});
addEventListener("online", ()=>this.path&&this.open());
}
start(path, since){
this.path=path;
this.since=since;
this.open();
}
stop(){
this.path="";
this.batch=[];
this.close();
this.onstate("off");
}
close(){
clearTimeout(this.retry);
this.source?.close();
this.aborter?.abort();
this.source=this.aborter=null;
}
open(){
this.close();
if(!this.path) return;
const url=`${this.path}?since=${encodeURIComponent(this.since)}`;
if(token.get()){
this.follow(url);
return;
}
const source=(this.source=new EventSource(url));
source.onopen=()=>this.onstate("live");
source.onmessage=(event)=>this.take(event.lastEventId, event.data);
source.addEventListener("reset", ()=>this.reset());
source.onerror=()=>this.again();
}
async follow(url){
const aborter=(this.aborter=new AbortController());
try {
const response=await request(url, {headers: {Accept: "text/event-stream"}, signal: aborter.signal});
this.onstate("live");
const reader=response.body.pipeThrough(new TextDecoderStream()).getReader();
let held="";
for(;;){
const {value, done}=await reader.read();
if(done) break;
const events=(held + value).split("\n\n");
held=events.pop();
for(const event of events) this.takeEvent(event);
}
} catch(error){
if(error.name==="AbortError") return;
}
if(this.aborter===aborter) this.again();
}
takeEvent(text){
const field=(name)=>new RegExp(`^${name}: ?(.*)$`, "m").exec(text)?.[1];
if(field("event")==="reset") this.reset();
else if(field("data")) this.take(field("id"), field("data"));
}
take(id, data){
if(id) this.since=id;
this.batch.push(data);
this.flushing ??= setTimeout(()=>{
this.flushing=null;
this.onchange(this.batch.splice(0));
}, 40);
}
reset(){
this.close();
this.onreset();
}
again(){
this.close();
this.onstate("waiting");
this.retry=setTimeout(()=>this.open(), 2000);
}
}
)file"},
{"transfer.js", R"file(import {base, explain, mount, request, token, upload} from "./api.js";
import {$, button, count, dialog, fill, h, icon, toast} from "./dom.js";
const FORMATS={
vcf: ["vCard", "for phones and mail programs", "vcf"],
csv: ["CSV", "for spreadsheets", "csv"],
jscontact: ["JSContact", "JSON, RFC 9553", "json"],
ndjson: ["NDJSON", "one address a line, as stored", "ndjson"],
json: ["JSON", "one list, as stored", "json"],
};
const NUMBERS={created: "new", updated: "replaced", skipped: "left as they are", failed: "can't be read"};
const known=()=>mount.formats.filter((name)=>FORMATS[name]);
async function formatOf(file){
const start=await file.slice(0, 4096).text();
let format=file.name.split(".").pop().toLowerCase().replace("jsonl", "ndjson");
if(/^\s*BEGIN:VCARD/i.test(start)) format="vcf";
if(format==="json"&&/"@type"\s*:\s*"Card"/.test(start)) format="jscontact";
return known().find((name)=>name===format);
}
export function acceptDrops(take){
const veil=$("#drop");
const on=(type, act)=>addEventListener(type, (event)=>{
if(!event.dataTransfer?.types.includes("Files")||!mount.formats.length||$("dialog[open]")) return;
event.preventDefault();
veil.hidden=type==="drop"||(type==="dragleave"&&!event.relatedTarget);
if(act) act(event.dataTransfer.files[0]);
});
on("dragenter");
on("dragover");
on("dragleave");
on("drop", take);
}
export function chooseFile(take){
const input=h("input", {type: "file", accept: ".vcf,.csv,.json,.ndjson,.jsonl"});
input.addEventListener("change", ()=>input.files[0]&&take(input.files[0]));
input.click();
}
export async function importFile(book, file, ondone){
const body=h("div.import", {"aria-live": "polite"});
const box=dialog("Import contacts", body);
let isOpen=true;
box.addEventListener("close", ()=>(isOpen=false));
const close=()=>box.close();
const format=await formatOf(file);
const title=h("p.file", {}, icon("file"), h("span", {}, h("b", {}, file.name), h("br"), `${FORMATS[format]?.[0]||"unknown form"}, ${count(Math.max(1, Math.round(file.size / 1024)), "KiB", "KiB")}`));
if(!format){
fill(body, title, h("p", {}, `This is not a file that can be read here. There is: ${known().map((name)=>FORMATS[name][0]).join(", ")}.`), h("div.actions", {}, button("Close", close)));
return;
}
let conflict="skip";
let isPartial=false;
const send=(dry, label)=>{
const bar=h("progress", {max: "1", "aria-label": label});
const text=h("p", {}, label);
fill(body, title, text, bar);
const query=new URLSearchParams({format, on_conflict: conflict, ...(dry&&{dry_run: "true"}), ...(isPartial&&{partial: "true"})});
return upload(`${base(book)}?${query}`, file, (share)=>{
if(share < 1) bar.value=share;
else bar.removeAttribute("value");
text.textContent=share < 1?`${label} ${Math.round(share * 100)} %`:`${label} Nearly there`;
});
};
const attempt=async (dry, label)=>{
try {
return await send(dry, label);
} catch(error){
if(error.status!==413||isPartial||!/partial/.test(error.message)) throw error;
isPartial=true;
return send(dry, label);
}
};
const failed=(error, again)=>{
if(error.status===401) request(base(book) + "?limit=1").then(again, ()=>{});
const [, head, text]=explain(error);
fill(body, title, h("div.error", {role: "alert"}, h("b", {}, head), h("p", {}, error.status===0?error.message:text)),
h("div.actions", {}, button("Close", close, {kind: "quiet"}), button("Try again", again, {kind: "primary"})));
};
const numbers=(report)=>h("ul.numbers", {}, Object.entries(NUMBERS).map(([name, word])=>h("li", {}, h("b", {}, report[name].toLocaleString("en")), word)));
const lines=(report)=>{
const {errors, warnings, failed_batches: parts=[]}=report;
const row=(kind)=>({line, message, first, last})=>h(`tr.${kind}`, {}, h("td", {}, line ?? `${first} to ${last}`), h("td", {}, message));
const rows=[...parts.map(row("bad")), ...errors.map(row("bad")), ...warnings.map(row("warn"))];
const left=report.failed - errors.length;
return rows.length > 0&&h("div.report", {tabindex: "0", role: "region", "aria-label": "Line by line"},
h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Line"), h("th", {}, "What"))), h("tbody", {}, rows)),
left > 0&&!parts.length&&h("p.fine", {}, `And ${left.toLocaleString("en")} more.`));
};
const look=async ()=>{
try {
const report=await attempt(true, "Looking at the file …");
if(!isOpen) return;
const todo=report.created + report.updated;
const choice=(value, text)=>h("label.choice", {}, h("input", {type: "radio", name: "conflict", value, checked: conflict===value, onchange: ()=>{
conflict=value;
look();
}}), h("span", {}, text));
fill(body, title, h("p", {}, "Nothing is stored yet. This would happen:"),
numbers(report),
h("fieldset.conflicts", {}, h("legend", {}, "Contacts that are here already"), choice("skip", "Leave them"), choice("replace", "Replace them"), choice("duplicate", "Add them again")),
lines(report),
h("div.actions", {}, button("Cancel", close, {kind: "quiet"}), button(todo?`Import ${count(todo, "contact")}`:"Nothing to import", run, {kind: "primary", disabled: todo===0})));
$(".actions .primary:not([disabled])", body)?.focus();
} catch(error){
failed(error, look);
}
};
const run=async ()=>{
try {
const report=await attempt(false, "Importing …");
ondone();
if(!isOpen){
toast(`${file.name}: ${count(report.created, "contact")} imported`);
return;
}
fill(body, title, h("p.done", {}, icon("check"), report.status===207?"Done, but not all of it.":"Done."),
numbers(report), lines(report),
h("div.actions", {}, button("Close", close, {kind: "primary"})));
$(".actions .primary", body).focus();
} catch(error){
failed(error, run);
}
};
await look();
}
export async function download(path, name, isSmall){
const save=(href)=>h("a", {href, download: name}).click();
if(!token.get()&&!isSmall){
save(path);
return;
}
const close=toast("Preparing the file …", {seconds: 600});
try {
const url=URL.createObjectURL(await (await request(path)).blob());
save(url);
setTimeout(()=>URL.revokeObjectURL(url), 60_000);
} catch(error){
toast(explain(error)[2], {kind: "bad"});
} finally {
close();
}
}
export function exportDialog(book, {filter, sort, total}){
let format=known()[0];
let isAll=!filter;
const radio=(group, value, checked, onchange, ...text)=>h("label.choice", {}, h("input", {type: "radio", name: group, value, checked, onchange}), h("span", {}, ...text));
const options=known().map((name)=>radio("format", name, name===format, ()=>(format=name), h("b", {}, FORMATS[name][0]), h("span.said", {}, FORMATS[name][1])));
const box=dialog("Export contacts",
h("fieldset", {}, h("legend", {}, "As"), options),
filter&&h("fieldset", {}, h("legend", {}, "Which"), radio("which", "shown", true, ()=>(isAll=false), `The ${count(total, "contact")} shown now`), radio("which", "all", false, ()=>(isAll=true), "All of the book")),
h("div.actions", {}, button("Cancel", ()=>box.close(), {kind: "quiet"}), button("Export", ()=>{
const query=new URLSearchParams(isAll?{}:filter);
query.set("format", format);
query.set("sort", sort);
download(`${base(book)}?${query}`, `${book||"contacts"}.${FORMATS[format][2]}`);
box.close();
}, {kind: "primary", name: "export"})));
}
)file"},
{"icon.svg", R"file(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="3" y="2" width="26" height="28" rx="7" fill="#2f6152"/><rect x="3" y="2" width="6" height="28" rx="3" fill="#24493e"/><circle cx="18.5" cy="12.5" r="4" fill="#f3e9d7"/><path d="M11 24a7.5 7.5 0 0115 0z" fill="#f3e9d7"/></svg>
)file"},
};
// clang-format on

}  // namespace addrbook::detail
