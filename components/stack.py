"""An environment put together: each system declared after those that it calls."""

import json
from dataclasses import replace

import pulumi

from app import caching_policy
from components.api import Api, ApiArgs
from components.api.environment import Addresses
from components.api.pods import ApplicationArgs
from components.api.worker import ApiWorker
from components.edge import rules as edge_rules
from components.gateway import Gateway, GatewayArgs
from components.gateway.services import GatewayServices, GatewayServicesArgs, purge_urls
from components.kubernetes.flows import FLOWS, ROUTE_FLOWS
from components.monitoring import Monitoring, MonitoringArgs, WatchedBackups, WatchedDatabase, WatchedEdge
from components.network import Network, NetworkArgs
from components.pgbouncer import PgBouncer, PgBouncerArgs
from components.platform import Platform
from components.postgres import Postgres, PostgresArgs
from components.postgres.roles import DATABASE
from components.redis import Redis, RedisArgs
from components.redis.backups import PREFIX
from components.settings.environment import Settings
from components.storefront import Storefront, StorefrontArgs


def _shown_certificates(s: Settings) -> dict[str, str]:
    """Cloudflare's client certificate and its CA as PEM, for the exporter that watches when they expire."""
    shown = s.secrets.edge.client_certificate
    found = {"client": shown.get_secret_value() if shown else None, "client-authority": s.gateway.edge_ca}
    return {name: text for name, text in found.items() if text}


def declare(s: Settings) -> dict[str, pulumi.Input[str]]:
    """Declares the whole environment; returns its exports."""
    policy = caching_policy.load()
    zone_rules = edge_rules.build(s.edge, policy) if s.edge else {}
    given = Platform(environment=s.environment, owner=s.owner, namespace=s.namespace, aws=s.aws)
    flows = FLOWS + ROUTE_FLOWS if s.monitoring.route else FLOWS
    network = Network("network", NetworkArgs(platform=given, settings=s.network, mail=s.api.mail, flows=flows))
    platform, images, edge_cidrs = given.within(network.namespace), s.images, s.network.edge_cidrs

    redis = Redis("redis", RedisArgs(platform=platform, settings=s.redis, secrets=s.secrets.redis, images=images))
    postgres = Postgres(
        "postgres", PostgresArgs(platform=platform, settings=s.postgres, secrets=s.secrets.postgres, images=images)
    )
    pool_args = PgBouncerArgs(
        platform=platform, settings=s.pgbouncer, secrets=s.secrets.postgres, images=images,
        database_host=postgres.address, after=[postgres.resource],
    )  # fmt: skip
    pgbouncer = PgBouncer("pgbouncer", pool_args)
    shield_args = GatewayServicesArgs(platform=platform, settings=s.gateway, edge_cidrs=edge_cidrs)
    shield = GatewayServices("gateway-services", shield_args)

    public_origin = s.edge.public_origin if s.edge else None
    addresses = Addresses(
        sentinels=redis.sentinels,
        redis_ca=s.redis.tls_ca or "",
        database_host="$(PGBOUNCER_SERVICE_HOST)",
        database_port="$(PGBOUNCER_SERVICE_PORT)",
        database_drain=s.pgbouncer.drain,
        gateway_purge_urls=purge_urls(s.gateway),
        cloudflare_zone_id=s.edge.zone_id if s.edge else "",
        cloudflare_plan=s.edge.plan if s.edge else "",
        cloudflare_api_url=(s.edge.stand_in_api or "") if s.edge else "",
        public_origin=public_origin or "",
    )
    called = [*redis.services, pgbouncer.service, *shield.all, postgres.resource]
    pods = ApplicationArgs(
        platform=platform,
        settings=s.api,
        secrets=s.secrets,
        image=images.ours("api"),
        addresses=addresses,
        after=called,
    )
    api = Api("api", ApiArgs(pods=pods, database_host=postgres.address))
    storefront_args = StorefrontArgs(
        platform=platform, settings=s.storefront, secrets=s.secrets.api, image=images.ours("storefront"),
        api_url="http://$(API_SERVICE_HOST):$(API_SERVICE_PORT)", after=[api.service],
        public_origin=public_origin,
    )  # fmt: skip
    storefront = Storefront("storefront", storefront_args)
    seen = replace(addresses, storefront_url="http://$(STOREFRONT_SERVICE_HOST):$(STOREFRONT_SERVICE_PORT)")
    ApiWorker("api-worker", replace(pods, addresses=seen, after=[*called, *api.ready, api.files, storefront.service]))
    gateway_args = GatewayArgs(
        platform=platform, settings=s.gateway, policy=policy, secrets=s.secrets.edge,
        image=images.ours("gateway"), edge_cidrs=edge_cidrs, after=[*shield.all, api.service, storefront.service],
    )  # fmt: skip
    Gateway("gateway", gateway_args)
    if s.edge:
        from components.edge.zone import ClientCertificate, Edge, EdgeArgs  # noqa: PLC0415 - 2 s, which only a stack with an edge pays

        certificate, key = s.secrets.edge.client_certificate, s.secrets.edge.client_key
        client = ClientCertificate(certificate=certificate, key=key) if certificate and key else None
        Edge("edge", EdgeArgs(settings=s.edge, rules=zone_rules, gateway_host=shield.public_host, client=client))

    analytics_token = s.secrets.monitoring.analytics_token
    watched_edge = (
        WatchedEdge(
            zone_id=s.edge.zone_id, hostname=s.edge.hostname, analytics_token=analytics_token,
            stand_in_api=s.edge.stand_in_api,
            origin_has_tls=s.gateway.tls, after=shield.all, certificates=_shown_certificates(s),
        )
        if s.edge and analytics_token
        else None
    )  # fmt: skip
    watched = WatchedDatabase(
        host=postgres.address, instance=postgres.instance, instance_arn=postgres.instance_arn, name=DATABASE,
        secrets=s.secrets.postgres,
    )  # fmt: skip
    Monitoring(
        "monitoring",
        MonitoringArgs(
            platform=platform, settings=s.monitoring, secrets=s.secrets.monitoring, images=images, database=watched,
            backups=WatchedBackups(bucket=s.redis.backup.bucket, prefix=PREFIX, pairs=tuple(s.redis.pairs())),
            edge=watched_edge,
        ),
    )  # fmt: skip
    return {
        "namespace": network.namespace,
        "database_address": postgres.address,
        "backup_bucket": redis.backup_bucket,
        "gateway_host": shield.public_host,
        "shop_host": s.edge.hostname if s.edge else shield.public_host,
        **({"rotations": rotations} if (rotations := json.dumps(s.secrets.steps())) != "{}" else {}),
    }
