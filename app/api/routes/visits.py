"""Signing in and out."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Request, Response

from app.api import problems
from app.api.identity import TIER_COOKIE, Identity, cookie_values, session_cookie
from app.api.problems import Problem
from app.api.routes.parameters import Asker, ShopHere, UserId, client_of
from app.api.routes.writing import WriteHere
from app.api.sessions import Session, is_id, new_id
from app.api.shop import Shop
from app.api.views import Credentials, PasswordChange, SessionView, Visitor
from app.api.writes import Written
from app.database.queries import Transaction, devices, sessions, users

router = APIRouter(tags=["session"])

_HASHER: Final = PasswordHasher()
# Checked when there is no such user, so that an answer's time doesn't tell who has an account.
_NOBODY: Final = _HASHER.hash("nobody has this password")
DEVICE_SECONDS: Final = 365 * 24 * 60 * 60
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
    client = client_of(request)
    found = await users.credentials(shop.database, credentials.email)
    device = device_token(request, secure=shop.settings.cookie_secure)
    account = users.same_email(credentials.email)
    if found is not None and device is not None and await devices.known(shop.database, found.user_id, device):
        account = f"{account} with {device}"
    await shop.attempts.count(account, client)
    known = found.password_hash if found is not None else None
    if not await _matches(known or _NOBODY, credentials.password) or found is None or known is None:
        raise Problem(
            401, "E-mail address or password are wrong.", headers={"WWW-Authenticate": 'Session realm="shop"'}
        )
    await shop.attempts.forgive(account, client)
    device = device or new_id()
    await devices.remember(shop.database, found.user_id, device)
    set_device_cookie(response, shop, device)
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
    _take_cookies_back(response, shop)


def _take_cookies_back(response: Response, shop: Shop) -> None:
    secure = shop.settings.cookie_secure
    for name in (session_cookie(secure=secure), TIER_COOKIE):
        response.delete_cookie(name, secure=secure, httponly=True, samesite="lax")


def device_token(request: Request, *, secure: bool) -> str | None:
    """What the browser keeps of having been signed in before, with whichever account."""
    cookies = ";".join(request.headers.getlist("cookie")).encode("latin-1")
    return next(filter(is_id, cookie_values(cookies, _device_cookie(secure=secure).encode())), None)


def set_device_cookie(response: Response, shop: Shop, token: str) -> None:
    """Have the browser known again: it opens nothing, but nobody else's failures keep it out."""
    secure = shop.settings.cookie_secure
    response.set_cookie(
        _device_cookie(secure=secure), token, max_age=DEVICE_SECONDS, secure=secure, httponly=True, samesite="lax"
    )


def _device_cookie(*, secure: bool) -> str:
    return "__Host-device" if secure else "device"


@router.delete("/api/users/{user_id}/sessions", status_code=204, responses={401: {}, 403: {}})
async def sign_out_everywhere(user_id: UserId, shop: ShopHere, asker: Asker, response: Response) -> None:
    """End all sessions of the user, on all devices, within a second."""
    asker.require_user(str(user_id))
    await sessions.delete_of_user(shop.database, user_id)
    if asker.session is not None and asker.user_id == user_id:
        await shop.sessions.delete(asker.session.id)
        _take_cookies_back(response, shop)


@router.put(
    "/api/users/{user_id}/password", response_model=SessionView, responses={code: {} for code in (401, 403, 429)}
)
async def change_password(
    user_id: UserId, change: PasswordChange, request: Request, shop: ShopHere, asker: Asker, write: WriteHere
) -> Response:
    """Change the password. All other sessions end within a second; this browser gets a new one."""
    if asker.require_signed_in() != user_id:
        raise problems.forbidden("This belongs to another user.")
    account, client = f"user {user_id}", client_of(request)
    await shop.attempts.count(account, client)
    known = await users.password_hash(shop.database, user_id)
    if known is None or not await _matches(known, change.current_password):
        raise problems.forbidden("The present password is another one.")
    await shop.attempts.forgive(account, client)
    hashed = await _hashed(change.new_password)

    async def act(transaction: Transaction) -> Written:
        await users.set_password_hash(transaction, user_id, hashed)
        await sessions.delete_of_user(transaction, user_id)
        await devices.forget_all(transaction, user_id)
        kept = asker.session
        begun = await shop.sessions.begin(
            transaction,
            user_id=user_id,
            cart_data=kept.cart_data if kept is not None else None,
            preferences=kept.preferences if kept is not None else None,
        )
        device = new_id()
        await devices.remember(transaction, user_id, device)
        set_device_cookie(write.response, shop, device)
        set_cookie(write.response, shop, begun, tier=asker.tier)
        user = await users.get(transaction, user_id)
        return Written(200, SessionView(user=_shown(user)), session=begun)

    # Not kept under a key: the response holds a session's cookie.
    return await write(act, change, kept=False)


async def keep_alive(shop: Shop, asker: Identity, response: Response) -> None:
    """Renew the visitor's session, if it is time to, in the stores and in the browser."""
    if asker.session is not None and await shop.sessions.refresh(asker.session):
        set_cookie(response, shop, asker.session, tier=asker.tier)


def set_cookie(response: Response, shop: Shop, session: Session, *, tier: str) -> None:
    """Give the session's id to the browser, and to members the mark that keeps shared caches out of their way."""
    secure = shop.settings.cookie_secure
    name = session_cookie(secure=secure)
    response.set_cookie(name, session.id, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")
    if tier != "free":
        response.set_cookie(TIER_COOKIE, tier, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")


async def _visitor(shop: Shop, user_id: int) -> Visitor | None:
    user = await shop.entities.user(user_id)
    return Visitor.model_validate(user) if user is not None else None


def _shown(user: users.User | None) -> Visitor | None:
    return Visitor(id=user.id, email=user.email, name=user.name, tier=user.tier) if user is not None else None


async def _hashed(password: str) -> str:
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def _matches(password_hash: str, password: str) -> bool:
    async with _AT_ONCE:
        try:
            return await asyncio.to_thread(_HASHER.verify, password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
