"""Measures addrbook beside what bounds it and what people would otherwise build.

run.sh calls this, with everything built and installed. Each server runs on one CPU, the load on the
same one, this program on another if there is one. Servers of a workload are measured in turns, round
after round, so that a noisy machine troubles all alike. A server whose answers are not the ones
expected ends the run with status 1. All that was started ends with this program, whatever ends it.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import chart
import report
from servers import (
    ADDRBOOKS, PEERS, YARDSTICKS, Failure, Yardstick, check, check_search, cpu_seconds, end, end_all, expect,
    output_of, raw_answer, seconds_of, start,
)

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 64
SEARCH_CONNECTIONS = 8
SEED = 1000  # contacts of a book whose entries are read and written


class Scale:
    """How much is measured. What is quick shows that all of this works, and no more."""

    def __init__(self, quick, rounds, seconds):
        self.rounds = rounds or (1 if quick else 5)
        self.seconds = seconds or (1 if quick else 2)
        self.warms_up = not quick
        self.listed = 2_000 if quick else 100_000
        self.searched = 20_000 if quick else 1_000_000
        self.imported = 1_000 if quick else 10_000


def say(text):
    print(text, file=sys.stderr, flush=True)


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
        if not self.quick or sys.stderr.isatty():
            say("%4d s  %s" % (time.monotonic() - self.begin, text))

    def contacts(self, first, count):
        """@returns  a file of invented contacts, a line of JSON each"""
        file = self.work / ("contacts-%d-%d" % (first, count))
        if not file.exists():
            with open(file, "wb") as lines:
                process = start([self.yardsticks, "contacts", str(first), str(count)], stdout=lines)
                process.wait()
                end(process)
            if process.returncode != 0:
                raise Failure("yardsticks makes no contacts")
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
        for _ in range(500):
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
        """Measures servers in turns. Round 0 is for warmth, and does not count.

        @param run  (server, round) -> value, CPU seconds for each request, latencies or None
        """
        runs = {server.key: [] for server in servers}
        for number in range(0 if self.scale.warms_up else 1, self.scale.rounds + 1):
            self.note("%s, round %d of %d" % (workload, number, self.scale.rounds))
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
        seed = self.contacts(0, self.scale.listed)
        with open(seed, "rb") as lines:
            contact = lines.readline()
        with self.running(everyone, seed):

            def read_list(server, _):
                return (*self.timed(server, lambda: seconds_of(server, [server.base])), None)

            def read_changed_list(server, number):
                status, _, _ = server.ask("PUT", server.targets[number], contact)
                expect(server, "status of PUT", status in (200, 204), True)
                return read_list(server, number)

            self.measure("list", everyone, read_changed_list)
            self.measure("list_again", ADDRBOOKS, read_list)
            for peer in PEERS:
                if peer.can_search:
                    self.measure_searches(peer, "_limit", one_by_one=True)

    def measure_searches(self, server, limit, one_by_one=False):
        """The first 100 of those that have a family name.

        @param one_by_one  a search takes so long that a load would end in the middle of one
        """
        lines = self.contacts(0, SEED).read_bytes().splitlines()
        names = list({json.loads(line)["family"]: None for line in lines})
        targets = ["%s?q=%s&%s=100" % (server.base, name, limit) for name in names]
        for name, target in list(zip(names, targets))[:5]:
            check_search(server, target, name, 100)
        file = self.lines_file(server.key + ".searches", targets)

        def search_one_by_one(server, number):
            asked = targets[3 * number : 3 * number + 3]
            taken, cpu = self.timed(server, lambda: seconds_of(server, asked))
            return len(asked) / taken, cpu / len(asked), None

        self.measure("search", [server], search_one_by_one if one_by_one else lambda server, number: (
            self.load(server, number, "GET", file, connections=SEARCH_CONNECTIONS)))

    def measure_large_book(self):
        """Searches in more contacts than the peers can hold."""
        server = ADDRBOOKS[1]
        self.note("fill a file with %s contacts" % format(self.scale.searched, ","))
        contacts = start(
            [self.yardsticks, "contacts", "0", str(self.scale.searched)], stdout=subprocess.PIPE
        )
        output_of(
            server.command(self, None) + ["--import", "-", "--format", "ndjson"], stdin=contacts.stdout,
            stderr=subprocess.DEVNULL, cwd=self.work, env=self.environment,
        )
        end(contacts)
        with self.running([server], None):
            self.measure_searches(server, "limit")

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
        # What takes the most memory and room comes first: what fails should fail soon.
        self.measure_large_book()
        self.measure_lists()
        self.measure_requests()
        self.measure_imports()


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
    for name in "Tornado", "FastAPI", "uvicorn", "uvloop", "httptools":
        attribute = "version" if name == "Tornado" else "__version__"
        program = "import %s as module; print(module.%s)" % (name.lower(), attribute)
        found[name] = first_line(bench.python, "-c", program)
    for module, name in ("fastify", "Fastify"), ("json-server", "json-server"):
        found[name] = json.loads((node_modules / module / "package.json").read_bytes())["version"]
    # wrk -v ends with status 1
    text = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    found["wrk"] = re.search(r"\d+(\.\d+)+", text)[0]
    return found


def machine(bench):
    about = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", about, re.M)
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
    parser.add_argument("--page", type=pathlib.Path)
    for name in "python", "node":
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def clean_up(work):
    end_all()
    shutil.rmtree(work, ignore_errors=True)


def stop_on_signals(work):
    owner = os.getpid()

    def stop(number, _):
        # To raise is not enough: what is raised within a fork's callbacks is lost.
        if os.getpid() == owner:
            clean_up(work)
        os._exit(128 + number)

    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, stop)


def main():
    options = parse()
    stop_on_signals(options.work)
    options.work.mkdir(parents=True)
    bench = Bench(options)
    status = 0
    try:
        os.sched_setaffinity(0, bench.own_cpus)
        free = shutil.disk_usage(bench.work).free
        if not bench.quick and free < 4 << 30:
            raise Failure("%s has %d MiB free, and 4 GiB are needed" % (bench.work, free >> 20))
        if not bench.quick and os.getloadavg()[0] > 0.5:
            say("Other programs are running (load: %.1f): what is measured is less than it could be."
                % os.getloadavg()[0])
        found = {
            "load_before": round(os.getloadavg()[0], 2),
            "versions": versions_of(bench, options.node_modules),
            "machine": machine(bench),
        }
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
        if options.page:
            report.update_page(options.page, text)
        print(text)
        say("In %s: results.json, chart.svg" % options.output)
    except Failure as failure:
        say("tests/bench/run.sh: %s" % failure)
        status = 1
    finally:
        clean_up(options.work)
    return status


if __name__ == "__main__":
    sys.exit(main())
