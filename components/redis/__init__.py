"""Redis: three master/replica pairs under one set of Sentinels, with backups and scheduled rewrites."""

from dataclasses import dataclass

import pulumi

from components import workload
from components.platform import Platform
from components.redis.backups import declare_backup_store
from components.redis.jobs import declare_jobs
from components.redis.nodes import NODE_SECRETS, declare_pair, declare_services
from components.redis.pods import CREDENTIALS, pod_services
from components.redis.sentinels import SENTINEL_SECRETS, declare_sentinels, peers_of
from components.redis.settings import RedisSettings
from components.redis.texts import node_secret_files, sentinel_secret_files
from components.redis.topology import SENTINEL_PORT, SENTINEL_SYSTEM, SYSTEM, sentinel_names, service_variable
from components.settings.images import Images
from components.settings.secrets import RedisSecrets


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """What the pairs are made from."""

    platform: Platform
    settings: RedisSettings
    secrets: RedisSecrets
    images: Images


class Redis(pulumi.ComponentResource):
    """Pairs `sessions`, `data` and `computed`, their Sentinels, backup bucket and jobs.

    `sentinels` are the addresses (`host:port`) that clients ask, for an environment value: the kubelet fills them in.
    `services` are the Services that must exist before such a client starts.
    """

    sentinels: tuple[str, ...]
    services: tuple[pulumi.Resource, ...]
    backup_bucket: pulumi.Output[str]

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:redis:Redis", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, settings, images = args.platform, args.settings, args.images
        node_secrets = node_secret_files(args.secrets)
        sentinel_secrets = sentinel_secret_files(settings, args.secrets)
        credentials = workload.secret(
            f"{name}-credentials",
            platform,
            SYSTEM,
            CREDENTIALS,
            {
                "operations": args.secrets.operations.get_secret_value(),
                "exporter": args.secrets.exporter.get_secret_value(),
            },
            opts=child,
        )
        node_secret = workload.secret(f"{name}-node-secrets", platform, SYSTEM, NODE_SECRETS, node_secrets, opts=child)
        sentinel_secret = workload.secret(
            f"{name}-sentinel-secrets",
            platform,
            SENTINEL_SYSTEM,
            SENTINEL_SECRETS,
            sentinel_secrets,
            opts=child,
        )
        services = [
            *declare_services(name, platform, settings, images, opts=child),
            *pod_services(name, platform, peers_of(settings, images), opts=child),
        ]
        account = workload.service_account(f"{name}-account", platform, SYSTEM, opts=child)
        account_name = account.metadata.apply(lambda created: created.name or SYSTEM)
        declare_sentinels(
            name,
            platform,
            settings,
            images,
            secret_files=sentinel_secrets,
            before=[*services, credentials, sentinel_secret],
            service_account=account_name,
            opts=child,
        )
        for pair in settings.pairs():
            declare_pair(
                name,
                pair,
                platform,
                settings,
                images,
                secret_files=node_secrets,
                before=[*services, credentials, node_secret],
                service_account=account_name,
                opts=child,
            )
        store = declare_backup_store(name, platform, settings.backup, child)
        declare_jobs(name, platform, settings, images, store, before=[*services, credentials], opts=child)

        self.services = tuple(services)
        self.sentinels = tuple(
            f"$({service_variable(sentinel)}):{SENTINEL_PORT}" for sentinel in sentinel_names(settings)
        )
        self.backup_bucket = store.bucket.bucket
        self.register_outputs({"backup_bucket": self.backup_bucket})
