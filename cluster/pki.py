"""The cluster's CA, its certificates, its service accounts' key, and a kubeconfig for each component."""

import ipaddress
import secrets
from collections.abc import Sequence
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.layout import CONTROL, KUBERNETES, NODES, PKI
from local.certificates import certificate, write_private

API = f"https://{CONTROL}"
AUTHORITY = PKI / "ca.crt"
TOKENS = PKI / "tokens.csv"
AGGREGATOR = "front-proxy-client"
"""The API server's client name at aggregated API servers."""
_USERS = {
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    **{node.name: (f"system:node:{node.name}", "system:nodes") for node in NODES},
}


def ensure(database: str, hosts: Sequence[str]) -> None:
    """Create everything once. `database`: the host name in the database's certificate; `hosts`: the shop's host
    names.
    """
    if TOKENS.exists():
        return
    PKI.mkdir(parents=True, exist_ok=True)
    PKI.chmod(0o700)
    authority = _Authority("simone cluster")
    authority.write("ca")
    kubernetes = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    authority.sign("apiserver", "kube-apiserver", [*kubernetes, KUBERNETES, CONTROL])
    authority.sign("kubelet-client", "kube-apiserver-kubelet-client", ["kubelet-client"], group="system:masters")
    authority.sign("aggregator", AGGREGATOR, [AGGREGATOR])
    authority.sign("webhook", "webhook", [CONTROL])
    authority.sign("database", "database", [database])
    authority.sign("origin", hosts[0], hosts)
    for node in NODES:
        authority.sign(node.name, f"system:node:{node.name}", [node.name, node.address], group="system:nodes")
    edge = _Authority("simone cluster edge")
    edge.write("edge-ca")
    edge.sign("edge", "edge", ["edge"])
    accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _private(PKI / "accounts.key", accounts)
    (PKI / "accounts.pub").write_bytes(
        accounts.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    lines = [_kubeconfig(name, user, group) for name, (user, group) in _USERS.items()]
    # Written last: if it exists, everything does.
    TOKENS.touch(mode=0o600)
    TOKENS.write_text("\n".join(lines) + "\n")


def token(name: str) -> str:
    """The token of one of the components."""
    kept = yaml.safe_load((PKI / f"{name}.conf").read_text())
    return str(kept["users"][0]["user"]["token"])


def _kubeconfig(name: str, user: str, group: str) -> str:
    given = secrets.token_urlsafe(32)
    path = PKI / f"{name}.conf"
    path.touch(mode=0o600)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simone", "cluster": {"server": API, "certificate-authority": AUTHORITY.name}}],
        "users": [{"name": name, "user": {"token": given}}],
        "contexts": [{"name": "simone", "context": {"cluster": "simone", "user": name}}],
        "current-context": "simone",
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return ",".join([given, user, name, *([f'"{group}"'] if group else [])])


def _private(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.unlink(missing_ok=True)
    write_private(path, key)


class _Authority:
    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())

    def write(self, name: str) -> None:
        own = (
            certificate(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        (PKI / f"{name}.crt").write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, common_name: str, hosts: Sequence[str], group: str = "") -> None:
        """Write a server's or client's certificate, `NAME.crt` and `NAME.key`."""
        key = ec.generate_private_key(ec.SECP256R1())
        organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
        subject = x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = (
            certificate(subject, self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        (PKI / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        _private(PKI / f"{name}.key", key)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
