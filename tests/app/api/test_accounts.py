"""Signing up, resetting a password by mail, and addresses that customers keep: against a real mail server."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS
from testing.api_stack import Api, Stack, running_stack
from testing.mail_server import TAKEN, Inbox, inbox
from testing.waits import eventually

PASSWORD = "correct horse battery"
ORIGIN = "https://shop.example"
HOME = {"name": "Ada", "street": "1 Mill Lane", "postcode": "10115", "city": "Berlin", "country": "DE"}
_LINK = re.compile(rf"{re.escape(ORIGIN)}/account/(confirm|reset)#([A-Za-z0-9_-]{{43}})\s")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def mail() -> Iterator[Inbox]:
    mail = inbox()
    with mail.open():
        yield mail


@pytest.fixture(scope="module")
def api(stack: Stack, mail: Inbox) -> Api:
    told: dict[str, Any] = {"MAIL_SERVER": mail.address, "MAIL_SECURITY": "none", "MAIL_SENDER": "shop@shop.example"}
    stack.worker(**told, PUBLIC_ORIGIN=ORIGIN)
    return stack.api(**told, COOKIE_SECURE="0", WARM_PRODUCTS="0", REDIS_TIMEOUT_SECONDS="2", PURGE_SECONDS="5")


@pytest.fixture
def visitor(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=60) as client:
        yield client


def sign_up(visitor: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    asked = {"email": email, "password": password, "name": "Ada", "country": "DE"}
    return visitor.post("/api/sign-ups", json=asked)


def link(mail: Inbox, email: str, purpose: str, number: int = 1) -> str:
    """The token of the address's mail of that number."""

    def tokens() -> list[str]:
        texts = [one.get_content() for one in mail.to(email)]
        return [found[2] for text in texts for found in _LINK.finditer(text) if found[1] == purpose]

    eventually(lambda: len(tokens()) >= number, f"{number} mails to {email}")
    return tokens()[number - 1]


def member(visitor: httpx.Client, mail: Inbox, email: str) -> int:
    assert sign_up(visitor, email).status_code == 202
    told = {"token": link(mail, email, "confirm"), "password": PASSWORD}
    confirmed = visitor.post("/api/users", json=told)
    assert confirmed.status_code == 201, confirmed.text
    return confirmed.json()["user"]["id"]


def sign_in(visitor: httpx.Client, email: str, password: str) -> int:
    return visitor.post("/api/session", json={"email": email, "password": password}).status_code


def test_who_signs_up_is_a_customer_once_the_address_is_proved(visitor: httpx.Client, mail: Inbox) -> None:
    email = "ada@new.example"
    visitor.put("/api/cart", json={"items": [{"product_id": 1, "quantity": 2}]}).raise_for_status()
    asked = sign_up(visitor, email)
    assert (asked.status_code, asked.json()) == (202, {"email": email})
    token = link(mail, email, "confirm")
    assert sign_in(visitor, email, PASSWORD) == 401, "nobody is a customer by typing an address"
    confirmed = visitor.post("/api/users", json={"token": token, "password": PASSWORD})
    assert confirmed.status_code == 201
    assert confirmed.json()["user"] == {
        "id": confirmed.json()["user"]["id"],
        "email": email,
        "name": "Ada",
        "tier": "free",
    }
    assert visitor.get("/api/session").json() == confirmed.json(), "signed in at once"
    assert [line["quantity"] for line in visitor.get("/api/cart").json()["items"]] == [2], "the cart comes along"
    assert visitor.post("/api/users", json={"token": token, "password": PASSWORD}).status_code == 410
    with httpx.Client(base_url=visitor.base_url) as elsewhere:
        assert sign_in(elsewhere, "ADA@new.example", PASSWORD) == 201


def test_one_token_makes_one_account_however_often_it_is_sent(visitor: httpx.Client, mail: Inbox, stack: Stack) -> None:
    email = "twice@new.example"
    sign_up(visitor, email)
    told = {"token": link(mail, email, "confirm"), "password": PASSWORD}
    with ThreadPoolExecutor(4) as pool:
        statuses = [
            one.status_code
            for one in pool.map(lambda _: httpx.post(f"{visitor.base_url}/api/users", json=told, timeout=60), range(4))
        ]
    assert sorted(statuses) == [201, 410, 410, 410]
    assert stack.sql(f"SELECT count(*) FROM users WHERE email = '{email}'") == "1"


def test_no_response_says_who_has_an_account(visitor: httpx.Client, mail: Inbox, stack: Stack) -> None:
    known, unknown = DEMO_USERS[0], "nobody@new.example"
    for path in ("sign-ups", "password-resets"):
        body: dict[str, Any] = {"password": PASSWORD, "name": "A", "country": "DE"} if path == "sign-ups" else {}
        for email in (known, unknown):
            asked = visitor.post(f"/api/{path}", json={"email": email, **body})
            assert (asked.status_code, asked.json()) == (202, {"email": email})
    eventually(lambda: stack.sql("SELECT count(*) FROM account_mails WHERE sent_at IS NULL") == "0", "mails sent")
    subjects = {email: sorted(str(one["Subject"]) for one in mail.to(email)) for email in (known, unknown)}
    assert subjects[known] == ["Choose a new password", "You already have an account"]
    assert subjects[unknown] == ["Confirm your e-mail address"], "no account, so nothing to reset, and no mail about it"


def test_nobody_confirms_what_a_stranger_asked_for_in_their_name(
    visitor: httpx.Client, mail: Inbox, stack: Stack
) -> None:
    email = "victim@new.example"
    sign_up(visitor, email, "the stranger's password")
    token = link(mail, email, "confirm")
    refused = visitor.post("/api/users", json={"token": token, "password": PASSWORD})
    assert refused.status_code == 403
    assert stack.sql(f"SELECT count(*) FROM users WHERE email = '{email}'") == "0"
    sign_up(visitor, email)
    mine = link(mail, email, "confirm", 2)
    assert visitor.post("/api/users", json={"token": mine, "password": PASSWORD}).status_code == 201
    assert visitor.post("/api/users", json={"token": token, "password": "the stranger's password"}).status_code == 410
    assert "Ada" not in mail.to(email)[0].get_content(), "what strangers type is carried to nobody"


def test_a_forgotten_password_is_replaced_by_mail_once_and_ends_all_sessions(
    visitor: httpx.Client, mail: Inbox, api: Api
) -> None:
    email = "forgetful@new.example"
    member(visitor, mail, email)
    for _ in range(2):
        assert visitor.post("/api/password-resets", json={"email": email}).status_code == 202
    tokens = [link(mail, email, "reset", number) for number in (1, 2)]
    with httpx.Client(base_url=api.url, timeout=60) as elsewhere:
        told = {"token": tokens[0], "new_password": "another good one"}
        assert elsewhere.put("/api/password", json={**told, "new_password": "short"}).status_code == 422
        assert elsewhere.put("/api/password", json=told).status_code == 204
        assert [elsewhere.put("/api/password", json={**told, "token": token}).status_code for token in tokens] == [
            410,
            410,
        ]
        eventually(lambda: visitor.get("/api/session").json() == {"user": None}, "the old session's end")
        assert sign_in(elsewhere, email, PASSWORD) == 401
        assert sign_in(elsewhere, email, "another good one") == 201
    eventually(lambda: mail.to(email)[-1]["Subject"] == "Your password was changed", "its owner hears of it")


@pytest.mark.parametrize("purpose", ["confirm", "reset"])
def test_a_token_ends(visitor: httpx.Client, mail: Inbox, stack: Stack, purpose: str) -> None:
    email = f"late-{purpose}@new.example"
    if purpose == "confirm":
        sign_up(visitor, email)
    else:
        member(visitor, mail, email)
        visitor.post("/api/password-resets", json={"email": email})
    token = link(mail, email, purpose)
    sent = f"FROM account_mails WHERE email = '{email}' AND sent_at IS NOT NULL"
    eventually(lambda: stack.sql(f"SELECT count(*) {sent}") == "1", "the mail is noted as sent")
    hours = int(stack.sql(f"SELECT round(extract(epoch FROM expires_at - sent_at) / 3600) {sent}"))
    assert hours == (24 if purpose == "confirm" else 1)
    stack.sql(f"UPDATE account_mails SET expires_at = now() WHERE email = '{email}'")
    if purpose == "confirm":
        used = visitor.post("/api/users", json={"token": token, "password": PASSWORD})
    else:
        used = visitor.put("/api/password", json={"token": token, "new_password": PASSWORD})
    assert used.status_code == 410


def test_who_reads_the_database_finds_no_token_and_no_log_has_an_address(
    visitor: httpx.Client, mail: Inbox, stack: Stack
) -> None:
    email = "private@new.example"
    sign_up(visitor, email)
    token = link(mail, email, "confirm")
    assert token not in stack.sql("SELECT account_mails::text FROM account_mails")
    logs = "".join(process.log.read_text() for process in stack.processes)
    assert email not in logs
    assert token not in logs


def test_a_mail_server_that_is_away_blocks_nobody_and_loses_nothing(
    visitor: httpx.Client, mail: Inbox, stack: Stack
) -> None:
    email, before = "patient@new.example", mail.offered
    mail.reply = "451 try again later"
    try:
        assert sign_up(visitor, email).status_code == 202
        eventually(lambda: mail.offered > before, "an attempt")
        waiting = f"SELECT count(*) FROM account_mails WHERE email = '{email}' AND last_error LIKE '%451%'"
        eventually(lambda: stack.sql(waiting) == "1", "the attempt's end")
        assert not mail.to(email)
    finally:
        mail.reply = TAKEN
    stack.sql("UPDATE account_mails SET available_at = now() WHERE sent_at IS NULL")
    member_token = link(mail, email, "confirm")
    assert visitor.post("/api/users", json={"token": member_token, "password": PASSWORD}).status_code == 201


def test_what_the_mail_server_will_never_take_is_not_offered_again(
    visitor: httpx.Client, mail: Inbox, stack: Stack
) -> None:
    email = "gone@new.example"
    mail.reply = "550 no such mailbox"
    try:
        sign_up(visitor, email)
        eventually(lambda: stack.sql(f"SELECT count(*) FROM account_mails WHERE email = '{email}'") == "0", "its end")
    finally:
        mail.reply = TAKEN


def test_nobody_is_flooded_with_mails(api: Api) -> None:
    with ExitStack() as opened:
        visitors = [
            opened.enter_context(httpx.Client(base_url=api.url, timeout=60, headers={"x-real-ip": f"198.51.100.{n}"}))
            for n in range(4)
        ]
        told = {"email": "flooded@new.example"}
        asked = [visitor.post("/api/password-resets", json=told) for visitor in visitors]
        assert [one.status_code for one in asked] == [202, 202, 202, 429], "by address, whoever asks"
        assert int(asked[-1].headers["retry-after"]) > 60
        assert "minutes" in asked[-1].json()["detail"]
        one = {"x-real-ip": "203.0.113.9"}
        many = [
            visitors[0].post("/api/password-resets", json={"email": f"a{n}@new.example"}, headers=one).status_code
            for n in range(31)
        ]
        assert many == [202] * 30 + [429], "by client, whomever it asks for"


def test_a_shop_without_a_mail_server_says_so(stack: Stack) -> None:
    without = stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0")
    try:
        with httpx.Client(base_url=without.url, timeout=60) as visitor:
            asked = sign_up(visitor, "early@new.example")
            assert asked.status_code == 503
            assert "sends no mail" in asked.json()["detail"]
    finally:
        without.stop()


def test_a_customer_keeps_a_few_addresses_of_their_own(visitor: httpx.Client, api: Api) -> None:
    assert sign_in(visitor, DEMO_USERS[0], DEMO_PASSWORD) == 201
    place = f"/api/users/{visitor.get('/api/session').json()['user']['id']}/addresses"
    assert visitor.get(place).json() == {"items": []}
    kept = visitor.post(place, json=HOME)
    assert kept.status_code == 201
    assert visitor.post(place, json=HOME).json() == kept.json(), "the same again is kept once"
    for number in range(2, 11):
        assert visitor.post(place, json={**HOME, "street": f"{number} Mill Lane"}).status_code == 201
    full = visitor.post(place, json={**HOME, "street": "11 Mill Lane"})
    assert (full.status_code, full.json()["detail"]) == (409, "You already have 10 saved addresses: delete one first.")
    assert visitor.get(place).json()["items"][0]["address"]["street"] == "10 Mill Lane"
    with httpx.Client(base_url=api.url, timeout=60) as other:
        assert sign_in(other, DEMO_USERS[1], DEMO_PASSWORD) == 201
        assert other.get(place).status_code == 403
        assert other.delete(f"{place}/{kept.json()['id']}").status_code == 403
        own = f"/api/users/{other.get('/api/session').json()['user']['id']}/addresses"
        assert other.delete(f"{own}/{kept.json()['id']}").status_code == 404, (
            "another's address isn't theirs by its number"
        )
    assert visitor.delete(f"{place}/{kept.json()['id']}").status_code == 204
    assert len(visitor.get(place).json()["items"]) == 9
