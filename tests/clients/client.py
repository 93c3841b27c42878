"""client.py http.client|requests CASE URL: what Python's clients see of the server.

Exits with 1 and says why if an answer is not the right one, or none comes. The case `lengthless`
sends POSTs without a length until it gets SIGTERM: company for the case `posts` of others.
"""
import http.client
import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.parse

BOOK = "/addresses"
ADDRESS = json.dumps({"name": "Ada Lovelace", "phone": "555-0100"}).encode()
JSON = {"Content-Type": "application/json"}
TIMEOUT = 20


class HttpClient:
    """http.client: one connection, opened again when an answer says that it ends."""

    def __init__(self, url):
        place = urllib.parse.urlsplit(url)
        if place.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
            self.connection = http.client.HTTPSConnection(place.netloc, timeout=TIMEOUT, context=context)
        else:
            self.connection = http.client.HTTPConnection(place.netloc, timeout=TIMEOUT)

    def ask(self, method, path, headers=None, body=None):
        try:
            self.connection.request(method, path, body, headers or {})
            return self.answer()
        except Exception:
            self.connection.close()
            raise

    def late(self, method, path, chunked):
        try:
            self.connection.putrequest(method, path)
            if chunked:
                self.connection.putheader("Transfer-Encoding", "chunked")
            else:
                self.connection.putheader("Content-Length", "5")
            self.connection.endheaders()
            time.sleep(0.003)
            self.connection.send(b"5\r\nlater\r\n0\r\n\r\n" if chunked else b"later")
            return self.answer()
        except Exception:
            self.connection.close()
            raise

    def lengthless(self):
        try:
            self.connection.putrequest("POST", BOOK)
            self.connection.endheaders()
            return self.answer()
        except Exception:
            self.connection.close()
            raise

    def answer(self):
        response = self.connection.getresponse()
        body = response.read()
        return response.status, response.headers, body


class Requests:
    """requests: a Session, which keeps connections."""

    def __init__(self, url):
        import requests

        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = os.environ["CERTIFICATE"]

    def ask(self, method, path, headers=None, body=None):
        response = self.session.request(method, self.url + path, headers=headers, data=body, timeout=TIMEOUT)
        return response.status_code, response.headers, response.content

    def late(self, method, path, chunked):
        def pieces():
            time.sleep(0.003)
            yield b"later"

        class Reader:
            """A body of known length."""

            def __len__(self):
                return 5

            def __init__(self):
                self.left = b"later"

            def read(self, size=-1):
                time.sleep(0.003)
                piece, self.left = self.left, b""
                return piece

        return self.ask(method, path, body=pieces() if chunked else Reader())


def expect(status, answer):
    if answer[0] != status:
        raise AssertionError("%d, expected %d: %s" % (answer[0], status, answer[2][:200].decode()))
    return answer


def repeat(times, make, work):
    """Does work(client, number) `times` times, by four threads with a client each."""
    failures = []
    numbers = iter(range(times))
    lock = threading.Lock()

    def run():
        client = make()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                work(client, number)
            except Exception as error:  # whatever a client throws is a failure
                failures.append("request %d: %s: %s" % (number, type(error).__name__, error))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(failures, times)


def report(failures, times):
    if failures:
        sys.exit("%d of %d failed:\n%s" % (len(failures), times, "\n".join(failures[:3])))


def mix(make):
    def work(client, number):
        one = expect(201, client.ask("POST", BOOK, JSON, ADDRESS))[1]["Location"]
        expect(200, client.ask("GET", one))
        expect(204, client.ask("PUT", one, JSON, ADDRESS))
        expect(200, client.ask("HEAD", one))
        expect(400, client.ask("POST", BOOK, JSON, b"{"))
        expect(204, client.ask("DELETE", one))
        expect(404, client.ask("GET", one))

    repeat(60, make, work)


def late(make):
    """Bodies that the answer doesn't need, and that arrive after their head."""
    asked = [
        (200, "GET", BOOK),
        (200, "GET", BOOK + "/_health"),
        (200, "HEAD", BOOK),
        (204, "OPTIONS", BOOK),
        (404, "DELETE", BOOK + "/nobody"),
        (405, "PATCH", BOOK),
        (404, "GET", "/nowhere"),
        (404, "DELETE", "/nowhere"),
        (404, "POST", "/nowhere"),
    ]

    def work(client, number):
        status, method, path = asked[number % len(asked)]
        try:
            expect(status, client.late(method, path, number % 2 == 1))
        except Exception as error:
            raise AssertionError("%s %s: %s %s" % (method, path, type(error).__name__, error)) from error

    repeat(20 * len(asked), make, work)


def posts(make):
    repeat(400, make, lambda client, number: expect(201, client.ask("POST", BOOK, JSON, ADDRESS)))


def pieces():
    for _ in range(50):
        yield b"x" * 1024 * 1024


def large(make):
    """A body of 50 MiB, which the server refuses. Each on a connection of its own: a proxy may end
    one without a word when an answer comes before the end of the body."""
    expect(413, make().ask("POST", BOOK, JSON, b"x" * 50 * 1024 * 1024))
    expect(413, make().ask("POST", BOOK, JSON, pieces()))


def lengthless(make):
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    failures = []
    counts = []

    def run():
        client = make()
        count = 0
        while not ending.is_set():
            count += 1
            try:
                expect(411, client.lengthless())
            except Exception as error:
                failures.append("%s: %s" % (type(error).__name__, error))
        counts.append(count)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    print("started", flush=True)
    ending.wait(60)
    ending.set()
    for thread in threads:
        thread.join()
    report(failures, sum(counts))


def main():
    library, case, url = sys.argv[1:]
    make = {"http.client": HttpClient, "requests": Requests}[library]
    cases = {"mix": mix, "late": late, "posts": posts, "large": large, "lengthless": lengthless}
    try:
        cases[case](lambda: make(url))
    except Exception as error:
        sys.exit("%s: %s" % (type(error).__name__, error))


main()
