"""A user's profile, preferences, orders and addresses, for that user, services and administrators."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response

from app.api import problems
from app.api.problems import Problem
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
from app.api.views import (
    LARGEST_ID,
    Address,
    KeptAddress,
    KeptAddressList,
    OrderPage,
    OrderView,
    Preferences,
    PreferencesView,
    UserChanges,
    UserView,
)
from app.api.writes import ChangeEvent, Written
from app.database.queries import Transaction, addresses, orders, users

router = APIRouter(tags=["users"])
AddressId = Annotated[int, Path(ge=1, le=LARGEST_ID), PlainNumber]
REFUSALS: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 404: {}}


@router.get("/api/users/{user_id}", responses=REFUSALS)
async def get_user(user_id: UserId, shop: ShopHere, asker: Asker, context: ContextHere) -> UserView:
    """A user's profile."""
    # The cache in front has checked the caller before it serves the stored copy or asks for a new one.
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
    """Change a profile. With `If-Match` (its ETag) only if nobody has changed it since."""
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
        return Written(200, _view(updated), [ChangeEvent("user.updated", {"user_id": str(user_id)})])

    return await write(act, changes)


@router.get("/api/users/{user_id}/preferences", responses=REFUSALS)
async def get_preferences(user_id: UserId, shop: ShopHere, asker: Asker, response: Response) -> PreferencesView:
    """The user's preferences. Send their ETag as `If-Match` of a change."""
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
    """Replace all preferences, in the visitor's session too. With `If-Match` only if nobody has changed them since."""
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
            [ChangeEvent("user.updated", {"user_id": str(user_id)})],
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


@router.get("/api/users/{user_id}/addresses", responses=REFUSALS)
async def list_addresses(user_id: UserId, shop: ShopHere, asker: Asker) -> KeptAddressList:
    """The addresses that the user keeps, latest first."""
    asker.require_user(str(user_id))
    found = await addresses.of_user(shop.database, user_id)
    return KeptAddressList(items=[_kept(one) for one in found])


@router.post(
    "/api/users/{user_id}/addresses", status_code=201, response_model=KeptAddress, responses={**REFUSALS, 409: {}}
)
async def keep_address(user_id: UserId, address: Address, asker: Asker, write: WriteHere) -> Response:
    """Keep an address. Keeping it again changes nothing."""
    asker.require_user(str(user_id))

    async def act(transaction: Transaction) -> Written:
        try:
            kept = await addresses.add(transaction, user_id, address.model_dump())
        except addresses.TooManyAddresses as error:
            raise Problem(409, f"You already have {addresses.MOST} saved addresses: delete one first.") from error
        if kept is None:
            raise problems.not_found(f"user {user_id}")
        return Written(201, _kept(kept))

    return await write(act, address)


@router.delete("/api/users/{user_id}/addresses/{address_id}", status_code=204, responses=REFUSALS)
async def delete_address(user_id: UserId, address_id: AddressId, shop: ShopHere, asker: Asker) -> None:
    """Delete an address."""
    asker.require_user(str(user_id))
    if not await addresses.delete(shop.database, user_id, address_id):
        raise problems.not_found(f"address {address_id} of user {user_id}")


def _kept(kept: addresses.SavedAddress) -> KeptAddress:
    return KeptAddress(id=kept.id, address=Address.model_validate(kept.address))


def _view(user: users.User) -> UserView:
    return UserView(**{name: getattr(user, name) for name in UserView.model_fields})
