"""A real nginx with the declared gateway configuration, in front of an origin that a test scripts."""

import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from app.caching_policy import Policy
from components.gateway import config
from components.gateway.settings import GatewaySettings
from components.kubernetes import flows
from testing.servers import end
from testing.waits import eventually, own_address


@dataclass(frozen=True)
class StubResponse:
    """The response of the scripted origin."""

    body: str = "ok"
    status: int = 200
    headers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """A tuple stands for several header lines of one name."""
    delay: float = 0  # s before the response
    missing: int = 0  # bytes of Content-Length that are never sent


@dataclass(frozen=True)
class Seen:
    """A request as the origin received it."""

    method: str
    target: str
    headers: Mapping[str, str]


class Origin:
    """An HTTP server that responds with `answer(seen)` and records its requests."""

    def __init__(self, address: str) -> None:
        self.answer: Callable[[Seen], StubResponse] = lambda _: StubResponse()
        self.seen: list[Seen] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                if not origin.running:  # a kept connection outlives the listening socket
                    self.close_connection = True
                    return
                seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
                origin.seen.append(seen)
                answer = origin.answer(seen)
                time.sleep(answer.delay)
                body = answer.body.encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    for line in (value,) if isinstance(value, str) else value:
                        self.send_header(name, line)
                self.send_header("Content-Length", str(len(body) + answer.missing))
                self.close_connection = bool(answer.missing)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server_class = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 512, "daemon_threads": True})
        self._handler = Handler
        self._address = address
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = self._server_class((self._address, self.port), self._handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def running(self) -> bool:
        return self._server is not None

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@dataclass
class Gateway:
    """The running gateway and its origins."""

    address: str
    api: Origin
    storefront: Origin
    client: httpx.Client
    directory: Path

    def get(self, target: str, **headers: str) -> httpx.Response:
        return self.client.get(
            f"http://{self.address}:{flows.GATEWAY_PORT}{target}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def purge(self, **what: object) -> httpx.Response:
        return self.client.post(f"http://{self.address}:{flows.GATEWAY_PURGE_PORT}/purge", content=json.dumps(what))

    def metrics(self) -> str:
        return self.client.get(f"http://{self.address}:{flows.GATEWAY_METRICS_PORT}/metrics").text


def write_files(directory: Path, files: Mapping[str, str], *, address: str, api: str, storefront: str) -> Path:
    """The declared files, at `directory` instead of the pod's mount points. Returns nginx.conf's path."""
    for name in ("etc", "run", "cache", "tmp"):
        (directory / name).mkdir(exist_ok=True)
    here = {"/etc/gateway": "etc", "/run/gateway": "run", "/var/cache/gateway": "cache", "/tmp": "tmp"}
    mounts = re.compile("|".join(here))
    for name, text in files.items():
        moved = mounts.sub(lambda found: f"{directory}/{here[found[0]]}", text)
        (directory / "etc" / name).write_text(moved)
    conf = (directory / "etc" / "nginx.conf").read_text()
    for name, value in (("@POD_IP@", address), ("@API@", api), ("@STOREFRONT@", storefront)):
        conf = conf.replace(name, value)
    if os.geteuid() == 0:  # else nginx's workers would run as nobody, who may not write here
        conf = "user root;\n" + conf
    path = directory / "run" / "nginx.conf"
    path.write_text(conf)
    return path


@contextlib.contextmanager
def running_gateway(
    directory: Path,
    policy: Policy,
    settings: GatewaySettings,
    *,
    api_address: str | None = None,
    address: str | None = None,
    edge_cidrs: Sequence[str] = ("127.0.0.0/8",),
) -> Generator[Gateway]:
    """The gateway on a loopback address of its own, until the block ends; `api_address` is that of a real API."""
    address = address or own_address()
    api, storefront = Origin(address), Origin(address)
    conf = write_files(
        directory,
        config.files(settings, policy, edge_cidrs=edge_cidrs),
        address=address,
        api=api_address or f"{address}:{api.port}",
        storefront=f"{address}:{storefront.port}",
    )
    log = (directory / "nginx.log").open("w")
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(conf)], stdout=log, stderr=log)
    try:
        # Each request is a visitor's own: a client that kept cookies would sign in whoever comes after.
        nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        with httpx.Client(timeout=20, trust_env=False, cookies=nobodys) as client:
            gateway = Gateway(address, api, storefront, client, directory)

            def answers() -> httpx.Response:
                assert process.poll() is None, (directory / "nginx.log").read_text()
                return client.get(f"http://{address}:{flows.GATEWAY_METRICS_PORT}/healthz")

            eventually(answers, "the gateway answers")
            yield gateway
    finally:
        end(process)
        api.stop()
        storefront.stop()
