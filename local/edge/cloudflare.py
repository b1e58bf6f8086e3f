"""The part of Cloudflare's API that the shop calls, in front of the Varnishes that stand for its edge: purges,
analytics.

Cloudflare's own Python SDK reads its responses to purges (tests/local/test_edge_places.py). Analytics follow the
GraphQL documentation, for the two queries of app/operations/cloudflare_analytics.py; they were never compared with
Cloudflare's, nor were error codes other than 10000. Standard library only: it runs as a pod's program.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_TAGS = 100
"""Tags of one purge: https://developers.cloudflare.com/cache/how-to/purge-cache/ ("100 operations per request")."""
LARGEST_BODY = 1 << 20
MINUTES = 75
"""How long traffic is kept: an exporter catches up on an hour."""
TIMES = 500
"""Times to first byte that are kept for each minute and country, for percentiles."""
FORMAT = "\t".join(
    ("%{Varnish:time_firstbyte}x", "%s", "%O", "%{CF-Cache-Status}o", "%{Content-Type}o", "%{CF-IPCountry}i")
)
VISITS = 'ReqMethod ne "PURGE" and ReqURL ne "/edge-health"'
SHORT_TYPES = {"javascript": "js", "svg+xml": "svg", "plain": "txt", "manifest+json": "json", "x-component": "bin"}
"""Cloudflare's names of content types, if they aren't the part after the slash."""


class Refused(Exception):
    """A call that Cloudflare would refuse: status, Cloudflare's code and its message."""

    def __init__(self, status: int, code: int, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


class Rate:
    """A plan's limit: `burst` calls at once, `per_second` in the long run."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """One call. Raises Refused."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
            self._at = now
            if self._left < 1:
                wait = (1 - self._left) / self._per_second
                raise Refused(429, 971, "the plan's limit of purges is reached", retry_after=wait)
            self._left -= 1


class Places:
    """The Varnishes, inner ones first, so that an outer one can only fetch fresh copies."""

    def __init__(self, addresses: Iterable[tuple[str, int]]) -> None:
        self._addresses = list(addresses)

    def purge(self, headers: Mapping[str, str]) -> None:
        """Purge all places. Raises Refused if one doesn't confirm."""
        for host, port in self._addresses:
            connection = http.client.HTTPConnection(host, port, timeout=5)
            try:
                connection.request("PURGE", "/", headers=dict(headers))
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                raise Refused(503, 0, f"the place at {host}:{port} doesn't answer: {error}") from None
            finally:
                connection.close()
            if answer.status != 200:
                raise Refused(503, 0, f"the place at {host}:{port} answered {answer.status}")


class Minute:
    """The requests that the places answered in one minute."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.requests: Counter[tuple[str, str, str, int]] = Counter()
        self.bytes: Counter[tuple[str, str, str, int]] = Counter()
        self.times: dict[str, list[float]] = {}


class Traffic:
    """The last minutes' requests of all places, from their logs."""

    def __init__(self, directories: Iterable[str]) -> None:
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._readers: dict[str, subprocess.Popen[str]] = {}
        for directory in directories:
            threading.Thread(target=self._follow, args=(directory,), daemon=True).start()

    def close(self) -> None:
        """End the readers of the logs."""
        self._closed.set()
        for reader in self._readers.values():
            reader.terminate()

    def _follow(self, directory: str) -> None:
        command = ["stdbuf", "-oL", "varnishncsa", "-n", directory, "-F", FORMAT, "-q", VISITS]
        while not self._closed.is_set():
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as log:
                self._readers[directory] = log
                for line in log.stdout or ():
                    with contextlib.suppress(ValueError):
                        self.add(time.time(), line)
            self._closed.wait(1)  # until the Varnish is there, or there again

    def add(self, at: float, line: str) -> None:
        """A request that was answered at `at`, in `FORMAT`. Raises ValueError for a line that isn't whole."""
        first_byte, status, sent, cache, kind, country = line.rstrip("\n").split("\t")
        number = int(at // 60)
        name = kind.partition(";")[0].rpartition("/")[2].strip().lower()
        group = (cache.lower(), country, SHORT_TYPES.get(name, name), int(status))
        took = float(first_byte) * 1000
        with self._lock:
            if not self._minutes or self._minutes[-1].number < number:
                self._minutes.append(Minute(number))
            minute = self._minutes[-1]
            minute.requests[group] += 1
            minute.bytes[group] += int(sent)
            times = minute.times.setdefault(country, [])
            if len(times) < TIMES:
                times.append(took)

    def groups(self, wanted: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
        """`httpRequestsAdaptiveGroups` with count, bytes and four dimensions."""
        requests: Counter[tuple[str, str, str, int]] = Counter()
        sent: Counter[tuple[str, str, str, int]] = Counter()
        with self._lock:
            for minute in self._within(wanted):
                requests.update(minute.requests)
                sent.update(minute.bytes)
        return [
            {
                "count": count,
                "sum": {"edgeResponseBytes": sent[group]},
                "dimensions": {
                    "cacheStatus": group[0],
                    "clientCountryName": group[1],
                    "edgeResponseContentTypeName": group[2],
                    "edgeResponseStatus": group[3],
                },
            }
            for group, count in requests.most_common(limit)
        ]

    def quantiles(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The same with percentiles of the time to first byte, milliseconds, of some countries or of all others."""
        some, others = wanted.get("clientCountryName_in"), wanted.get("clientCountryName_notin", ())
        with self._lock:
            times = sorted(
                took
                for minute in self._within(wanted)
                for country, found in minute.times.items()
                if (country in some if some is not None else country not in others)
                for took in found
            )
        if not times:
            return []
        at = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
        return [
            {
                "count": len(times),
                "quantiles": {
                    f"edgeTimeToFirstByteMs{name}": times[min(len(times) - 1, int(len(times) * share))]
                    for name, share in at.items()
                },
            }
        ]

    def _within(self, wanted: Mapping[str, Any]) -> list[Minute]:
        since, until = (datetime.fromisoformat(wanted[key]).timestamp() for key in ("datetime_geq", "datetime_lt"))
        return [minute for minute in self._minutes if since <= minute.number * 60 < until]


class Zone(ThreadingHTTPServer):
    """The API of one zone, as `given` describes it (local/edge/pods.py).

    Of its `tokens`, one may purge and one read the analytics; their SHA-256 is given.
    """

    daemon_threads = True

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(tuple(given["address"]), _Call)
        self.zone: str = given["zone"]
        self.tokens: Mapping[str, str] = given["tokens"]
        self.rate = Rate(given["per_second"], given["burst"])
        self.places = Places((host, port) for host, port in given["places"])
        self.traffic = Traffic(given["directories"])

    def server_close(self) -> None:
        """End the server and all that it has started."""
        super().server_close()
        self.traffic.close()

    def purge(self, body: Any) -> dict[str, Any]:
        """`POST /zones/{zone}/purge_cache`. Raises Refused."""
        if not isinstance(body, dict) or len(body) != 1:
            raise Refused(400, 1012, "Request must contain one of purge_everything or tags")
        if body.get("purge_everything") is True:
            self.rate.take()
            self.places.purge({"Everything": "1"})
        elif isinstance(tags := body.get("tags"), list) and all(isinstance(tag, str) for tag in tags):
            if not 0 < len(tags) <= MOST_TAGS:
                raise Refused(400, 1094, f"{len(tags)} tags: one to {MOST_TAGS} in a request")
            self.rate.take()
            self.places.purge({"Xkey-Purge": " ".join(tags)})
        else:
            raise Refused(400, 1012, f"{', '.join(body)}: the stand-in purges by tags, and everything")
        return {"success": True, "errors": [], "messages": [], "result": {"id": self.zone}}

    def graphql(self, body: Any) -> dict[str, Any]:
        """`POST /graphql`: the query of traffic, which has one filter, or that of percentiles, with one a region."""
        variables = dict(body["variables"])
        if variables.pop("zone") != self.zone:
            return {"data": {"viewer": {"zones": []}}, "errors": None}
        if variables.keys() == {"filter"}:
            found = {"groups": self.traffic.groups(variables["filter"], limit=10_000)}
        else:
            found = {region: self.traffic.quantiles(wanted) for region, wanted in variables.items()}
        return {"data": {"viewer": {"zones": [found]}}, "errors": None}


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Zone  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self) -> None:
        try:
            self._answer(200, self._called())
        except Refused as refused:
            error = {"code": refused.code, "message": refused.message}
            body = {"success": False, "errors": [error], "messages": [], "result": None}
            self._answer(refused.status, body, retry_after=refused.retry_after)

    def _called(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            raise Refused(413, 0, f"{length} bytes")
        given = self.rfile.read(length)
        calls = {
            f"/client/v4/zones/{self.server.zone}/purge_cache": ("purge", self.server.purge),
            "/client/v4/graphql": ("analytics", self.server.graphql),
        }
        if self.path not in calls:
            raise Refused(404, 7000, f"No route for that URI: {self.path}")
        right, call = calls[self.path]
        shown = hashlib.sha256((self.headers.get("Authorization") or "").removeprefix("Bearer ").encode()).hexdigest()
        if not hmac.compare_digest(shown, self.server.tokens[right]):
            raise Refused(403, 10000, "Authentication error")
        try:
            return call(json.loads(given))
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, 6007, f"Malformed JSON in request body: {error!r}") from None

    def _answer(self, status: int, body: Mapping[str, Any], retry_after: float = 0) -> None:
        text = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if retry_after:
            self.send_header("Retry-After", str(max(1, round(retry_after))))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: the callers' own logs have each call."""


def main() -> None:
    """Serve until the process is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of its namespace has no other way
    Zone(json.loads(os.environ["EDGE"])).serve_forever()


if __name__ == "__main__":
    main()
