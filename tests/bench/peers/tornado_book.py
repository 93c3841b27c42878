"""A book of contacts in memory, with Tornado.

Usage: tornado_book.py [FILE of contacts to begin with, a line of JSON each]
"""

import asyncio
import json
import sys
import uuid

import tornado.httpserver
import tornado.netutil
import tornado.web

book = {}


def add(address):
    address_id = uuid.uuid4().hex
    book[address_id] = address
    return address_id


class All(tornado.web.RequestHandler):
    def get(self):
        self.write(book)

    def post(self):
        address_id = add(json.loads(self.request.body))
        self.set_status(201)
        self.set_header("Location", "/addresses/" + address_id)


class One(tornado.web.RequestHandler):
    def prepare(self):
        if self.path_args[0] not in book:
            raise tornado.web.HTTPError(404)

    def get(self, address_id):
        self.write(book[address_id])

    def put(self, address_id):
        book[address_id] = json.loads(self.request.body)
        self.set_status(204)

    def delete(self, address_id):
        del book[address_id]
        self.set_status(204)


async def main():
    application = tornado.web.Application(
        [("/addresses", All), ("/addresses/([^/]+)", One)], log_function=lambda handler: None
    )
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1", backlog=1024)
    tornado.httpserver.HTTPServer(application).add_sockets(sockets)
    print("Serving on http://127.0.0.1:%d ..." % sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if len(sys.argv) > 1:
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            add(json.loads(line))
asyncio.run(main())
