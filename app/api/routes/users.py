"""A user's own things: profile, preferences, orders. Only for that user, services and administrators."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from app.api import problems
from app.api.routes.parameters import (
    Asker,
    ContextHere,
    CursorText,
    PlainNumber,
    ShopHere,
    UserId,
    changed_meanwhile,
    cursor,
    describe,
    required_version,
    version_tag,
)
from app.api.routes.writing import WriteHere
from app.api.views import OrderPage, OrderView, Preferences, PreferencesView, UserChanges, UserView
from app.api.writes import Change, Written
from app.database.queries import Transaction, orders, users

router = APIRouter(tags=["users"])
REFUSALS: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 404: {}}


@router.get("/api/users/{user_id}", responses=REFUSALS)
async def get_user(user_id: UserId, shop: ShopHere, asker: Asker, context: ContextHere) -> UserView:
    """A user's profile."""
    # The cache in front has checked who asks before it lets anybody have the stored copy, or asks for a new one.
    if not context.owner_checked:
        asker.require_user(str(user_id))
    user = await shop.entities.user(user_id)
    if user is None:
        raise problems.not_found(f"user {user_id}")
    view = UserView.model_validate(user)
    describe(context, version=view.updated_at, modified=view.updated_at)
    return view


@router.put("/api/users/{user_id}", response_model=UserView, responses={**REFUSALS, 412: {}})
async def update_user(
    user_id: UserId,
    changes: UserChanges,
    request: Request,
    asker: Asker,
    write: WriteHere,
) -> Response:
    """Change a profile. With `If-Match` (its ETag), only if nobody else has changed it meanwhile."""
    asker.require_user(str(user_id))

    async def act(transaction: Transaction) -> Written:
        current = await users.get(transaction, user_id)
        if current is None:
            raise problems.not_found(f"user {user_id}")
        updated = await users.update(
            transaction,
            user_id,
            name=changes.name,
            country=changes.country,
            unchanged_since=required_version(request, current.updated_at),
        )
        if updated is None:
            raise changed_meanwhile()
        return Written(200, _view(updated), [Change("user.updated", {"user_id": str(user_id)})])

    return await write(act, changes)


@router.get("/api/users/{user_id}/preferences", responses=REFUSALS)
async def get_preferences(user_id: UserId, shop: ShopHere, asker: Asker, response: Response) -> PreferencesView:
    """What the user wishes for. Its ETag is for the `If-Match` of a change."""
    asker.require_user(str(user_id))
    user = await shop.entities.user(user_id)
    if user is None:
        raise problems.not_found(f"user {user_id}")
    response.headers["etag"] = version_tag(UserView.model_validate(user).updated_at)
    return PreferencesView(preferences=user["preferences"])


@router.put("/api/users/{user_id}/preferences", response_model=PreferencesView, responses={**REFUSALS, 412: {}})
async def set_preferences(
    user_id: UserId,
    preferences: Annotated[Preferences, Body()],
    request: Request,
    shop: ShopHere,
    asker: Asker,
    write: WriteHere,
) -> Response:
    """Set all preferences, in the visitor's session too. With `If-Match`, only if nobody has changed them meanwhile."""
    asker.require_user(str(user_id))
    body = PreferencesView(preferences=dict(preferences))

    async def act(transaction: Transaction) -> Written:
        current = await users.get(transaction, user_id)
        if current is None:
            raise problems.not_found(f"user {user_id}")
        version = required_version(request, current.updated_at)
        updated = await users.set_preferences(transaction, user_id, body.preferences, unchanged_since=version)
        if updated is None:
            raise changed_meanwhile()
        return Written(
            200,
            body,
            [Change("user.updated", {"user_id": str(user_id)})],
            {"etag": version_tag(updated.updated_at)},
            session=await shop.sessions.write(transaction, asker.session, {"preferences": body.preferences})
            if asker.session is not None
            else None,
        )

    return await write(act, body)


@router.get("/api/users/{user_id}/orders", responses=REFUSALS)
async def list_orders(
    user_id: UserId,
    shop: ShopHere,
    asker: Asker,
    limit: Annotated[int, Query(ge=1, le=100), PlainNumber] = 20,
    cursor_text: Annotated[CursorText, Query(alias="cursor")] = None,
) -> OrderPage:
    """One page of the user's orders, newest first."""
    asker.require_user(str(user_id))
    page = await orders.of_user(shop.database, user_id, after=cursor(cursor_text, datetime), limit=limit)
    return OrderPage(
        items=[OrderView.of(order) for order in page.items],
        next_cursor=page.after.encode() if page.after is not None else None,
    )


def _view(user: users.User) -> UserView:
    return UserView(**{name: getattr(user, name) for name in UserView.model_fields})
