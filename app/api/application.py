"""The application: routes, errors as problem documents, a true OpenAPI document, and the cache in front."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, get_args

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.api import problems
from app.api.identity import session_cookie
from app.api.limits import BodyLimit
from app.api.metrics import UNLISTED
from app.api.problems import MEDIA_TYPE, Problem
from app.api.responses.middleware import CacheMiddleware, Hit
from app.api.responses.stored import CACHE_NAME, SECURITY
from app.api.routes import ROUTERS
from app.api.routes.parameters import reject_repeated_parameters, same_origin
from app.api.shop import Shop
from app.api.views import ProblemView
from app.caching_policy import Entity, Policy, PolicyError
from app.database import failures

log = structlog.get_logger(__name__)

App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


def make_routes() -> FastAPI:
    """The routes without the cache: cache misses, writes and private pages run through them. Needs `state.shop` to
    serve.
    """
    app = FastAPI(
        title="SIMONE web shop",
        version="1.0.0",
        description="What the shop's pages and offline clients are made of. Caching: docs/api-caching.md.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(same_origin), Depends(reject_repeated_parameters)],
    )
    for router in ROUTERS:
        app.include_router(router)
    app.state.has_served = False
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    for away in failures.AWAY:
        app.add_exception_handler(away, _database_away)
    generated = app.openapi
    app.openapi = lambda: _as_answered(generated())
    return app


def check_named(policy: Policy, routes: FastAPI) -> None:
    """Check that the cache policy names every route, every query parameter of a stored response, and a TTL for every
    entity. A route without an entry would never be stored, unnoticed; a parameter without one would never reach the
    application.

    Raises PolicyError with what is missing.
    """
    for path, operations in routes.openapi()["paths"].items():
        example = re.sub(r"\{[^}]*\}", "1", path)
        for method in (name.upper() for name in operations):
            found = policy.match(method, example)
            if found is None or found.route.route != path:
                raise PolicyError(
                    f"app/caching.yaml names no {method} {path}, which the API answers. Say who may keep its answers, "
                    f"for example nobody:  - {{route: {path!r}, methods: [{method}], audience: never}}"
                )
            asked = {one["name"] for one in operations[method.lower()].get("parameters", ()) if one["in"] == "query"}
            if found.route.audience != "never" and (unnamed := sorted(asked - set(found.route.query))):
                raise PolicyError(
                    f"app/caching.yaml names no query parameter {', '.join(unnamed)} of {path}, which answers depend "
                    f"on: what isn't named never reaches the API. Write  query: [{', '.join(sorted(asked))}]"
                )
    if missing := [entity for entity in get_args(Entity) if entity not in policy.entities]:
        raise PolicyError(
            f"app/caching.yaml gives no TTL for the entity {missing[0]}. Say how many seconds the API may keep it: "
            f"entities: {{{missing[0]}: {{ttl: 300}}}}"
        )


def make_application(shop: Shop) -> tuple[App, Hit]:
    """The whole application for an open shop, and what it answers at once (`CacheMiddleware.hit`).

    Raises PolicyError for a route that the cache policy doesn't name.
    """
    routes = make_routes()
    check_named(shop.policy, routes)
    routes.state.shop = shop

    def count(status: int) -> None:
        shop.metrics.requests.labels(UNLISTED, "other", f"{status // 100}xx").inc()

    cached = CacheMiddleware(
        Guard(BodyLimit(routes)),
        cache=shop.responses,
        stores=shop.stores,
        targets=shop.targets,
        policy=shop.policy,
        identify=shop.identify,
        requests=shop.metrics.requests,
        log_sample=shop.settings.log_sample,
        slow_seconds=shop.settings.slow_request_seconds,
    )
    return Guard(cached, count), cached.hit


def _response(problem: Problem) -> Response:
    return Response(problem.body(), problem.status, problem.headers, MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return _response(error)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors: list[dict[str, str]] = []
    for found in error.errors()[:20]:
        place = [str(part) for part in found["loc"][1:]] or [str(found["loc"][0])]
        errors.append({"field": ".".join(place), "message": found["msg"].removeprefix("Value error, ")})
    first = errors[0]
    return _response(Problem(422, f"{first['field']}: {first['message']}", errors=errors))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed_methods(request)
        return _response(Problem(405, f"Allowed here: {', '.join(allowed)}.", headers={"Allow": ", ".join(allowed)}))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # The framework's word for a body that it can't read.
        reason = {"field": "body", "message": "must be JSON in UTF-8, not nested too deeply"}
        return _response(Problem(400, f"body: {reason['message']}", errors=[reason]))
    detail = "There is nothing at this address." if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    return _response(Problem(error.status_code, detail, headers=dict(error.headers or {})))


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes of the address. The framework's own answer knows those of the first route only."""
    methods = set[str]()
    for route in (route for router in ROUTERS for route in router.routes):
        if isinstance(route, Route) and route.matches(dict(request.scope))[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _database_away(request: Request, error: Exception) -> Response:
    log.warning("database away", endpoint=_endpoint(request), error=type(error).__name__)
    return _response(problems.unavailable("The shop's database is not available at the moment."))


async def _broken(_: Request, _error: Exception) -> Response:
    return _response(Problem(500, BROKEN))


BROKEN: Final = "Something went wrong here; it has been logged."


class Guard:
    """Answers for an application that fails: nothing behind it raises, so every response is counted and logged. The
    outermost guard gives every response the headers of `SECURITY`.

    The framework's own handler answers too, but raises the error again afterwards.
    """

    def __init__(self, app: App, failed: Callable[[int], None] | None = None) -> None:
        self._app = app
        self._failed = failed
        """Hears the status of each answer that is given here."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Part of ASGI."""
        started = False

        async def watched(message: Any) -> None:
            nonlocal started
            started = True
            if self._failed is not None and message["type"] == "http.response.start":
                headers = message["headers"]
                # Those of an answer from the cache have been prepared with it.
                if SECURITY[0] not in headers:
                    message = {**message, "headers": [*headers, *SECURITY]}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # whatever it is, the visitor gets an answer and the alert a count
            away = isinstance(error, failures.AWAY)
            route = str(getattr(scope.get("route"), "path", "unknown"))
            log.error("unexpected error", endpoint=route, exc_info=error)
            problem = (
                problems.unavailable("The shop's database is not available at the moment.")
                if away
                else Problem(500, BROKEN)
            )
            if self._failed is not None:
                self._failed(problem.status)
            if not started:
                problem.headers["Cache-Control"] = "no-store"
                problem.headers["Cache-Status"] = f"{CACHE_NAME}; fwd=bypass"
                await problem.send(watched)


def _endpoint(request: Request) -> str:
    route = request.scope.get("route")
    return str(getattr(route, "path", "unknown"))


def _as_answered(document: dict[str, Any]) -> dict[str, Any]:
    """The generated document, with errors as they are really answered and the ways to authenticate."""
    if "x-complete" in document:
        return document
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    definition = ProblemView.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= definition.pop("$defs", {})
    schemas["ProblemView"] = definition
    document["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": session_cookie(secure=True)},
        "token": {"type": "http", "scheme": "bearer"},
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}}
    for path in document["paths"].values():
        for method, operation in path.items():
            responses = operation["responses"]
            responses.setdefault("422", {})
            if method != "get":
                responses.setdefault("403", {})
            if "requestBody" in operation:
                responses |= {"400": {}, "413": {}, "408": {}}
            if operation["tags"] != ["operations"]:
                responses["503"] = {}
            for status, response in responses.items():
                if int(status) >= 400 and operation["tags"] != ["operations"]:
                    response["description"] = HTTPStatus(int(status)).phrase
                    response["content"] = content
    document["x-complete"] = True
    return document
