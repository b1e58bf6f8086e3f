"""Redis: three master/replica pairs under one set of Sentinels, with backups and scheduled rewrites."""

import pulumi

from components.kubernetes.account import service_account
from components.kubernetes.configuration import secret
from components.kubernetes.flows import SENTINEL_PORT
from components.kubernetes.scope import Scope
from components.redis.backups import BackupStore
from components.redis.jobs import declare_jobs
from components.redis.nodes import NODE_SECRETS, RedisPair, pair_servers
from components.redis.pods import CREDENTIALS, Needs, RedisArgs, declare_addresses
from components.redis.sentinels import SENTINEL_SECRETS, Sentinels, sentinel_servers
from components.redis.texts import node_secret_files, sentinel_secret_files
from components.redis.topology import SENTINEL_SYSTEM, SYSTEM, sentinel_names, service_variable

__all__ = ["Redis", "RedisArgs"]


class Redis(pulumi.ComponentResource):
    """Pairs `sessions`, `data` and `computed`, their Sentinels, backup store and jobs.

    `sentinels` are the addresses (`host:port`) that clients ask, for an environment value: the kubelet fills them in.
    `services` are the Services that must exist before such a client starts.
    """

    sentinels: tuple[str, ...]
    services: tuple[pulumi.Resource, ...]
    backup_bucket: pulumi.Output[str]

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:redis:Redis", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, settings = args.platform, args.settings
        own, watchers = Scope(name, platform, SYSTEM, child), Scope(name, platform, SENTINEL_SYSTEM, child)
        passwords = {name: args.secrets.shown(name).get_secret_value() for name in ("operations", "exporter")}
        credentials = secret(own, "credentials", CREDENTIALS, passwords)
        node_secret = secret(own, "node-secrets", NODE_SECRETS, node_secret_files(args.secrets))
        sentinel_texts = sentinel_secret_files(settings, args.secrets)
        sentinel_secret = secret(watchers, "sentinel-secrets", SENTINEL_SECRETS, sentinel_texts)
        account = service_account(own, "account").metadata.apply(lambda created: created.name or SYSTEM)

        governing: dict[str, pulumi.Resource] = {}
        self.services = ()
        for scope, servers in (
            *((own, pair_servers(pair, args)) for pair in settings.pairs()),
            (watchers, sentinel_servers(args)),
        ):
            *services, governing[servers.name] = declare_addresses(scope, servers)
            self.services += tuple(services)

        def needs(servers: str, *secrets: pulumi.Resource) -> Needs:
            return Needs(account=account, before=[governing[servers], *self.services, credentials, *secrets])

        Sentinels(f"{name}-sentinel", args, needs(SENTINEL_SYSTEM, sentinel_secret), child)
        for pair in settings.pairs():
            RedisPair(f"{name}-{pair}", pair, args, needs(f"redis-{pair}", node_secret), child)
        store = BackupStore(f"{name}-backups", platform, settings.backup, child)
        declare_jobs(own, args, store, before=[*self.services, credentials])

        self.sentinels = tuple(
            f"$({service_variable(sentinel)}):{SENTINEL_PORT}" for sentinel in sentinel_names(settings)
        )
        self.backup_bucket = store.bucket.bucket
        self.register_outputs({"backup_bucket": self.backup_bucket})
