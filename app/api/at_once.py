"""Answers that need no event loop are given before granian wakes it.

One of granian's threads reads requests, a second one makes Python's objects of them, and the event loop's is woken to
answer. A hit in memory needs no event loop, and a third of what the least request costs is getting there
(docs/decisions/api-server.md).
"""

from collections.abc import Callable
from typing import Any

from granian import _futures

from app.api.responses.middleware import Hit


def answer_at_once(hit: Hit) -> Callable[[], None]:
    """Have granian ask `hit` about each request before it schedules the request on the event loop.

    Call it before the server starts, in the lifespan's start-up. Calling what it returns ends it for good.
    """
    through_the_loop = _futures._cbsched_aioschedule  # pyright: ignore[reportPrivateUsage]
    asked = hit

    def scheduling(*made_of: Any) -> Callable[[Any], None]:
        schedule = through_the_loop(*made_of)

        def answer_or_schedule(request: Any) -> None:
            try:
                answer = asked(request.scope)
                for message in answer or ():
                    # Sent when it is called. What it gives to await is for streams, which a slow client holds up.
                    request.proto.send(message)
            except Exception:  # the application meets it as well: it answers, counts and logs
                answer = None
            if answer is None:
                schedule(request)

        return answer_or_schedule

    def end() -> None:
        nonlocal asked
        asked = _never

    _futures._cbsched_aioschedule = scheduling  # pyright: ignore[reportPrivateUsage]
    return end


def _never(_: Any) -> None:
    return None
