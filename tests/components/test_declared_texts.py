"""Every environment's configuration texts, as declared, accepted by the servers themselves.

Where a server has a checker it judges the text; where there is none, the server is started on a loopback address of its
own and asked what it has understood.
"""

import datetime
import ipaddress
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
import pytest
import redis
from annotated_types import Ge, Le
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import BaseModel

from app import caching_policy
from components.gateway import config as gateway
from components.gateway.settings import GatewaySettings
from components.settings.section import section_of
from local import balancer
from local.images import catalogue
from local.plan import Planner
from local.state import State
from stack.environments import ROOT
from stack.render import Rendered
from testing.gateway_server import write_files
from testing.servers import end
from testing.waits import eventually, own_address

OPERATIONS = "placeholder-for-redis-operations".ljust(32, "-")
EXPORTER = "placeholder-for-postgres-exporter".ljust(32, "-")
NOBODY = 65534
T = TypeVar("T")


def _files(rendered: Rendered, name: str) -> Mapping[str, str]:
    (found,) = [resource for resource in rendered.resources if resource.name == name]
    return found.inputs.get("data") or found.inputs["stringData"]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that a server without our rights may use too; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="simone-texts-") as name:
        path = Path(name)
        path.chmod(0o777)
        yield path


def _moved(text: str, directory: Path, places: Mapping[str, str], **variables: str) -> str:
    """The text for a pod whose volumes are in `directory`, its variables filled in as its start script does."""
    for place, here in places.items():
        text = text.replace(place, str(directory / here))
    return re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], text)


@contextmanager
def _running(command: list[str | Path], log: Path) -> Generator[Callable[[], None]]:
    """A server until the block ends; what is yielded raises when it has ended by itself."""
    unprivileged: dict[str, Any] = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent, **unprivileged)

    def alive() -> None:
        assert process.poll() is None, log.read_text()

    try:
        yield alive
    finally:
        end(process)


def _answer(ask: Callable[[], T], alive: Callable[[], None], errors: type[Exception]) -> T:
    def asked() -> T:
        alive()
        return ask()

    return eventually(asked, failing=errors)


def _settings(text: str) -> dict[str, str]:
    """`key value` lines, without comments."""
    lines = (line.partition(" ") for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {key: value.strip() for key, _, value in lines}


@pytest.mark.parametrize("pair", ["sessions", "data", "computed"])
def test_redis_has_understood_every_line(pair: str, environment: Rendered, directory: Path) -> None:
    address = own_address()
    places = {"/etc/redis-secrets": "secrets", "/data": "data"}
    (directory / "data").mkdir(mode=0o777)
    (directory / "data").chmod(0o777)
    (directory / "secrets").mkdir()
    for name, content in _files(environment, "redis-node-secrets").items():
        (directory / "secrets" / name).write_text(content)
    text = _moved(
        _files(environment, f"redis-{pair}-config")["redis.conf"],
        directory,
        places,
        POD_IP=address,
        ANNOUNCE_IP=address,
    )
    (directory / "redis.conf").write_text(text)
    with (
        _running(["redis-server", directory / "redis.conf"], directory / "log") as alive,
        redis.Redis(host=address, username="operations", password=OPERATIONS) as client,
    ):
        _answer(client.ping, alive, redis.RedisError)
        understood: Mapping[str, str] = client.config_get("*")  # pyright: ignore[reportAssignmentType]
    declared = _settings(text)
    assert len(declared) > 30
    wrong = {
        key: (value, understood.get(key))
        for key, value in declared.items()
        if key != "daemonize" and sorted(understood.get(key, "")) != sorted(value)
    }
    assert wrong == {}


def test_sentinel_watches_every_pair_as_declared(environment: Rendered, directory: Path) -> None:
    address = own_address()
    (directory / "data").mkdir()
    (directory / "data").chmod(0o777)
    (directory / "secrets").mkdir()
    secrets = _files(environment, "redis-sentinel-secrets")
    for name, content in secrets.items():
        (directory / "secrets" / name).write_text(content)
    masters = {f"REDIS_{pair}_0_SERVICE_HOST": address for pair in ("SESSIONS", "DATA", "COMPUTED")}
    text = _moved(
        _files(environment, "redis-sentinel-config")["sentinel.conf"],
        directory,
        {"/etc/sentinel-secrets": "secrets", "/data": "data"},
        POD_IP=address,
        ANNOUNCE_IP=address,
        **masters,
    )
    written = directory / "data" / "sentinel.conf"
    written.write_text(text + secrets["auth.conf"])
    written.chmod(0o666)
    with (
        _running(["redis-server", written, "--sentinel"], directory / "log") as alive,
        redis.Redis(host=address, port=26379, username="operations", password=OPERATIONS) as client,
    ):
        _answer(client.ping, alive, redis.RedisError)
        watched: Mapping[str, Mapping[str, Any]] = client.sentinel_masters()  # pyright: ignore[reportAssignmentType]
    understood = {
        (name, option): str(master[option.replace("monitor", "quorum")])
        for name, master in watched.items()
        for option in ("monitor", "down-after-milliseconds", "failover-timeout", "parallel-syncs")
    }
    declared = {
        (name, option): value.split()[-1]
        for option, name, value in re.findall(r"^sentinel (monitor|[\w-]+) (sessions|data|computed) (.+)$", text, re.M)
    }
    assert len(declared) == 12
    assert understood == declared


def test_pgbouncer_has_understood_every_line(environment: Rendered, directory: Path) -> None:
    address = own_address()
    places = {"/etc/pgbouncer-secrets": "secrets", "/opt/pgbouncer/rds-global-bundle.pem": "ca.pem"}
    (directory / "secrets").mkdir()
    for name, content in _files(environment, "pgbouncer-users").items():
        (directory / "secrets" / name).write_text(content)
    _certificate(directory / "ca.pem", directory / "ca-key.pem")
    text = _moved(
        _files(environment, "pgbouncer-config")["pgbouncer.ini"],
        directory,
        places,
        POD_IP=address,
        DATABASE_HOST="127.0.0.1",
    )
    if "max_prepared_statements" in text and not _pgbouncer_tracks_prepared_statements():
        text = re.sub(r"^max_prepared_statements.*\n", "", text, flags=re.M)
    (directory / "pgbouncer.ini").write_text(text)

    def shown() -> dict[str, str]:
        with psycopg.connect(
            host=address,
            port=6432,
            dbname="pgbouncer",
            user="exporter",
            password=EXPORTER,
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
        ) as connection:
            return {row[0]: row[1] for row in connection.execute("SHOW CONFIG")}

    with _running(["/usr/sbin/pgbouncer", directory / "pgbouncer.ini"], directory / "log") as alive:
        understood = _answer(shown, alive, psycopg.OperationalError)
    section = text.partition("[pgbouncer]")[2]
    declared = dict(re.findall(r"^(\w+) =[ ]*(.*)$", section, re.M))
    assert len(declared) > 20
    wrong = {
        key: (value, understood.get(key)) for key, value in declared.items() if (understood.get(key) or "") != value
    }
    assert wrong == {}


def _pgbouncer_tracks_prepared_statements() -> bool:
    """From 1.21 on; Debian 12 has 1.18, our image a newer one."""
    version = subprocess.run(["/usr/sbin/pgbouncer", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", version)
    assert found
    return (int(found[1]), int(found[2])) >= (1, 21)


def test_nginx_accepts_its_configuration(environment: Rendered, directory: Path) -> None:
    places = {
        "/etc/gateway-tls": "tls",
        "/etc/gateway": "etc",
        "/run/gateway": "run",
        "/var/cache/gateway": "cache",
    }
    for name in (*places.values(), "tmp"):
        (directory / name).mkdir()
    _certificate(directory / "tls" / "origin.pem", directory / "tls" / "origin-key.pem")
    for name, text in _files(environment, "gateway-config").items():
        (directory / "etc" / name).write_text(_moved(text, directory, places) if "${" not in text else text)
    conf = directory / "etc" / "nginx.conf"
    text = conf.read_text().replace("@POD_IP@", own_address())
    conf.write_text(text.replace("@API@", "127.0.0.1:3000").replace("@STOREFRONT@", "127.0.0.1:8000"))
    checked = subprocess.run(["/usr/sbin/nginx", "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr.replace('the "user" directive', ""), checked.stderr


@pytest.mark.parametrize("bound", [Ge, Le])
def test_nginx_accepts_each_setting_at_its_bound(directory: Path, bound: type[Ge] | type[Le]) -> None:
    """A range that nginx doesn't take is a pod that doesn't start."""

    def at_bound(section: type[BaseModel]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in section.model_fields.items():
            if inner := section_of(field.annotation):
                found[name] = at_bound(inner)
            unit = field.json_schema_extra.get("unit") if isinstance(field.json_schema_extra, dict) else None
            for limit in field.metadata:
                if isinstance(limit, bound):
                    value = cast(int, limit.ge if isinstance(limit, Ge) else limit.le)
                    found[name] = {"s": f"{value}s", "bytes": f"{value // 1024}KiB"}.get(str(unit), value)
        return {name: value for name, value in found.items() if value != {}}

    bounds = {name: value for name, value in at_bound(GatewaySettings).items() if name != "resources"}
    settings = GatewaySettings.model_validate(bounds)
    files = gateway.files(settings, caching_policy.load(ROOT / "app" / "caching.yaml"), edge_cidrs=["127.0.0.0/8"])
    conf = write_files(directory, files, address=own_address(), api="127.0.0.1:3000", storefront="127.0.0.1:8000")
    checked = subprocess.run(["/usr/sbin/nginx", "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_prometheus_and_alertmanager_accept_their_configurations(environment: Rendered, directory: Path) -> None:
    for name, file, command in (
        ("monitoring-prometheus-config", "prometheus.yml", ("promtool", "check", "config", "--syntax-only")),
        ("monitoring-alertmanager-config", "alertmanager.yml", ("amtool", "check-config")),
    ):
        path = directory / file
        path.write_text(_without_kubernetes(_files(environment, name)[file]))
        checked = subprocess.run([*command, path], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    rules = _files(environment, "monitoring-prometheus-rules")
    for name, text in rules.items():
        (directory / name).write_text(text)
    checked = subprocess.run(
        ["promtool", "check", "rules", *(directory / name for name in rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _without_kubernetes(text: str) -> str:
    """Debian builds its Prometheus without discovery by Kubernetes: that part is replaced, the others stay."""
    return re.sub(
        r"kubernetes_sd_configs:\n(?:(\s*)- role: .*\n(?:\1  .*\n)*)+",
        r"file_sd_configs: [{files: [pods.json]}]\n",
        text,
    )


def test_haproxy_accepts_this_machine_s_balancer(rendered: Callable[[str], Rendered], tmp_path: Path) -> None:
    plan = Planner(rendered("local").resources, State(tmp_path), catalogue()).plan()
    path = tmp_path / "haproxy.cfg"
    path.write_text(balancer.configuration(plan.services, {pod.name: pod.pod.address for pod in plan.pods}))
    assert path.read_text().count("server ") > 2
    haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
    checked = subprocess.run([haproxy, "-c", "-f", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _certificate(certificate: Path, key_file: Path) -> None:
    """A certificate of a CA of its own for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
