"""The files that the Redis containers mount: configuration texts and scripts, by file name."""

from collections.abc import Mapping

from components.redis.acl import node_acl, sentinel_acl
from components.redis.redis_conf import redis_conf, replication_conf
from components.redis.sentinel_conf import sentinel_auth_conf, sentinel_conf
from components.redis.settings import Pair, RedisSettings
from components.redis.tls import ca_file, certificate_files
from components.script_files import fill_script, script_files
from components.settings.secrets import RedisSecrets

PACKAGE = "components.redis"


def node_files(settings: RedisSettings, pair: Pair) -> Mapping[str, str]:
    """/etc/redis of a pair's nodes."""
    return {
        "redis.conf": redis_conf(settings, pair),
        **ca_file(settings),
        **fill_script(),
        **script_files(PACKAGE, "sentinels.sh", "start.sh", "stop.sh", "probe.sh", "cli.sh"),
    }


def node_secret_files(secrets: RedisSecrets) -> Mapping[str, str]:
    """/etc/redis-secrets of all nodes."""
    return {
        "users.acl": node_acl(secrets),
        "replication.conf": replication_conf(secrets),
        **certificate_files(secrets),
    }


def sentinel_files(settings: RedisSettings) -> Mapping[str, str]:
    """/etc/sentinel of the Sentinels."""
    return {
        "sentinel.conf": sentinel_conf(settings),
        **ca_file(settings),
        **fill_script(),
        **script_files(PACKAGE, "merge.awk", "start-sentinel.sh", "probe.sh", "cli.sh"),
    }


def sentinel_secret_files(settings: RedisSettings, secrets: RedisSecrets) -> Mapping[str, str]:
    """/etc/sentinel-secrets of the Sentinels."""
    return {
        "users.acl": sentinel_acl(secrets),
        "auth.conf": sentinel_auth_conf(settings, secrets),
        **certificate_files(secrets),
    }


def job_files(settings: RedisSettings) -> Mapping[str, str]:
    """/etc/redis-jobs of the jobs."""
    return {**ca_file(settings), **script_files(PACKAGE, "rewrite.sh")}
