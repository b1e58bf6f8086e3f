"""Liveness and readiness of the process."""

import asyncio

from fastapi import APIRouter, Request, Response

from app.api.routes.parameters import ShopHere
from app.api.views import Status
from app.database import failures

router = APIRouter(tags=["operations"])

DATABASE_SECONDS = 1.0


@router.get("/health")
async def health() -> Status:
    """Liveness: the process answers. It doesn't ask for Redis or Postgres, which a restart wouldn't mend."""
    return Status(status="ok")


@router.get("/ready", responses={503: {"model": Status}})
async def ready(request: Request, shop: ShopHere, response: Response) -> Status:
    """Readiness: the process can serve. It stays ready without Redis or Postgres: stale responses are better than
    none, and all processes would become unready at once.
    """
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
