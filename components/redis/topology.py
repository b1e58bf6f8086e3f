"""Names and ports of the Redis pods, and the service variables that hold their addresses.

The kubelet sets `<SERVICE>_SERVICE_HOST` for each Service that exists when a container starts. Each pod has a
Service of its own, so these variables are the stable addresses that Redis and Sentinel announce.
"""

from components.redis.settings import RedisSettings

SYSTEM, SENTINEL_SYSTEM, JOBS_SYSTEM = "redis", "redis-sentinel", "redis-jobs"
NODES_PER_PAIR = 2
UID = 999  # of `redis` in the official image


def node_names(pair: str) -> list[str]:
    """The pods of a pair, which are its Services too: redis-sessions-0, redis-sessions-1."""
    return [f"redis-{pair}-{ordinal}" for ordinal in range(NODES_PER_PAIR)]


def sentinel_names(settings: RedisSettings) -> list[str]:
    """The Sentinels' pods and Services: redis-sentinel-0 and on."""
    return [f"{SENTINEL_SYSTEM}-{ordinal}" for ordinal in range(settings.sentinels.count)]


def service_variable(service: str) -> str:
    """The variable that holds a Service's address: REDIS_SESSIONS_0_SERVICE_HOST."""
    return f"{service.upper().replace('-', '_')}_SERVICE_HOST"


def addresses(services: list[str]) -> str:
    """The Services' addresses, for an environment value that the kubelet expands, separated by spaces."""
    return " ".join(f"$({service_variable(service)})" for service in services)
