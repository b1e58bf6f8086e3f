"""Finds secrets by name or text: the review hides them, policies refuse them."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import unquote

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
    r"(\w*(?:password|passwd|passphrase|passcode|pwd|secret|token|credential)|(?:db|user|root|admin|smtp|pg|ldap|my)?pass"
    r"|\w*pw|psk|pat|sas|salt|mnemonic|netrc|auth|authorization|bearer|dsn|dockerconfigjson|dockercfg|kubeconfig"
    r"|(?:api|private|secret|access|account|auth|client|encryption|jwt|master|preshared|shared|signing)key)s?"
)
_KEYS = {
    *("access", "account", "aes", "api", "app", "auth", "cert", "certificate", "client", "cookie", "crypto", "deploy"),
    *("encrypt", "encryption", "fernet", "hmac", "integration", "jwt", "license", "master", "preshared", "priv"),
    *("private", "routing", "rsa", "secret", "server", "session", "shared", "signing", "ssh", "storage", "tls"),
    *("unseal", "webhook"),
}
_FORMS = {"pem", "der", "json", "string", "value", "text", "base", "64", "b", "plain", "hash", "header"}
_REFERENCES: Final = {
    *("apiVersion", "arn", "id", "items", "key", "kind", "name", "namespace", "path", "secretName", "type", "username"),
}
"""Keys in a mapping of a sensitive name that aren't secret: the secret's name and place."""

_NO_VALUE: Final = re.compile(
    r"^\$[({]|^/|^(?:true|false|none|null|yes|no|on|off|\d{1,5})$|^arn:|^<.*>$|^\[secret\]$", re.IGNORECASE
)
"""Values under a sensitive name that aren't secret: a reference, a path, a switch, a small number, an ARN."""

_NAMED = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{2,80})["']?[ \t]*[=:][ \t]*|(?<![\w-])--?(?P<option>[\w-]{2,80})[ \t]+(?![-=:])"""
)
"""What comes before a value in a text: `name=`, `"name": `, `--name `."""

_VALUE = re.compile(r"""["'](?![$<{%])[^"'\n]{3,}(?=["'])|["']?[^\s"'$/{<%*(\[][^\s"'$,;&]{2,}""")
"""A value, but neither a reference (`$X`) nor a path."""

_SHORT_OPTION = re.compile(r"(?P<head>(?<![\w-])(?:-u|--user)[ =][\w.@-]+:)(?P<value>[^\s:$]{3,})")
_REDIS = re.compile(
    r"^(?P<head>[ \t]*(?:requirepass|masterauth|sentinel[ \t]+(?:auth-pass|sentinel-pass)(?:[ \t]+\S+)?)[ \t]+)"
    r"(?P<value>[^\s$]{8,})",
    re.MULTILINE,
)
_REDIS_USER = re.compile(
    r"(?P<head>^[ \t]*user[ \t].*?[ \t])(?P<value>[>#][^\s$]{3,}(?:[ \t]+[>#][^\s$]+)*)", re.MULTILINE
)
_HEADER = re.compile(r"(?P<head>\b(?:Bearer|Basic)[ ]+)(?P<value>(?=[\w.~+/-]*[\d=])[\w.~+/-]{8,}=*)", re.IGNORECASE)
_IN_A_URL = re.compile(r"(?P<head>(?<=://)[^/\s:@]*:)(?P<value>[^/\s@]+(?: [^/\s@]+)?)(?=@)")
_TOKENS = re.compile(
    r"""-----BEGIN[ ](?:[A-Z]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
        (?:.*?-----END[ ](?:[A-Z]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----|.*)
    | \beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+      # a JSON Web Token
    | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[srp]k_live_|whsec_|npm_|pul-)[\w-]{16,}
    | \bAIza[\w-]{35}
    | SCRAM-SHA-256\$\d+:\S+
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b""",
    re.VERBOSE | re.DOTALL,
)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is secret: `DB_PASS`, `clientSecret`, `privateKeyPem`, but not `secretName`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if words in (["id", "rsa"], ["id", "ed"], ["key", "pem"], ["kube", "config"]):
        return True
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
    """A text in which `hidden` stands for whatever `secret_in` finds in it, and for each password of a URL, a line or
    an option.
    """

    def without_value(found: re.Match[str]) -> str:
        return f"{found['head']}{hidden}"

    def without_encoded(found: re.Match[str]) -> str:
        return hidden if _encoded_secret_in(found[0]) else found[0]

    for pattern in (_IN_A_URL, _SHORT_OPTION, _REDIS, _REDIS_USER, _HEADER):
        text = pattern.sub(without_value, text)
    for start, end in reversed([*_assigned(text)]):
        text = f"{text[:start]}{hidden}{text[end:]}"
    text = _TOKENS.sub(hidden, text)
    for detector in _DETECTORS:
        for secret in {*detector.analyze_string(text)}:
            text = text.replace(secret, hidden)
    return _PERCENT.sub(without_encoded, _BASE64.sub(without_encoded, text))


_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----"),
    "a password in an address": re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@$<{*]*:(?![$<{*%])[^/\s:@]{3,}@"),
    "a password's SCRAM verifier": re.compile(r"SCRAM-SHA-256\$\d+:"),
    "a token of a provider": _TOKENS,
    "a password of Redis": _REDIS,
    "a password in a user of Redis": _REDIS_USER,
    "an authorization header": _HEADER,
    "a user's password": _SHORT_OPTION,
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
"""detect-secrets' patterns of providers' tokens; its guesses by entropy would take every checksum for a secret."""
_SHORTEST: Final = 8
"""Characters from which on an assigned value is taken for a secret; shorter ones are only hidden."""

_BASE64: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{24,}={0,2}(?![\w+/=-])")
_IN_URL: Final = r"[\w.~+:/?#@!$&*,;=-]"
# It begins where a run of such characters does, and never gives one back: a megabyte without a % is read once.
_PERCENT: Final = re.compile(rf"(?<!{_IN_URL}){_IN_URL}*+(?:%[0-9A-Fa-f]{{2}}{_IN_URL}*+)+")


@lru_cache(maxsize=1 << 15)
def secret_in(text: str) -> str | None:
    """The kind of secret in a text, also if encoded in base64 or percent signs, repeatedly; None if there is none."""
    for kind, pattern in _PATTERNS.items():
        if pattern.search(text):
            return kind
    if any(end - start >= _SHORTEST for start, end in _assigned(text)):
        return "an assigned password"
    for detector in _DETECTORS:
        if any(True for _ in detector.analyze_string(text)):
            return f"a secret ({detector.secret_type})"
    kinds = (_encoded_secret_in(found[0]) for pattern in (_BASE64, _PERCENT) for found in pattern.finditer(text))
    return next(filter(None, kinds), None)


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    """Where the values of sensitive names begin and end in a text."""
    after = 0
    for named in _NAMED.finditer(text):
        value = _VALUE.match(text, named.end())
        if named.start() < after or value is None or not is_secret_name(named["name"] or named["option"]):
            continue
        start = value.start() + value[0].startswith(("'", '"'))
        if not _NO_VALUE.search(text[start : value.end()]):
            after = value.end()
            yield start, after


def _encoded_secret_in(text: str) -> str | None:
    """What kind of secret a text in base64 holds, or a percent-encoded one. What is decoded is always shorter."""
    if "%" in text:
        kind = secret_in(unquote(text))
        return f"{kind}, percent-encoded" if kind else None
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    kind = secret_in(decoded)
    return f"{kind}, in base64" if kind else None


def secret_of(name: str, value: Any) -> str | None:
    """As `secret_in`, for the value of this name."""
    if not isinstance(value, str) or not value or value == UNKNOWN:
        return None
    if is_secret_name(name) and not _NO_VALUE.search(value):
        return f"the value of {name}"
    return secret_in(value)


def name_of_value(mapping: Mapping[str, Any]) -> str:
    """The name of a mapping's `value`, from its `name` or `key` in any capitalisation; empty if it has neither."""
    if not any(key.lower() == "value" for key in mapping):
        return ""
    names = (value for key, value in mapping.items() if key.lower() in ("name", "key") and isinstance(value, str))
    return next(names, "")


def names_of(key: str, mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By key what each value of a mapping is called, where the mapping itself is called `key`: a variable's `value` by
    the variable's name, and what is in a mapping of a sensitive name by that name.
    """
    name = name_of_value(mapping)
    for inner in mapping:
        if name and is_secret_name(name) and inner.lower() == "value":
            yield inner, name
        elif is_secret_name(key) and inner not in _REFERENCES and not inner.endswith(("Ref", "From")):
            yield inner, key
        else:
            yield inner, inner


def json_in(text: str) -> Any:
    """The object or list that a text holds as JSON; None where it is other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def secrets_in(tree: Any, at: Path = (), name: str = "") -> Iterator[tuple[Path, str]]:
    """The places of a property tree of this name that hold a secret, and what kind each is.

    A mapping with `name` and `value` (a variable, a parameter) is a named value; JSON in a text is searched too.
    """
    if isinstance(tree, Mapping):
        mapping = cast("Mapping[str, Any]", tree)
        for key, named in names_of(name, mapping):
            yield from secrets_in(mapping[key], (*at, key), named)
    elif isinstance(tree, list):
        for index, value in enumerate(cast("list[Any]", tree)):
            yield from secrets_in(value, (*at, index), name)
    elif isinstance(tree, str):
        kind = secret_of(name, tree) or next((kind for _, kind in secrets_in(json_in(tree))), None)
        if kind:
            yield at, kind
