"""SCRAM-SHA-256 verifiers: what Postgres and pgBouncer store instead of a password.

RFC 5803 gives the format and RFC 7677 the algorithm; 4096 iterations are Postgres's own. The salt comes from the
password itself, so that the same password gives the same verifier in every run: pgBouncer can log in with it only
where it equals Postgres's to the letter.
"""

import base64
import hashlib
import hmac

from pydantic import SecretStr

ITERATIONS = 4096
_SALT_BYTES = 16


def scram_verifier(user: str, password: SecretStr) -> str:
    """`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` for a role and its password (ASCII, so SASLprep
    changes nothing).
    """
    plain = password.get_secret_value().encode("ascii")
    salt = _hmac(plain, f"simone scram salt of {user}".encode())[:_SALT_BYTES]
    salted = hashlib.pbkdf2_hmac("sha256", plain, salt, ITERATIONS)
    stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    server_key = _hmac(salted, b"Server Key")
    return f"SCRAM-SHA-256${ITERATIONS}:{_b64(salt)}${_b64(stored_key)}:{_b64(server_key)}"


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
