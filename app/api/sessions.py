"""Sessions: a hash `session:{id}` in Redis, with a copy in Postgres for when Redis lacks it.

Fields are written one by one in both places, so tabs that change different fields don't undo each other.

Redis never keeps what Postgres no longer has. A session that ended, or that was changed while Redis lacked it, leaves
a short-lived mark there, so a read that found the old state in Postgres just before can't store it. Changes that reach
Redis in another order than Postgres leave the same mark, so Postgres is asked for the result. Every new connection
first drops the sessions whose last write Redis may lack: unconfirmed ones, and those of the last seconds, which a
promoted replica may have missed.
"""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic, time
from typing import Any, Final, Literal

import orjson
import structlog

from app.api.metrics import Metrics
from app.api.redis import Pair, RedisError
from app.api.redis.connection import Argument
from app.api.redis.pair import Script
from app.database import failures
from app.database.queries import Database, sessions
from app.database.queries.rows import JsonObject
from app.database.queries.sessions import Total

log = structlog.get_logger(__name__)

TTL_SECONDS: Final = 24 * 60 * 60
ANONYMOUS_TTL_SECONDS: Final = 2 * 60 * 60
"""Of visitors who haven't signed in: a flood of them must not push out members' sessions."""
RENEW_AFTER_SECONDS: Final = 60
"""Activity renews a session at most this often: reads don't become writes."""
ENDED_SECONDS: Final = 60
CHANGED_SECONDS: Final = 15
"""Longer than a read of Postgres and the healing after it may take: the time limit of a statement and of Redis."""
RECENT_SECONDS: Final = 10.0
"""A promoted replica has what was written before that: the old master was missed within a second or two."""
BELIEVED_SECONDS: Final = 0.5
"""For so long a process believes Redis that a member's session goes on; then it asks Postgres, where sessions are
ended: by signing out everywhere, a changed password, an operator.
"""
ASKING_SECONDS: Final = 0.25
"""While Postgres doesn't answer within this, Redis alone is believed, for a second at a time."""
REMEMBERED: Final = 10_000
"""Ids in each list of sessions that a process keeps: two megabytes. Of what is doubtful beyond it, all are dropped."""
MEND_SECONDS: Final = 0.1
"""Pause between attempts to drop what Redis may have wrong. While the circuit is open they cost nothing."""

_ID = re.compile(r"[A-Za-z0-9_-]{43}")

_CREATE: Final = Script("""
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""")
# ARGV: seconds to live, seconds that a mark lives, moment of the change, then fields and values.
_CHANGE: Final = Script("""
local last = tonumber(redis.call('HGET', KEYS[1], 'last_activity') or '')
if last and last <= tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'last_activity', ARGV[3], unpack(ARGV, 4))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  return 1
end
if redis.call('HEXISTS', KEYS[1], 'ended') == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'changed', '1')
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return 0
""")
# ARGV: seconds to live, now, seconds between renewals. 1: renewed, 0: somebody else has, -1: it isn't here.
_RENEW: Final = Script("""
local last = tonumber(redis.call('HGET', KEYS[1], 'last_activity') or '')
if not last then return -1 end
if tonumber(ARGV[2]) - last < tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'last_activity', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""")
_HEAL: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""")
_END: Final = Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', '1')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""")


@dataclass(frozen=True, slots=True)
class Session:
    """A visitor's session. `user_id` is None until they sign in. Times are in seconds since the epoch.

    `cart_version` grows with each change of the cart.
    """

    id: str
    user_id: int | None
    last_activity: float
    cart_data: JsonObject = field(default_factory=dict)
    preferences: JsonObject = field(default_factory=dict)
    cart_version: int = 0

    @property
    def ttl(self) -> int:
        """The session's lifetime without activity, in seconds."""
        return TTL_SECONDS if self.user_id is not None else ANONYMOUS_TTL_SECONDS


Data = Mapping[Literal["cart_data", "preferences"], JsonObject]


@dataclass(frozen=True, slots=True)
class SessionChange:
    """A change that Postgres has and Redis lacks. `moment` is in seconds since the epoch."""

    session: Session
    data: Data
    moment: float
    cart_version: int


def new_id() -> str:
    """An id that can't be guessed: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_id(text: str) -> bool:
    """Whether a cookie's value can be an id. Others are never looked up."""
    return _ID.fullmatch(text) is not None


class Unreadable(Exception):
    """Neither Redis nor Postgres can say whether the session exists."""


class SessionStore:
    """Stores sessions. A failure of Redis is never an error here. A failure of Postgres is one for writes, and for
    reads of what Redis lacks.
    """

    def __init__(self, pair: Pair, database: Database, metrics: Metrics) -> None:
        self._pair = pair
        self._database = database
        self._reads = metrics.sessions
        self._doubtful: dict[str, None] = {}
        """Ids whose copy in Redis may be older than Postgres's: to be dropped before Redis is read again."""
        self._recent: dict[str, float] = {}
        """When ids were last written to Redis, oldest first."""
        self._all_doubtful = False
        """There were too many to name: any session in Redis may be wrong."""
        self._recent_lost = -inf
        """When an id that was written lately was last left out, because there were too many."""
        self._believed: dict[str, float] = {}
        """Until when members' sessions needn't be asked for, longest known first."""
        self._unasked_until = 0.0
        """Until when Postgres isn't asked whether sessions go on, because it didn't answer."""
        self._mending: asyncio.Task[None] | None = None
        pair.on_recovery(self._drop_doubtful)

    async def create(
        self,
        *,
        user_id: int | None = None,
        cart_data: JsonObject | None = None,
        preferences: JsonObject | None = None,
        told: Total | None = None,
    ) -> Session:
        """Create a session with a new id. `told` is the cart's total as the visitor was told it."""
        session = await self.begin(
            self._database, user_id=user_id, cart_data=cart_data, preferences=preferences, told=told
        )
        await self.publish(session)
        return session

    async def begin(
        self,
        database: Database,
        *,
        user_id: int | None = None,
        cart_data: JsonObject | None = None,
        preferences: JsonObject | None = None,
        told: Total | None = None,
    ) -> Session:
        """The part of `create` that a transaction may hold. `publish` its result after the commit."""
        session = Session(new_id(), user_id, time(), cart_data or {}, preferences or {})
        await sessions.save(
            database,
            session.id,
            ttl_seconds=session.ttl,
            user_id=user_id,
            cart_data=session.cart_data,
            preferences=session.preferences,
            told=told,
        )
        return session

    async def get(self, session_id: str) -> Session | None:
        """The session, or None if there is none or it has expired. Raises Unreadable if both stores are away."""
        try:
            if session_id in self._doubtful or self._all_doubtful:
                await self._pair.call("UNLINK", _key(session_id))
                self._doubtful.pop(session_id, None)
            reply: list[bytes] = await self._pair.call("HGETALL", _key(session_id))
        except RedisError:
            return await self._from_postgres(session_id, heal=False)
        fields = dict(zip(reply[::2], reply[1::2], strict=True))
        if b"ended" in fields:
            self._count("miss")
            return None
        session = _decoded(session_id, fields)
        if session is None:
            return await self._from_postgres(session_id, heal=True)
        if session.user_id is not None and not await self._goes_on(session_id):
            await self._in_redis(_END, session_id, ENDED_SECONDS)
            self._count("revoked")
            return None
        self._count("hit")
        return session

    async def newest(self, database: Database, session: Session | None) -> Session | None:
        """The session as Postgres has it, or None if it has ended. While Postgres doesn't answer: the given one.

        For what is shown right after a change: until a failover of Redis is over, another process may still read what
        an unconfirmed change has replaced.
        """
        if session is None:
            return None
        try:
            row = await sessions.get(database, session.id)
        except failures.ANY as error:
            log.warning("session as redis has it", error=type(error).__name__)
            return session
        return None if row is None else _of_row(session.id, row)

    async def _goes_on(self, session_id: str) -> bool:
        """Whether Postgres still has a session that Redis has. True while Postgres doesn't answer."""
        now = monotonic()
        if now < max(self._believed.get(session_id, 0.0), self._unasked_until):
            return True
        try:
            async with asyncio.timeout(ASKING_SECONDS):
                goes_on = await sessions.is_there(self._database, session_id)
        except failures.ANY as error:
            self._unasked_until = now + 1.0
            log.warning("nobody can say whether sessions were ended", error=type(error).__name__)
            return True
        self._believed.pop(session_id, None)
        if goes_on:
            self._believed[session_id] = now + BELIEVED_SECONDS
        _shorten(self._believed)
        return goes_on

    async def _from_postgres(self, session_id: str, *, heal: bool) -> Session | None:
        try:
            row = await sessions.get(self._database, session_id)
        except failures.ANY as error:
            self._reads.labels("unavailable").inc()
            log.warning("session unreadable", error=type(error).__name__)
            raise Unreadable from error
        if row is None:
            self._count("miss")
            return None
        session = _of_row(session_id, row)
        left = max(1, int(row.expires_at.timestamp() - time()))
        healed = heal and await self._in_redis(_HEAL, session_id, left, *_flat(_fields(session))) == 1
        self._reads.labels("healed" if healed else "fallback").inc()
        log.info("session read from postgres", healed=healed, signed_in=row.user_id is not None)
        return session

    async def set(self, session: Session, data: Data) -> bool:
        """Change fields (`cart_data`, `preferences`) and renew the session. Other fields stay as they are.

        Returns False, and changes nothing, if the session has ended.
        """
        change = await self.write(self._database, session, data)
        if change is None:
            return False
        await self.publish(change)
        return True

    async def write(
        self, database: Database, session: Session, data: Data, *, told: Total | None = None
    ) -> SessionChange | None:
        """The part of `set` that a transaction may hold. `publish` its result after the commit."""
        changed = await sessions.change(
            database,
            session.id,
            ttl_seconds=session.ttl,
            cart_data=data.get("cart_data"),
            preferences=data.get("preferences"),
            told=told,
        )
        return (
            None if changed is None else SessionChange(session, data, changed.moment.timestamp(), changed.cart_version)
        )

    async def publish(self, change: SessionChange | Session) -> None:
        """Write to Redis what Postgres has of a changed or new session."""
        if isinstance(change, Session):
            await self._in_redis(_CREATE, change.id, change.ttl, *_flat(_fields(change)))
            return
        fields = {name: orjson.dumps(value) for name, value in change.data.items()}
        fields["cart_version"] = str(change.cart_version).encode()
        at = _seconds(change.moment)
        await self._in_redis(_CHANGE, change.session.id, change.session.ttl, CHANGED_SECONDS, at, *_flat(fields))

    async def refresh(self, session: Session) -> bool:
        """Renew the session after activity, once a minute at most. Returns whether it did. Never an error."""
        if time() - session.last_activity < RENEW_AFTER_SECONDS:
            return False
        in_redis = await self._in_redis(_RENEW, session.id, session.ttl, _seconds(time()), RENEW_AFTER_SECONDS)
        if in_redis == 0:
            return False
        try:
            in_postgres = await sessions.touch(
                self._database, session.id, ttl_seconds=session.ttl, idle_seconds=RENEW_AFTER_SECONDS
            )
        except failures.ANY as error:
            log.warning("session not renewed in postgres", error=type(error).__name__)
            in_postgres = False
        return in_redis == 1 or in_postgres

    async def delete(self, session_id: str) -> None:
        """End a session at once, everywhere."""
        await sessions.delete(self._database, session_id)
        await self._in_redis(_END, session_id, ENDED_SECONDS)

    async def _in_redis(self, script: Script, session_id: str, *arguments: Argument) -> int | None:
        try:
            reply = await self._pair.run(script, [_key(session_id)], arguments)
        except RedisError as error:
            self._doubtful[session_id] = None
            if _shorten(self._doubtful):
                self._all_doubtful = True
            if self._mending is None or self._mending.done():
                self._mending = asyncio.create_task(self._mend())
            log.warning("session not written to redis, postgres has it", error=str(error))
            return None
        now = monotonic()
        self._recent.pop(session_id, None)
        self._recent[session_id] = now
        while (oldest := next(iter(self._recent))) and self._recent[oldest] < now - RECENT_SECONDS:
            del self._recent[oldest]
        if _shorten(self._recent):
            self._recent_lost = now
        return reply

    async def finish(self, within: float) -> None:
        """Before the process ends: drop from Redis what it may have wrong, within so many seconds."""
        if self._mending is not None:
            await asyncio.wait({self._mending}, timeout=within)
            self._mending.cancel()

    async def _mend(self) -> None:
        """Drop doubtful copies without waiting for the next request: other processes may read them."""
        while self._doubtful or self._all_doubtful:
            await asyncio.sleep(MEND_SECONDS)
            with contextlib.suppress(RedisError):
                await self._drop_doubtful(self._pair.call)

    async def _drop_doubtful(self, call: Any) -> None:
        young = monotonic() - RECENT_SECONDS
        if self._all_doubtful or self._recent_lost >= young:
            await _drop_all(call)
            self._all_doubtful, self._recent_lost = False, -inf
            self._doubtful.clear()
            return
        ids = list({**self._doubtful, **{name: None for name, moment in self._recent.items() if moment >= young}})
        for start in range(0, len(ids), 500):
            batch = ids[start : start + 500]
            await call("UNLINK", *map(_key, batch))
            for session_id in batch:
                self._doubtful.pop(session_id, None)

    def _count(self, result: str) -> None:
        self._reads.labels(result).inc()
        log.debug("session read", result=result)


async def _drop_all(call: Any) -> None:
    cursor = b"0"
    while True:
        cursor, keys = await call("SCAN", cursor, "MATCH", _key("*"), "COUNT", 1000)
        if keys:
            await call("UNLINK", *keys)
        if cursor == b"0":
            return


def _shorten(ids: dict[str, Any]) -> bool:
    """Forget the oldest of too many. Returns whether there were too many."""
    if len(ids) <= REMEMBERED:
        return False
    del ids[next(iter(ids))]
    return True


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _seconds(moment: float) -> bytes:
    return f"{moment:.6f}".encode()


def _flat(fields: Mapping[str, bytes]) -> list[str | bytes]:
    return [part for field in fields.items() for part in field]


def _fields(session: Session) -> dict[str, bytes]:
    return {
        "user_id": b"" if session.user_id is None else str(session.user_id).encode(),
        "cart_data": orjson.dumps(session.cart_data),
        "preferences": orjson.dumps(session.preferences),
        "cart_version": str(session.cart_version).encode(),
        "last_activity": _seconds(session.last_activity),
    }


def _of_row(session_id: str, row: sessions.Session) -> Session:
    activity = row.last_activity.timestamp()
    return Session(session_id, row.user_id, activity, row.cart_data, row.preferences, row.cart_version)


def _decoded(session_id: str, fields: Mapping[bytes, bytes]) -> Session | None:
    try:
        user = fields[b"user_id"]
        return Session(
            session_id,
            int(user) if user else None,
            float(fields[b"last_activity"]),
            orjson.loads(fields[b"cart_data"]),
            orjson.loads(fields[b"preferences"]),
            int(fields.get(b"cart_version", b"0")),
        )
    except (KeyError, ValueError):
        return None
