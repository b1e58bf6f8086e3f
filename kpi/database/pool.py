"""How full pgBouncer's pool gets: visitors of the load mix on a real pgBouncer, measured by its own metrics.

No cache is in front: this is the pool's worst case, in which every step of a visitor is a query. Visitors think as
long as the workload says, so more of them ask more often; how full that makes the pool also depends on how long a
query takes here.
"""

import asyncio
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import asyncpg
import numpy as np
from pydantic import SecretStr

from app.database import failures
from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from app.database.roles import Verifiers
from app.operations.pgbouncer_exporter import PgBouncerCollector
from app.operations.settings import PoolerSettings
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE, EXPORTER
from components.scram import scram_verifier
from components.settings.secrets import PostgresSecrets
from kpi.criterion import Criterion, Measurement, judge
from kpi.database.before_after.mix import Mix
from kpi.report import Report, Table
from kpi.workload import Workload
from stack.environments import stack_config
from testing.pgbouncer import PgBouncer
from testing.postgres import Cluster

SIZE: Final = Size(products=10_000, users=5_000, orders=50_000, reviews=30_000)
HEALTHY: Final = (0.40, 0.70)
"""The specification's healthy range of the pool's utilisation."""
CRITERIA: Final = (Criterion("a load uses 40 to 70 % of the pool", "healthy_loads", ">=", 1, "loads"),)
ABOUT: Final = """\
One pgBouncer with the declared pgbouncer.ini and a Postgres on the same machine as the visitors, no cache in front.
*Pool used* is the recording rule `pod:pgbouncer_pool_used:ratio`, from the exporter's own metrics: mean and highest of
the samples. More cores or faster queries move the range to more visitors."""
MOST_VISITORS: Final = 900
"""pgBouncer takes 1,000 clients, and its console must still be let in."""
STEP: Final = 1.6
BISECTIONS: Final = 4
SAMPLE_SECONDS: Final = 0.25
WARM_UP_SECONDS: Final = 2.0
ACTIVE: Final = "pgbouncer_pools_server_active_connections"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Level:
    """A number of concurrent visitors: what they did and how full the pool was."""

    visitors: int
    queries_per_second: float
    p95_ms: float
    failed: int
    used: float
    """Server connections in use, as a share of the pool: the mean of the samples."""
    peak: float
    longest_wait: float
    """The longest wait of the first client in the queue, seconds."""

    @property
    def healthy(self) -> bool:
        """Within the specification's range, and nobody failed."""
        return HEALTHY[0] <= self.used <= HEALTHY[1] and not self.failed


def declared_pools() -> PgBouncerSettings:
    """The pools of prod; TLS and prepared statements are off, as Debian's pgBouncer needs it here."""
    declared = stack_config("prod")["simone:pgbouncer"]
    return PgBouncerSettings.model_validate(declared | {"server_tls_mode": "disable", "max_prepared_statements": None})


def utilisation(samples: Mapping[str, float]) -> float:
    """As the recording rule pod:pgbouncer_pool_used:ratio: server connections in use over the pool's size."""
    return samples[ACTIVE] / samples["pgbouncer_databases_database_pool_size"]


class _Pool:
    """The database behind a running pgBouncer, and a look at its metrics."""

    def __init__(self, pgbouncer: PgBouncer, password_file: Path) -> None:
        self.connect = pgbouncer.connect
        self._collector = PgBouncerCollector(
            PoolerSettings(
                pod_ip="127.0.0.1",
                pgbouncer_port=pgbouncer.port,
                pgbouncer_user=EXPORTER,
                pgbouncer_password_file=password_file,
            )
        )

    def sample(self) -> dict[str, float]:
        """The application's pool: each metric by name."""
        found: dict[str, float] = {}
        for metric in self._collector.collect():
            for sample in metric.samples:
                if sample.labels.get("database", DATABASE) == DATABASE and sample.labels.get("user", APP) == APP:
                    found[sample.name] = sample.value
        return found


class _Crowd:
    """Visitors, each on its own client connection: they query, think, and query again."""

    def __init__(self, pool: _Pool, mix: Mix, workload: Workload) -> None:
        self._pool, self._mix, self._think = pool, mix, workload.think_time
        self._random = np.random.default_rng(workload.seed)
        self.times: list[float] = []
        self.failures: list[str] = []

    async def sign_in(self, visitors: int) -> list[Any]:
        """Open their connections, a few at a time, since logging in costs both sides time."""
        turns = asyncio.Semaphore(10)

        async def one() -> Any:
            async with turns:
                return await self._pool.connect()

        return await asyncio.gather(*(one() for _ in range(visitors)))

    async def visit(self, connection: Any, until: float) -> None:
        """Play one visitor until that moment."""
        while True:
            think = self._random.lognormal(math.log(self._think.median), self._think.sigma)
            await asyncio.sleep(min(think, self._think.maximum))
            if time.monotonic() > until:
                await connection.close()
                return
            begun = time.perf_counter()
            try:
                await self._mix.step(connection)
            except failures.ANY as error:
                self.failures.append(str(error))
                connection = await self._pool.connect()
            self.times.append((time.perf_counter() - begun) * 1000)


async def measure_level(pool: _Pool, mix: Mix, workload: Workload, visitors: int, seconds: float) -> Level:
    """Measure this many visitors for this many seconds, after a short warm-up."""
    crowd = _Crowd(pool, mix, workload)
    connections = await crowd.sign_in(visitors)
    start = time.monotonic() + WARM_UP_SECONDS
    tasks = [asyncio.create_task(crowd.visit(connection, start + seconds)) for connection in connections]
    await asyncio.sleep(WARM_UP_SECONDS)
    warm = len(crowd.times)
    samples: list[dict[str, float]] = []
    while time.monotonic() < start + seconds:
        sample = await asyncio.to_thread(pool.sample)
        if ACTIVE in sample:
            samples.append(sample)
        await asyncio.sleep(SAMPLE_SECONDS)
    asked = len(crowd.times) - warm
    await asyncio.gather(*tasks)
    if not samples:
        raise RuntimeError(f"pgBouncer's console answered nothing for {seconds:g} s with {visitors} visitors")
    used = [utilisation(sample) for sample in samples]
    return Level(
        visitors=visitors,
        queries_per_second=asked / seconds,
        p95_ms=float(np.percentile(crowd.times[warm:], 95)),
        failed=len(crowd.failures),
        used=float(np.mean(used)),
        peak=max(used),
        longest_wait=max(sample["pgbouncer_pools_client_maxwait_seconds"] for sample in samples),
    )


async def _prepare(cluster: Cluster, passwords: PostgresSecrets) -> None:
    administrator = await asyncpg.connect(cluster.dsn())
    await administrator.execute(f"CREATE DATABASE {DATABASE}")
    await administrator.close()
    app, exporter = scram_verifier(APP, passwords.app), scram_verifier(EXPORTER, passwords.exporter)
    await upgrade(cluster.dsn(DATABASE), Verifiers(app=app, exporter=exporter))
    await load(cluster.dsn(DATABASE), SIZE)


def design_visitors(workload: Workload) -> int:
    """Visitors at once at the design load: the requests that arrive in a visitor's mean pause."""
    think = workload.think_time
    return round(workload.requests_per_second * think.median * math.exp(think.sigma**2 / 2))


async def search(measure: Callable[[int], Awaitable[Level]], first: int) -> list[Level]:
    """Raise the visitors from `first` until the pool is above its healthy range; then search between for a level in
    it.
    """
    found = [await measure(first)]
    while found[-1].used <= HEALTHY[1] and found[-1].visitors < MOST_VISITORS:
        found.append(await measure(min(round(found[-1].visitors * STEP), MOST_VISITORS)))
    for _ in range(BISECTIONS):
        below = max(
            (level for level in found if level.used < HEALTHY[0]), key=lambda level: level.visitors, default=None
        )
        above = min(
            (level for level in found if level.used > HEALTHY[1]), key=lambda level: level.visitors, default=None
        )
        if any(level.healthy for level in found) or below is None or above is None:
            break
        found.append(await measure((below.visitors + above.visitors) // 2))
    return sorted(found, key=lambda level: level.visitors)


async def _measure(cluster: Cluster, pool: _Pool, seconds: float, progress: Progress) -> list[Level]:
    workload = Workload.load()
    owner = await asyncpg.connect(cluster.dsn(DATABASE))
    mix = await Mix.of(owner, workload)
    await owner.close()

    async def measure(visitors: int) -> Level:
        progress(f"{visitors} visitors")
        return await measure_level(pool, mix, workload, visitors, seconds)

    return await search(measure, design_visitors(workload))


def measure_pool(seconds: float, progress: Progress) -> list[Level]:
    """Measure numbers of visitors on a Postgres and a pgBouncer started for it, `seconds` each. Fewest first."""
    password = SecretStr(secrets.token_urlsafe(18))
    passwords = PostgresSecrets(owner=password, app=password, exporter=password)
    with Cluster({"jit": "off"}) as cluster, NamedTemporaryFile("w", suffix=".password") as file:
        file.write(password.get_secret_value())
        file.flush()
        progress("schema and sample shop")
        asyncio.run(_prepare(cluster, passwords))
        with PgBouncer(cluster, passwords, declared_pools()) as pgbouncer:
            return asyncio.run(_measure(cluster, _Pool(pgbouncer, Path(file.name)), seconds, progress))


def conclusion(levels: Sequence[Level]) -> str:
    """The result in two sentences."""
    design, healthy = levels[0], [level for level in levels if level.healthy]
    at_design = (
        f"At the design load without any cache ({design.visitors} visitors, {design.queries_per_second:,.0f} queries a "
        f"second) {design.used:.0%} of one pod's pool is used."
    )
    if not healthy:
        return f"{at_design} No load was found here that uses 40 to 70 % of it."
    level = healthy[0]
    return (
        f"{at_design} It is in its healthy range (40 to 70 %) at {level.visitors} visitors and "
        f"{level.queries_per_second:,.0f} queries/s, {level.visitors / design.visitors:.1f} times that load: "
        f"{level.used:.0%} used."
    )


def report_of(levels: Sequence[Level]) -> Report:
    """The report: a row for each level, and the conclusion."""
    says = conclusion(levels)
    table = Table(
        ("visitors", "queries/s", "P95 ms", "failed", "pool used", "peak", "longest wait s", ""),
        [
            (f"{one.visitors:,}", f"{one.queries_per_second:,.0f}", f"{one.p95_ms:,.1f}", f"{one.failed}",
             f"{one.used:.0%}", f"{one.peak:.0%}", f"{one.longest_wait:.2f}", "40-70 %" if one.healthy else "")
            for one in levels
        ],
    )  # fmt: skip
    figures = {"healthy_loads": Measurement(sum(level.healthy for level in levels), says)}
    return Report(
        title="How full pgBouncer's pool gets",
        judged=judge(CRITERIA, figures),
        figures=figures,
        parts=[says, table, ABOUT],
        brief=[table],
        data={"levels": [asdict(level) for level in levels]},
    )
