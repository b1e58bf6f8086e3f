"""Whether the process lives, and whether it should be sent requests."""

import asyncio

from fastapi import APIRouter, Request, Response

from app.api.routes.parameters import ShopHere
from app.api.views import Status
from app.database import failures

router = APIRouter(tags=["operations"])

DATABASE_SECONDS = 1.0


@router.get("/health")
async def health() -> Status:
    """The process answers. What it needs is another matter: restarting it would mend nothing there."""
    return Status(status="ok")


@router.get("/ready", responses={503: {"model": Status}})
async def ready(request: Request, shop: ShopHere, response: Response) -> Status:
    """The process can serve. Redis or Postgres away doesn't make it unready: stale answers are better than none, and
    all processes would be away at the same time."""
    checks = {pair.name: "ok" if pair.available else "away" for pair in shop.redis.pairs}
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await shop.database.fetchval("SELECT 1")
        checks["database"] = "ok"
    except failures.ANY:
        checks["database"] = "away"
    started: bool = request.app.state.has_served
    if checks["database"] == "away" and not started:
        # A fresh process without a database has nothing to serve, not even stale.
        response.status_code = 503
        return Status(status="unavailable", checks=checks)
    request.app.state.has_served = True
    return Status(status="ok", checks=checks)
