"""A Redis client for caches under Sentinel: multiplexed connections that answer or fail within tens of milliseconds."""

from app.api.redis.errors import RedisError, ReplyError, Unavailable
from app.api.redis.pair import Pair
from app.api.redis.topology import Topology

__all__ = ["Pair", "RedisError", "ReplyError", "Topology", "Unavailable"]
