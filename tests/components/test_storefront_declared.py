"""The storefront as declared: what its pods are told."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.storefront.settings import StorefrontSettings
from stack.render import Rendered

PICTURES = Path(__file__).parents[2] / "app" / "storefront" / "src" / "server" / "pictures.ts"
MIB = 2**20


def test_pods_know_what_visitors_call_the_shop(environment: Rendered) -> None:
    (deployment,) = (one for one in environment.of(":Deployment") if one.name == "storefront-deployment")
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    host = environment.exports["shop_host"]
    # Without an edge only this machine knows the shop.
    assert told.get("PUBLIC_ORIGIN") == (None if environment.environment == "local" else f"https://{host}")


def test_pictures_never_fill_the_volume_that_they_are_kept_in() -> None:
    bound = re.search(r"MOST_BYTES = (\d+) \* 1024 \* 1024", PICTURES.read_text())
    assert bound is not None
    assert int(bound[1]) * MIB <= 0.75 * StorefrontSettings().page_cache
    with pytest.raises(ValidationError, match="page_cache"):
        StorefrontSettings.model_validate({"page_cache": "800MiB"})
