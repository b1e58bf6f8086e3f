"""The port for operators: metrics of the process and, for the worker, its probes.

It has its own thread, so that it answers while the event loop is busy.
"""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

Probe = Callable[[], bool]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

NOT_FOUND: Final = "there are /metrics, /health and /ready"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes and probes are not worth a line each."""


class OperationsServer:
    """Serves from `start` to `stop`; `healthy` answers the probes."""

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        *,
        healthy: Probe = lambda: True,
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._probes = {"/health": healthy, "/ready": healthy}
        self._server: WSGIServer = make_server(host, port, self._answer, handler_class=_Quiet)
        self._thread = Thread(target=self._server.serve_forever, name="operations", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._metrics(environ, start_response)
        probe = self._probes.get(path)
        if probe is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [NOT_FOUND.encode()]
        good = probe()
        start_response("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok" if good else b"unavailable"]
