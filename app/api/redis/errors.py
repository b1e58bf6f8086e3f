"""What can go wrong with Redis."""


class RedisError(Exception):
    """Anything that Redis, or the way to it, did wrong."""


class Unavailable(RedisError):
    """No answer: refused, lost, too slow, no master, or the circuit breaker is open. Whether it was done is unknown."""


class ReplyError(RedisError):
    """Redis answered with an error."""
