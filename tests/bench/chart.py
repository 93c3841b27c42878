"""Draws results.json as bars: chart.py RESULTS >chart.svg

The picture has a ground of its own, and follows the reader's colour scheme, light or dark.
"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

import report

WIDTH, MARGIN, GAP = 940, 24, 28
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
NAME, VALUE = 196, 62  # widths of the columns beside the bars
TITLE, ROW, BAR = 46, 21, 13

STYLE = """
  svg { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .ground { fill: #ffffff; stroke: #d0d7de; }
  text { fill: #1f2328; }
  .title { font-weight: 600; font-size: 13px; }
  .small, .name { fill: #59636e; }
  .ours { fill: #0969da; }
  .peer { fill: #bc4c00; }
  .limit { fill: #8c959f; }
  .volatile { opacity: .45; }
  .spread { stroke: #1f2328; stroke-width: 1.2; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .small, .name { fill: #9198a1; }
    .ours { fill: #4493f8; }
    .peer { fill: #f0883e; }
    .limit { fill: #6e7681; }
    .spread { stroke: #f0f6fc; }
  }
"""


def kind_of(server):
    if server["keeps"] == "nothing":
        return "limit"
    return "ours" if server["name"].startswith("addrbook") else "peer"


def panel(results, left, top, workload, title, note):
    """@returns  the elements of a panel"""
    shown = [each for each in results["servers"] if workload in each["results"]]
    longest = max(max(each["results"][workload]["runs"]) for each in shown)
    room = PANEL - NAME - VALUE
    lines = [
        f'<text class="title" x="{left}" y="{top + 12}">{escape(title)}</text>',
        f'<text class="small" x="{left}" y="{top + 29}">{escape(note)}</text>',
    ]
    y = top + TITLE
    for server in shown:
        result = server["results"][workload]
        width = [max(1.0, room * each / longest) for each in (
            result["median"], min(result["runs"]), max(result["runs"]))]
        middle = y + BAR / 2
        kind = kind_of(server)
        if workload in ("put", "post", "import") and server["keeps"] != "disk":
            kind += " volatile"
        value = report.number(result["median"] * (1000 if workload == "list" else 1))
        lines.append(
            f'<text class="name" x="{left + NAME - 8}" y="{middle + 4}" text-anchor="end">'
            f'{escape(server["name"])}</text>'
            f'<rect class="{kind}" x="{left + NAME}" y="{y}" width="{width[0]:.1f}" height="{BAR}" rx="2"/>'
        )
        end = left + NAME + width[2]
        if width[2] - width[1] >= 1:
            lines.append(
                f'<path class="spread" d="M{left + NAME + width[1]:.1f} {middle}H{end:.1f}"/>'
            )
        lines.append(f'<text x="{end + 6:.1f}" y="{middle + 4}">{value}</text>')
        y += ROW
    return lines


def draw(results):
    """@returns  the text of an SVG file"""
    listed, searched, imported = (format(results[each], ",") for each in ("listed", "searched", "imported"))
    rate = f"requests/s, {results['connections']} connections"
    panels = [
        ("get", "GET of one contact", rate),
        ("put", "PUT of one contact", rate + "; pale: kept in memory only"),
        ("post", "POST of one contact", rate + "; pale: kept in memory only"),
        ("import", f"Import of {imported} contacts", "contacts/s; addrbook: a file, the others: one POST each"),
        ("list", f"All of {listed} contacts in one answer", "milliseconds: shorter is better"),
        ("search", "Search", f"requests/s; addrbook: in {searched} contacts, json-server: in {listed}"),
    ]
    lines = []
    top = 60
    for first in range(0, len(panels), 2):
        height = 0
        for column, (workload, title, note) in enumerate(panels[first : first + 2]):
            left = MARGIN + column * (PANEL + GAP)
            lines += panel(results, left, top, workload, title, note)
            count = sum(workload in each["results"] for each in results["servers"])
            height = max(height, TITLE + count * ROW)
        top += height + 22
    heading = "Server and load on one CPU" + (": quick, not for quoting" if results["quick"] else "")
    about = f"{results['machine']['cpu']}, {results['date']}; medians of {results['rounds']}, the line is the spread"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}"'
            f' viewBox="0 0 {WIDTH} {top}" role="img" aria-label="Bars: addrbook beside other servers">',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{top - 1}" rx="6"/>',
            f'<text class="title" x="{MARGIN}" y="28">{escape(heading)}</text>',
            f'<text class="small" x="{MARGIN}" y="45">{escape(about)}</text>',
            *lines,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    print(draw(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))), end="")
