"""contacts.py URL: whether what is exported is read by others as it is meant.

Brings invented contacts into the book, takes them out as vCards 3.0 and as CSV, and has these read by
vobject and by Python's csv: they must find the names, e-mail addresses and phones of the JSON list.
"""
import csv
import io
import json
import sys
import urllib.request

import vobject

CONTACTS = [
    {"name": "Ada Example", "email": "ada@example.com", "phone": "+1 555 555 0100"},
    {"name": "Comma, Colon: Semicolon; Backslash \\ and \\n", "emails": ["a,b@example.com"]},
    {"name": 'A "quoted" name, \'twice\'', "phones": ["555-0101", "555-0102", "555-0103"]},
    {"name": "Line\nbreak", "phones": ["+43 1 555 0104"], "label": "x,y"},
    {"name": "Örs Übermäßig-Straße", "emails": ["oers@example.com", "ö@example.com"]},
    {"name": "Emoji 😀👩‍👩‍👧 Ωmega 日本語 " + "long " * 40 + "end", "phone": "555 0105"},
    {"uid": "mine, and \"quoted\"", "first_name": "Given", "last_name": "Fam;ily", "company": "X, Inc."},
    {"@type": "Card", "version": "1.0", "uid": "urn:uuid:00000000-0000-4000-8000-000000000001",
     "name": {"full": "Card, of JSContact", "components": [{"kind": "given", "value": "Card,"}]},
     "emails": {"e1": {"address": "card@example.com", "contexts": {"work": True}, "label": "Büro, 2. Stock"}},
     "phones": {f"p{i}": {"number": f"+1 555 555 02{i:02}", "features": {"mobile": True}} for i in range(1, 8)},
     "notes": {"n1": {"note": "Two\r\nlines, \"and\" a\ttab"}}},
    {"name": "No mail, no phone"},
]


def ask(url, method="GET", body=None):
    request = urllib.request.Request(url, body, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode("utf-8")


def of_list(address):
    """The name, e-mail addresses and phones of an address of each form above."""

    def values(plural, single, member):
        many = address.get(plural, [])
        many = [each[member] for each in many.values()] if isinstance(many, dict) else list(many)
        return many + ([address[single]] if single in address else [])

    name = address.get("name") or f'{address["first_name"]} {address["last_name"]}'
    return (name["full"] if isinstance(name, dict) else name,
            values("emails", "email", "address"), values("phones", "phone", "number"))


def of_vcards(text):
    for card in vobject.readComponents(text):
        yield (card.fn.value, [each.value for each in card.contents.get("email", [])],
               [each.value for each in card.contents.get("tel", [])])


def of_csv(text):
    for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
        def values(what):
            cells = [row[f"{what} {i} - Value"] for i in range(1, 6)]
            return [value for cell in cells for value in cell.split(" ::: ") if value]

        other = json.loads(row["Other"] or "{}")  # what has no column
        yield (row["Name"], values("E-mail"),
               [each["number"] for each in other["phones"].values()] if "phones" in other else values("Phone"))


def main(url):
    book = url + "/addresses"
    report = json.loads(ask(book + "?format=json", "POST", json.dumps(CONTACTS).encode()))
    if report["created"] != len(CONTACTS):
        sys.exit(f"not all came in: {report}")
    expected = [of_list(address) for address in json.loads(ask(book)).values()]
    if len(expected) != len(CONTACTS):
        sys.exit(f"the list has {len(expected)} contacts of {len(CONTACTS)}")
    readers = {"vobject": of_vcards(ask(book + "?format=vcf&version=3.0")),
               "csv": of_csv(ask(book + "?format=csv"))}
    for reader, contacts in readers.items():
        found = list(contacts)
        if found != expected:
            wrong = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
            sys.exit(f"{reader} reads {len(found)} contacts, not {len(expected)}, or others: {wrong[:3]}")


main(sys.argv[1])
