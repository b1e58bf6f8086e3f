"""The stand-in for the edge before an origin that answers as it is told: real Varnishes, on their own ports."""

import contextlib
import re
import subprocess
from collections.abc import Generator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import psutil

from explain.zone import OriginResponse, Request
from local.edge.pods import HERE, PORTS, varnish
from local.edge.vcl import COUNTRY_HEADER
from testing.servers import process
from testing.waits import eventually

DEVICES: Final = {
    "desktop": "Mozilla/5.0 (X11; Linux)",
    "mobile": "Mozilla/5.0 (iPhone; Mobile)",
    "tablet": "Mozilla (iPad)",
}


class Origin(ThreadingHTTPServer):
    """Answers as `answers` says for a host, and remembers the headers that it was asked with."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HERE, port), _Asked)
        self.answers: dict[str, OriginResponse] = {}
        self.asked: dict[str, list[dict[str, str]]] = {}


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = self.server.asked.setdefault(host, [])
        asked.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.server.answers[host]
        body = f"answer {len(asked)}".encode()
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


class Edge:
    """A running place of the edge and its upper tier, before an origin."""

    def __init__(self, origin: Origin, directory: Path, places: Mapping[str, psutil.Process]) -> None:
        """`directory` is the first place's own, `places` their processes."""
        self.origin = origin
        self.places = places
        self.directory = directory

    def ask(self, request: Request, place: str = "eu") -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer."""
        connection = HTTPConnection(HERE, PORTS[place], timeout=30)
        try:
            target = request.path + (f"?{request.query}" if request.query else "")
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            headers = {
                "Host": request.host,
                "User-Agent": DEVICES[request.device],
                COUNTRY_HEADER: request.country,
                **request.headers,
                **({"Content-Length": "0"} if request.method in ("POST", "PUT") else {}),
            }
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read().decode(),
            )
        finally:
            connection.close()

    def lifetimes(self, host: str) -> list[tuple[int, int]]:
        """(fresh, stale) in seconds, as Varnish has noted them when it kept answers of a host."""
        noted = subprocess.run(
            [
                "varnishlog",
                "-n",
                str(self.directory),
                "-d",
                "-g",
                "vxid",
                "-q",
                f'BereqHeader ~ "Host: {host}$"',
                "-i",
                "TTL",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return [(round(float(a)), round(float(b))) for a, b in re.findall(r"TTL +VCL (\S+) (\S+)", noted)]


@contextlib.contextmanager
def running_place(directory: Path, name: str, program: str) -> Generator[psutil.Process]:
    """A place's Varnish, with its files in `directory`."""
    file, log = directory / f"{name}.vcl", directory / f"{name}.log"
    file.write_text(program)
    with process(varnish(name, str(directory / name), str(file)), {}, log) as running:

        def answers() -> bool:
            connection = HTTPConnection(HERE, PORTS[name], timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/edge-health")
                return connection.getresponse().status == 204

        try:
            eventually(answers, f"the place {name} answers")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}") from error
        yield running
