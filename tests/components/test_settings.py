"""A wrong stack file is one clear line: the key as written, the value, what is allowed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from components.settings.certificates import pair_fault, signer_fault
from components.settings.environment import Settings, SettingsError, parse
from components.settings.renamed import NEW_NAMES, with_new_names
from stack.environments import environments, stack_config
from stack.secret_placeholders import with_placeholders


def _config(**changes: Any) -> dict[str, Any]:
    config = stack_config("prod")
    config["simone:secrets"] = with_placeholders(None, None, config)
    for path, value in changes.items():
        section, *keys = path.split("__")
        target = config
        names = [f"simone:{section}", *keys]
        for name in names[:-1]:
            target[name] = dict(target.get(name, {}))
            target = target[name]
        target[names[-1]] = value
    return config


def _message(**changes: Any) -> str:
    with pytest.raises(SettingsError) as raised:
        parse(_config(**changes), "prod")
    return str(raised.value)


def test_the_stack_file_is_accepted_as_it_stands() -> None:
    assert isinstance(parse(_config(), "prod"), Settings)


def test_resources_that_are_given_in_part_keep_the_rest_of_their_own_default() -> None:
    told = parse(_config(monitoring__prometheus={"resources": {"cpu": "1"}}), "prod").monitoring.prometheus.resources
    assert (told.cpu, told.memory) == (1000, 2**30)
    assert parse(_config(pgbouncer__exporter={"memory": "64MiB"}), "prod").pgbouncer.exporter.cpu == 50


def test_a_typo_in_a_section_names_the_right_one() -> None:
    assert _message(apii={}) == "Pulumi.prod.yaml: simone:apii is not a setting; did you mean 'api'?"


def test_a_typo_in_a_key_names_the_right_one() -> None:
    assert (
        _message(api__pool_sise=3)
        == "Pulumi.prod.yaml: simone:api.pool_sise is not a setting; did you mean 'pool_size'?"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("10 GHz", "the unit 'GHz' is not known; write one of B, KiB, MiB, GiB, TiB, for example 10GiB"),
        ("10", "the unit is missing; write one of B, KiB, MiB, GiB, TiB, for example 10GiB"),
        (10, "needs a number with a unit (B, KiB, MiB, GiB, TiB), for example 10GiB"),
        ("0.3B", "is not a whole number of the smallest unit (B)"),
    ],
)
def test_a_wrong_unit_says_which_are_allowed(value: Any, reason: str) -> None:
    assert _message(api__local_cache=value) == f"Pulumi.prod.yaml: simone:api.local_cache is {value!r}: {reason}"


@pytest.mark.parametrize(("old", "new"), NEW_NAMES.items())
def test_an_old_name_is_still_read_and_a_warning_names_the_new_one(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    section, name = old.split(".")
    value = "/ca.pem" if new.endswith("_file") else "-----BEGIN CERTIFICATE-----\nof a test"
    config = _config(**{f"{section}__{name}": value})
    config["simone:secrets"] = with_placeholders(None, None, config)
    assert getattr(getattr(parse(config, "prod"), section), new) == value
    assert warnings == [
        f"Pulumi.prod.yaml: simone:{section}.{name} is deprecated: write simone:{section}.{new} instead"
    ]


def test_a_setting_under_its_old_and_its_new_name_is_one_clear_error() -> None:
    assert _message(pgbouncer__server_tls_ca_file="/old.pem", pgbouncer__server_ca_file="/new.pem") == (
        "Pulumi.prod.yaml: simone:pgbouncer.server_tls_ca_file is the old name of server_ca_file, and both are set: "
        "remove server_tls_ca_file"
    )


def test_our_own_stack_files_use_no_old_name() -> None:
    assert not [warning for name in environments() for warning in with_new_names(stack_config(name))[1]]


def test_a_value_out_of_range_says_the_bound_with_its_unit() -> None:
    message = _message(api__drain="2h")
    assert message == "Pulumi.prod.yaml: simone:api.drain is 2h: must be at most 1m"


@pytest.mark.parametrize("zone", ["x0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef\n"])
def test_a_pattern_is_of_the_whole_value(zone: str) -> None:
    assert "simone:edge.zone_id" in _message(edge__zone_id=zone)
    assert "must match [0-9a-f]{32} (the existing zone)" in _message(edge__zone_id=zone)


def test_a_stack_file_that_names_another_environment_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.staging\.yaml: simone:environment is 'prod'.*write staging"):
        parse(_config(), "staging")


def test_every_fault_is_told_at_once() -> None:
    assert len(_message(api__pool_size=0, owner="", images__redis="redis:latest").splitlines()) == 3


def test_faults_of_every_kind_are_told_at_once() -> None:
    """Also relations between settings of which others are wrong, missing or required."""
    config = _config(
        api__drain="2h",
        api__cookie_secure=False,
        redis__data={"maxmemory": "5GiB", "memory": "6GiB", "storage": "10GiB"},
        pgbouncer__default_pool_size=700,
        secrets__edge={"origin_certificate": "a certificate"},
    )
    del config["simone:secrets"]["redis"]["app"]
    del config["simone:secrets"]["api"]["cloudflare_token"]
    del config["simone:aws"]["vpc_id"]
    with pytest.raises(SettingsError) as raised:
        parse(config, "prod")
    expected = (
        "simone:aws.vpc_id is missing",
        "simone:api.drain is 2h: must be at most 1m",
        "simone:redis.data: memory is 6GiB",
        "simone:redis.data: storage is 10GiB",
        "simone:secrets.redis.app is missing",
        "pgbouncer: 2 pods x (700 default_pool_size",
        "api.cookie_secure is false although gateway.tls is on",
        "simone:gateway.tls is on, so simone:secrets.edge.origin_certificate and .origin_key must hold",
        "gateway.tls is on and there is an edge, so secrets.edge.client_certificate and .client_key must",
        "simone:edge is set, so simone:secrets.api.cloudflare_token must hold",
    )
    lines = str(raised.value).splitlines()
    assert len(lines) == len(expected)
    for line, start in zip(sorted(lines), sorted(expected), strict=True):
        assert line.startswith(f"Pulumi.prod.yaml: {start}")


def test_a_missing_setting_says_what_it_is_and_how_to_set_it() -> None:
    config = _config()
    del config["simone:images"]
    with pytest.raises(SettingsError, match=r"simone:images is missing: .* pulumi config set --path 'simone:images'"):
        parse(config, "prod")


def test_a_missing_secret_says_how_to_set_it_and_a_weak_one_is_never_shown() -> None:
    config = _config()
    del config["simone:secrets"]["redis"]["app"]
    config["simone:secrets"]["redis"]["exporter"] = "hunter2"
    with pytest.raises(SettingsError) as raised:
        parse(config, "prod")
    assert "pulumi config set --secret --path 'simone:secrets.redis.app'" in str(raised.value)
    assert "simone:secrets.redis.exporter: has 7 characters" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_an_image_without_a_fixed_version_is_refused() -> None:
    assert "'latest' changes under a running shop" in _message(images__redis="redis:latest")


# Each relation between settings violated alone: what is changed in production's file, and what is said about it.
VIOLATIONS: Mapping[str, tuple[dict[str, Any], str]] = {
    "redis memory": (
        {"redis__data": {"maxmemory": "5GiB", "memory": "6GiB"}},
        r"simone:redis\.data: memory is 6GiB, but maxmemory 5GiB needs at least 10496MiB .*; raise memory",
    ),
    "redis storage": (
        {"redis__data": {"maxmemory": "5GiB", "storage": "10GiB"}},
        r"simone:redis\.data: storage is 10GiB, but maxmemory 5GiB needs at least 15GiB .*; raise storage",
    ),
    "redis backlog": (
        {"redis__data": {"maxmemory": "5GiB", "repl_backlog": "512MiB"}},
        r"simone:redis\.data: repl_backlog is 512MiB, but the container has only 256MiB .*; lower it",
    ),
    "sentinel count": (
        {"redis__sentinels": {"count": 4, "quorum": 3}},
        r"simone:redis\.sentinels: count is 4; an even number .*; use 3, 5, 7 or 9",
    ),
    "sentinel quorum": (
        {"redis__sentinels": {"count": 5, "quorum": 2}},
        r"simone:redis\.sentinels: quorum is 2, but 5 Sentinels need 3 to 5",
    ),
    "Redis certificate": (
        {"redis__tls_ca": "-----BEGIN CERTIFICATE-----\nof a test"},
        r"redis\.tls_ca is set, so secrets\.redis\.tls_certificate and \.tls_key must hold .*; set them, or",
    ),
    "Redis CA": (
        {"secrets__redis__tls_key": "a key"},
        r"secrets\.redis\.tls_certificate or \.tls_key is set but redis\.tls_ca is not, .* without TLS; set it",
    ),
    "instance class": (
        {"postgres__instance_class": "db.m99.huge"},
        r"simone:postgres\.instance_class is 'db\.m99\.huge': is not an instance class .*; take one of db\.",
    ),
    "withdrawn version": (
        {"postgres__engine_version": "16.6"},
        r"simone:postgres\.engine_version is '16\.6': AWS creates no more instances of 16\.5, .*; name the",
    ),
    "growing storage": (
        {"postgres__storage": "200GiB", "postgres__max_storage": "100GiB"},
        r"simone:postgres: max_storage is 100GiB, less than storage 200GiB; raise it",
    ),
    "provisioned speed": (
        {"postgres__iops": 12_000},
        r"simone:postgres: iops and throughput can be set from 400GiB of storage on, and storage is 100GiB; leave both",
    ),
    "pools and database": (
        {"pgbouncer__default_pool_size": 700},
        r"pgbouncer: 2 pods x \(700 default_pool_size \+ 5 reserve_pool_size\) are 1410 connections; .* 1577, .* 1261",
    ),
    "clients and pools": (
        {"pgbouncer__max_client_conn": 100},
        r"api: 12 pods and 2 workers x 10 pool_size are 140 connections, but pgBouncer takes 100 .*; lower",
    ),
    "cookies": (
        {"api__cookie_secure": False},
        r"api\.cookie_secure is false although gateway\.tls is on: .*; remove it",
    ),
    "stand-in edge": (
        {"edge__stand_in_api": "http://127.0.0.1:8883/client/v4"},
        r"edge\.stand_in_api is http://127\.0\.0\.1:8883/client/v4, the stand-in .* and gateway\.tls is on, .*; remove",
    ),
    "scaling": (
        {"api__scaling": {"minimum": 20, "maximum": 12}},
        r"simone:api\.scaling: minimum is 20, more than maximum 12; lower minimum or raise maximum",
    ),
    "prometheus volume": (
        {"monitoring__prometheus": {"storage": "20GiB", "retention_size": "19GiB"}},
        r"simone:monitoring\.prometheus: retention_size 19GiB is more than 80% of storage 20GiB",
    ),
    "remote write": (
        {"monitoring__prometheus": {"remote_write": {"url": "https://far.example", "username": "shop"}}},
        r"monitoring\.prometheus\.remote_write\.username is set, so simone:secrets\.monitoring\.remote_write_password",
    ),
    "edge CA": (
        {"gateway__edge_ca": None},
        r"simone:gateway: tls is on, so edge_ca must hold the PEM",
    ),
    "gateway certificate": (
        {"secrets__edge__origin_certificate": None, "secrets__edge__origin_key": None},
        r"simone:gateway\.tls is on, so simone:secrets\.edge\.origin_certificate and \.origin_key must hold",
    ),
    "client certificate": (
        {"secrets__edge__client_key": None},
        r"gateway\.tls is on and there is an edge, so secrets\.edge\.client_certificate and \.client_key must",
    ),
    "purging token": (
        {"secrets__api__cloudflare_token": None},
        r"simone:edge is set, so simone:secrets\.api\.cloudflare_token must hold a token that may purge the zone",
    ),
    "mail password": (
        {"secrets__api__mail_password": None},
        r"simone:api\.mail\.username is set, so simone:secrets\.api\.mail_password must hold that user's password",
    ),
    "mail without TLS": (
        {"api__mail": {"host": "mail.example.com", "sender": "a@b.c", "username": "shop", "security": "none"}},
        r"simone:api\.mail: security is none, so username's password would travel unencrypted; use starttls or tls",
    ),
    "analytics token": (
        {"secrets__monitoring__analytics_token": None},
        r"simone:edge is set, so simone:secrets\.monitoring\.analytics_token must hold a token that may read",
    ),
    "plan": (
        {"edge__plan": "business", "edge__without": ["regional_tiers", "prefetch"]},
        r"simone:edge: the plan 'business' lacks query_keys \(enterprise has it\)\. Change the plan, or add query_keys",
    ),
    "service in the EU": (
        {
            "edge__plan": "business",
            "edge__eu_only": True,
            "edge__without": ["query_keys", "regional_tiers", "prefetch"],
        },
        r"simone:edge: eu_only needs Regional Services, which only enterprise can have, and the plan is 'business'",
    ),
    "load balancing": (
        {"edge__load_balancing": {"origins": {"us": ["o.shop.example"]}, "zone": "shop.example", "fallback": "eu"}},
        r"simone:edge\.load_balancing: fallback is 'eu', so origins\.eu needs at least one name",
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violated_relation_has_an_error_of_its_own(name: str) -> None:
    changes, expected = VIOLATIONS[name]
    lines = _message(**changes).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Pulumi.prod.yaml: ")
    assert re.search(expected, lines[0])
    others = [pattern for other, (_, pattern) in VIOLATIONS.items() if other != name]
    assert not any(re.search(pattern, lines[0]) for pattern in others)


def _signed(issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, days: int = 30) -> SecretStr:
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(by, hashes.SHA256())
    )
    return SecretStr(certificate.public_bytes(Encoding.PEM).decode())


def _pem(key: ec.EllipticCurvePrivateKey) -> SecretStr:
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_a_certificate_goes_with_its_key_and_with_who_signed_it() -> None:
    own, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    good = _signed("client", own, own)
    assert pair_fault(good, _pem(own)) is None
    assert pair_fault(SecretStr("garbage"), _pem(own)) == "the certificate isn't PEM (-----BEGIN CERTIFICATE----- …)"
    assert pair_fault(good, SecretStr("garbage")) == "the key isn't a private key in PEM without a password"
    assert pair_fault(good, _pem(other)) == "the key doesn't belong to the certificate: set both from one pair"
    assert "the certificate expired on" in (pair_fault(_signed("client", own, own, days=-1), _pem(own)) or "")
    assert signer_fault(good, good.get_secret_value()) is None
    stranger = _signed("client", other, other).get_secret_value()
    assert signer_fault(good, stranger) == "is signed by CN=client, which isn't a CA"
    assert signer_fault(good, stranger + good.get_secret_value()) is None, "of two, one is enough"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"secrets__edge__client_certificate": "garbage", "secrets__edge__client_key": "garbage"},
            "simone:secrets.edge.client_certificate and .client_key: the certificate isn't PEM",
        ),
        ({"aws__region": "eu-centrol-1"}, "is no region of AWS that has RDS; did you mean eu-central-1?"),
        ({"aws__region": "eu-central-9"}, "simone:aws.region is 'eu-central-9': is no region of AWS"),
        ({"aws__vpc_cidr": "10.0.0.0/99"}, "simone:aws.vpc_cidr is '10.0.0.0/99': is no network"),
        ({"aws__service_cidr": "999.0.0.0/16"}, "simone:aws.service_cidr is '999.0.0.0/16': is no network"),
    ],
)
def test_what_the_platform_would_refuse_is_one_line(changes: Mapping[str, Any], said: str) -> None:
    (line,) = _message(**changes).splitlines()
    assert said in line
