"""When certificates expire: the one that a server presents, and those in files."""

import socket
import ssl
from pathlib import Path

from cryptography import x509

from app.operations.settings import OperationError

TIMEOUT_SECONDS = 10


def not_after(host: str, port: int, name: str) -> float:
    """When the certificate that `host:port` presents for `name` expires, as Unix time.

    The certificate isn't verified: only the edge knows the CA of an origin's, and an expired one must be readable.
    Raises `OperationError` when the server presents none.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            presented = secured.getpeercert(binary_form=True)
    except OSError as error:
        raise OperationError(f"no certificate from {host}:{port} for {name}: {error}") from None
    if presented is None:
        raise OperationError(f"no certificate from {host}:{port} for {name}")
    return x509.load_der_x509_certificate(presented).not_valid_after_utc.timestamp()


def expiry_of_files(directory: Path) -> dict[str, float]:
    """When the certificates of `<name>.pem` expire, as Unix time by name; a file's second one is `<name> 2`.

    Raises `OperationError` for a file that holds none.
    """
    ends: dict[str, float] = {}
    for path in sorted(directory.glob("*.pem")):
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError as error:
            raise OperationError(f"no certificate in {path}: {error}") from None
        for number, certificate in enumerate(found, start=1):
            name = path.stem if number == 1 else f"{path.stem} {number}"
            ends[name] = certificate.not_valid_after_utc.timestamp()
    return ends
