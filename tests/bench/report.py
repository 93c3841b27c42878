"""Makes a table of results.json, and puts it into a page."""

import json
import pathlib
import statistics
import sys
import textwrap

BEGIN = "<!-- written by tests/bench/run.sh: begin -->"
END = "<!-- written by tests/bench/run.sh: end -->"


def number(value, digits=3):
    """At least three digits: 1,234 or 12.3."""
    whole = len(str(int(abs(value))))
    return format(value, ",.%df" % max(0, digits - whole))


def spread(runs):
    """@returns  half of the distance between the lowest and the highest run, in % of the median"""
    return 50 * (max(runs) - min(runs)) / statistics.median(runs)


def cell(result, scale=1.0):
    text = number(result["median"] * scale)
    if len(result["runs"]) > 1:
        text += " ±%.0f%%" % spread(result["runs"])
    return text


def rows_of(results):
    yield [
        "Server", "GET/s", "CPU, us", "PUT/s", "CPU, us", "POST/s", "CPU, us", "list, ms", "CPU, ms",
        "search/s", "CPU, us", "import/s",
    ]
    for server in results["servers"]:
        found = server["results"]
        row = [server["name"]]
        for workload in "get", "put", "post", "list", "search":
            if workload not in found:
                row += ["-", "-"]
                continue
            is_list = workload == "list"
            text = cell(found[workload], 1000.0 if is_list else 1.0)
            if workload in ("put", "post") and server["keeps"] != "disk":
                text += " ¹"
            if workload == "search" and server["keeps"] == "memory":
                text += " ²"
            row += [text, number(found[workload]["cpu_us"] / (1000.0 if is_list else 1.0))]
        imported = found.get("import")
        row.append((cell(imported) + (" ³" if "one_by_one" in imported else "")) if imported else "-")
        yield row


def table_of(results):
    rows = list(rows_of(results))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for index, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [text.rjust(width) for text, width in zip(row[1:], widths[1:])]
        lines.append("| " + " | ".join(cells) + " |")
        if index == 0:
            lines.append("|-" + "-" * widths[0] + "-|-" + ":|-".join("-" * each for each in widths[1:]) + ":|")
    return "\n".join(lines)


def text_of(results):
    """@returns  what the page has between its markers"""
    found = {each["key"]: each["results"] for each in results["servers"]}
    again = [number(1000 * found[key]["list_again"]["median"]) for key in ("memory", "sqlite")]
    versions = ", ".join("%s %s" % item for item in results["versions"].items())
    on = results["machine"]
    measured = (
        f'{results["date"]}, {on["cpu"]} ({on["cpus"]} CPUs), {on["system"]}, files on {on["disk"]}. '
        f'Medians; runs: {results["rounds"]}, of {results["seconds"]} s each; ± half of the distance from the '
        f'lowest to the highest. {versions}. The whole took {results["took_seconds"]} s.'
    )
    warning = "**A quick run, to see that it works. Not for quoting.**\n\n" if results["quick"] else ""
    return f"""{warning}{table_of(results)}

- ¹ In memory: lost when the process ends. The others answer when the data is on the disk.
- ² In {results["listed"]:,} contacts, one search after the other: each reads all of them.
- ³ One POST each, as in POST/s: it has no request that takes a file.
- The list has {results["listed"]:,} contacts, and is read after a PUT of one of them. Without that, addrbook
  has kept its text: {again[0]} ms from memory, {again[1]} ms from SQLite.
- The search is in {results["searched"]:,} contacts, the import of {results["imported"]:,}.
- No figure: the two at the top answer a GET only; the others but json-server can't search; the search in
  {results["searched"]:,} contacts is measured in one SQLite file, without TLS.

{textwrap.fill(measured, 104)}"""


def update_page(page, text):
    """Puts `text` between the markers of the page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("%s has no markers" % page)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    print(text_of(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))))
