"""Settings of Redis: three master/replica pairs, their Sentinels, backups and the nightly AOF rewrite."""

from collections.abc import Iterable
from typing import Literal

from components.settings.pods import Resources
from components.settings.quantities import MIB, Bytes, Cpu, Duration, format_bytes
from components.settings.section import Section, group, setting

EvictionPolicy = Literal["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "volatile-ttl", "noeviction"]

# Measured: an AOF rewrite under writes peaks at 2.02 times maxmemory (copy-on-write of the whole data set).
COPY_ON_WRITE_FACTOR = 2
PROCESS_OVERHEAD = 256 * MIB
# The AOF grows all day (it is rewritten at night), stands beside its rewrite, and beside the hourly RDB.
STORAGE_FACTOR, SMALLEST_STORAGE_FACTOR = 5, 3
CRON = r"\S+ \S+ \S+ \S+ \S+"


class Pair(Section):
    """A master and its replica; both have the same size, since either may be the master."""

    maxmemory: Bytes = setting(
        unit="bytes", why="data before eviction begins; the container gets `memory`", ge=32 * MIB, le=2**38
    )
    policy: EvictionPolicy = setting("allkeys-lru", why="evicts what was used longest ago, with or without a TTL")
    memory: Bytes | None = setting(
        None, unit="bytes", why="the container's request and limit; unset: 2 x maxmemory + 256MiB, the minimum"
    )
    storage: Bytes | None = setting(
        None, unit="bytes", why="volume for AOF and RDB; unset: 5 x maxmemory, which holds a day's AOF growth"
    )
    cpu: Cpu = setting("500m", unit="cores", why="commands use one core; forks and AOF use others", ge=10)
    repl_backlog: Bytes = setting(
        "64MiB",
        unit="bytes",
        why="writes that a replica may miss and still resume without a full copy",
        ge=MIB,
    )

    @property
    def least_memory(self) -> int:
        """Bytes that the container needs while the AOF is rewritten under writes."""
        return COPY_ON_WRITE_FACTOR * self.maxmemory + PROCESS_OVERHEAD

    @property
    def container_memory(self) -> int:
        """Bytes: request and limit of the Redis container."""
        return self.memory or self.least_memory

    @property
    def resources(self) -> Resources:
        """What the Redis container asks for."""
        return Resources().model_copy(update={"cpu": self.cpu, "memory": self.container_memory})

    @property
    def volume(self) -> int:
        """Bytes of the persistent volume."""
        return self.storage or STORAGE_FACTOR * self.maxmemory

    @property
    def largest_aof(self) -> int:
        """Bytes from which on the server rewrites its AOF without waiting for the night: the rest of the volume holds
        the new AOF and the RDB, each as large as maxmemory at most, and a fifth of what is left stays free.
        """
        return max((self.volume - 2 * self.maxmemory) * 4 // 5, self.maxmemory)

    def contradictions(self) -> Iterable[str]:
        if self.container_memory < self.least_memory:
            yield (
                f"memory is {format_bytes(self.container_memory)}, but maxmemory {format_bytes(self.maxmemory)} "
                f"needs at least {format_bytes(self.least_memory)} (2 x maxmemory + 256MiB: a rewrite of the AOF "
                "under writes copies the whole data set); raise memory or leave it out"
            )
        least_volume = SMALLEST_STORAGE_FACTOR * self.maxmemory
        if self.volume < least_volume:
            yield (
                f"storage is {format_bytes(self.volume)}, but maxmemory {format_bytes(self.maxmemory)} needs at "
                f"least {format_bytes(least_volume)} (3 x maxmemory: AOF, its rewrite and the RDB side by side); "
                "raise storage or leave it out"
            )
        if self.repl_backlog > PROCESS_OVERHEAD:
            yield (
                f"repl_backlog is {format_bytes(self.repl_backlog)}, but the container has only "
                f"{format_bytes(PROCESS_OVERHEAD)} beside its data; lower it"
            )


class Sentinels(Section):
    """The Sentinels: one set watches all pairs."""

    count: int = setting(3, unit="pods", why="odd, so that a split leaves a majority on one side", ge=3, le=9)
    quorum: int = setting(2, unit="Sentinels", why="how many must find a master down; a majority", ge=1, le=9)
    down_after: Duration = setting(
        "1s",
        unit="seconds",
        why="silence after which a Sentinel finds a node down; it pings every second",
        ge=1,
        le=60,
    )
    failover_timeout: Duration = setting(
        "6s",
        unit="seconds",
        why="limits each step of a failover; at 3s it also cuts the promotion short",
        ge=3,
        le=180,
    )
    storage: Bytes = setting("1GiB", unit="bytes", why="the Sentinel's state", ge=MIB)
    resources: Resources = setting(
        {"cpu": "100m", "cpu_limit": "500m", "memory": "128MiB"},
        why="needs little; the CPU limit bounds a busy loop on a closed connection",
    )

    def contradictions(self) -> Iterable[str]:
        if self.count % 2 == 0:
            yield (
                f"count is {self.count}; an even number tolerates no more losses than {self.count - 1} and can "
                "split in halves; use 3, 5, 7 or 9"
            )
        majority = self.count // 2 + 1
        if not majority <= self.quorum <= self.count:
            yield (
                f"quorum is {self.quorum}, but {self.count} Sentinels need {majority} to {self.count}: fewer than a "
                "majority would call a failover that cannot be authorised"
            )


class Backup(Section):
    """Copies of each pair's data in S3."""

    bucket: str = setting(
        why="created for the backups; unique in all of AWS",
        pattern=r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    )
    schedule: str = setting("0 */6 * * *", unit="cron, UTC", why="every six hours", pattern=CRON)
    retention: Duration = setting("30d", unit="seconds", why="then the bucket's lifecycle deletes a backup", ge=86400)
    scratch: Bytes | None = setting(
        None, unit="bytes", why="disk for one pair's RDB; unset: 1.25 x the largest maxmemory"
    )
    resources: Resources = setting({"cpu": "250m", "memory": "512MiB"}, why="copies an RDB to disk, then to S3")


class RedisSettings(Section):
    """Three pairs: sessions, data and computed results, 17 GiB of data in production and 3 GiB for buffers."""

    sessions: Pair = setting({"maxmemory": "10GiB"}, why="session store, TTL 24 h")
    data: Pair = setting({"maxmemory": "5GiB"}, why="cached entities and queries, TTL by entity")
    computed: Pair = setting({"maxmemory": "2GiB"}, why="computed results, TTL 1 h")
    sentinels: Sentinels = group(Sentinels, why="promote the replica of a lost master")
    backup: Backup = setting(why="six-hourly copies in S3")
    rewrite_schedule: str = setting(
        "0 2 * * *", unit="cron, UTC", why="rewrites the AOFs at a quiet hour", pattern=CRON
    )
    idle_timeout: Duration = setting("300s", unit="seconds", why="closes an idle client's connection", ge=0, le=86400)
    tls_ca: str | None = setting(
        None,
        why="PEM of the CA that signs the nodes' certificate. Set: Redis speaks TLS only; unset: "
        "NetworkPolicies and ACL users protect it",
        pattern=r"-----BEGIN CERTIFICATE-----[\s\S]+",
    )
    exporter: Resources = setting({"cpu": "50m", "memory": "64MiB"}, why="each pod's metrics sidecar")
    jobs: Resources = setting({"cpu": "50m", "memory": "64MiB"}, why="the nightly AOF rewrite sends commands and waits")

    def pairs(self) -> dict[str, Pair]:
        """The pairs by name, which is Sentinel's name for the master too."""
        return {"sessions": self.sessions, "data": self.data, "computed": self.computed}

    @property
    def tls(self) -> bool:
        """Whether nodes and Sentinels speak TLS, and nothing else."""
        return self.tls_ca is not None

    @property
    def scratch(self) -> int:
        """Bytes that a backup or restore job needs on disk."""
        return self.backup.scratch or max(pair.maxmemory for pair in self.pairs().values()) * 5 // 4
