"""Sessions: a hash `session:{id}` in Redis, written through to Postgres, which has them when Redis doesn't.

Fields are written one by one in both places, so that tabs which change different things don't undo each other. An
ended session leaves a short-lived mark in Redis: a read that found it in Postgres just before can't bring it back.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any, Final, Literal

import orjson
import structlog

from app.api.metrics import Metrics
from app.api.redis import Pair, RedisError
from app.api.redis.pair import Script
from app.database.queries import Database, sessions
from app.database.queries.rows import JsonObject

log = structlog.get_logger(__name__)

TTL_SECONDS: Final = 24 * 60 * 60
ANONYMOUS_TTL_SECONDS: Final = 2 * 60 * 60
"""Of visitors who haven't signed in: a flood of them must not push out members' sessions."""
RENEW_AFTER_SECONDS: Final = 60
"""Activity renews a session at most this often: reads don't become writes."""
ENDED_SECONDS: Final = 60

_ID = re.compile(r"[A-Za-z0-9_-]{43}")

_WRITE: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""")
_WRITE_EXISTING: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'last_activity') == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
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
    """What a visitor's session holds; `user_id` is None until they sign in. Times are seconds since the epoch."""

    id: str
    user_id: int | None
    last_activity: float
    cart_data: JsonObject = field(default_factory=dict)
    preferences: JsonObject = field(default_factory=dict)

    @property
    def ttl(self) -> int:
        """Seconds that it lives without activity."""
        return TTL_SECONDS if self.user_id is not None else ANONYMOUS_TTL_SECONDS


def new_id() -> str:
    """An id that can't be guessed: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_id(text: str) -> bool:
    """Whether a cookie's value can be an id at all; others are never looked up."""
    return _ID.fullmatch(text) is not None


class SessionStore:
    """`set`, `get`, `delete`, `refresh`. A failure of Redis is never an error here; one of Postgres is, for writes."""

    def __init__(self, pair: Pair, database: Database, metrics: Metrics) -> None:
        self._pair = pair
        self._database = database
        self._reads = metrics.sessions
        self._doubtful: dict[str, None] = {}
        """Ids whose copy in Redis may be older than Postgres's: to be dropped before Redis is read again."""
        pair.on_recovery(self._drop_doubtful)

    async def create(
        self, *, user_id: int | None = None, cart_data: JsonObject | None = None, preferences: JsonObject | None = None
    ) -> Session:
        """A new session under a new id."""
        session = Session(new_id(), user_id, time(), cart_data or {}, preferences or {})
        await sessions.save(
            self._database,
            session.id,
            ttl_seconds=session.ttl,
            user_id=user_id,
            cart_data=session.cart_data,
            preferences=session.preferences,
        )
        await self._in_redis(_WRITE, session.id, session.ttl, _fields(session))
        return session

    async def get(self, session_id: str) -> Session | None:
        """The session; None if there is none, it has expired, or both stores are away."""
        key = _key(session_id)
        redis_is_away = False
        if session_id not in self._doubtful:
            try:
                reply: list[bytes] = await self._pair.call("HGETALL", key)
            except RedisError:
                redis_is_away, reply = True, []
            fields = dict(zip(reply[::2], reply[1::2], strict=True))
            if b"ended" in fields:
                self._reads.labels("miss").inc()
                return None
            session = _decoded(session_id, fields)
            if session is not None:
                self._reads.labels("hit").inc()
                return session
        return await self._from_postgres(session_id, heal=not redis_is_away)

    async def _from_postgres(self, session_id: str, *, heal: bool) -> Session | None:
        try:
            row = await sessions.get(self._database, session_id)
        except Exception as error:
            self._reads.labels("unavailable").inc()
            log.warning("session unreadable", error=type(error).__name__)
            return None
        if row is None:
            self._reads.labels("miss").inc()
            return None
        session = Session(session_id, row.user_id, row.last_activity.timestamp(), row.cart_data, row.preferences)
        self._reads.labels("healed" if heal else "fallback").inc()
        log.info("session read from postgres", healed=heal, signed_in=row.user_id is not None)
        if heal:
            left = max(1, int(row.expires_at.timestamp() - time()))
            await self._in_redis(_HEAL, session_id, left, _fields(session))
        return session

    async def set(self, session: Session, data: Mapping[Literal["cart_data", "preferences"], JsonObject]) -> None:
        """Change fields (`cart_data`, `preferences`) and renew; other fields stay as anybody else has set them."""
        await sessions.save(
            self._database,
            session.id,
            ttl_seconds=session.ttl,
            cart_data=data.get("cart_data"),
            preferences=data.get("preferences"),
        )
        fields: dict[str, bytes] = {name: orjson.dumps(value) for name, value in data.items()}
        fields["last_activity"] = _now()
        await self._in_redis(_WRITE_EXISTING, session.id, session.ttl, fields)

    async def refresh(self, session: Session) -> bool:
        """Renew after activity, at most once a minute; tells whether it did."""
        if time() - session.last_activity < RENEW_AFTER_SECONDS:
            return False
        await self._in_redis(_WRITE_EXISTING, session.id, session.ttl, {"last_activity": _now()})
        await sessions.touch(self._database, session.id, ttl_seconds=session.ttl)
        return True

    async def delete(self, session_id: str) -> None:
        """End a session, at once and everywhere."""
        await sessions.delete(self._database, session_id)
        await self._in_redis(_END, session_id, ENDED_SECONDS, {})

    async def _in_redis(self, script: Script, session_id: str, seconds: int, fields: Mapping[str, bytes]) -> None:
        flat = [part for pair in fields.items() for part in pair]
        try:
            await self._pair.run(script, [_key(session_id)], [seconds, *flat])
        except RedisError as error:
            self._doubtful[session_id] = None
            log.warning("session not written to redis, postgres has it", error=str(error))

    async def _drop_doubtful(self, call: Any) -> None:
        while self._doubtful:
            ids = list(self._doubtful)[:500]
            await call("UNLINK", *map(_key, ids))
            for session_id in ids:
                self._doubtful.pop(session_id, None)


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _now() -> bytes:
    return f"{time():.0f}".encode()


def _fields(session: Session) -> dict[str, bytes]:
    return {
        "user_id": b"" if session.user_id is None else str(session.user_id).encode(),
        "cart_data": orjson.dumps(session.cart_data),
        "preferences": orjson.dumps(session.preferences),
        "last_activity": f"{session.last_activity:.0f}".encode(),
    }


def _decoded(session_id: str, fields: Mapping[bytes, bytes]) -> Session | None:
    try:
        user = fields[b"user_id"]
        return Session(
            session_id,
            int(user) if user else None,
            float(fields[b"last_activity"]),
            orjson.loads(fields[b"cart_data"]),
            orjson.loads(fields[b"preferences"]),
        )
    except (KeyError, ValueError):
        return None
