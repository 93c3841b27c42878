"""Measures addrbook beside what bounds it and what people would otherwise build.

run.sh calls this, with everything built and installed. Each server runs on one CPU, the load on the
same one, this program on another if there is one. Servers of a workload are measured in turns, round
after round, so that a noisy machine troubles all alike. A server whose answers are not the ones
expected ends the run with status 1. All that was started ends with this program, whatever ends it.
"""

import argparse
import concurrent.futures
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time

import chart
import report

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 64
SEARCH_CONNECTIONS = 8
BOOKS = 1000
SEED = 1000  # contacts of a book whose entries are read and written
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failure(Exception):
    """Ends the run."""


class Scale:
    """How much is measured. What is quick shows that all of this works, and no more."""

    def __init__(self, quick, rounds, seconds):
        self.rounds = rounds or (1 if quick else 5)
        self.seconds = seconds or (1 if quick else 2)
        self.warms_up = not quick
        self.listed = 2_000 if quick else 100_000
        self.searched = 20_000 if quick else 1_000_000
        self.searched_by_peers = self.listed
        self.imported = 1_000 if quick else 10_000


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- Processes

started = []


def start(command, cpu=None, stdin=subprocess.DEVNULL, **options):
    """Starts a process that ends with this one. @returns  the Popen"""

    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    process = subprocess.Popen(command, preexec_fn=prepare, stdin=stdin, **options)
    started.append(process)
    return process


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()
    started.remove(process)


def output_of(command, **options):
    """@returns  what a process writes to standard output"""
    process = start(command, stdout=subprocess.PIPE, text=True, **options)
    if "stdin" in options:
        options["stdin"].close()  # or the process that fills it does not see that this one has ended
    try:
        text = process.communicate()[0]
    finally:
        end(process)
    if process.returncode != 0:
        raise Failure("%s ended with status %d" % (" ".join(map(str, command)), process.returncode))
    return text


def cpu_seconds(pid):
    """CPU time of a process with all of its threads: see CPUCLOCK_SCHED of the kernel."""
    return time.clock_gettime((~pid << 3) | 2)


# --- Servers


class Server:
    """One of those that are compared.

    keeps     'disk': what it answers to a write is on the disk; 'memory'; or 'nothing'
    base      of its addresses
    """

    base = "/addresses"
    is_tls = False
    many_books = False
    searches = False

    def __init__(self, key, name, keeps):
        self.key = key
        self.name = name
        self.keeps = keeps
        self.process = None
        self.targets = []

    def command(self, bench, seed):
        raise NotImplementedError

    def run(self, bench, seed):
        """@param seed  a file of contacts to begin with, or None"""
        self.log = bench.work / (self.key + ".log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = start(
                self.command(bench, seed), bench.cpu, stdout=subprocess.PIPE, stderr=log, cwd=bench.work,
                text=True, env=bench.environment,
            )
        line = self.process.stdout.readline()
        found = re.search(r"on https?://[^ ]*:(\d+)", line)
        if not found:
            raise self.failure("does not start: " + line)
        self.port = int(found[1])
        self.url = "%s://127.0.0.1:%d" % ("https" if self.is_tls else "http", self.port)

    def failure(self, what):
        log = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        return Failure("%s: %s\n%s" % (self.name, what, log))

    def stop(self):
        if self.process:
            end(self.process)
            self.process = None

    def connect(self):
        if not self.is_tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=120, context=context)

    def ask(self, method, target, body=None, kind="application/json", connection=None):
        """@returns  status, fields and body of the answer"""
        own = connection or self.connect()
        own.request(method, target, body, {"Content-Type": kind} if body is not None else {})
        answer = own.getresponse()
        content = answer.read()
        if not connection:
            own.close()
        return answer.status, answer.headers, content

    def address_in(self, value):
        """@returns  of the JSON of one address what was sent"""
        return value

    def addresses_in(self, value):
        """@returns  of the JSON of the list: {id: address}, in order"""
        return value

    def path_of(self, location):
        return location[location.index("/", 8) if "://" in location else 0 :]


class Yardstick(Server):
    """Answers a GET, and nothing else."""

    def command(self, bench, seed):
        return [bench.yardsticks, self.key, bench.work / (self.key + ".answer")]


class Addrbook(Server):
    searches = True

    def __init__(self, key, name, is_tls=False, many_books=False):
        super().__init__(key, name, "memory" if key == "memory" else "disk")
        self.is_tls = is_tls
        self.many_books = many_books
        if many_books:
            self.base = "/books/user-0/addresses"

    def settings(self, bench):
        """@returns  the name of a file with them: the defaults but for the log"""
        file = bench.work / (self.key + ".db")
        lines = ["logging: {level: warning}", "service: {max_entries: 0}"]
        lines.append("storage: {%s}" % ("memory: " if self.keeps == "memory" else "sqlite: '%s'" % file))
        if self.many_books:
            lines.append("books: {create_on_write: true}")
            lines.append("http: {port: 0, prefix: '/books/{book}/addresses'}")
        else:
            lines.append("http: {port: 0}")
        if self.is_tls:
            lines.append("tls: {certificate: certificate.pem, key: key.pem}")
        settings = bench.work / (self.key + ".yaml")
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return settings

    def command(self, bench, seed):
        return [bench.server, "--config", self.settings(bench)]

    def run(self, bench, seed):
        super().run(bench, seed)
        if seed:
            self.bring_in(seed.read_bytes())

    def bring_in(self, lines):
        """@returns  seconds that it took"""
        begin = time.monotonic()
        status, _, content = self.ask(
            "POST", self.base + "?format=ndjson&partial=true", lines, "application/x-ndjson"
        )
        taken = time.monotonic() - begin
        count = lines.count(b"\n")
        if status != 200 or json.loads(content)["created"] != count:
            raise self.failure("an import of %d contacts answers %d: %r" % (count, status, content[:500]))
        return taken

    def stop(self):
        super().stop()
        for file in self.log.parent.glob(self.key + ".db*") if hasattr(self, "log") else []:
            file.unlink()


class Peer(Server):
    def __init__(self, key, name, program):
        super().__init__(key, name, "memory")
        self.program = program

    def command(self, bench, seed):
        runtime = bench.python if self.program.endswith(".py") else bench.node
        return [runtime, HERE / "peers" / self.program] + ([seed] if seed else [])


class JsonServer(Peer):
    """Has the id in the address, and a list of them."""

    searches = True

    def address_in(self, value):
        return {name: member for name, member in value.items() if name != "id"}

    def addresses_in(self, value):
        return {str(each["id"]): self.address_in(each) for each in value}


YARDSTICKS = [
    Yardstick("loop", "a bare epoll loop, the limit", "nothing"),
    Yardstick("constant", "httplib::Server, a constant", "nothing"),
]
ADDRBOOKS = [
    Addrbook("memory", "addrbook, memory"),
    Addrbook("sqlite", "addrbook, SQLite"),
    Addrbook("tls", "addrbook, SQLite, TLS", is_tls=True),
    Addrbook("books", "addrbook, SQLite, 1,000 books", many_books=True),
]
PEERS = [
    Peer("fastify", "Fastify", "fastify_book.js"),
    Peer("tornado", "Tornado", "tornado_book.py"),
    Peer("fastapi", "FastAPI, uvicorn", "fastapi_book.py"),
    JsonServer("json_server", "json-server", "json_server_book.js"),
]


# --- What the answers must be


def expect(server, what, found, wanted):
    if found != wanted:
        raise server.failure("%s is %.300r, and should be %.300r" % (what, found, wanted))


def check(server, contacts):
    """One address through its life, and the list of all of them. @param contacts  what it holds"""
    first, second = {**contacts[0], "name": "Ada Example"}, {**contacts[-1], "labels": ["né", "\u4f60"]}
    connection = server.connect()

    def ask(method, target, address=None):
        body = None if address is None else json.dumps(address, ensure_ascii=False).encode()
        return server.ask(method, target, body, connection=connection)

    status, fields, _ = ask("POST", server.base, first)
    expect(server, "status of POST", status, 201)
    target = server.path_of(fields["Location"])
    for address in first, second:
        if address is second:
            expect(server, "status of PUT", ask("PUT", target, second)[0] in (200, 204), True)
        status, fields, content = ask("GET", target)
        expect(server, "status of GET", status, 200)
        expect(server, "type of GET", fields.get_content_type(), "application/json")
        expect(server, "answer of GET", server.address_in(json.loads(content)), address)
    expect(server, "status of DELETE", ask("DELETE", target)[0] in (200, 204), True)
    expect(server, "status of GET after DELETE", ask("GET", target)[0], 404)
    status, _, content = ask("GET", server.base)
    expect(server, "status of the list", status, 200)
    listed = server.addresses_in(json.loads(content))
    expect(server, "length of the list", len(listed), len(contacts))
    for found, wanted in zip(listed.values(), contacts):
        expect(server, "an address of the list", found, wanted)
    connection.close()
    return [server.base + "/" + each for each in listed]


def check_search(server, query, limit):
    """@returns  how many are found, `limit` at most"""
    status, _, content = server.ask("GET", query)
    expect(server, "status of a search", status, 200)
    found = json.loads(content)
    if isinstance(server, Addrbook):
        found = [each["address"] for each in found]
    word = query.partition("q=")[2].partition("&")[0].lower()
    for address in found:
        text = json.dumps(address).lower()
        expect(server, "whether %r has %r" % (text, word), word in text, True)
    if not 0 < len(found) <= limit:
        raise server.failure("%s finds %d" % (query, len(found)))


# --- The benchmark


def raw_answer(server, target):
    """@returns  the bytes of an answer that has a Content-Length"""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target).encode())
        answer = b""
        while True:
            head, end_of_head, body = answer.partition(b"\r\n\r\n")
            size = re.search(rb"(?i)\r\nContent-Length: *(\d+)", head)
            if end_of_head and len(body) >= int(size[1]):
                return answer
            answer += connection.recv(65536)


def read_all(server, connection):
    """@returns  seconds from the request of the list to its last byte"""
    begin = time.monotonic()
    connection.request("GET", server.base)
    answer = connection.getresponse()
    room = bytearray(1 << 20)
    size = 0
    while True:
        received = answer.readinto(room)
        if not received:
            break
        size += received
    taken = time.monotonic() - begin
    if answer.status != 200 or size < 1000:
        raise server.failure("the list has status %d and %d bytes" % (answer.status, size))
    return taken



class Bench:
    def __init__(self, options):
        self.scale = Scale(options.quick, options.rounds, options.seconds)
        self.quick = options.quick
        self.output = options.output
        self.work = options.work
        self.yardsticks = options.tree / "tests/bench/yardsticks"
        self.server = options.tree / "examples/addrbook-server"
        self.python = options.python
        self.node = options.node
        cpus = sorted(os.sched_getaffinity(0))
        self.cpu = cpus[-1]
        self.own_cpus = set(cpus[:-1]) or {self.cpu}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ADDRBOOK_")
        }
        self.environment.update(NODE_PATH=str(options.node_modules), NODE_ENV="production")
        self.results = {}
        self.repeated = 0
        self.begin = time.monotonic()

    def note(self, text):
        say("%4d s  %s" % (time.monotonic() - self.begin, text))

    def contacts(self, first, count):
        """@returns  a file of invented contacts, a line of JSON each"""
        file = self.work / ("contacts-%d-%d" % (first, count))
        if not file.exists():
            with open(file, "wb") as lines:
                status = start([self.yardsticks, "contacts", str(first), str(count)], stdout=lines)
                status.wait()
                end(status)
                if status.returncode != 0:
                    raise Failure("no contacts")
        return file

    def lines_file(self, name, lines):
        file = self.work / name
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return file

    @contextlib.contextmanager
    def running(self, servers, seed):
        """Starts servers, each with the same contacts, and checks what they answer."""
        contacts = [json.loads(line) for line in seed.read_bytes().splitlines()] if seed else []
        try:
            for server in servers:
                self.note("start " + server.name)
                server.run(self, seed)
                if contacts and not isinstance(server, Yardstick):
                    server.targets = check(server, contacts)
            yield
        finally:
            for server in servers:
                server.stop()

    def prepare_yardsticks(self, model, contact):
        """Writes what they answer: as the server `model` does to a GET of `contact`, and `contact`."""
        (self.work / "loop.answer").write_bytes(raw_answer(model, model.targets[0]))
        (self.work / "constant.answer").write_bytes(contact)

    def fill_books(self, server, contacts):
        """A book for each contact."""

        def put(item):
            number, contact = item
            status, fields, _ = server.ask("POST", "/books/user-%d/addresses" % number, contact)
            expect(server, "status of POST to a book", status, 201)
            return fields["Location"]

        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            server.targets = list(threads.map(put, enumerate(contacts)))

    # What is measured

    def load(self, server, number, method, targets, bodies=None, connections=CONNECTIONS):
        """One run of wrk. @returns  requests/s, CPU seconds per request, latencies in us"""
        seconds = self.scale.seconds if number else 1
        command = [
            "wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout", "60s",
            "-s", HERE / "wrk.lua", server.url, "--", method, targets,
        ] + ([bodies] if bodies else [])
        for is_last in False, False, True:
            cpu = cpu_seconds(server.process.pid)
            text = output_of(command, cpu=self.cpu)
            cpu = cpu_seconds(server.process.pid) - cpu
            found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$", text, re.M)
            if not found:
                raise server.failure("wrk says: " + text)
            requests, duration, faults, median, slow = map(int, found.groups())
            self.settle(server)
            if faults == 0 and requests > 0:
                return requests * 1e6 / duration, cpu / requests, (median, slow)
            if is_last or server.process.poll() is not None:
                raise server.failure("%s has faults: %s" % (method, text))
            self.repeated += 1
            say("        %s: %d faults, once more" % (server.name, faults))

    def settle(self, server):
        """Waits until a server has done what the end of the load left to it."""
        before = cpu_seconds(server.process.pid)
        for _ in range(100):
            time.sleep(0.02)
            now = cpu_seconds(server.process.pid)
            if now - before < 0.001:
                return
            before = now

    def timed(self, server, action):
        """Runs `action` on the servers' CPU. @returns  its seconds, the server's CPU seconds"""
        os.sched_setaffinity(0, {self.cpu})
        try:
            cpu = cpu_seconds(server.process.pid)
            taken = action()
            return taken, cpu_seconds(server.process.pid) - cpu
        finally:
            os.sched_setaffinity(0, self.own_cpus)

    def measure(self, workload, servers, run):
        """@param run  (server, round) -> value, CPU seconds, latencies or None; round 0 is for warmth"""
        runs = {server.key: [] for server in servers}
        for number in range(0 if self.scale.warms_up else 1, self.scale.rounds + 1):
            self.note("%s: %s" % (workload, "round %d of %d" % (number, self.scale.rounds) if number else "warm up"))
            for server in servers:
                measured = run(server, number)
                if number:
                    runs[server.key].append(measured)
        for key, measured in runs.items():
            result = {
                "runs": [round(each[0], 6) for each in measured],
                "median": round(statistics.median(each[0] for each in measured), 6),
                "cpu_us": round(statistics.median(each[1] for each in measured) * 1e6, 2),
            }
            latencies = [each[2] for each in measured if each[2]]
            if latencies:
                result["p50_us"] = statistics.median(each[0] for each in latencies)
                result["p99_us"] = statistics.median(each[1] for each in latencies)
            self.results.setdefault(key, {})[workload] = result

    def measure_requests(self):
        """GET and PUT of one, and POST, in books of 1,000 contacts."""
        seed = self.contacts(0, SEED)
        contacts = seed.read_bytes().splitlines()
        bodies = self.contacts(10_000_000, 2 * SEED)
        everyone = YARDSTICKS + ADDRBOOKS + PEERS
        writable = ADDRBOOKS + PEERS
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.running(writable, seed))
            self.prepare_yardsticks(ADDRBOOKS[0], contacts[0])
            stack.enter_context(self.running(YARDSTICKS, None))
            for yardstick in YARDSTICKS:
                yardstick.targets = ADDRBOOKS[0].targets
                content = yardstick.ask("GET", yardstick.targets[0])[2]
                expect(yardstick, "answer of GET", json.loads(content), json.loads(contacts[0]))
            self.fill_books(ADDRBOOKS[-1], contacts)
            entries, bases = {}, {}
            for server in everyone:
                targets = random.Random(1).sample(server.targets, len(server.targets))
                entries[server.key] = self.lines_file(server.key + ".entries", targets)
                targets = [each.rpartition("/")[0] for each in targets]
                bases[server.key] = self.lines_file(server.key + ".bases", targets)
            self.measure("get", everyone, lambda server, number: self.load(
                server, number, "GET", entries[server.key]))
            self.measure("put", writable, lambda server, number: self.load(
                server, number, "PUT", entries[server.key], bodies))
            self.measure("post", writable, lambda server, number: self.load(
                server, number, "POST", bases[server.key], bodies))

    def measure_lists(self):
        """All of a large book, and searches of the one that can search besides us."""
        everyone = ADDRBOOKS + PEERS
        with self.running(everyone, self.contacts(0, self.scale.listed)):

            def read_list(server, _):
                connection = server.connect()
                connection.connect()
                taken, cpu = self.timed(server, lambda: read_all(server, connection))
                connection.close()
                return taken, cpu, None

            self.measure("list", everyone, read_list)
            self.measure_searches([PEERS[-1]], "&_limit=100")

    def measure_searches(self, servers, limit):
        """The first 100 of those that have a family name."""
        lines = self.contacts(0, SEED).read_bytes().splitlines()
        names = sorted({json.loads(line)["family"] for line in lines})
        for server in servers:
            targets = [server.base + "?q=" + name + limit for name in names]
            for target in targets[:5]:
                check_search(server, target, 100)
            file = self.lines_file(server.key + ".searches", random.Random(1).sample(targets, len(targets)))
            self.measure("search", [server], lambda server, number: self.load(
                server, number, "GET", file, connections=SEARCH_CONNECTIONS))

    def measure_large_book(self):
        """Searches in more contacts than the peers can hold."""
        server = ADDRBOOKS[1]
        self.note("fill a file with %s contacts" % format(self.scale.searched, ","))
        contacts = start(
            [self.yardsticks, "contacts", "0", str(self.scale.searched)], stdout=subprocess.PIPE
        )
        importer = server.command(self, None) + ["--import", "-", "--format", "ndjson"]
        output_of(importer, stdin=contacts.stdout, stderr=subprocess.DEVNULL, cwd=self.work, env=self.environment)
        end(contacts)
        with self.running([server], None):
            self.measure_searches([server], "&limit=100")

    def measure_imports(self):
        """Files of contacts; for those that have no such request, what they take one by one."""
        with self.running(ADDRBOOKS, self.contacts(0, SEED)):

            def bring_in(server, number):
                count = self.scale.imported
                lines = self.contacts((1 + number) * 1_000_000, count).read_bytes()
                taken, cpu = self.timed(server, lambda: server.bring_in(lines))
                return count / taken, cpu / count, None

            self.measure("import", ADDRBOOKS, bring_in)
        for peer in PEERS:
            self.results[peer.key]["import"] = {**self.results[peer.key]["post"], "one_by_one": True}

    def run(self):
        for part in (
            self.measure_requests, self.measure_imports, self.measure_lists, self.measure_large_book,
        ):
            part()



# --- The program


def make_certificate(bench):
    output_of(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem",
        ],
        cwd=bench.work, stderr=subprocess.DEVNULL,
    )


def first_line(*command):
    return output_of(command).splitlines()[0].strip()


def versions_of(bench, node_modules):
    found = {
        "addrbook": first_line(bench.server, "--version").split()[-1],
        "cpp-httplib": first_line(bench.yardsticks, "version"),
        "Python": first_line(bench.python, "-c", "import platform; print(platform.python_version())"),
        "Node.js": first_line(bench.node, "--version").lstrip("v"),
    }
    for module, name in ("tornado", "Tornado"), ("fastapi", "FastAPI"), ("uvicorn", "uvicorn"), (
        "uvloop", "uvloop"), ("httptools", "httptools"):
        attribute = "version" if module == "tornado" else "__version__"
        found[name] = first_line(bench.python, "-c", "import %s as m; print(m.%s)" % (module, attribute))
    for module, name in ("fastify", "Fastify"), ("json-server", "json-server"):
        found[name] = json.loads((node_modules / module / "package.json").read_bytes())["version"]
    # wrk -v ends with status 1
    text = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    found["wrk"] = re.search(r"\d+(\.\d+)+", text)[0]
    return found


def machine(bench):
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    disk = output_of(["df", "--output=fstype", bench.work]).split()[-1]
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "cpu": model[1] if model else platform.machine(),
        "cpus": os.cpu_count(),
        "system": "%s, Linux %s" % (system, platform.release().partition("-")[0]),
        "disk": disk,
    }


def parse():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    for name in "output", "work", "tree", "node-modules":
        parser.add_argument("--" + name, type=pathlib.Path, required=True)
    for name in "python", "node":
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def stop_on_signals():
    def stop(number, _):
        for each in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            signal.signal(each, signal.SIG_IGN)  # a second one must not stop the cleaning up
        sys.exit(128 + number)

    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, stop)


def main():
    options = parse()
    stop_on_signals()
    options.work.mkdir(parents=True)
    bench = Bench(options)
    status = 0
    try:
        os.sched_setaffinity(0, bench.own_cpus)
        free = shutil.disk_usage(bench.work).free
        if not bench.quick and free < 4 << 30:
            raise Failure("%s has %d MiB free, and 4 GiB are needed" % (bench.work, free >> 20))
        found = {"versions": versions_of(bench, options.node_modules), "machine": machine(bench)}
        if found["machine"]["disk"] == "tmpfs":
            say("The files are in memory: what is durable costs nothing here.")
        make_certificate(bench)
        bench.run()
        servers = [
            {"key": each.key, "name": each.name, "keeps": each.keeps, "results": bench.results[each.key]}
            for each in YARDSTICKS + ADDRBOOKS + PEERS
        ]
        results = {
            "quick": bench.quick,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "took_seconds": round(time.monotonic() - bench.begin),
            "rounds": bench.scale.rounds,
            "seconds": bench.scale.seconds,
            "connections": CONNECTIONS,
            "search_connections": SEARCH_CONNECTIONS,
            "listed": bench.scale.listed,
            "searched": bench.scale.searched,
            "imported": bench.scale.imported,
            "repeated_runs": bench.repeated,
            **found,
            "servers": servers,
        }
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "results.json").write_text(
            json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (options.output / "chart.svg").write_text(chart.draw(results), encoding="utf-8")
        text = report.text_of(results)
        report.write_page(HERE / "results/README.md", options.output / "README.md", text)
        print(text)
        say("In %s: README.md, results.json, chart.svg" % options.output)
    except Failure as failure:
        say("tests/bench/run.sh: %s" % failure)
        status = 1
    finally:
        for process in list(started):
            end(process)
        shutil.rmtree(bench.work, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
