"""The CA by which clients that bypass pgBouncer verify Postgres."""

CERTIFICATE_AUTHORITIES = "/opt/simone/rds-global-bundle.pem"
"""RDS's, in our images; locally the CA of this machine's own Postgres."""


def verified() -> dict[str, str]:
    """libpq's variables, which asyncpg reads too: TLS, with a certificate of RDS's CA for the very name."""
    return {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": CERTIFICATE_AUTHORITIES}
