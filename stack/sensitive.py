"""What is secret by its name or its text: review must not show it, policies refuse it."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from stack.properties import Path
from stack.values import UNKNOWN

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRETS = re.compile(
    r"(\w*password|passwd|pwd|pass|passphrase|secret|token|credential|auth|authorization|bearer|dsn|dockerconfigjson"
    r"|dockercfg|kubeconfig|apikey|privatekey|secretkey|accesskey)s?"
)
_KEYS = {
    *("access", "account", "api", "cert", "certificate", "client", "cookie", "deploy", "encryption", "hmac", "jwt"),
    *("license", "master", "private", "secret", "server", "session", "shared", "signing", "ssh", "tls", "webhook"),
}
_FORMS = {"pem", "der", "json", "string", "value", "text", "base", "64", "b", "plain", "hash"}
_IN_A_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)(?=@)")
_ASSIGNED = re.compile(
    r"""((?:password|passwd|passphrase|pwd|(?:api|secret|access|private)[_-]?key|(?:auth[_-]?|access[_-]?)?token
        |client[_-]?secret)["']?\s*[=:]\s*["']?)([^\s"'$/{<%*(\[][^\s"'$]{5,})""",
    re.IGNORECASE | re.VERBOSE,
)
"""A password in a line of a text or in an option, but neither a reference (`$X`) nor a path."""
_TOKENS = re.compile(
    r"""-----BEGIN[ ](?:[A-Z]+[ ])?PRIVATE[ ]KEY-----(?:.*?-----END[ ](?:[A-Z]+[ ])?PRIVATE[ ]KEY-----|.*)
    | \beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+      # a JSON Web Token
    | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_live_|pul-)[\w-]{16,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b""",
    re.VERBOSE | re.DOTALL,
)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is secret: `DB_PASS`, `clientSecret`, `privateKeyPem`, but not `secretName`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and words[-1] in _FORMS:
        if words[-2:] in (["connection", "string"], ["conn", "string"]):
            return True
        words.pop()
    if not words:
        return False
    if _SECRETS.fullmatch(words[-1]):
        return True
    return words[-1] in ("key", "keys") and len(words) > 1 and words[-2] in _KEYS


def without_secrets(text: str, hidden: str) -> str:
    """A text in which `hidden` stands for each password of a URL, a line or an option, each private key and token."""
    return _TOKENS.sub(hidden, _ASSIGNED.sub(rf"\1{hidden}", _IN_A_URL.sub(rf"\1:{hidden}", text)))


_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----"),
    "a password in an address": re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@$<{*]*:(?![$<{*%])[^/\s:@]{3,}@"),
    "a password's SCRAM verifier": re.compile(r"SCRAM-SHA-256\$\d+:"),
    "a live key of a payment provider": re.compile(r"\b(?:sk|rk|pk)_live_[0-9A-Za-z]{10,}"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{20,}|\bgithub_pat_[0-9A-Za-z_]{20,}"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    "a password of Redis": re.compile(
        r"^[ \t]*(?:requirepass|masterauth|sentinel[ \t]+(?:auth-pass|sentinel-pass)(?:[ \t]+\S+)?)[ \t]+[^\s$]{8,}",
        re.MULTILINE,
    ),
    "an assigned password": re.compile(
        r"""(?:^|[\s"'{,;-])[\w.-]*(?:passw(?:or)?d|passphrase|api[_-]?key|(?:auth|access|bearer)[_-]?token|client[_-]?secret|"""
        r"""secret[_-]?(?:access[_-]?)?key|jwt[_-]?secret)["']?\s*[=:]\s*["']?[^\s"'$/{<%*\[][^\s"'$]{7,}""",
        re.IGNORECASE | re.MULTILINE,
    ),
}
_DETECTORS: Final[tuple[RegexBasedDetector, ...]] = (
    ArtifactoryDetector(),
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    JwtTokenDetector(),
    MailchimpDetector(),
    NpmDetector(),
    OpenAIDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)
"""detect-secrets' patterns of what providers hand out; its guesses by entropy would call every checksum a secret."""
_BASE64: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{24,}={0,2}(?![\w+/=-])")
_NO_VALUE: Final = re.compile(
    r"^\$[({]|^/|^(?:true|false|none|null|yes|no|on|off|\d{1,5})$|^arn:|^<.*>$|^\[secret\]$", re.IGNORECASE
)
"""What stands under a sensitive name without being a secret: a reference, a path, a switch, a small number, an ARN."""


def secret_in(text: str, *, encoded: bool = True) -> str | None:
    """What kind of secret the text holds, also in base64; None where there is none."""
    for kind, pattern in _PATTERNS.items():
        if pattern.search(text):
            return kind
    for detector in _DETECTORS:
        if any(True for _ in detector.analyze_string(text)):
            return f"a secret ({detector.secret_type})"
    for found in _BASE64.finditer(text) if encoded else ():
        try:
            decoded = base64.b64decode(found[0], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if kind := secret_in(decoded, encoded=False):
            return f"{kind}, in base64"
    return None


def secret_of(name: str, value: Any) -> str | None:
    """As `secret_in`, for the value of this name."""
    if not isinstance(value, str) or not value or value == UNKNOWN:
        return None
    if is_secret_name(name) and not _NO_VALUE.search(value):
        return f"the value of {name}"
    return secret_in(value)


def name_of_value(mapping: Mapping[str, Any]) -> str:
    """What a mapping calls its `value`: by `name` or `key`, however they are capitalised; empty where it calls none."""
    if not any(key.lower() == "value" for key in mapping):
        return ""
    names = (value for key, value in mapping.items() if key.lower() in ("name", "key") and isinstance(value, str))
    return next(names, "")


def json_in(text: str) -> Any:
    """The object or list that a text holds as JSON; None where it is other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def secrets_in(tree: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """The places of a property tree that hold a secret, and what kind each is.

    A mapping with `name` and `value` (a variable, a parameter) is a named value; JSON in a text is looked into.
    """
    if isinstance(tree, Mapping):
        mapping = cast("Mapping[str, Any]", tree)
        name = name_of_value(mapping)
        for key, value in mapping.items():
            named = name if name and key.lower() == "value" else key
            if isinstance(value, str):
                kind = secret_of(named, value)
                kind = kind or next((kind for _, kind in secrets_in(json_in(value))), None)
                if kind:
                    yield (*at, key), kind
            else:
                yield from secrets_in(value, (*at, key))
    elif isinstance(tree, list):
        for index, value in enumerate(cast("list[Any]", tree)):
            if isinstance(value, str):
                if kind := secret_in(value):
                    yield (*at, index), kind
            else:
                yield from secrets_in(value, (*at, index))
