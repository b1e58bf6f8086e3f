"""Restores a backup into a running pair.

The backup is loaded by a Redis of the job's own, behind a socket in its scratch directory, and copied key by key to
the pair's master, TTLs included. So nothing is stopped, Sentinel and the replica follow as with any other write, and
a key that the shop has written since the backup is kept, unless asked otherwise. (An RDB put beside an append-only
file would be ignored at start.)
"""

import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from app.operations import rdb_file
from app.operations.backup_store import BackupStore
from app.operations.redis_digest import combined, digests
from app.operations.redis_nodes import Login, connect, master
from app.operations.report import report
from app.operations.settings import BackupSettings, OperationError

BATCH = 500  # keys
LOAD_SECONDS = 1800
# A failover takes seconds; a restore outlasts several.
ATTEMPTS, PAUSE_SECONDS = 15, 2.0
NO_EXPIRY = -1


@dataclass
class Outcome:
    """How many of the backup's keys were restored, kept or differ."""

    restored: int = 0
    kept: int = 0
    expired: int = 0
    different: int = 0


def restore(settings: BackupSettings, pair: str, *, key: str | None = None, replace: bool = False) -> Outcome:
    """Restores backup `key` (the newest without it) into `pair`, and compares every key afterwards.

    `replace` overwrites keys that exist. Raises `OperationError` when the backup is bad, the pair has no master, or
    a key isn't what the backup says.
    """
    nodes = settings.nodes().get(pair)
    if nodes is None:
        raise OperationError(f"there is no pair {pair!r}; there are {', '.join(settings.nodes())}")
    login, store = Login.read(settings), BackupStore(settings)
    file = settings.scratch_dir / f"restore-{pair}.rdb"
    begun = time.monotonic()
    try:
        stored = store.get(key or store.newest(pair), file)
        found = rdb_file.sha256(file)
        if stored.sha256 and found != stored.sha256:
            raise OperationError(f"{stored.key} is damaged: its SHA-256 is {found}, stored as {stored.sha256}")
        report("backup fetched", pair=pair, key=stored.key, bytes=stored.size, keys=rdb_file.check(file))
        with _loaded(file) as source:
            outcome, digest = _copy(source, _Target(pair, nodes, login), replace=replace)
    finally:
        file.unlink(missing_ok=True)
    report(
        "backup restored",
        pair=pair,
        key=stored.key,
        digest=digest.hex(),
        seconds=round(time.monotonic() - begun, 2),
        **vars(outcome),
    )
    if outcome.different:
        raise OperationError(f"{outcome.different} keys of {pair} aren't what {stored.key} says")
    return outcome


@contextmanager
def _loaded(file: Path) -> Generator[Any]:
    """A Redis that has loaded the file and writes nothing, reached by a socket only this job can open."""
    socket = file.with_suffix(".sock")
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(file.parent),
        "dbfilename": file.name,
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "loglevel": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with subprocess.Popen(["redis-server", *arguments]) as server:
        try:
            yield _when_loaded(server, socket)
        finally:
            server.terminate()
            server.wait(timeout=30)
            socket.unlink(missing_ok=True)


def _when_loaded(server: subprocess.Popen[bytes], socket: Path) -> Any:
    client: Any = redis.Redis(unix_socket_path=str(socket), socket_timeout=60)
    deadline = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise OperationError(f"redis-server couldn't load the backup and ended with {server.returncode}")
        try:
            client.ping()
        except (redis.ConnectionError, redis.BusyLoadingError):
            time.sleep(0.2)
        else:
            return client
    raise OperationError(f"the backup wasn't loaded within {LOAD_SECONDS} s")


class _Target:
    """The pair's master, found anew after a failover."""

    def __init__(self, pair: str, nodes: dict[str, str], login: Login) -> None:
        self._pair, self._nodes, self._login = pair, nodes, login
        self._client: Any = None

    def run(self, work: Any) -> Any:
        """Calls `work(client)` on the master, and again after a failover: `work` must be idempotent."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._client is None:
                    node = master(self._pair, self._nodes, self._login)
                    self._client = connect(node.address, self._login, timeout=60)
                return work(self._client)
            except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, OperationError) as error:
                self._client = None
                if attempt == ATTEMPTS:
                    raise OperationError(f"{self._pair}: no master takes the backup: {error}") from error
                report("waiting for the master", pair=self._pair, reason=str(error))
                time.sleep(PAUSE_SECONDS)
        raise AssertionError("unreachable")


def _copy(source: Any, target: _Target, *, replace: bool) -> tuple[Outcome, bytes]:
    outcome, fingerprints = Outcome(), list[bytes]()
    for keys in _batches(source):
        dumped = _dump(source, keys)
        outcome.expired += len(keys) - len(dumped)
        fresh = _put(target, dumped, replace=replace)
        outcome.restored += len(fresh)
        outcome.kept += len(dumped) - len(fresh)
        fingerprints.append(_compare(source, target, fresh, outcome))
    return outcome, combined(fingerprints)


def _batches(source: Any) -> Iterator[list[bytes]]:
    """Every key once (nothing writes there, so SCAN repeats none that matters)."""
    cursor = None
    while cursor != 0:
        cursor, keys = source.scan(cursor or 0, count=BATCH)
        if keys:
            yield list(dict.fromkeys(keys))


def _dump(source: Any, keys: Sequence[bytes]) -> list[tuple[bytes, bytes, int]]:
    """Key, serialised value and expiry (Unix milliseconds, or -1) of those that haven't expired meanwhile."""
    pipeline = source.pipeline(transaction=False)
    for key in keys:
        pipeline.dump(key)
        pipeline.execute_command("PEXPIRETIME", key)
    replies = pipeline.execute()
    return [
        (key, payload, expiry)
        for key, payload, expiry in zip(keys, replies[::2], replies[1::2], strict=True)
        if payload is not None
    ]


def _put(target: _Target, dumped: Sequence[tuple[bytes, bytes, int]], *, replace: bool) -> list[bytes]:
    """Restores the values; the keys that were taken, without those that existed."""

    def work(client: Any) -> list[bytes]:
        pipeline = client.pipeline(transaction=False)
        for key, payload, expiry in dumped:
            options = ["ABSTTL"] if expiry != NO_EXPIRY else []
            options += ["REPLACE"] if replace else []
            pipeline.execute_command("RESTORE", key, max(expiry, 0), payload, *options)
        replies = pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, redis.RedisError) and "BUSYKEY" not in str(reply):
                raise reply
        return [
            key for (key, _, _), reply in zip(dumped, replies, strict=True) if not isinstance(reply, redis.RedisError)
        ]

    return target.run(work)


def _compare(source: Any, target: _Target, keys: Sequence[bytes], outcome: Outcome) -> bytes:
    """Counts keys whose value isn't the backup's; the fingerprint of those that are."""
    expected = digests(source, keys)
    found = target.run(lambda client: digests(client, keys))
    same: list[bytes] = []
    for wanted, there in zip(expected, found, strict=True):
        if wanted is not None and wanted == there:
            same.append(wanted)
        elif wanted is None or there is None:
            outcome.expired += 1
            outcome.restored -= 1
        else:
            outcome.different += 1
    return combined(same)
