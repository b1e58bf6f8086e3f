"""The least a server can do: no routing, no rules, one response with our headers and content coding. MODE=memory,
MODE=at-once for memory before the event loop, or MODE=redis for one redis-py GET."""

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
END: dict[str, Any] = {"type": "http.response.body", "body": BODY}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await client.set("raw", BODY)
        if MODE == "at-once":
            from app.api.at_once import answer_at_once  # the others' environment has no granian

            answer_at_once(lambda _: (START, END))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await client.aclose()
        await send({"type": "lifespan.shutdown.complete"})
        return
    end = {"type": "http.response.body", "body": await client.get("raw")} if MODE == "redis" else END
    await send(START)
    await send(end)
