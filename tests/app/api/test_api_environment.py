"""What the stack tells the API's pods is what their processes read, and says the same."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.api import settings as application
from app.api.mail import MailServer
from components.postgres.roles import DATABASE
from stack.environments import deployed_environments, stack_config
from stack.render import Rendered, render

OF_THE_IMAGE = {"CACHING_POLICY"}
"""Read, but nothing for an environment to decide: the policy is part of the image."""
ONLY_WITH_AN_EDGE = {"PUBLIC_ORIGIN", "CLOUDFLARE_ZONE_ID", "CLOUDFLARE_PLAN", "CLOUDFLARE_API_URL"}
ONLY_WITH_TLS = {"REDIS_CA"}
ONLY_WITH_A_LOGIN = {"MAIL_USERNAME"}
ONLY_WHILE_ITS_ROLE_ALTERNATES = {"DATABASE_PASSWORD_NAME"}
ONLY_FOR_THE_WORKER = {"STOREFRONT_URL"}


def _pods(rendered: Rendered) -> Mapping[str, Mapping[str, Any]]:
    """Containers of the API and its worker by Deployment, with plain variables as a mapping."""
    found: dict[str, Mapping[str, Any]] = {}
    for resource in rendered.resources:
        name = resource.inputs.get("metadata", {}).get("name")
        if resource.type == "kubernetes:apps/v1:Deployment" and name in ("api", "api-worker"):
            spec = resource.inputs["spec"]["template"]["spec"]
            container = spec["containers"][0]
            found[name] = {
                "variables": {entry["name"]: entry.get("value", "from the pod") for entry in container["env"]},
                "grace": spec["terminationGracePeriodSeconds"],
            }
    return found


def _read() -> set[str]:
    return {name.upper() for name in application.Settings.model_fields}


def test_every_variable_that_is_declared_is_read_and_the_other_way_round(environment: Rendered) -> None:
    pods = _pods(environment)
    assert set(pods) == {"api", "api-worker"}
    for name, pod in pods.items():
        declared = set(pod["variables"]) - {"POD_IP"}
        assert declared <= _read(), f"{name} is told what it doesn't read: {declared - _read()}"
        optional = (
            OF_THE_IMAGE
            | ONLY_WITH_AN_EDGE
            | ONLY_WITH_TLS
            | ONLY_WITH_A_LOGIN
            | ONLY_WHILE_ITS_ROLE_ALTERNATES
            | (ONLY_FOR_THE_WORKER if name == "api" else set())
        )
        assert _read() - declared <= optional, f"{name} isn't told {_read() - declared - optional}"


@pytest.mark.parametrize("name", ["api", "api-worker"])
def test_the_process_accepts_what_it_is_told(environment: Rendered, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = _pods(environment)[name]
    for variable, value in pod["variables"].items():
        # The kubelet fills in addresses; an output is known only once there is a database.
        filled_in = str(value).replace("$(POD_IP)", "127.0.0.1").replace("$(PGBOUNCER_SERVICE_PORT)", "6432")
        monkeypatch.setenv(variable, filled_in)
    told = application.load()
    assert told.database_name == DATABASE
    assert told.shutdown_seconds < pod["grace"], "requests are finished before the kubelet kills"
    assert told.redis_sentinels
    assert told.gateway_purge_urls


def test_where_redis_speaks_tls_all_pods_know_its_ca() -> None:
    ca = "-----BEGIN CERTIFICATE-----\nof a test"
    settings = stack_config("local")["simone:redis"] | {"tls_ca": ca}
    pods = _pods(render("local", config={"simone:redis": settings}))
    assert {pod["variables"]["REDIS_CA"] for pod in pods.values()} == {ca}


def test_the_worker_purges_at_the_rate_of_the_zones_plan(rendered: Callable[[str], Rendered]) -> None:
    for environment in deployed_environments():
        zone = stack_config(environment)["simone:edge"]
        variables = _pods(rendered(environment))["api-worker"]["variables"]
        assert (variables["CLOUDFLARE_ZONE_ID"], variables["CLOUDFLARE_PLAN"]) == (zone["zone_id"], zone["plan"])


def test_cookies_travel_over_plain_http_on_one_machine_only(environment: Rendered) -> None:
    secure = _pods(environment)["api"]["variables"]["COOKIE_SECURE"]
    assert secure == ("0" if environment.environment == "local" else "1")


def test_a_ca_that_is_no_certificate_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_CA", "garbage")
    with pytest.raises(application.SettingsError, match="REDIS_CA='garbage': isn't the certificate of a CA"):
        application.load()


def test_links_of_mails_lead_to_where_visitors_find_the_shop(rendered: Callable[[str], Rendered]) -> None:
    for environment in deployed_environments():
        hostname = stack_config(environment)["simone:edge"]["hostname"]
        assert _pods(rendered(environment))["api-worker"]["variables"]["PUBLIC_ORIGIN"] == f"https://{hostname}"


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"MAIL_SERVER": "mail.example.com"}, r"MAIL_SERVER='mail.example.com': 'mail.example.com' is not host:port"),
        ({"MAIL_SERVER": "mail:587", "MAIL_SENDER": ""}, "MAIL_SENDER='': MAIL_SERVER is set, so give the address"),
        (
            {"MAIL_SERVER": "mail:587", "MAIL_SENDER": "a@b.c", "MAIL_USERNAME": "shop", "MAIL_SECURITY": "none"},
            "MAIL_USERNAME='shop': its password would travel unencrypted",
        ),
        (
            {"MAIL_SERVER": "mail:587", "MAIL_SENDER": "a@b.c", "MAIL_USERNAME": "shop"},
            "has no file 'mail-password': mount it there",
        ),
    ],
)
def test_a_mail_server_that_cannot_work_is_one_clear_error(
    told: Mapping[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(application.SettingsError, match=complaint):
        MailServer.of(application.load())
