"""A book of contacts in memory, with FastAPI, served by uvicorn with uvloop and httptools.

Usage: fastapi_book.py [FILE of contacts to begin with, a line of JSON each]

Handlers return a Response, as FastAPI's documentation advises for speed: what they return otherwise
is copied by jsonable_encoder first, which makes the list many times as slow.
"""

import json
import socket
import sys
import uuid
from typing import Any, Dict

import uvicorn
from fastapi import Body, FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse

book: Dict[str, Dict[str, Any]] = {}
app = FastAPI()


def add(address):
    address_id = uuid.uuid4().hex
    book[address_id] = address
    return address_id


def known(address_id):
    if address_id not in book:
        raise HTTPException(status_code=404)
    return address_id


@app.get("/addresses")
async def read_all():
    return JSONResponse(book)


@app.post("/addresses")
async def create(address: Dict[str, Any] = Body()):
    return Response(status_code=201, headers={"Location": "/addresses/" + add(address)})


@app.get("/addresses/{address_id}")
async def read(address_id: str):
    return JSONResponse(book[known(address_id)])


@app.put("/addresses/{address_id}")
async def replace(address_id: str, address: Dict[str, Any] = Body()):
    book[known(address_id)] = address
    return Response(status_code=204)


@app.delete("/addresses/{address_id}")
async def remove(address_id: str):
    del book[known(address_id)]
    return Response(status_code=204)


if len(sys.argv) > 1:
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            add(json.loads(line))
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print("Serving on http://127.0.0.1:%d ..." % listener.getsockname()[1], flush=True)
config = uvicorn.Config(
    app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="warning"
)
uvicorn.Server(config).run(sockets=[listener])
