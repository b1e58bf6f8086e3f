"""For schemathesis: rules that JSON Schema can't express. Runs in .tools/http, which has none of our packages."""
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false

import uuid
from typing import Any

import schemathesis


def _is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give valid requests a new Idempotency-Key (a used one is refused, as it must be), no made-up cursor, and
    integers in addresses: 1.0, from an earlier request's body, becomes 1."""
    del context, kwargs
    if not _is_positive(case):
        return
    for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
        case.headers[name] = str(uuid.uuid4())
    (case.query or {}).pop("cursor", None)
    for place in (case.query or {}, case.path_parameters or {}):
        place |= {name: int(value) for name, value in place.items() if isinstance(value, float) and value.is_integer()}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Valid carts name each product once."""
    del context
    body = case.body
    if not _is_positive(case) or not isinstance(body, dict) or not isinstance(body.get("items"), list):
        return True
    products = [item.get("product_id") for item in body["items"] if isinstance(item, dict)]
    return len(set(map(str, products))) == len(products)
