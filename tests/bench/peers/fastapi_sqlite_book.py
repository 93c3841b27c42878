"""A book of contacts in a SQLite file, with FastAPI, served by uvicorn with uvloop and httptools.

Usage: fastapi_sqlite_book.py [FILE of contacts to begin with, a line of JSON each]

Makes a file of its own in the working directory. What it answers to a write is on the disk. Handlers
use the connection in the event loop: SQLite has one writer at a time, so that threads would only add
to the work.
"""

import json
import os
import socket
import sqlite3
import sys
import tempfile
import uuid
from typing import Any, Dict

import uvicorn
from fastapi import Body, FastAPI, HTTPException, Response

handle, file = tempfile.mkstemp(suffix=".db", dir=".")
os.close(handle)
book = sqlite3.connect(file, isolation_level=None)
book.execute("PRAGMA journal_mode = WAL")
book.execute("PRAGMA synchronous = FULL")
book.execute(
    "CREATE TABLE addresses (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, document TEXT NOT NULL)"
)
app = FastAPI()


def add(document):
    address_id = uuid.uuid4().hex
    book.execute("INSERT INTO addresses (id, document) VALUES (?, ?)", (address_id, document))
    return address_id


def json_response(text):
    return Response(text, media_type="application/json")


def change(statement, values):
    if book.execute(statement, values).rowcount == 0:
        raise HTTPException(status_code=404)
    return Response(status_code=204)


@app.get("/addresses")
async def read_all():
    rows = book.execute("SELECT id, document FROM addresses ORDER BY number")
    return json_response("{" + ",".join('"%s":%s' % row for row in rows) + "}")


@app.post("/addresses")
async def create(address: Dict[str, Any] = Body()):
    return Response(status_code=201, headers={"Location": "/addresses/" + add(json.dumps(address))})


@app.get("/addresses/{address_id}")
async def read(address_id: str):
    row = book.execute("SELECT document FROM addresses WHERE id = ?", (address_id,)).fetchone()
    if row is None:
        raise HTTPException(status_code=404)
    return json_response(row[0])


@app.put("/addresses/{address_id}")
async def replace(address_id: str, address: Dict[str, Any] = Body()):
    return change("UPDATE addresses SET document = ? WHERE id = ?", (json.dumps(address), address_id))


@app.delete("/addresses/{address_id}")
async def remove(address_id: str):
    return change("DELETE FROM addresses WHERE id = ?", (address_id,))


if len(sys.argv) > 1:
    book.execute("BEGIN")
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            add(line.strip())
    book.execute("COMMIT")
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print("Serving on http://127.0.0.1:%d ..." % listener.getsockname()[1], flush=True)
config = uvicorn.Config(
    app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="warning"
)
uvicorn.Server(config).run(sockets=[listener])
