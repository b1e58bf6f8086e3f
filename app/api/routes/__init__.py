"""The API's endpoints, by subject."""

from fastapi import APIRouter

from app.api.routes import accounts, basket, catalogue, measurements, operations, products, reviews, users, visits

ROUTERS: tuple[APIRouter, ...] = (
    catalogue.router,
    products.router,
    reviews.router,
    users.router,
    visits.router,
    accounts.router,
    basket.router,
    measurements.router,
    operations.router,
)
