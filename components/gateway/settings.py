"""Settings of the gateway."""

from collections.abc import Iterable
from typing import Annotated

from cryptography import x509
from pydantic import AfterValidator

from components.settings.pods import Resources
from components.settings.quantities import Bytes, Duration
from components.settings.section import Section, group, setting


def _ca_certificates(text: str) -> str:
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise ValueError(f"needs one or two certificates as PEM: {error}") from None
    if len(found) > 2:
        raise ValueError(f"holds {len(found)} certificates; allowed are one, or two while one replaces the other")
    return text


CaCertificates = Annotated[str, AfterValidator(_ca_certificates)]


class Limits(Section):
    """What one client may do. A visitor never notices; a script that hammers does."""

    requests_per_second: int = setting(50, unit="requests/s", why="several pages with their images", ge=1, le=1_000_000)
    burst: int = setting(200, unit="requests", why="a first visit loads everything at once", ge=1, le=1_000_000)
    # nginx takes no more: ngx_http_limit_conn_module.
    connections: int = setting(100, unit="connections", why="one address may be an office", ge=1, le=65_535)
    body: Bytes = setting("256KiB", unit="bytes", why="the largest request is a cart; there are no uploads", ge=1024)
    header_timeout: Duration = setting(
        "10s", unit="s", why="for a request's headers; a slower client is cut off", ge=1, le=3600
    )
    body_timeout: Duration = setting("10s", unit="s", why="for a request's whole body; likewise", ge=1, le=3600)
    send_timeout: Duration = setting("30s", unit="s", why="between two writes to a slow client", ge=1, le=3600)


class Shield(Section):
    """The origin shield: nginx's cache in front of the API and the storefront."""

    size: Bytes = setting(
        "2GiB", unit="bytes", why="all pages, images and frequent responses; evicts the least recently used"
    )
    keys: Bytes = setting("32MiB", unit="bytes", why="nginx's index: about 8,000 responses for each MiB", ge=2**20)
    records: Bytes = setting("32MiB", unit="bytes", why="each response's current version: about 250 B", ge=2**20)
    purges: Bytes = setting(
        "16MiB", unit="bytes", why="purged tags, as long as they matter: about 130 B each", ge=2**20
    )
    lock_timeout: Duration = setting("5s", unit="s", why="how long others wait for the one fetch of a missing response")


class GatewaySettings(Section):
    """nginx between Cloudflare and the shop: origin shield, limits, one door."""

    pods: int = setting(
        2,
        unit="pods",
        why="one can be lost. Each has a Service, since a purge must reach every pod, so nothing scales them",
        ge=1,
        le=16,
    )
    workers: int = setting(2, unit="processes", why="one for each core", ge=1, le=64)
    resources: Resources = setting({"cpu": "500m", "memory": "512MiB"}, why="nginx, its tables and hot files")
    hosts: list[str] = setting([], why="the shop's names; others get 421. Empty: any, for one machine")
    tls: bool = setting(False, why="TLS on 8443 behind a LoadBalancer, only for clients with the edge's certificate")
    edge_ca: CaCertificates | None = setting(
        None,
        why="PEM of the CA that signs the edge's client certificate (of both while one replaces the "
        "other); tls needs it",
    )
    default_country: str = setting("DE", why="whose prices a visitor of unknown country sees", pattern="[A-Z]{2}")
    limits: Limits = group(Limits, why="of one client")
    shield: Shield = group(Shield, why="the origin shield")
    connect_timeout: Duration = setting("1s", unit="s", why="a pod that accepts no connection is gone", ge=1, le=60)
    read_timeout: Duration = setting("10s", unit="s", why="the slowest response of API and storefront", ge=1, le=55)
    grace_period: Duration = setting("30s", unit="s", why="the slowest response, after the drain", ge=5, le=600)
    drain: Duration = setting("5s", unit="s", why="until load balancers notice that a pod is leaving", ge=0, le=60)

    def contradictions(self) -> Iterable[str]:
        if self.tls and not self.edge_ca:
            yield ("tls is on, so edge_ca must hold the PEM of the CA that signs the edge's client certificate")
