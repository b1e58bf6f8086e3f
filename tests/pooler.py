"""pgBouncer with the texts that the component declares, for given settings and passwords."""

import asyncpg

from components.pgbouncer.pgbouncer_ini import pgbouncer_ini, userlist
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE
from components.secrets import PostgresSecrets
from kpi.database.cluster import Cluster
from kpi.database.pooler import Pooler


class PgBouncer(Pooler):
    """pgBouncer in front of `cluster`."""

    def __init__(self, cluster: Cluster, secrets: PostgresSecrets, settings: PgBouncerSettings) -> None:
        self._secrets = secrets
        super().__init__(cluster, pgbouncer_ini(settings), userlist(secrets))

    def restart(
        self, settings: PgBouncerSettings, *, users: PostgresSecrets | None = None, database: str = DATABASE
    ) -> None:
        """End it at once and start it otherwise: with other users, or a database by another name."""
        self.stop()
        self.configure(
            pgbouncer_ini(settings).replace(f"{DATABASE} = ", f"{database} = "), userlist(users or self._secrets)
        )
        self.start()

    async def connect(self, *, password: str | None = None, database: str = DATABASE) -> asyncpg.Connection:
        """A connection of the application's role."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user=APP,
            password=password or self._secrets.app.get_secret_value(),
            database=database,
            statement_cache_size=0,
            server_settings={"client_encoding": "UTF8"},  # as the API does
            timeout=60,
        )
