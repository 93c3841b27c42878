"""What tests/metrics/run.sh does in Python.

  check.py traffic URL BOOKS_URL     makes each number of two servers move
  check.py names FILE... -- TEXT...  each metric and label that files name is in the texts
  check.py tests FILE... -- TEXT...  prints a test for promtool: each expression of the files finds
                                     something where the texts' numbers rise as they began
  check.py alarms PAGE RULES TESTS   the rules are the alarms of the page, which says of each what to
                                     do, and the tests for promtool have each ring and be quiet

A file is a dashboard (.json) or a page (.md) with sections `### What to watch` and `### Metrics`. An
expression there is code with the name of a metric and a call or a comparison.
"""

import concurrent.futures
import json
import re
import sys
import urllib.error
import urllib.request


def ask(url, method="GET", body=None, headers=None):
    data = body.encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def expect(status, *request, **more):
    answer = ask(*request, **more)
    if answer[0] != status:
        sys.exit(f"{request}: {answer[0]}, expected {status}: {answer[2]!r}")
    return answer


def traffic(url, books):
    json_type = {"Content-Type": "application/json"}
    home = url + "/addresses"
    place = expect(201, home, "POST", '{"name": "Ada"}', headers=json_type)[1]["Location"]
    for _ in range(3):
        expect(200, url + place)
    expect(204, url + place, "PUT", '{"name": "Ada Lovelace"}', headers=json_type)
    expect(400, home, "POST", '{"name":', headers=json_type)
    expect(415, home, "POST", "{}", headers={"Content-Type": "text/xml"})
    expect(405, home, "DELETE")
    expect(404, home + "/_nothing")
    expect(501, url + "/x", "TRACE")
    cards = "".join(f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Name {n}\r\nEND:VCARD\r\n" for n in range(50))
    expect(200, home + "?format=vcf", "POST", cards, headers={"Content-Type": "text/vcard"})
    expect(200, home + "?format=csv")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(expect, 201, home, "POST", '{"n": 1}', headers=json_type)
                     for _ in range(64)]:
            done.result()
    long = '{"note": "' + "x" * 1000 + '"}'
    for _ in range(400):
        ask(home, "POST", long, headers=json_type)
    for _ in range(3):
        expect(200, home)
    expect(200, home + "/_changes?limit=1")
    for n in range(120):
        expect(201, f"{books}/books/book{n}", "PUT")
    expect(201, books + "/books/book1/addresses", "POST", '{"name": "Bob"}', headers=json_type)
    print("ok")


def read(file):
    text = open(file, encoding="utf-8").read()
    if file.endswith(".json"):
        return text
    return section(text, "What to watch") + section(text, "Metrics")


def section(text, name):
    return re.search(rf"^### {name}$.*?(?=^##)", text, re.MULTILINE | re.DOTALL).group(0)


def alarms(page, rules, tests_of_rules):
    text = open(page, encoding="utf-8").read()
    shown = [(name, expression, time, summary) for name, summary, expression, time in re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| `([^`]+)` \| `(\w+)` \|$", section(text, "What to watch"), re.M)]
    ruled = re.findall(r"- alert: (\w+)\n +expr: '([^']+)'\n +for: (\w+)\n"
                       r" +annotations: \{summary: '([^']+)'\}\n", open(rules, encoding="utf-8").read())
    if shown != ruled or not shown:
        sys.exit(f"the alarms differ: {sorted(set(shown) ^ set(ruled))}")
    if len(ruled) != open(rules, encoding="utf-8").read().count("alert:"):
        sys.exit(f"{rules}: a rule has another form")
    what_to_do = section(text, "When an alarm rings")
    tested = open(tests_of_rules, encoding="utf-8").read()
    for name, *_, summary in ruled:
        if f"`{name}`" not in what_to_do:
            sys.exit(f"{page}: what to do about {name}?")
        cases = re.findall(rf"alertname: {name}, exp_alerts: (\[\]|\[\{{)", tested)
        if set(cases) != {"[]", "[{"}:
            sys.exit(f"{tests_of_rules}: {name} does not ring, or is never quiet")
    print(f"{len(ruled)} alarms")


def expressions(file):
    """The PromQL of a dashboard or a page."""
    text = read(file)
    if not file.endswith(".json"):
        found = [code for code in re.findall(r"`([^`\n]+)`", text)
                 if re.search(r"\(addrbook_|addrbook_.* > |^up\{", code)]
    else:
        found = [target["expr"] for panel in json.loads(text)["panels"]
                 for target in panel.get("targets", [])]
    if not found:
        sys.exit(file + ": no expressions")
    return [each.replace("\\|", "|") for each in found]


def names(files, texts):
    series = set()
    labels = {"job", "instance", "le"}
    for text in texts:
        for line in open(text, encoding="utf-8"):
            found = re.match(r"(addrbook_\w+)(?:\{(.*)\})? ", line)
            if found:
                series.add(found.group(1))
                labels.update(re.findall(r'(\w+)="', found.group(2) or ""))
    bad = []
    used = set()
    for file in files:
        for name in set(re.findall(r"addrbook_\w+", read(file))):
            used.add(name)
            if not any(re.fullmatch(name + "(_bucket|_sum|_count)?", each) for each in series):
                bad.append(f"{file}: there is no metric {name}")
        for expression in expressions(file):
            for names_of in re.findall(r"by \(([^)]*)\)|\{([^}]*)\}", expression):
                asked = re.findall(r"\w+", names_of[0]) + re.findall(r"(\w+)\s*(?:=|!=)", re.sub(
                    r'"[^"]*"', '""', names_of[1]))
                for label in asked:
                    if label not in labels:
                        bad.append(f"{file}: no metric has the label {label}: {expression}")
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in series}
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in used}
    for name in sorted(families - shown):
        bad.append(f"none of {', '.join(files)} has {name}")
    if bad:
        sys.exit("\n".join(bad))
    print(f"{len(used)} names")


def input_series(texts):
    for text in texts:
        kinds = {}
        yield f'up{{job="addrbook",instance="{text}"}}', "1+0x20"
        for line in open(text, encoding="utf-8"):
            if line.startswith("#"):
                words = line.split()
                kinds[words[2]] = words[3]
                continue
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)\n", line).groups()
            step = 0 if kinds.get(name) == "gauge" else value
            own = f'job="addrbook",instance="{text}"'
            yield f"{name}{{{labels + ',' if labels else ''}{own}}}", f"{value}+{step}x20"


def tests(files, texts):
    print("rule_files: []\ntests:\n- interval: 1m\n  input_series:")
    for series, values in input_series(texts):
        print(f"  - series: {json.dumps(series)}\n    values: {json.dumps(values)}")
    print("  promql_expr_test:")
    for file in files:
        for expression in expressions(file):
            plain = expression.replace("$__rate_interval", "5m").replace("$job", ".*")
            plain = re.sub(r" (>|==) [0-9.]+$", "", plain.replace("$instance", ".*"))
            print(f"  - expr: {json.dumps(f'count({plain}) > bool 0')}\n    eval_time: 15m\n"
                  "    exp_samples: [{labels: '{}', value: 1}]")


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command in ("traffic", "alarms"):
        {"traffic": traffic, "alarms": alarms}[command](*arguments)
    else:
        cut = arguments.index("--")
        {"names": names, "tests": tests}[command](arguments[:cut], arguments[cut + 1:])
