"""What is secret by its name or its text: review must not show it, policies refuse it."""

import re

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
