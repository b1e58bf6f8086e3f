"""Values with tags on one Redis pair: filled by one process at a time, and never with what a purge has overtaken.

Each tag has a version, which a purge changes while it deletes what the tag's set of keys names. Who fills a value notes
the versions of its tags before it reads the data, and the value is stored only if they are still the same: a slow
reader can't put the old value back after a write's purge. The value keeps the versions, and is read only while they
are the tags' own: at full memory Redis may have evicted the set that a purge would have found it by. All of it happens
in Lua, so it is atomic.

Some tags follow from the value, so nobody can note them before the data is read. A guard stands in for them: a tag that
is purged with each of them.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.api.redis.pair import Pair, Script

VERSION_SECONDS: Final = 3600
"""A version outlives every load that may have noted it; one that a stored value has noted outlives the value."""

# KEYS: value. ARGV: names of its fields. A value that a purge has missed is dropped when it is read.
_READ: Final = Script("""
local found = redis.call('HMGET', KEYS[1], 'tags', unpack(ARGV))
local tags = table.remove(found, 1)
if not tags then return nil end
local keys, noted = {}, {}
for tag, version in string.gmatch(tags, '([^\\n]*)\\n([^\\n]*)\\n') do
  keys[#keys + 1], noted[#noted + 1] = 'tag:version:' .. tag, version
end
if #keys == 0 then return found end
for i, version in ipairs(redis.call('MGET', unpack(keys))) do
  if (version or '') ~= noted[i] then
    redis.call('UNLINK', KEYS[1])
    return nil
  end
end
return found
""")

# KEYS: lock, value, versions to note. ARGV: lock token, milliseconds.
_BEGIN: Final = Script("""
local held = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
local answer = {held and 1 or 0, redis.call('EXISTS', KEYS[2])}
for i = 3, #KEYS do answer[i] = redis.call('GET', KEYS[i]) or '' end
return answer
""")

# KEYS: value, lock, versions noted (the value's own, its tags', its guards'), versions and then sets of all its tags.
# ARGV: lock token, milliseconds, number of versions noted, number of tags, the versions as noted, the tags, then field
# and value pairs.
_STORE: Final = Script("""
local noted, tags = tonumber(ARGV[3]), tonumber(ARGV[4])
local current = true
for i = 1, noted do
  if (redis.call('GET', KEYS[2 + i]) or '') ~= ARGV[4 + i] then current = false end
end
if current then
  local note = {}
  for i = 1, tags do
    local key, set = KEYS[2 + noted + i], KEYS[2 + noted + tags + i]
    local version = redis.call('GET', key) or ''
    note[i] = ARGV[4 + noted + i] .. '\\n' .. version .. '\\n'
    redis.call('SADD', set, KEYS[1])
    if redis.call('PTTL', set) < tonumber(ARGV[2]) then redis.call('PEXPIRE', set, ARGV[2]) end
    if version ~= '' and redis.call('PTTL', key) < tonumber(ARGV[2]) then redis.call('PEXPIRE', key, ARGV[2]) end
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'tags', table.concat(note), unpack(ARGV, 5 + noted + tags))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return current and 1 or 0
""")

# KEYS: versions of the tags, sets of the tags. ARGV: seconds a version lives, a random part: a version that expired
# and starts again must not equal one noted before.
_PURGE: Final = Script("""
local tags, removed = #KEYS / 2, 0
for i = 1, tags do
  redis.call('SET', KEYS[i], ARGV[2], 'EX', ARGV[1])
  local members = redis.call('SMEMBERS', KEYS[tags + i])
  for start = 1, #members, 1000 do
    removed = removed + redis.call('UNLINK', unpack(members, start, math.min(start + 999, #members)))
  end
  redis.call('UNLINK', KEYS[tags + i])
end
return removed
""")

# KEYS: values, then their own versions. ARGV: as of a purge.
_DELETE: Final = Script("""
local values = #KEYS / 2
for i = 1, values do
  redis.call('SET', KEYS[values + i], ARGV[2], 'EX', ARGV[1])
end
return redis.call('UNLINK', unpack(KEYS, 1, values))
""")

_RELEASE: Final = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's turn to fill a value (`held`), whether there is one, stale or just filled, and the versions of itself,
    its tags and its guards before that.
    """

    key: str
    token: str
    held: bool
    filled: bool
    tags: tuple[str, ...]
    guards: tuple[str, ...]
    versions: tuple[bytes, ...]


class TaggedStore:
    """Values are hashes of byte fields. Every method raises what `Pair.call` does."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    async def read(self, key: str, fields: Sequence[str]) -> Sequence[bytes | None]:
        """The fields' values, None for each that isn't there, or that a purge has missed."""
        return await self.pair.run(_READ, [key], fields) or (None,) * len(fields)

    async def begin(
        self, key: str, tags: tuple[str, ...], lease_seconds: float, *, guards: tuple[str, ...] = ()
    ) -> Turn:
        """Ask for the turn to load `key`. It expires after the lease, in case its holder dies."""
        token = secrets.token_hex(8)
        noted = [f"lock:{key}", key, _own_version(key), *_versions((*tags, *guards))]
        answer = await self.pair.run(_BEGIN, noted, [token, int(lease_seconds * 1000)])
        return Turn(key, token, answer[0] == 1, answer[1] == 1, tags, guards, tuple(answer[2:]))

    async def store(
        self, turn: Turn, fields: Mapping[str, bytes], seconds: float, *, more_tags: tuple[str, ...] = ()
    ) -> bool:
        """Store the value and end the turn; False: a purge or `delete` came in between and nothing is stored.

        `more_tags` are tags that follow from the value; the turn must have the guards that are purged with them.
        """
        noted = [_own_version(turn.key), *_versions((*turn.tags, *turn.guards))]
        tags = (*turn.tags, *more_tags)
        pairs = [part for field in fields.items() for part in field]
        stored = await self.pair.run(
            _STORE,
            [turn.key, f"lock:{turn.key}", *noted, *_versions(tags), *_sets(tags)],
            [turn.token, max(1, int(seconds * 1000)), len(noted), len(tags), *turn.versions, *tags, *pairs],
        )
        return stored == 1

    async def give_up(self, turn: Turn) -> None:
        """End the turn without a value."""
        if turn.held:
            await self.pair.run(_RELEASE, [f"lock:{turn.key}"], [turn.token])

    async def delete(self, keys: Sequence[str]) -> int:
        """Drop values, and what others are loading for them now. Returns how many there were."""
        if not keys:
            return 0
        own = [_own_version(key) for key in keys]
        return await self.pair.run(_DELETE, [*keys, *own], [VERSION_SECONDS, secrets.token_hex(8)])

    async def purge(self, tags: Sequence[str]) -> int:
        """Drop all values with one of the tags. Returns how many there were."""
        if not tags:
            return 0
        return await self.pair.run(_PURGE, [*_versions(tags), *_sets(tags)], [VERSION_SECONDS, secrets.token_hex(8)])

    async def purge_by(self, call: Callable[..., Awaitable[Any]], tags: Sequence[str]) -> None:
        """As `purge`, on a connection that isn't the pair's yet."""
        keys = [*_versions(tags), *_sets(tags)]
        await call("EVAL", _PURGE.text, len(keys), *keys, VERSION_SECONDS, secrets.token_hex(8))


def _own_version(key: str) -> str:
    return f"version:{key}"


def _versions(tags: Sequence[str]) -> list[str]:
    return [f"tag:version:{tag}" for tag in tags]


def _sets(tags: Sequence[str]) -> list[str]:
    return [f"tag:keys:{tag}" for tag in tags]
