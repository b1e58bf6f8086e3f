"""Checks of a certificate, its key and its CA. Faults are sentences."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

PLACEHOLDER = "placeholder-for-"
"""The prefix of a value that stands for a secret which can't be decrypted here, and so isn't checked."""


def pair_fault(certificate: SecretStr | None, key: SecretStr | None) -> str | None:
    """What is wrong with a certificate and its key, both PEM; None where one is missing, or nothing is wrong."""
    found = _readable(certificate)
    if found is None or key is None or _is_placeholder(key):
        return None
    if isinstance(found, str):
        return found
    try:
        private = load_pem_private_key(key.get_secret_value().encode(), password=None)
    except (ValueError, TypeError):
        return "the key isn't a private key in PEM without a password"
    if private.public_key() != found.public_key():
        return "the key doesn't belong to the certificate: set both from one pair"
    if found.not_valid_after_utc <= datetime.now(UTC):
        return f"the certificate expired on {found.not_valid_after_utc:%Y-%m-%d}: have another one signed"
    return None


def signer_fault(certificate: SecretStr | None, cas: str | None) -> str | None:
    """The fault if none of the CAs (PEM) has signed the certificate; None if one has, or if either is missing."""
    found = _readable(certificate)
    if not isinstance(found, x509.Certificate) or not cas:
        return None
    for ca in x509.load_pem_x509_certificates(cas.encode()):
        try:
            found.verify_directly_issued_by(ca)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return None
    return f"is signed by {found.issuer.rfc4514_string()}, which isn't a CA"


def _readable(certificate: SecretStr | None) -> x509.Certificate | str | None:
    if certificate is None or _is_placeholder(certificate):
        return None
    try:
        return x509.load_pem_x509_certificates(certificate.get_secret_value().encode())[0]
    except ValueError:
        return "the certificate isn't PEM (-----BEGIN CERTIFICATE----- …)"


def _is_placeholder(secret: SecretStr) -> bool:
    return secret.get_secret_value().startswith(PLACEHOLDER)
