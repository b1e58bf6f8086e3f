"""The errors of the Redis client."""


class RedisError(Exception):
    """Redis, or the way to it, failed."""


class Unavailable(RedisError):
    """No answer: refused, lost, too slow, no master, or the circuit breaker is open. Whether it was done is unknown."""


class ReplyError(RedisError):
    """Redis answered with an error."""
