"""Sign-up, and a new password by mail. No response, and no response's time, tells whether an address has an account."""

from fastapi import APIRouter, Request, Response

from app.api import passwords, problems
from app.api.problems import Problem
from app.api.routes.parameters import Asker, ShopHere, UserId, client_of
from app.api.routes.visits import enter, remember_device, set_device_cookie, take_cookies_back
from app.api.routes.writing import WriteHere
from app.api.sessions import new_id
from app.api.shop import Shop
from app.api.views import (
    Confirmation,
    EmailInput,
    MailOnItsWay,
    NewAccount,
    PasswordChange,
    PasswordReset,
    SessionView,
    Visitor,
)
from app.api.writes import ChangeEvent, Written
from app.database.queries import Transaction, account_mails, devices, sessions, users
from app.database.queries.account_mails import Purpose, SignUp

router = APIRouter(tags=["accounts"])


@router.post("/api/sign-ups", status_code=202, responses={429: {}})
async def sign_up(account: NewAccount, request: Request, shop: ShopHere) -> MailOnItsWay:
    """Ask for an account. A mail brings the token that confirms it; if the address has an account, the mail says so."""
    await _may_mail(shop, request, account.email)
    hashed = await passwords.hashed(account.password)
    await _note(shop, "sign-up", account.email, SignUp(account.email, account.name, account.country, hashed))
    return MailOnItsWay(email=account.email)


@router.post("/api/users", status_code=201, response_model=SessionView, responses={410: {}, 429: {}})
async def confirm(
    confirmation: Confirmation, request: Request, shop: ShopHere, asker: Asker, write: WriteHere
) -> Response:
    """Create the account that was asked for, and sign in.

    The token proves the address. The password proves that the same person signed up: nobody can be led to confirm what
    a stranger asked for in their name.
    """
    account, client = f"token {confirmation.token}", client_of(request)
    await shop.attempts.count(account, client)
    asked = await account_mails.sign_up(shop.database, confirmation.token)
    matches = await passwords.matches(asked.password_hash if asked else passwords.NOBODYS, confirmation.password)
    if asked is None:
        raise _used_up("sign up once more")
    if not matches:
        raise problems.forbidden("This isn't the password you chose when you signed up.")
    await shop.attempts.forgive(account, client)

    async def act(transaction: Transaction) -> Written:
        if await account_mails.use(transaction, confirmation.token, "sign-up") is None:
            raise _used_up("sign up once more")
        user = await users.create(
            transaction, email=asked.email, name=asked.name, country=asked.country, password_hash=asked.password_hash
        )
        if user is None:
            raise _used_up("sign in")
        begun = await enter(transaction, write.response, shop, asker, user_id=user.id, tier=user.tier)
        await remember_device(transaction, request, write.response, shop, user.id)
        about = {"user_id": str(user.id)}
        return Written(201, SessionView(user=_shown(user)), [ChangeEvent("user.updated", about)], session=begun)

    # Not kept under a key: the response holds a session's cookie.
    response = await write(act, confirmation, kept=False)
    if asker.session is not None:
        await shop.sessions.delete(asker.session.id)
    return response


@router.post("/api/password-resets", status_code=202, responses={429: {}})
async def ask_for_reset(asked: EmailInput, request: Request, shop: ShopHere) -> MailOnItsWay:
    """Ask for a mail with a token for a new password. Nothing is sent if the address has no account."""
    await _may_mail(shop, request, asked.email)
    await _note(shop, "password-reset", asked.email)
    return MailOnItsWay(email=asked.email)


@router.put("/api/password", status_code=204, responses={410: {}, 429: {}})
async def reset_password(
    reset: PasswordReset, request: Request, shop: ShopHere, asker: Asker, response: Response
) -> None:
    """Set a new password with the token of a mail. All sessions of the account end within a second."""
    await shop.attempts.count(f"token {reset.token}", client_of(request))
    hashed = await passwords.hashed(reset.new_password)
    async with shop.database.acquire() as connection, connection.transaction():
        email = await account_mails.use(connection, reset.token, "password-reset")
        found = await users.credentials(connection, email) if email is not None else None
        if email is None or found is None:
            raise _used_up("ask for another mail")
        await _set_password(connection, shop, found.user_id, email, hashed)
    await shop.attempts.forgive(f"token {reset.token}", client_of(request))
    await shop.attempts.forgive(users.same_email(email), client_of(request))
    if asker.user_id is not None:
        take_cookies_back(response, shop)


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
    if known is None or not await passwords.matches(known, change.current_password):
        raise problems.forbidden("That isn't the current password.")
    await shop.attempts.forgive(account, client)
    hashed = await passwords.hashed(change.new_password)

    async def act(transaction: Transaction) -> Written:
        user = await users.get(transaction, user_id)
        if user is None:
            raise problems.not_found(f"user {user_id}")
        await _set_password(transaction, shop, user_id, user.email, hashed)
        begun = await enter(transaction, write.response, shop, asker, user_id=user_id, tier=asker.tier)
        device = new_id()
        await devices.remember(transaction, user_id, device)
        set_device_cookie(write.response, shop, device)
        return Written(200, SessionView(user=_shown(user)), session=begun)

    # Not kept under a key: the response holds a session's cookie.
    return await write(act, change, kept=False)


async def _set_password(transaction: Transaction, shop: Shop, user_id: int, email: str, hashed: str) -> None:
    """Store the password, end all sessions, and mail the account's owner."""
    await users.set_password_hash(transaction, user_id, hashed)
    await sessions.delete_of_user(transaction, user_id)
    await devices.forget_all(transaction, user_id)
    await account_mails.forget(transaction, email, "password-reset")
    if shop.settings.mail_server is not None:
        await account_mails.add(transaction, "password-changed", email)


async def _may_mail(shop: Shop, request: Request, email: str) -> None:
    """Raises Problem 503 if the shop sends no mail, 429 after too many mails to an address or from a client."""
    if shop.settings.mail_server is None:
        raise problems.unavailable("This shop sends no mail, so nobody can sign up or reset a password.")
    await shop.mails.count(users.same_email(email), client_of(request))


async def _note(shop: Shop, purpose: Purpose, email: str, sign_up: SignUp | None = None) -> None:
    if not await account_mails.add(shop.database, purpose, email, sign_up):
        raise problems.unavailable("Too many e-mails are waiting to be sent: try again later.", retry_after=600)


def _used_up(instead: str) -> Problem:
    return Problem(410, f"This link has been used or has expired: {instead}.")


def _shown(user: users.User) -> Visitor:
    """The user, as their own session shows them."""
    return Visitor(id=user.id, email=user.email, name=user.name, tier=user.tier)
