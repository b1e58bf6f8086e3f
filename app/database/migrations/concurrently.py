"""Builds indexes while the shop runs."""

import re
from collections.abc import Iterable

from alembic import op
from sqlalchemy import text

_NAME = re.compile(r"CREATE (?:UNIQUE )?INDEX (?P<name>\w+) ON ", re.ASCII)


def create_indexes(definitions: Iterable[str]) -> None:
    """Build each `CREATE [UNIQUE] INDEX name ON …` without blocking writes, outside of a transaction.

    An interrupted build leaves an invalid index, which `IF NOT EXISTS` would accept. So an invalid index is dropped and
    built again; a valid one is kept.
    """
    with op.get_context().autocommit_block():
        for definition in definitions:
            match = _NAME.match(definition)
            if match is None:
                raise ValueError(f"not of the form CREATE [UNIQUE] INDEX name ON …: {definition!r}")
            name = match["name"]
            valid = (
                op.get_bind()
                .execute(text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": name})
                .scalar()
            )
            if valid is False:
                op.execute(f"DROP INDEX CONCURRENTLY {name}")
            if not valid:
                op.execute(definition.replace(" INDEX ", " INDEX CONCURRENTLY ", 1))
