"""What is secret by its name or its text is known, found and hidden, and nothing else is."""

import pytest

from stack.sensitive import is_secret_name, secret_in, secrets_in, without_secrets

HIDDEN = "[secret]"
CANARY = "Canary7f3e9c21"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "JWT_SECRET",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY",
            "passphrase",
            "connectionString",
            "DB_PASS",
        ),
        *("pwd", "dbpass", "smtpPw", "authtoken", "clientsecret", "GITHUB_PAT", "presharedKey", "wpa_psk", "APP_KEY"),
        *(
            "rsaKey",
            "key_pem",
            "tls.key",
            "id_rsa",
            "kubeConfig",
            ".dockerconfigjson",
            "passcode",
            "AUTH_HEADER",
            "salt",
        ),
    ],
)
def test_a_sensitive_name_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("secretName", "secretKeyRef", "tokenReview", "passwordLength", "author", "kmsKeyId", "publicKey", "authType"),
        *("partitionKey", "topologyKey", "key", "passThrough", "bypass", "compass", "path", "passwordPolicy"),
    ],
)
def test_another_name_is_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        f"password={CANARY}",
        f"JWT_SECRET = '{CANARY} and more'",
        f'{{"clientSecret":"{CANARY}","a":1}}',
        f"failed: password={CANARY}",
        f"tool --password {CANARY} --verbose",
        f"--auth-token={CANARY}",
        f"curl -u admin:{CANARY} https://example.test",
        f"https://example.test/x?access_token={CANARY}&y=1",
        f"redis://:{CANARY}@host:6379/0",
        f"Authorization: Bearer {CANARY}",
        f"requirepass {CANARY}",
        f"user default on >{CANARY} ~* +@all",
        f"SCRAM-SHA-256$4096:{CANARY}:x",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{CANARY}",
        f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----",
        f"whsec_{CANARY}{CANARY}",
        f"npm_{CANARY}{CANARY}",
        f"https://hooks.slack.com/services/T{'0' * 8}/B{'0' * 8}/{CANARY}abcdefghij",
    ],
)
def test_a_secret_in_a_text_is_found_and_hidden(text: str) -> None:
    assert secret_in(text)
    hidden = without_secrets(text, HIDDEN)
    assert (CANARY in hidden, HIDDEN in hidden) == (False, True), hidden


def test_a_short_password_is_hidden_too() -> None:
    assert without_secrets("host=db password=abc dbname=x", HIDDEN) == f"host=db password={HIDDEN} dbname=x"


@pytest.mark.parametrize(
    "text",
    [
        "password=$DATABASE_PASSWORD",
        "token: true",
        "password_encryption = scram-sha-256",
        "Basic authentication is off",
        "auth_type = scram-sha-256",
        "ssl_certificate_key /etc/tls/tls.key;",
        "postgres://db.example.test:5432/shop",
        "user nginx;",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert (secret_in(text), without_secrets(text, HIDDEN)) == (None, text)


@pytest.mark.parametrize(
    "tree",
    [
        {"credentials": {"user": "app", "data": CANARY}},
        {"secrets": {"database": {"main": CANARY}}},
        {"tokens": [CANARY]},
        {"env": [{"name": "DB_PASS", "value": CANARY}]},
        {"x": f'[{{"Key": "apiKey", "Value": "{CANARY}"}}]'},
    ],
)
def test_what_is_below_a_sensitive_name_is_secret(tree: dict[str, object]) -> None:
    assert [*secrets_in(tree)]


@pytest.mark.parametrize(
    "tree",
    [
        {"secret": {"secretName": "api-secrets", "items": [{"key": "tls.crt", "path": "crt"}]}},
        {"imagePullSecrets": [{"name": "registry"}]},
        {"password": {"valueFrom": {"secretKeyRef": {"name": "api", "key": "password"}}}},
        {"env": [{"name": "mode", "value": "production"}]},
    ],
)
def test_which_secret_it_is_is_none(tree: dict[str, object]) -> None:
    assert [*secrets_in(tree)] == []
