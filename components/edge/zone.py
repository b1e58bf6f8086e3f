"""The Cloudflare zone as one component."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare
from pydantic import SecretStr

from components.edge.balancing import balance
from components.edge.rules import Phase, Rule
from components.edge.rulesets import ruleset_rule
from components.edge.settings import EdgeSettings, Logs

AUTOMATIC_TTL = 1
ORIGIN_TTL = 300
"""Seconds; as long a load balancer that is made anew isn't found."""
IMAGE_VARIANTS = ["image/avif", "image/webp"]
LOG_FIELDS = [
    "EdgeStartTimestamp",
    "CacheCacheStatus",
    "CacheResponseBytes",
    "ClientRequestPath",
    "EdgeColoCode",
    "EdgeResponseBytes",
    "EdgeResponseStatus",
    "EdgeTimeToFirstByteMs",
    "OriginResponseStatus",
    "ClientRegionCode",
    "ClientCountry",
]
"""For hit ratio, bytes and latency by region; neither addresses nor queries, which are personal data."""


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """What Cloudflare shows the gateway (authenticated origin pulls): PEM."""

    certificate: SecretStr
    key: SecretStr


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """`rules` come from components.edge.rules.build; `gateway_host` is the gateway's public name; without a `client`
    certificate nothing proves the zone to the gateway, which then may not ask for one.
    """

    settings: EdgeSettings
    rules: Mapping[Phase, tuple[Rule, ...]]
    gateway_host: pulumi.Input[str]
    client: ClientCertificate | None = None


class Edge(pulumi.ComponentResource):
    """DNS, TLS, rules, tiered cache, load balancing, logs and alerts of the shop's zone."""

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:edge:Edge", name, None, opts)
        settings = args.settings
        child = pulumi.ResourceOptions(parent=self)
        zone = settings.zone_id

        for phase, rules in args.rules.items():
            cloudflare.Ruleset(
                f"{name}-{phase.removeprefix('http_').replace('_', '-')}",
                zone_id=zone,
                kind="zone",
                phase=phase,
                name=f"simone {phase}",
                description="Made from app/caching.yaml",
                rules=[ruleset_rule(rule) for rule in rules],
                opts=child,
            )
        for setting, value in zone_settings(settings).items():
            cloudflare.ZoneSetting(
                f"{name}-setting-{setting.replace('_', '-')}",
                zone_id=zone,
                setting_id=setting,
                value=value,
                opts=child,
            )
        shown: list[pulumi.Resource] = []
        if args.client is not None:
            shown.append(
                cloudflare.AuthenticatedOriginPullsCertificate(
                    f"{name}-client-certificate",
                    zone_id=zone,
                    certificate=pulumi.Output.secret(args.client.certificate.get_secret_value()),
                    private_key=pulumi.Output.secret(args.client.key.get_secret_value()),
                    # The new one is there before the old one goes; the gateway takes both (`gateway.edge_ca`).
                    opts=child,
                )
            )
        # Without a certificate of the zone's own Cloudflare would show the one that all its customers share.
        cloudflare.AuthenticatedOriginPullsSettings(
            f"{name}-origin-pulls",
            zone_id=zone,
            enabled=True,
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=shown)),
        )
        for other in settings.redirects:
            cloudflare.DnsRecord(
                f"{name}-redirect-{other.replace('.', '-')}",
                zone_id=zone,
                name=other,
                # At an apex too: Cloudflare answers with the address itself (CNAME flattening).
                type="CNAME",
                content=settings.hostname,
                proxied=True,
                ttl=AUTOMATIC_TTL,
                comment="Leads to the shop",
                opts=child,
            )
        self._caching(name, settings, child)

        pools: list[pulumi.Output[str]] = []
        if settings.load_balancing is None:
            cloudflare.DnsRecord(
                f"{name}-record",
                zone_id=zone,
                name=settings.hostname,
                type="CNAME",
                content=settings.origin or args.gateway_host,
                proxied=True,
                ttl=AUTOMATIC_TTL,
                comment="The shop, through Cloudflare",
                opts=child,
            )
        else:
            own = cloudflare.DnsRecord(
                f"{name}-origin",
                zone_id=zone,
                name=settings.load_balancing.own_name,
                type="CNAME",
                content=settings.origin or args.gateway_host,
                # Cloudflare's monitors and pools look the name up; proxied, it would lead back to Cloudflare.
                proxied=False,
                ttl=ORIGIN_TTL,
                comment="This stack's gateway, for the load balancer",
                opts=child,
            )
            pools = balance(name, settings, settings.load_balancing, after=[own], opts=child)
        if settings.logs is not None:
            _logs(f"{name}-logs", zone, settings.logs, child)
        self._alerts(name, settings, pools, child)
        self.register_outputs({"hostname": settings.hostname, "without": settings.without})

    def _caching(self, name: str, settings: EdgeSettings, child: pulumi.ResourceOptions) -> None:
        zone = settings.zone_id
        # Tiers at all; then which: a data centre near the origin asks it for all others, and one for each region.
        tiers = cloudflare.ArgoTieredCaching(f"{name}-tiers", zone_id=zone, value="on", opts=child)
        tiered = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[tiers]))
        cloudflare.TieredCache(f"{name}-tiered-cache", zone_id=zone, value="on", opts=tiered)
        if settings.has("regional_tiers"):
            cloudflare.RegionalTieredCache(f"{name}-regional-tiers", zone_id=zone, value="on", opts=tiered)
        if settings.has("image_variants"):
            cloudflare.ZoneCacheVariants(
                f"{name}-image-variants",
                zone_id=zone,
                value=cloudflare.ZoneCacheVariantsValueArgs(
                    jpgs=IMAGE_VARIANTS, jpegs=IMAGE_VARIANTS, pngs=IMAGE_VARIANTS
                ),
                opts=child,
            )
        if settings.smart_routing:
            cloudflare.ArgoSmartRouting(f"{name}-smart-routing", zone_id=zone, value="on", opts=child)
        if settings.cache_reserve:
            cloudflare.ZoneCacheReserve(f"{name}-cache-reserve", zone_id=zone, value="on", opts=child)
        if settings.eu_only:
            cloudflare.RegionalHostname(
                f"{name}-region", zone_id=zone, hostname=settings.hostname, region_key="eu", opts=child
            )

    def _alerts(
        self, name: str, settings: EdgeSettings, pools: list[pulumi.Output[str]], child: pulumi.ResourceOptions
    ) -> None:
        # Of every origin in the account: passive origin monitoring takes no filter.
        alerts: dict[str, tuple[str, cloudflare.NotificationPolicyFiltersArgs | None]] = {
            "real_origin_monitoring": ("Origin unreachable", None)
        }
        if pools:
            changes = cloudflare.NotificationPolicyFiltersArgs(
                pool_ids=pools, new_healths=["Healthy", "Unhealthy"], event_sources=["pool"]
            )
            alerts["load_balancing_health_alert"] = ("Load balancer pool changed its health", changes)
        if settings.logs is not None:
            alerts["failing_logpush_job_disabled_alert"] = ("Request logs are no longer delivered", None)
        if not settings.alert_mail:
            return
        for alert, (title, filters) in alerts.items():
            cloudflare.NotificationPolicy(
                f"{name}-alert-{alert.replace('_', '-')}",
                account_id=settings.account_id,
                name=f"{settings.hostname}: {title}",
                alert_type=alert,
                enabled=True,
                mechanisms=cloudflare.NotificationPolicyMechanismsArgs(
                    emails=[cloudflare.NotificationPolicyMechanismsEmailArgs(id=mail) for mail in settings.alert_mail]
                ),
                filters=filters,
                opts=child,
            )


def zone_settings(settings: EdgeSettings) -> dict[str, object]:
    """The zone's own settings, by Cloudflare's names."""
    values: dict[str, object] = {
        "ssl": "strict",
        "always_use_https": "on",
        "automatic_https_rewrites": "on",
        "min_tls_version": "1.2",
        "tls_1_3": "on",
        "http3": "on",
        "early_hints": "on",
        "ip_geolocation": "on",
        # Replaces a missing answer by the Internet Archive's copy, and switches stale serving off.
        "always_online": "off",
        # 0: the origin's word, not four hours.
        "browser_cache_ttl": 0,
        "security_header": {
            "strict_transport_security": {
                "enabled": True,
                "max_age": settings.hsts_max_age,
                "include_subdomains": settings.hsts_include_subdomains,
                "preload": settings.hsts_preload,
                "nosniff": True,
            }
        },
    }
    # It doesn't find answers that are kept under keys of their own
    # (https://developers.cloudflare.com/speed/optimization/content/prefetch-urls/).
    if settings.has("prefetch") and not settings.has("query_keys"):
        values["prefetch_preload"] = "on"
    return values


def _logs(name: str, zone: str, logs: Logs, opts: pulumi.ResourceOptions) -> None:
    cloudflare.LogpushJob(
        name,
        zone_id=zone,
        name="simone-requests",
        dataset="http_requests",
        destination_conf=logs.destination,
        ownership_challenge=logs.ownership_challenge,
        enabled=True,
        max_upload_interval_seconds=60,
        output_options=cloudflare.LogpushJobOutputOptionsArgs(
            field_names=LOG_FIELDS, output_type="ndjson", timestamp_format="rfc3339"
        ),
        opts=opts,
    )
