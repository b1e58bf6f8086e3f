"""The least a server can do: no routing, no rules, one answer, with the headers and in the coding that ours has. MODE=memory,
or MODE=redis for one redis-py GET."""

import json
import os
from pathlib import Path
from typing import Any

import redis.asyncio as redis

BODY = Path(os.environ["CODED"]).read_bytes()
MODE = os.environ["MODE"]
client = redis.Redis.from_url(os.environ["REDIS_URL"])
START: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        *((name.encode(), value.encode()) for name, value in json.loads(os.environ["HEADERS"])),
        (b"content-length", str(len(BODY)).encode()),
    ],
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await client.set("raw", BODY)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await client.aclose()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = BODY if MODE == "memory" else await client.get("raw")
    await send(START)
    await send({"type": "http.response.body", "body": body})
