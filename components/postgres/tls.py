"""How whoever talks to Postgres without pgBouncer makes sure that it is Postgres."""

CERTIFICATE_AUTHORITIES = "/opt/simone/rds-global-bundle.pem"
"""RDS's, in our images; locally the authority of this machine's own Postgres."""


def verified() -> dict[str, str]:
    """libpq's variables, which asyncpg reads too: TLS, with a certificate of RDS's authority for the very name."""
    return {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": CERTIFICATE_AUTHORITIES}
