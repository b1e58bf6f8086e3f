"""The declared pairs and Sentinels, run as the local environment runs them, without the rest of the shop; and the whole
of it, under load.
"""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from redis_pairs import Pairs, running_pairs
from shop_traffic import API, BUYERS, Shop, Traffic

from app.database.catalogue import DEMO_PASSWORD, DEMO_USERS
from app.database.migrations import upgrade
from local.environment import Environment
from testing.postgres import Cluster
from testing.waits import PATIENCE


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """The pairs as the local stack declares them."""
    with running_pairs(tmp_path_factory.mktemp("pairs")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Where the sessions have their copies: a Postgres with the shop's tables, empty."""
    with Cluster() as cluster:
        asyncio.run(upgrade(cluster.dsn(), None))
        yield cluster


@pytest.fixture(scope="module")
def running(shop: Environment) -> Shop:
    return Shop(shop)


@pytest.fixture(scope="module")
def sessions(running: Shop) -> list[str]:
    """Cookies of signed-in buyers, one each for the whole module: attempts to sign in are limited."""
    running.environment.wait_healthy()
    found: list[str] = []
    for _ in range(BUYERS):
        answer = httpx.post(
            f"{API}/api/session", json={"email": DEMO_USERS[0], "password": DEMO_PASSWORD}, timeout=PATIENCE
        )
        assert answer.status_code == 201, answer.text
        found.append("; ".join(cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie")))
    return found


@pytest.fixture
def traffic(running: Shop, sessions: list[str]) -> Iterator[Traffic]:
    """Load. There is enough of what is bought, and the pages that are read are in the cache."""
    running.environment.wait_healthy()
    products = [row[0] for row in running.rows("SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT 20")]
    bought, read = products[:10], products[10:]
    running.rows("UPDATE inventory SET quantity = 100000 WHERE product_id = ANY(%s) RETURNING id", bought)
    for product in read:
        assert httpx.get(f"{API}/api/products/{product}", timeout=PATIENCE).status_code == 200
    load = Traffic(running, sessions, bought, read)
    with load.running():
        yield load
