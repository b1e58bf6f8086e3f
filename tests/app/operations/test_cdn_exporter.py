"""What the edge's exporter makes of Cloudflare's answers (in the shape that its GraphQL API documents), over HTTP."""

import json
import re
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry, generate_latest

from app.operations.cdn_exporter import MOST_MADE_UP, CdnMetrics, Turns, content_of, served_by
from app.operations.certificates import not_after
from app.operations.cloudflare_analytics import AnalyticsError
from app.operations.regions import COUNTRIES, region_of
from app.operations.settings import CdnExporterSettings, OperationError
from components.monitoring.dashboards.edge import EDGE as BOARD
from components.monitoring.rules.edge import EDGE as RULES
from testing.servers import serving

RECORDED = Path(__file__).parent / "recorded"
TOKEN = "a-token-that-nobody-may-see"
NOON = datetime(2026, 11, 25, 12, 0, 40, tzinfo=UTC)


class Cloudflare:
    """Plays recorded answers and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.authorizations: set[str | None] = set()
        self.traffic = "traffic"
        self.latency = "latency"
        self.status = 200

    def answer(self, question: dict[str, Any]) -> bytes:
        self.asked.append(question)
        name = self.traffic if "groups:" in question["query"] else self.latency
        return (RECORDED / f"cloudflare_{name}.json").read_bytes()

    def windows(self) -> list[tuple[str, str]]:
        """From when to when traffic was asked for."""
        filters = [question["variables"]["filter"] for question in self.asked if "groups:" in question["query"]]
        return [(given["datetime_geq"], given["datetime_lt"]) for given in filters]


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def cloudflare() -> Generator[tuple[Cloudflare, str]]:
    played = Cloudflare()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            played.authorizations.add(self.headers["Authorization"])
            body = played.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(played.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield played, f"http://127.0.0.1:{server.server_port}"


class Exporter:
    """The exporter's own parts, without its web server and its waiting. Certificates are left out."""

    def __init__(self, url: str, directory: Path) -> None:
        (directory / "token").write_text(f"{TOKEN}\n")
        settings = CdnExporterSettings(
            pod_ip="127.0.0.1",
            metrics_port=9464,
            interval_seconds=60,
            cloudflare_zone_id="fedcba9876543210fedcba9876543210",
            cloudflare_hostname="www.example.com",
            cloudflare_api_url=url,
            analytics_token_file=directory / "token",
            analytics_delay_seconds=300,
        )
        self.registry, self.clock = CollectorRegistry(), Clock()
        self.turns = Turns(settings, CdnMetrics(self.registry), self.clock)

    def turn(self) -> None:
        self.turns.read_analytics()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def exporter(cloudflare: tuple[Cloudflare, str], tmp_path: Path) -> Exporter:
    return Exporter(cloudflare[1], tmp_path)


def test_requests_are_counted_by_region_and_by_who_served_them(exporter: Exporter) -> None:
    exporter.turn()
    count = "cdn_requests_total"
    assert exporter.value(count, region="eu", served="edge", content="static", status="2xx") == 7000
    assert exporter.value(count, region="eu", served="origin", content="html", status="2xx") == 1200
    assert exporter.value(count, region="eu", served="origin", content="html", status="5xx") == 10
    assert exporter.value(count, region="us", served="origin", content="api", status="2xx") == 800
    assert exporter.value(count, region="apac", served="edge", content="static", status="2xx") == 300
    assert exporter.value(count, region="other", served="none", content="html", status="4xx") == 40
    assert exporter.value("cdn_bytes_total", region="eu", served="edge", content="static", status="2xx") == 280e6


def test_percentiles_are_seconds_by_region(exporter: Exporter) -> None:
    exporter.turn()
    assert exporter.value("cdn_edge_latency_seconds", region="eu", quantile="0.95") == 0.096
    assert exporter.value("cdn_edge_latency_seconds", region="apac", quantile="0.95") == 0.26
    assert exporter.value("cdn_edge_latency_seconds", region="other", quantile="0.95") is None


def test_turns_ask_for_whole_minutes_without_gap_or_overlap(
    exporter: Exporter, cloudflare: tuple[Cloudflare, str]
) -> None:
    for _ in range(4):
        exporter.turn()
        exporter.clock.now += timedelta(seconds=45)
    assert cloudflare[0].windows() == [
        ("2026-11-25T11:54:00Z", "2026-11-25T11:55:00Z"),
        ("2026-11-25T11:55:00Z", "2026-11-25T11:56:00Z"),
        ("2026-11-25T11:56:00Z", "2026-11-25T11:57:00Z"),
    ]


def test_only_visitors_of_the_shop_s_name_are_asked_for(exporter: Exporter, cloudflare: tuple[Cloudflare, str]) -> None:
    exporter.turn()
    for question in cloudflare[0].asked:
        for name, given in question["variables"].items():
            if name != "zone":
                assert given["clientRequestHTTPHost"] == "www.example.com"
                assert given["requestSource"] == "eyeball"


def test_a_failed_turn_is_made_up_by_the_next(exporter: Exporter, cloudflare: tuple[Cloudflare, str]) -> None:
    exporter.turn()
    cloudflare[0].traffic = "authz"
    exporter.clock.now += timedelta(minutes=1)
    with pytest.raises(AnalyticsError, match="does not have access"):
        exporter.turn()
    cloudflare[0].traffic = "traffic"
    exporter.clock.now += timedelta(minutes=1)
    exporter.turn()
    assert cloudflare[0].windows()[-1] == ("2026-11-25T11:55:00Z", "2026-11-25T11:57:00Z")


def test_of_a_long_failure_only_the_last_hour_is_made_up(
    exporter: Exporter, cloudflare: tuple[Cloudflare, str]
) -> None:
    exporter.turn()
    exporter.clock.now += timedelta(hours=5)
    exporter.turn()
    since, until = map(datetime.fromisoformat, cloudflare[0].windows()[-1])
    assert until - since == MOST_MADE_UP


def test_a_plan_without_percentiles_is_asked_for_them_once(
    exporter: Exporter, cloudflare: tuple[Cloudflare, str], capsys: pytest.CaptureFixture[str]
) -> None:
    cloudflare[0].latency = "authz"
    for _ in range(3):
        exporter.turn()
        exporter.clock.now += timedelta(minutes=1)
    assert len([question for question in cloudflare[0].asked if "quantiles" in question["query"]]) == 1
    assert len(cloudflare[0].windows()) == 3
    assert capsys.readouterr().out.count("has no percentiles") == 1


def test_the_token_goes_to_cloudflare_and_nowhere_else(exporter: Exporter, cloudflare: tuple[Cloudflare, str]) -> None:
    exporter.turn()
    cloudflare[0].traffic = "authz"
    exporter.clock.now += timedelta(minutes=1)
    with pytest.raises(AnalyticsError) as told:
        exporter.turn()
    assert cloudflare[0].authorizations == {f"Bearer {TOKEN}"}
    assert TOKEN not in str(told.value)
    assert TOKEN not in json.dumps(cloudflare[0].asked)


def test_nothing_is_counted_when_nobody_answers(tmp_path: Path) -> None:
    exporter = Exporter("http://127.0.0.1:9", tmp_path)
    with pytest.raises(AnalyticsError, match="doesn't answer"):
        exporter.turn()
    assert exporter.value("cdn_last_success_timestamp_seconds") == 0


def test_rules_and_panels_read_nothing_that_is_not_exported(exporter: Exporter) -> None:
    exporter.turn()
    exported = set(re.findall(r"^(\w+)[ {]", generate_latest(exporter.registry).decode(), re.MULTILINE))
    exported.add("certificate_not_after_timestamp_seconds")
    expressions = [*RULES.recordings.values(), *(alert.expr for alert in RULES.alerts)]
    expressions += [expression for _, panel in BOARD.panels() for expression in panel.queries.values()]
    read = set(re.findall(r"(?<![:\w])(?:cdn|certificate)_\w+", " ".join(expressions)))
    assert read
    assert read <= exported


@pytest.mark.parametrize(
    ("status", "served"), [("hit", "edge"), ("stale", "edge"), ("expired", "origin"), ("bypass", "origin")]
)
def test_cache_statuses_are_edge_s_or_origin_s(status: str, served: str) -> None:
    assert served_by(status) == served


def test_what_is_unknown_has_a_place() -> None:
    assert (served_by("a new one"), content_of("x-wing"), region_of("T1")) == ("none", "other", "other")


def test_no_country_is_in_two_regions() -> None:
    every = [country for countries in COUNTRIES.values() for country in countries]
    assert len(every) == len(set(every))


def _certificate(directory: Path, ends: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=365))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@contextmanager
def _tls_server(certificate: Path) -> Generator[int]:
    """Asks for a client's certificate, as the gateway does; the reader has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_port


@pytest.mark.parametrize("days", [20, -3])
def test_a_certificate_s_end_is_read_even_when_it_is_over(days: int, tmp_path: Path) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    with _tls_server(_certificate(tmp_path, ends)) as port:
        assert not_after("127.0.0.1", port, "www.example.com") == ends.timestamp()


def test_the_ends_of_certificates_in_files_are_watched(tmp_path: Path) -> None:
    ends = [datetime(2027, month, 1, tzinfo=UTC) for month in (1, 2)]
    both = "".join(_certificate(tmp_path, end).read_text() for end in ends)
    (tmp_path / "certificate.pem").unlink()
    (tmp_path / "ca.pem").write_text(both)
    registry = CollectorRegistry()
    CdnMetrics(registry).read_files(tmp_path)
    shown = {
        name: registry.get_sample_value("certificate_not_after_timestamp_seconds", {"name": name})
        for name in ("ca", "ca 2")
    }
    assert shown == {"ca": ends[0].timestamp(), "ca 2": ends[1].timestamp()}
    (tmp_path / "client.pem").write_text("none")
    with pytest.raises(OperationError, match=r"no certificate in .*client\.pem"):
        CdnMetrics(CollectorRegistry()).read_files(tmp_path)


def test_a_server_without_a_certificate_is_an_error_that_names_it() -> None:
    with pytest.raises(OperationError, match=r"no certificate from 127\.0\.0\.1:9 for www\.example\.com"):
        not_after("127.0.0.1", 9, "www.example.com")
