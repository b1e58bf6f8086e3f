"""The stand-in speaks as the API does: what a browser test proves with it holds for the shop."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from stand_in import PASSWORD, USER, StandIn, catalogue

from app.api import views

PRODUCT = max(catalogue().reviews)
ADDRESS = {"name": "A", "street": "B 1", "postcode": "1", "city": "C", "country": "DE"}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    stand_in = StandIn()
    stand_in.start()
    with httpx.Client(base_url=stand_in.url) as client:
        yield client
    stand_in.stop()


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("/api/categories", views.CategoryList),
        ("/api/products?limit=5", views.ProductPage),
        (f"/api/products/{PRODUCT}", views.ProductDetail),
        (f"/api/reviews/{PRODUCT}", views.ReviewPage),
        ("/api/facets?category_id=3&q=lamp", views.FacetsView),
        ("/api/search?q=lamp", views.SearchView),
        ("/api/search/suggestions?q=lamp", views.SuggestionList),
        ("/api/session", views.SessionView),
        ("/api/cart", views.CartView),
        ("/api/checkout", views.Quote),
    ],
)
def test_what_is_read_is_what_the_api_would_say(client: httpx.Client, path: str, view: type[views.View]) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    view.model_validate_json(answer.content)


def test_what_is_written_is_what_the_api_would_hear_and_say(client: httpx.Client) -> None:
    def write(request: str, body: Any, *, heard: Any, said: type[views.View], status: int = 200) -> Any:
        TypeAdapter(heard).validate_python(body)
        answer = client.request(*request.split(), json=body)
        assert answer.status_code == status
        return said.model_validate_json(answer.content)

    credentials = {"email": USER["email"], "password": PASSWORD}
    write("POST /api/session", credentials, heard=views.Credentials, said=views.SessionView, status=201)
    cart = {"items": [{"product_id": PRODUCT, "quantity": 2}]}
    assert write("PUT /api/cart", cart, heard=views.CartInput, said=views.CartView).total > 0
    order = {"shipping_address": ADDRESS}
    placed = write("POST /api/checkout", order, heard=views.Checkout, said=views.OrderView, status=201)
    assert views.OrderView.model_validate_json(client.get(f"/api/orders/{placed.id}").content) == placed
    assert views.OrderPage.model_validate_json(client.get("/api/users/1/orders").content).items
    chosen = {"newsletter": True}
    write("PUT /api/users/1/preferences", chosen, heard=views.Preferences, said=views.PreferencesView)
    review = {"product_id": PRODUCT, "rating": 5, "title": "Good", "body": ""}
    write("POST /api/reviews", review, heard=views.NewReview, said=views.ReviewView, status=201)
    assert client.post("/api/rum", json={"events": []}).status_code == 204
