"""Signing in and out."""

from typing import Final

from fastapi import APIRouter, Request, Response

from app.api import passwords
from app.api.identity import TIER_COOKIE, Identity, cookie_values, session_cookie
from app.api.problems import Problem
from app.api.routes.parameters import Asker, ShopHere, UserId, client_of
from app.api.sessions import Session, is_id, new_id
from app.api.shop import Shop
from app.api.views import Credentials, SessionView, Visitor
from app.database.queries import Database, devices, sessions, users

router = APIRouter(tags=["session"])

DEVICE_SECONDS: Final = 365 * 24 * 60 * 60


@router.get("/api/session")
async def who_am_i(shop: ShopHere, asker: Asker, response: Response) -> SessionView:
    """The signed-in user. The request renews the session."""
    await renew_session(shop, asker, response)
    return SessionView(user=await _visitor(shop, asker.user_id) if asker.user_id is not None else None)


@router.post("/api/session", status_code=201, responses={401: {}, 429: {}})
async def sign_in(
    credentials: Credentials, request: Request, shop: ShopHere, asker: Asker, response: Response
) -> SessionView:
    """Sign in. The session gets a new id and keeps the cart."""
    client = client_of(request)
    found = await users.credentials(shop.database, credentials.email)
    device = device_token(request, secure=shop.settings.cookie_secure)
    account = users.same_email(credentials.email)
    if found is not None and device is not None and await devices.known(shop.database, found.user_id, device):
        account = f"{account} with {device}"
    await shop.attempts.count(account, client)
    known = found.password_hash if found is not None else None
    if not await passwords.matches(known or passwords.NOBODYS, credentials.password) or found is None or known is None:
        raise Problem(
            401, "The e-mail address or the password is wrong.", headers={"WWW-Authenticate": 'Session realm="shop"'}
        )
    await shop.attempts.forgive(account, client)
    await remember_device(shop.database, request, response, shop, found.user_id)
    session = await enter(shop.database, response, shop, asker, user_id=found.user_id, tier=found.tier)
    await shop.sessions.publish(session)
    if asker.session is not None:
        await shop.sessions.delete(asker.session.id)
    return SessionView(user=await _visitor(shop, found.user_id))


@router.delete("/api/session", status_code=204)
async def sign_out(shop: ShopHere, asker: Asker, response: Response) -> None:
    """Sign out on this device. Signing out twice is no error."""
    if asker.session is not None:
        await shop.sessions.delete(asker.session.id)
    take_cookies_back(response, shop)


async def enter(
    database: Database, response: Response, shop: Shop, asker: Identity, *, user_id: int, tier: str
) -> Session:
    """Start a session of this user, which the caller publishes. It takes over the visit's cart, unless another member
    was signed in.
    """
    # A changed password has just ended the one before, whose cart goes on.
    before = await shop.sessions.newest(database, asker.session) or asker.session
    kept = before if before is not None and before.user_id in (None, user_id) else None
    session = await shop.sessions.begin(
        database,
        user_id=user_id,
        cart_data=kept.cart_data if kept is not None else None,
        preferences=kept.preferences if kept is not None else None,
    )
    set_cookie(response, shop, session, tier=tier)
    return session


async def remember_device(database: Database, request: Request, response: Response, shop: Shop, user_id: int) -> None:
    """Remember that the user has signed in with this browser."""
    device = device_token(request, secure=shop.settings.cookie_secure) or new_id()
    await devices.remember(database, user_id, device)
    set_device_cookie(response, shop, device)


def take_cookies_back(response: Response, shop: Shop) -> None:
    """Make the browser delete its session's cookie and its cached responses."""
    # https://www.w3.org/TR/clear-site-data/#header: pages, prices and pictures that the visitor has looked at.
    response.headers["clear-site-data"] = '"cache"'
    secure = shop.settings.cookie_secure
    for name in (session_cookie(secure=secure), TIER_COOKIE):
        response.delete_cookie(name, secure=secure, httponly=True, samesite="lax")


def device_token(request: Request, *, secure: bool) -> str | None:
    """The browser's proof that somebody has signed in with it, to whichever account."""
    cookies = ";".join(request.headers.getlist("cookie")).encode("latin-1")
    return next(filter(is_id, cookie_values(cookies, _device_cookie(secure=secure).encode())), None)


def set_device_cookie(response: Response, shop: Shop, token: str) -> None:
    """Set the cookie that makes the browser known. It opens nothing, but others' failures don't lock it out."""
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
        take_cookies_back(response, shop)


async def renew_session(shop: Shop, asker: Identity, response: Response) -> None:
    """Renew the visitor's session, in the stores and in the browser, if it is due."""
    if asker.session is not None and await shop.sessions.refresh(asker.session):
        set_cookie(response, shop, asker.session, tier=asker.tier)


def set_cookie(response: Response, shop: Shop, session: Session, *, tier: str) -> None:
    """Set the session's cookie, and for members the cookie that keeps shared caches out of their way."""
    secure = shop.settings.cookie_secure
    name = session_cookie(secure=secure)
    response.set_cookie(name, session.id, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")
    if tier != "free":
        response.set_cookie(TIER_COOKIE, tier, max_age=session.ttl, secure=secure, httponly=True, samesite="lax")


async def _visitor(shop: Shop, user_id: int) -> Visitor | None:
    user = await shop.entities.user(user_id)
    return Visitor.model_validate(user) if user is not None else None
