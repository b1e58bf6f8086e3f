"""The process's own copies (L1), limited in bytes, evicted by least recent use, purged by tag."""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from app.api.responses.stored import Ready


@dataclass
class MemoryCounts:
    """Counts for metrics."""

    evictions: int = 0
    purged: int = 0


class Memory:
    """Responses by key, at most `limit` bytes of them. The event loop's thread fills it; other threads may `get` and
    `touch`.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.counts = MemoryCounts()
        self._entries: OrderedDict[Hashable, Ready] = OrderedDict()
        self._by_tag: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._purges = 0
        self._purged_at: dict[str, int] = {}
        self._cleared_at = -1
        self.get = self._entries.get
        self.touch = self._entries.move_to_end
        """After a hit: the entry is the last to be evicted; KeyError if it was dropped meanwhile. Methods of the
        dictionary itself: each is one step to other threads, and fast.
        """

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def moment(self) -> int:
        """A mark in the order of purges, for `put`."""
        return self._purges

    def put(self, key: Hashable, entry: Ready, since: int) -> bool:
        """Keep `entry`, which was read after the moment `since`. False if one of its tags was purged later."""
        if (
            entry.size > self.limit
            or self._cleared_at >= since
            or any(self._purged_at.get(tag, -1) >= since for tag in entry.tags)
        ):
            return False
        self._drop(key)
        self._entries[key] = entry
        self.size += entry.size
        for tag in entry.tags:
            self._by_tag[tag].add(key)
        while self.size > self.limit:
            self._drop_oldest()
            self.counts.evictions += 1
        return True

    def purge(self, tags: Iterable[str]) -> None:
        """Forget all entries with one of the tags."""
        for tag in tags:
            self._purged_at.pop(tag, None)
            self._purged_at[tag] = self._purges
            for key in tuple(self._by_tag.get(tag, ())):
                self._drop(key)
                self.counts.purged += 1
        self._purges += 1
        # Reads take seconds at most; a mark that 100,000 others have followed can be forgotten.
        while len(self._purged_at) > 100_000:
            del self._purged_at[next(iter(self._purged_at))]

    def clear(self) -> None:
        """Forget everything, as if every tag was purged."""
        self._cleared_at = self._purges
        self._purges += 1
        self._purged_at.clear()
        while self._entries:
            self._drop_oldest()

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._dropped(key, entry)

    def _drop_oldest(self) -> None:
        # At once: between finding it and taking it another thread could touch an entry.
        self._dropped(*self._entries.popitem(last=False))

    def _dropped(self, key: Hashable, entry: Ready) -> None:
        self.size -= entry.size
        for tag in entry.tags:
            keys = self._by_tag[tag]
            keys.discard(key)
            if not keys:
                del self._by_tag[tag]
