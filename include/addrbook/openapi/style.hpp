/// The style of the API document's page.
#pragma once

#include <string_view>

namespace addrbook::detail {

// A change needs another hash, below.
constexpr std::string_view page_style = R"css(
:root{color-scheme:light dark;--ground:#fbfaf7;--sheet:#fff;--ink:#24262b;--soft:#666b75;
--line:#e4e1d9;--code:#f4f2ec;--accent:#2d5f8b;--get:#2d5f8b;--post:#2f6b3f;--put:#7a5310;
--patch:#6a4a8a;--delete:#a03a34}
@media (prefers-color-scheme:dark){:root{--ground:#16181c;--sheet:#1d2025;--ink:#e3e4e8;
--soft:#a0a5b0;--line:#31353d;--code:#14161a;--accent:#8fbce6;--get:#8fbce6;--post:#8fcf9f;
--put:#e0b566;--patch:#c4a3e6;--delete:#f0958d}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--ink);
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header{max-width:54rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:3.5rem}
main{padding-bottom:5rem}
h1{font-size:2rem;line-height:1.2;font-weight:600;letter-spacing:-.015em;margin:0 0 .75rem}
h2{font-size:1.25rem;font-weight:600;margin:3.5rem 0 1rem}
h3{font-size:1.05rem;font-weight:600;margin:0}
h4{font-size:.8rem;font-weight:600;letter-spacing:.04em;text-transform:uppercase;
color:var(--soft);margin:1.5rem 0 .35rem}
p{margin:.6rem 0}
a{color:var(--accent);text-underline-offset:.2em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}
code{background:var(--code);border-radius:3px;padding:.1em .3em;overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:6px;margin:.35rem 0;
padding:.7rem .9rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
pre code{background:none;padding:0;user-select:all}
nav ul{list-style:none;margin:0;padding:0;display:grid;gap:.1rem}
nav a{display:flex;gap:.75rem;align-items:baseline;padding:.2rem .35rem;margin:0 -.35rem;
border-radius:4px;text-decoration:none;color:inherit}
nav a:hover{background:var(--code)}
nav .what{color:var(--soft);margin-left:auto;text-align:right}
section.operation{background:var(--sheet);border:1px solid var(--line);border-radius:8px;
padding:1.25rem 1.4rem;margin:1rem 0}
section.operation:target{border-color:var(--accent)}
.target{display:flex;gap:.75rem;align-items:baseline;margin-bottom:.35rem}
.method{flex:none;min-width:4.2rem;font:600 .8rem/1.6 ui-monospace,SFMono-Regular,Menlo,monospace}
.get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}
.delete{color:var(--delete)}
.path{font-size:.9rem;background:none;padding:0}
dl{margin:0;display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.3rem 1.25rem}
dt{overflow-wrap:anywhere}
dd{margin:0;color:var(--ink)}
.soft{color:var(--soft);font-size:.9em}
summary{cursor:pointer;color:var(--soft);font-size:.9rem;margin-top:1.25rem}
details dl{margin-top:.6rem}
@media (max-width:40rem){header{padding-top:2rem}nav .what{display:none}
dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}section.operation{padding:1rem}}
@media print{section.operation{break-inside:avoid}}
)css";

/// What the page may load: nothing but its own style, which is known by its hash, and its icon,
/// which is empty.
constexpr std::string_view document_policy =
    "default-src 'none'; "
    "style-src 'sha256-5Xvuu3BiX/WZ9bMI+LrF0xSj63WzMwnJ5+3lId8eqf4='; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace addrbook::detail
