"""The servers that compare.py measures: how they start, what they are asked, what they must answer."""

import ctypes
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failure(Exception):
    """Ends the run."""


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


def end_all():
    """Ends what runs, also from a signal handler that interrupts one of the functions above."""
    left = {process.pid for process in started if process.returncode is None}
    for number, seconds in (signal.SIGTERM, 5), (signal.SIGKILL, 5):
        for pid in left:
            os.kill(pid, number)
        give_up = time.monotonic() + seconds
        while left and time.monotonic() < give_up:
            for pid in list(left):
                try:
                    if os.waitpid(pid, os.WNOHANG)[0] == pid:
                        left.remove(pid)
                except ChildProcessError:
                    left.remove(pid)
            time.sleep(0.01)


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

    def __init__(self, key, name, keeps):
        self.key = key
        self.name = name
        self.keeps = keeps
        self.log = None  # the file of its standard error
        self.process = None
        self.targets = []  # its addresses, of which there is one in each book where there are many

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


class Yardstick(Server):
    """Answers a GET, and nothing else."""

    def command(self, bench, seed):
        return [bench.yardsticks, self.key, bench.work / (self.key + ".answer")]


class Addrbook(Server):
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
        lines.append("storage: {%s}" % ("sqlite: '%s'" % file if self.keeps == "disk" else "memory: "))
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
        for file in self.log.parent.glob(self.key + ".db*") if self.log else []:
            file.unlink()


class Peer(Server):
    can_search = False

    def __init__(self, key, name, program, keeps="memory"):
        super().__init__(key, name, keeps)
        self.program = program

    def command(self, bench, seed):
        runtime = bench.python if self.program.endswith(".py") else bench.node
        return [runtime, HERE / "peers" / self.program] + ([seed] if seed else [])


class JsonServer(Peer):
    """Has the id in the address, and a list of them."""

    can_search = True

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
    Peer("fastapi_sqlite", "FastAPI, SQLite", "fastapi_sqlite_book.py", "disk"),
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
    target = urllib.parse.urlsplit(fields["Location"]).path
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


def check_search(server, target, word, limit):
    """Whether a search finds something, `limit` at most, all of it with the word."""
    status, _, content = server.ask("GET", target)
    expect(server, "status of a search", status, 200)
    found = json.loads(content)
    expect(server, "whether %s finds something" % target, 0 < len(found) <= limit, True)
    for address in found:
        text = json.dumps(address)
        expect(server, "whether %s has %s" % (text, word), word.lower() in text.lower(), True)


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


def seconds_of(server, targets):
    """Asks for one after the other. @returns  from the first request to the last byte of an answer"""
    connection = server.connect()
    connection.connect()
    room = bytearray(1 << 20)
    begin = time.monotonic()
    for target in targets:
        connection.request("GET", target)
        answer = connection.getresponse()
        while answer.readinto(room):
            pass
        if answer.status != 200:
            raise server.failure("GET %s answers %d" % (target, answer.status))
    taken = time.monotonic() - begin
    connection.close()
    return taken
