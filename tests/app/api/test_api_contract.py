"""What others' judges say of the running API: redbot of its HTTP, schemathesis of its OpenAPI document."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.caching_policy import load
from testing.api_stack import ADMIN_TOKEN, Api, Stack, running_stack
from tools.http_check import contract, redbot
from tools.http_check.addresses import public_addresses

POLICY = load(Path("app/caching.yaml"))
PRODUCT = 11
pytestmark = pytest.mark.skipif(
    not redbot.REDBOT.exists(), reason="redbot and schemathesis aren't installed: make .tools/http/installed"
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    """Patient, as a busy test machine stands still for longer than a server may. Its mails wait for a worker."""
    return stack.api(
        MAIL_SERVER="127.0.0.1:1",
        MAIL_SECURITY="none",
        MAIL_SENDER="shop@shop.example",
        PUBLIC_ORIGIN="https://shop.example",
        COOKIE_SECURE="0",
        WARM_PRODUCTS="0",
        REDIS_TIMEOUT_SECONDS="2",
        PURGE_SECONDS="5",
    )


def test_redbot_finds_nothing_wrong_with_any_public_address(api: Api) -> None:
    given: set[str] = set()
    for address in public_addresses(POLICY, PRODUCT):
        httpx.get(api.url + address)
        # redbot asks several times: in other codings, with validators, so for stored copies too.
        notes = redbot.judge(api.url + address)
        assert [note.summary for note in notes if note.unexplained] == [], address
        assert "INM_304" in {note.name for note in notes}, address
        given |= {note.name for note in notes}
    assert redbot.EXPLAINED.keys() <= given, "an explanation that nothing needs any more"


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_the_document_is_true_for_whatever_is_asked(stack: Stack, api: Api, tmp_path: Path) -> None:
    for seed in (1, 2):
        verdict = contract.judge(api.url, ADMIN_TOKEN, tmp_path, examples=100, seed=seed)
        assert verdict.passed, verdict.report
    assert "unexpected error" not in api.log.read_text()
    assert httpx.get(f"{api.url}/ready").status_code == 200
