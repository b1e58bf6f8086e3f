"""Which container images run: official ones by version, ours by registry and version, optionally pinned by digest."""

import re
from typing import Annotated

from pydantic import AfterValidator

from components.settings.section import Section, setting

_REFERENCE = re.compile(r"(?P<name>[a-z0-9][\w./:-]*?):(?P<tag>[\w][\w.-]{0,127})(@sha256:[0-9a-f]{64})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _fixed(reference: str) -> str:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError("needs a name and a fixed version, for example redis:7.2.11-bookworm; @sha256:… may follow")
    if match["tag"] == "latest":
        raise ValueError("the tag 'latest' changes under a running shop; name a version")
    return reference


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("needs sha256: and 64 hexadecimal digits, as `docker push` prints it")
    return value


ImageReference = Annotated[str, AfterValidator(_fixed)]
ImageDigest = Annotated[str, AfterValidator(_digest)]


class Images(Section):
    """The images of an environment. Those built from this repository come from one registry, in one version."""

    registry: str = setting(
        why="holds the images built from this repository; no trailing slash",
        pattern=r"[a-z0-9][a-z0-9.:/_-]*[a-z0-9]",
    )
    version: str = setting(why="of our images: the commit they were built from", pattern=r"[\w][\w.-]{0,127}")
    digests: dict[str, ImageDigest] = setting(
        {}, why="our images' digests by name, from the build workflow; pins what was built"
    )
    redis: ImageReference = setting(
        "redis:7.2.11-bookworm",
        why="Redis and Sentinel: 7.x as specified; 7.2.11 fixes remote code execution through Lua",
    )
    redis_exporter: ImageReference = setting("oliver006/redis_exporter:v1.67.0", why="Redis and Sentinel metrics")
    prometheus: ImageReference = setting("prom/prometheus:v2.55.1", why="the last 2.x, a long-lived line")
    alertmanager: ImageReference = setting("prom/alertmanager:v0.28.1", why="routes alerts; Teams needs 0.28")
    kube_state_metrics: ImageReference = setting(
        "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.15.0", why="metrics of Jobs and pods"
    )
    grafana: ImageReference = setting("grafana/grafana:11.6.1", why="dashboards")
    postgres_exporter: ImageReference = setting(
        "quay.io/prometheuscommunity/postgres-exporter:v0.15.0", why="Postgres metrics"
    )

    def ours(self, name: str) -> str:
        """The reference of an image built from this repository: `api`, `storefront`, `pgbouncer`, …"""
        digest = self.digests.get(name)
        return f"{self.registry}/{name}:{self.version}" + (f"@{digest}" if digest else "")
