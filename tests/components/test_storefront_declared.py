"""The storefront as declared: what its pods are told."""

from stack.render import Rendered


def test_pods_know_what_visitors_call_the_shop(environment: Rendered) -> None:
    (deployment,) = (one for one in environment.of(":Deployment") if one.name == "storefront-deployment")
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    host = environment.exports["shop_host"]
    # Without an edge only this machine knows the shop.
    assert told.get("PUBLIC_ORIGIN") == (None if environment.environment == "local" else f"https://{host}")
