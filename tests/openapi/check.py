#!/usr/bin/env python3
"""tests/openapi/check.py FOLDER [SERVER]

Compares what tests have recorded (tests/support/exchanges.hpp) with the API documents of the mounts
that answered: status, header fields, content type and body of each answer must be as the document
says; what a query has that was answered 2xx must be in the document, too. SERVER is the server
program: it is started for the documents of the processes that tests have started. The exit status is
0 if there is no contradiction.
"""
import collections
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zlib

try:
    import jsonschema
except ImportError:  # Debian has it for its own Python
    if sys.executable == "/usr/bin/python3":
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

# What a server says of the connection, not of the answer, and what httplib adds to a HEAD.
OF_CONNECTION = {"date", "connection", "keep-alive", "content-length", "transfer-encoding",
                 "content-type", "server", "accept-ranges"}
# What every answer of a mount has: without any of it an answer is the program's or the server's own.
OF_MOUNT = {"x-request-id", "cache-control", "x-content-type-options"}
# A server may refuse these before the request comes to a route: see `info` of a document.
OF_SERVER = {400, 408, 414, 431, 501, 505}


class Document:
    """An API document, ready to compare answers with."""

    def __init__(self, text, lie=None):
        self.json = json.loads(text)
        if lie:
            lie(self.json)
        self.operations = []
        for path, item in self.json["paths"].items():
            self.operations.append((re.compile(self.pattern(path, item)), path, item))
        self.operations.sort(key=lambda each: each[1].count("{"))
        self.root = min(self.json["paths"], key=len).split("/{")[0]
        self.has_books = any("{book}" in path for path in self.json["paths"])
        self.validators = {}

    def resolve(self, part):
        while "$ref" in part:
            target = self.json
            for step in part["$ref"][2:].split("/"):
                target = target[step]
            part = target
        return part

    def pattern(self, path, item):
        operation = next(iter(item.values()))
        for each in operation["parameters"]:
            parameter = self.resolve(each)
            if parameter["in"] == "path":
                name, schema = parameter["name"], parameter["schema"]
                part = schema["pattern"].strip("^$")
                path = path.replace("{%s}" % name, "(?:%s)" % part)
        return path.replace("/_openapi.json", r"/_openapi\.json") + "/?$"

    def find(self, exchange):
        if self.has_books and "%2f" in exchange.target.split("?")[0].lower():
            return None, None  # a %2F is part of a name, and does not divide the path
        path = exchange.path
        return next(((name, item) for form, name, item in self.operations if form.match(path)),
                    (None, None))

    def faults_of(self, value, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {"allOf": [schema], "components": self.json["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        error = next(self.validators[key].iter_errors(value), None)
        return None if error is None else "%s at %s" % (error.message[:300], error.json_path)


class Exchange:
    def __init__(self, fields):
        (self.port, self.method, self.target, asked, status, answered, self.body, state) = fields
        self.port, self.method, asked, answered = (
            each.decode("utf-8", "replace") for each in (self.port, self.method, asked, answered))
        self.target = self.target.decode("utf-8", "surrogateescape")
        self.path = urllib.parse.unquote(self.target.split("?")[0], errors="surrogateescape")
        self.status = int(status)
        self.is_whole = state == b"whole"
        self.asked = self.read(asked)
        self.answered = self.read(answered)

    @staticmethod
    def read(text):
        fields = collections.defaultdict(list)
        for line in text.split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                fields[name.strip().lower()].append(value.strip())
        return fields

    def text(self):
        coding = self.answered.get("content-encoding", [""])[0]
        if coding == "gzip":
            return gzip.decompress(self.body)
        return zlib.decompress(self.body) if coding == "deflate" else self.body


def fault_in(document, exchange, counts):
    """Says what contradicts the document; None if nothing does."""
    # The hooks of mount_test.cpp say so, and may answer something else.
    if "x-host" in exchange.answered or not OF_MOUNT & set(exchange.answered):
        counts["not of a mount"] += 1
        return None
    path, item = document.find(exchange)
    method = "get" if exchange.method == "HEAD" else exchange.method.lower()
    status = exchange.status
    if path is None:
        counts["of no path"] += 1
        if status < 400 and not (method == "options" and status == 204):
            return "answers a path that is not in the document"
        return None
    if method not in item or exchange.method != exchange.method.upper():
        counts["of no method"] += 1
        allow = exchange.answered.get("allow", [""])[0]
        known = sorted({"OPTIONS"} | {each.upper() for each in item} |
                       ({"HEAD"} if "get" in item else set()))
        if status in (204, 405) and allow and allow != ", ".join(known):
            return "Allow is %s, in the document are %s" % (allow, ", ".join(known))
        if status < 400 and method != "options":
            return "answers a method that is not in the document"
        return None
    operation = item[method]
    if str(status) not in operation["responses"]:
        if status in OF_SERVER:
            counts["refused by the server"] += 1
            return None
        return "this status is not in the document"
    counts["checked"] += 1
    counts["%s %s" % (operation["operationId"], status)] += 1
    response = document.resolve(operation["responses"][str(status)])
    return (fault_of_fields(document, response, exchange)
            or fault_of_body(document, response, exchange, counts)
            or fault_of_query(document, operation, exchange))


def fault_of_fields(document, response, exchange):
    known = set()
    for name, header in response.get("headers", {}).items():
        header = document.resolve(header)
        known.add(name.lower())
        values = exchange.answered.get(name.lower(), [])
        if header.get("required") and not values:
            return "has no %s" % name
        for value in values:
            fault = document.faults_of(value, header["schema"])
            if fault:
                return "%s: %s" % (name, fault)
    unknown = set(exchange.answered) - known - OF_CONNECTION
    return "has %s, which is not in the document" % ", ".join(sorted(unknown)) if unknown else None


def fault_of_body(document, response, exchange, counts):
    content = response.get("content", {})
    given = exchange.answered.get("content-type", [""])[0]
    media_type = given.split(";")[0].strip().lower()
    if not given:
        if content and exchange.status != 201:
            return "has no Content-Type"
        return "has a body without a Content-Type" if exchange.body else None
    if media_type not in content:
        return "Content-Type %s is not in the document" % media_type
    if exchange.method == "HEAD" or not exchange.is_whole:
        return None
    text = exchange.text()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return None
    try:
        value = json.loads(text.decode("utf-8"))
    except ValueError as error:
        return "the body is no JSON: %s" % error
    counts["bodies"] += 1
    return document.faults_of(value, content[media_type].get("schema", {}))


def fault_of_query(document, operation, exchange):
    if exchange.status >= 300:
        return None
    parameters = [document.resolve(each) for each in operation["parameters"]]
    schemas = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    query = urllib.parse.parse_qsl(exchange.target.partition("?")[2], keep_blank_values=True)
    for name, value in query:
        if name not in schemas:
            return "takes the parameter %s, which is not in the document" % name
        schema = schemas[name].get("items", schemas[name])
        if schema.get("type") == "integer" and re.fullmatch("[0-9]+", value):
            value = int(value)
        if schema.get("type") == "boolean" and value in ("true", "false"):
            value = value == "true"
        fault = document.faults_of(value, schema)
        if fault:
            return "takes %s, which the document refuses: %s" % (name, fault)
    return None


def document_of_process(server, variables):
    """Asks a server program with the same variables for its document; None without one."""
    lines = variables.decode().split("\n")
    if any(line.startswith("option ") and "prefix" in line for line in lines):
        return None
    wanted = ("ADDRBOOK_HTTP_", "ADDRBOOK_BOOKS_", "ADDRBOOK_AUTH_")
    settings = dict(line.split("=", 1) for line in lines if line.startswith(wanted))
    prefix = settings.get("ADDRBOOK_HTTP_PREFIX") or "/addresses"
    hosts = settings.get("ADDRBOOK_HTTP_ALLOWED_HOSTS", "").split(",")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("ADDRBOOK_")}
    environment.update(settings, ADDRBOOK_STORAGE_MEMORY="", ADDRBOOK_HTTP_PORT="0")
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [server, "--port", "0"], cwd=folder, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True) as process:
        try:
            found = re.search(r"on (http://\S+)", process.stdout.readline())
            if not found:
                return None
            request = urllib.request.Request(
                found[1] + prefix.split("/{")[0] + "/_openapi.json",
                headers={"Host": hosts[0]} if hosts[0] else {})
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            return Document(opener.open(request, timeout=10).read())
        except OSError:
            return None
        finally:
            process.terminate()


def check(file, server, counts, lie=None):
    """Finds the contradictions of a file. A lie changes each document: then there must be some."""
    documents, of_process = [], {}
    mounts = collections.defaultdict(list)  # by server
    ports = {}
    for line in file.open():
        kind, *fields = line.rstrip("\n").split("\t")
        fields = [bytes.fromhex(field) for field in fields]
        if kind == "document":
            documents.append(Document(fields[0], lie))
        elif kind == "mount":
            name, document = fields[0], documents[int(fields[1])]
            mounts[name].append(document)
            mounts[b""].append(document)
        elif kind == "port":
            # Another server may be at the same place later.
            ports[fields[1].decode()] = mounts.pop(fields[0], [])
        elif kind == "process" and server:
            port, variables = fields
            if variables not in of_process:
                of_process[variables] = document_of_process(server, variables)
            document = of_process[variables]
            ports[port.decode()] = [document] if document else []
        elif kind == "exchange":
            exchange = Exchange(fields)
            candidates = ports.get(exchange.port, mounts[b""])
            fitting = [each for each in candidates
                       if (exchange.path + "/").startswith(each.root + "/")]
            if not fitting:
                counts["of no document"] += 1
                continue
            document = max(reversed(fitting), key=lambda each: len(each.root))
            fault = fault_in(document, exchange, counts)
            if fault:
                yield (exchange.method, document.find(exchange)[0], exchange.status, fault,
                       exchange.target[:100])


def remove_statuses(document):
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"] = {"599": {"description": "", "headers": {}}}


def require_another_code(document):
    document["components"]["schemas"]["Error"]["properties"]["code"]["maximum"] = 399


def rename_a_field(document):
    document["components"]["headers"]["ETag"]["schema"]["pattern"] = "^none$"


def forget_a_field(document):
    for response in document["components"]["responses"].values():
        response["headers"].pop("X-Request-Id", None)


def rename_a_type(document):
    for response in document["components"]["responses"].values():
        response["content"] = {"text/plain": {}}


def forget_the_formats(document):
    for item in document["paths"].values():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter.get("name") == "format":
                parameter["schema"]["enum"] = ["none"]


LIES = (remove_statuses, require_another_code, rename_a_field, forget_a_field, rename_a_type,
        forget_the_formats)


def main():
    folder = pathlib.Path(sys.argv[1])
    server = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
    counts = collections.Counter()
    faults = []
    files = sorted(folder.glob("*.exchanges"), key=lambda file: file.stat().st_size)
    for file in files:
        faults += [(file.stem, *fault) for fault in check(file, server, counts)]
    with_documents = [file for file in files if file.open().read(9) == "document\t"]
    unseen = [lie.__name__ for lie in LIES if with_documents and
              not any(fault for file in with_documents
                      for fault in check(file, None, collections.Counter(), lie))]
    if os.environ.get("VERBOSE"):
        for name, count in sorted(counts.items()):
            print("%8d %s" % (count, name))
    kinds = collections.defaultdict(list)
    for *kind, target in faults:
        kinds[tuple(kind)].append(target)
    for (name, method, path, status, fault), targets in kinds.items():
        print("%s: %s %s -> %d, %d times, e.g. %s: %s" % (name, method, path, status, len(targets),
                                                          targets[0], fault))
    print("%d answers were compared with their API document, %d contradict it" %
          (counts["checked"], len(faults)))
    if counts["checked"] < 100:
        print("That is too few: do the tests record what they exchange?")
    if unseen:
        print("Documents that were changed were not found to be wrong: %s" % ", ".join(unseen))
    return 1 if faults or unseen or counts["checked"] < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
