"""Every secret with two values is replaced, there and back, in the running shop under load: nobody is refused."""

import uuid
from collections import Counter
from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from shop_traffic import API, Shop, Traffic

from components.settings.secrets import STEPS, rotated
from local import secrets_file
from local.environment import Environment
from stack.secret_placeholders import with_placeholders
from testing.waits import PATIENCE

pytestmark = [pytest.mark.shop, pytest.mark.full, pytest.mark.timeout(3600)]

NODES = [f"redis-{pair}-{ordinal}" for pair in ("sessions", "data", "computed") for ordinal in range(2)]
SENTINELS = [f"redis-sentinel-{ordinal}" for ordinal in range(3)]


def secrets_at(step: str) -> dict[str, Any]:
    """`simone:secrets` as the stack file holds it: each second value is encrypted, so the render makes one up."""
    found: dict[str, Any] = {}
    for name in rotated():
        system, _, secret = name.partition(".")
        rotation = found.setdefault(system, {"rotation": {}})["rotation"]
        rotation[secret] = {"alternate": {"secure": "v1:"}, "accepted": step}
    return found


def admin_tokens(running: Shop) -> Mapping[str, str]:
    made_up = with_placeholders(secrets_at(STEPS[1]), {})["api"]["rotation"]["admin_token"]["alternate"]
    return {"main": secrets_file.load(running.environment.state)[secrets_file.ADMIN_TOKEN], "alternate": made_up}


def replace_main(running: Shop) -> None:
    """New first values, as `make rotate` makes them where a rotation begins and only the second one counts."""
    path = running.environment.state.secrets
    lines = path.read_text().splitlines()
    for name in rotated():
        system, _, secret = name.partition(".")
        variable = secrets_file.variable(system, secret)
        lines = [f"{variable}={token_urlsafe(24)}" if line.startswith(f"{variable}=") else line for line in lines]
    path.write_text("\n".join(lines) + "\n")


def refused_by_redis(running: Shop) -> list[str]:
    """Who was, since the nodes started: Redis and Sentinel keep an ACL log."""
    found: list[str] = []
    for pod in [*NODES, *SENTINELS]:
        directory = "/etc/sentinel" if pod in SENTINELS else "/etc/redis"
        code, log = running.environment.execute(pod, ["sh", f"{directory}/cli.sh", "ACL", "LOG"], capture=True)
        assert code == 0, log
        if "\nauth\n" in log:
            found.append(f"{pod}: {log}")
    return found


def refused_by_the_pools(running: Shop) -> list[str]:
    return [
        line
        for log in running.environment.state.logs.rglob("*.log")
        for line in log.read_text(errors="replace").splitlines()
        if "authentication failed" in line or "SASL authentication" in line or "WRONGPASS" in line
    ]


def test_every_secret_is_replaced_and_nobody_is_refused(running: Shop, traffic: Traffic) -> None:
    before = refused_by_the_pools(running)
    product, warehouse = running.rows("SELECT product_id, warehouse FROM inventory ORDER BY product_id DESC LIMIT 1")[0]
    for step in (*STEPS[1:], STEPS[0]):
        if step == "alternate then main":
            replace_main(running)
        Environment(running.environment.state, config={"simone:secrets": secrets_at(step)}).up()
        traffic.go_on()
        traffic.cached_reads_go_on()
        for slot, token in admin_tokens(running).items():
            answer = httpx.patch(
                f"{API}/api/products/{product}/inventory",
                json={"warehouse": warehouse, "quantity": 7},
                headers={"authorization": f"Bearer {token}", "idempotency-key": str(uuid.uuid4())},
                timeout=PATIENCE,
            )
            assert (answer.status_code == 401) == (slot not in step.split()), (step, slot, answer.text)
        assert refused_by_redis(running) == [], step
    assert refused_by_the_pools(running) == before
    answers = sum(traffic.answers.values(), Counter[int]())
    assert answers.keys() <= {200, 201}, (traffic.answers, traffic.broken)
