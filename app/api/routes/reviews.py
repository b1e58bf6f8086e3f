"""Reviews: reading is public and cached, writing is for signed-in users, once for each product."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import problems
from app.api.routes.parameters import (
    Asker,
    ContextHere,
    CursorText,
    PlainNumber,
    ProductId,
    ShopHere,
    cursor,
    describe,
)
from app.api.routes.writing import WriteHere
from app.api.views import NewReview, ReviewPage, ReviewView
from app.api.writes import ChangeEvent, Written
from app.database.queries import Transaction, reviews
from app.database.queries.reviews import AlreadyReviewed, UnknownProduct

router = APIRouter(tags=["reviews"])


@router.get("/api/reviews/{product_id}")
async def list_reviews(
    product_id: ProductId,
    shop: ShopHere,
    context: ContextHere,
    limit: Annotated[int, Query(ge=1, le=100), PlainNumber] = 20,
    cursor_text: Annotated[CursorText, Query(alias="cursor")] = None,
) -> ReviewPage:
    """One page of a product's reviews, newest first. Empty if nobody has reviewed the product."""
    after = cursor(cursor_text, datetime)
    page = await shop.queries.reviews(product_id, after=after, limit=limit)
    describe(context, modified=max((review.updated_at for review in page.items), default=None))
    return ReviewPage(
        items=[ReviewView.of(review) for review in page.items],
        next_cursor=page.after.encode() if page.after is not None else None,
        by_stars=(await shop.queries.rating(product_id)).by_stars if after is None else None,
    )


@router.post(
    "/api/reviews", status_code=201, response_model=ReviewView, responses={code: {} for code in (401, 404, 409)}
)
async def add_review(review: NewReview, asker: Asker, write: WriteHere) -> Response:
    """Review a product, as the signed-in user."""
    user_id = asker.require_signed_in()

    async def act(transaction: Transaction) -> Written:
        try:
            added = await reviews.add(
                transaction,
                product_id=review.product_id,
                user_id=user_id,
                rating=review.rating,
                title=review.title,
                body=review.body,
            )
        except UnknownProduct as error:
            raise problems.not_found(f"product {review.product_id}") from error
        except AlreadyReviewed as error:
            raise problems.Problem(409, "You have already reviewed this product.") from error
        about = {"product_id": str(review.product_id)}
        return Written(201, ReviewView.of(added), [ChangeEvent("review.created", about)])

    return await write(act, review)
