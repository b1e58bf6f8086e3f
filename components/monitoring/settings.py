"""What an environment may say about its monitoring."""

from collections.abc import Iterable
from typing import Literal

from components.settings.pods import Resources
from components.settings.quantities import Bytes, Duration, format_bytes
from components.settings.section import Section, group, setting

RETENTION_SHARE = 0.8
"""The most of the volume that blocks may fill: the write-ahead log and a compaction's new block need the rest."""


Chat = Literal["webhook", "slack", "teams", "discord"]


class RemoteWrite(Section):
    """A long-term store that gets a copy of every sample."""

    url: str = setting(why="the store's remote-write endpoint", pattern=r"https?://.+")
    username: str | None = setting(None, why="basic-auth user; password: secrets.monitoring.remote_write_password")


class Prometheus(Section):
    """The Prometheus server."""

    scrape_interval: Duration = setting(
        "15s", unit="seconds", why="as specified; 4 samples a minute, so rate() over 1 minute works", ge=1, le=60
    )
    retention: Duration = setting("15d", unit="seconds", why="compares this week with the last", ge=3600)
    storage: Bytes = setting(
        "20GiB", unit="bytes", why="twice 15 days of about 40,000 series at 15 s and 2 bytes a sample", ge=2**28
    )
    retention_size: Bytes = setting(
        "15GiB", unit="bytes", why="the oldest blocks go before the volume is full", ge=2**27
    )
    resources: Resources = setting({"cpu": "250m", "memory": "1GiB"}, why="twice 8 KiB of memory a series")
    remote_write: RemoteWrite | None = setting(None, why="a long-term store; unset: none")

    def contradictions(self) -> Iterable[str]:
        if self.retention_size > self.storage * RETENTION_SHARE:
            yield (
                f"retention_size {format_bytes(self.retention_size)} is more than {RETENTION_SHARE:.0%} of storage "
                f"{format_bytes(self.storage)}; the volume would fill up before old blocks are deleted"
            )


class Alertmanager(Section):
    """The Alertmanager. Where it sends to are secrets: `monitoring.{alert,page}_webhook_url`, `pager_key` and
    `heartbeat_url`.
    """

    resources: Resources = setting({"cpu": "50m", "memory": "64MiB"}, why="mostly idle")
    tickets: Chat = setting(
        "webhook",
        why="the receiver behind `secrets.monitoring.alert_webhook_url`: a chat, or a reader of Alertmanager's format",
    )
    pages: Chat | None = setting(
        None,
        why="the receiver behind `secrets.monitoring.page_webhook_url`; unset: pages go where "
        "tickets go. `pager_key` is called either way",
    )
    storage: Bytes = setting("256MiB", unit="bytes", why="silences and the notification log: kilobytes", ge=2**20)


class Grafana(Section):
    """Grafana with the provisioned dashboards."""

    resources: Resources = setting({"cpu": "100m", "memory": "256MiB"}, why="a handful of viewers")


class PolledExporter(Section):
    """An exporter that asks its source by the clock, since asking costs money or has a quota."""

    interval: Duration = setting("60s", unit="seconds", why="between two requests", ge=15, le=3600)
    resources: Resources = setting({"cpu": "25m", "memory": "128MiB"}, why="one small request at a time")


class BackupExporter(PolledExporter):
    """The exporter of the backups' age."""

    interval: Duration = setting(
        "60s",
        unit="seconds",
        why="1440 listings a day and pair cost about a cent",
        ge=15,
        le=3600,
    )


class RdsExporter(PolledExporter):
    """The exporter of the database machine's processor and disk."""

    interval: Duration = setting(
        "60s",
        unit="seconds",
        why="CloudWatch's resolution is a minute; a month costs about a dollar",
        ge=60,
        le=3600,
    )


class CdnExporter(PolledExporter):
    """The exporter of Cloudflare's analytics and of certificates' ends; it runs where `simone:edge` is set."""

    interval: Duration = setting("60s", unit="seconds", why="Cloudflare's resolution is a minute", ge=30, le=3600)
    delay: Duration = setting(
        "5m", unit="seconds", why="then Cloudflare's figures of a minute are complete", ge=60, le=3600
    )


class Route(Section):
    """A load balancer that asks visitors to sign in with the identity provider first (OpenID Connect).

    The AWS Load Balancer Controller makes it from an Ingress; `kubernetes-sigs.github.io/aws-load-balancer-controller`,
    "Ingress annotations", has the rules for the endpoints. The client's secret is
    `secrets.monitoring.sign_in_client_secret`.
    """

    domain: str = setting(
        why="the tools are grafana., prometheus. and alertmanager. of it", pattern=r"([a-z0-9-]+\.)+[a-z]{2,}"
    )
    scheme: Literal["internal", "internet-facing"] = setting(
        "internal", why="reachable from the VPC and networks connected to it"
    )
    certificate_arn: str = setting(
        why="an AWS Certificate Manager certificate for the three names", pattern=r"arn:aws[a-z-]*:acm:.+"
    )
    issuer: str = setting(why="the provider's `issuer`", pattern=r"https://.+")
    authorization_endpoint: str = setting(why="the provider's `authorization_endpoint`", pattern=r"https://.+")
    token_endpoint: str = setting(why="the provider's `token_endpoint`", pattern=r"https://.+")
    user_info_endpoint: str = setting(why="the provider's `userinfo_endpoint`", pattern=r"https://.+")
    client_id: str = setting(why="the client registered there", min_length=1)

    def host(self, tool: str) -> str:
        """The name at which people open a tool."""
        return f"{tool}.{self.domain}"


class Cluster(Section):
    """kube-state-metrics, for this namespace alone, and the kubelets' figures of its volumes."""

    resources: Resources = setting({"cpu": "20m", "memory": "96MiB"}, why="a hundred pods and their owners")


class MonitoringSettings(Section):
    """`simone:monitoring`."""

    discovery: Literal["kubernetes", "file"] = setting(
        "kubernetes",
        why="how Prometheus finds pods: the Kubernetes API, or files with the same labels without a cluster",
    )
    prometheus: Prometheus = group(Prometheus, why="sized for a small production shop")
    alertmanager: Alertmanager = group(Alertmanager, why="sized for a small production shop")
    grafana: Grafana | None = setting(None, why="unset: no Grafana pod; its dashboards are provisioned either way")
    postgres_exporter: Resources = setting({"cpu": "50m", "memory": "64MiB"}, why="one query set every 15 s")
    backup_exporter: BackupExporter = group(BackupExporter, why="the backups' age, from their bucket")
    rds_exporter: RdsExporter | None = setting(
        RdsExporter.model_validate({}),
        why="the database machine's CPU and disk, from CloudWatch; null: not an RDS instance",
    )
    cluster: Cluster | None = setting(
        None,
        why="failed Jobs, pending pods, filling volumes, from kube-state-metrics and the kubelets; "
        "unset: there is no cluster",
    )
    cdn_exporter: CdnExporter = group(CdnExporter, why="the edge's metrics, where there is an edge")
    database_sslmode: Literal["require", "verify-full", "disable"] = setting(
        "require", why="the exporter's; RDS refuses plain text (rds.force_ssl)"
    )
    runbook_url: str = setting(
        "https://github.com/simone-shop/platform/blob/main/docs/runbooks",
        why="where docs/runbooks is published; alerts link to its sections",
        pattern=r"https?://.+[^/]",
    )
    grafana_url: str | None = setting(
        None, why="where people open Grafana; alerts link to their panels", pattern=r"https?://.+[^/]"
    )
    listen: Literal["0.0.0.0", "$(POD_IP)"] = setting(  # noqa: S104
        "0.0.0.0",  # noqa: S104 - NetworkPolicies say who may call
        why="address of Prometheus, Alertmanager and Grafana; `$(POD_IP)` where pods share a machine",
    )
    route: Route | None = setting(
        None, why="the tools behind a load balancer with sign-in; unset: `kubectl port-forward` only"
    )

    def url(self, tool: str, port: int) -> str:
        """Where people open a tool: its name, or this machine's port that `kubectl port-forward` opens."""
        return f"http://127.0.0.1:{port}" if self.route is None else f"https://{self.route.host(tool)}"

    def contradictions(self) -> Iterable[str]:
        if self.grafana is not None and self.grafana_url is None:
            yield (
                "grafana runs but grafana_url isn't set, so alerts would link nowhere; set it to where people open "
                "Grafana (http://127.0.0.1:8291 with kubectl port-forward)"
            )
        if self.route is not None and self.grafana is not None and self.grafana_url != self.url("grafana", 0):
            yield f"grafana_url is {self.grafana_url} but route leads to Grafana at {self.url('grafana', 0)}; set that"
