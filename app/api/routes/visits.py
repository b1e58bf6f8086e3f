"""Signing in and out."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Request, Response

from app.api.identity import COOKIE, TIER_COOKIE, Identity
from app.api.problems import Problem
from app.api.routes.parameters import Asker, ShopHere
from app.api.sessions import Session
from app.api.shop import Shop
from app.api.views import Credentials, SessionView, Visitor
from app.database.queries import users
from app.database.queries.rows import JsonObject

router = APIRouter(tags=["session"])

_HASHER: Final = PasswordHasher()
# Checked when there is no such user, so that an answer's time doesn't tell who has an account.
_NOBODY: Final = _HASHER.hash("nobody has this password")
_AT_ONCE: Final = asyncio.Semaphore(2)
"""argon2 takes a core and 64 MiB for tens of milliseconds: a flood of attempts must not take all."""


@router.get("/api/session")
async def who_am_i(shop: ShopHere, asker: Asker, response: Response) -> SessionView:
    """Who is signed in; being asked renews the session."""
    await keep_alive(shop, asker, response)
    return SessionView(user=await _visitor(shop, asker.user_id) if asker.user_id is not None else None)


@router.post("/api/session", status_code=201, responses={401: {}, 429: {}})
async def sign_in(
    credentials: Credentials, request: Request, shop: ShopHere, asker: Asker, response: Response
) -> SessionView:
    """Sign in. The session gets a new id; the cart of the visit before comes along."""
    client = request.client.host if request.client is not None else ""
    await shop.attempts.count(credentials.email.lower(), client)
    found = await users.credentials(shop.database, credentials.email)
    known = found.password_hash if found is not None else None
    if not await _matches(known or _NOBODY, credentials.password) or found is None or known is None:
        raise Problem(
            401, "E-mail address or password are wrong.", headers={"WWW-Authenticate": 'Session realm="shop"'}
        )
    await shop.attempts.forgive(credentials.email.lower())
    before = asker.session
    # What another member left in this browser stays theirs.
    kept = before if before is not None and before.user_id in (None, found.user_id) else None
    session = await shop.sessions.create(
        user_id=found.user_id,
        cart_data=kept.cart_data if kept is not None else None,
        preferences=kept.preferences if kept is not None else None,
    )
    if before is not None:
        await shop.sessions.delete(before.id)
    set_cookie(response, shop, session, tier=found.tier)
    return SessionView(user=await _visitor(shop, found.user_id))


@router.delete("/api/session", status_code=204)
async def sign_out(shop: ShopHere, asker: Asker, response: Response) -> None:
    """Sign out, here and now; signing out twice is fine."""
    if asker.session is not None:
        await shop.sessions.delete(asker.session.id)
    for name in (COOKIE, TIER_COOKIE):
        response.delete_cookie(name, secure=shop.settings.cookie_secure, httponly=True, samesite="lax")


async def keep_alive(shop: Shop, asker: Identity, response: Response) -> None:
    """Renew the visitor's session, if it is time to, in the stores and in the browser."""
    if asker.session is not None and await shop.sessions.refresh(asker.session):
        set_cookie(response, shop, asker.session, tier=asker.tier)


async def set_in_session(shop: Shop, asker: Identity, response: Response, cart_data: JsonObject) -> None:
    """Set the visitor's cart, in a new session if there is none (any more): a visit gets one with its first write."""
    await keep_alive(shop, asker, response)
    if asker.session is not None and await shop.sessions.set(asker.session, {"cart_data": cart_data}):
        return
    set_cookie(response, shop, await shop.sessions.create(cart_data=cart_data), tier="free")


def set_cookie(response: Response, shop: Shop, session: Session, *, tier: str) -> None:
    """Give the session's id to the browser, and to members the mark that keeps shared caches out of their way."""
    secure = shop.settings.cookie_secure
    response.set_cookie(COOKIE, session.id, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")
    if tier != "free":
        response.set_cookie(TIER_COOKIE, tier, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")


async def _visitor(shop: Shop, user_id: int) -> Visitor | None:
    user = await shop.entities.user(user_id)
    return Visitor.model_validate(user) if user is not None else None


async def _matches(password_hash: str, password: str) -> bool:
    async with _AT_ONCE:
        try:
            return await asyncio.to_thread(_HASHER.verify, password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
