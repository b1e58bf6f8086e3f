"""What is answered at once needs no event loop: a real granian, an application that stands still, and a hit."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testing.servers import process
from testing.waits import PATIENCE, eventually, free_port, meanwhile

APPLICATION = f"""
import threading

from app.api.at_once import answer_at_once

stands, goes_on = threading.Event(), threading.Event()


def told(text):
    headers = [(b"content-length", str(len(text)).encode())]
    return (
        {{"type": "http.response.start", "status": 200, "headers": headers}},
        {{"type": "http.response.body", "body": text.encode()}},
    )


def hit(scope):
    if scope["path"] == "/broken":
        raise ValueError("broken")
    if scope["path"] == "/go-on":
        goes_on.set()
    return told(str(stands.is_set())) if scope["path"] in ("/stands", "/go-on") else None


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        answer_at_once(hit)
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    if scope["path"] == "/stand-still":
        stands.set()
        goes_on.wait({PATIENCE})
    for message in told("made"):
        await send(message)
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("server")
    (home / "standing_still.py").write_text(APPLICATION)
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "standing_still:app"]
    with process(command, {"PYTHONPATH": f"{home}{os.pathsep}{Path.cwd()}"}, home / "log"):
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: httpx.get(f"{address}/made").text == "made", "the server")
        yield address


def test_a_hit_is_answered_while_the_event_loop_stands_still(url: str) -> None:
    def ask(_: threading.Event) -> None:
        assert httpx.get(f"{url}/stand-still", timeout=2 * PATIENCE).text == "made"

    with meanwhile(ask):
        eventually(lambda: httpx.get(f"{url}/stands").text == "True", "a hit")
        assert httpx.get(f"{url}/go-on").text == "True"


def test_what_breaks_while_it_is_looked_for_is_answered_by_the_application(url: str) -> None:
    assert httpx.get(f"{url}/broken").text == "made"
