"""Postgres's parameters as a page: what each environment declares, and why."""

from components.postgres.parameters import Parameter, parameters
from components.postgres.settings import PostgresSettings
from stack.environments import environments, stack_config

HEAD = """\
# Postgres's parameters

What Postgres is told, and why; `make run JOB=parameter-drift` compares it with the database. Made from
`components/postgres/parameters.py` by `make docs`.

Memory follows from the instance class. *Reboot*: takes effect when the instance is next rebooted. Parameters that
aren't listed keep their defaults; those that begin with `rds.` exist in RDS only.

| Parameter | Value | Why |
|---|---|---|
"""


def _declared(environment: str) -> tuple[str, dict[str, Parameter]]:
    settings = PostgresSettings.model_validate(stack_config(environment).get("simone:postgres", {}))
    return settings.instance_class, {row.name: row for row in parameters(settings)}


def page() -> str:
    """The whole page."""
    declared = {name: _declared(name) for name in environments()}
    rows: list[str] = []
    for parameter in next(iter(declared.values()))[1].values():
        alike: dict[str, list[str]] = {}
        for environment, (_, found) in declared.items():
            alike.setdefault(found[parameter.name].value, []).append(environment)
        values = "; ".join(
            f"`{value}`" + (f" {', '.join(names)}" if len(alike) > 1 else "") for value, names in alike.items()
        )
        unit = f" ({parameter.unit})" if parameter.unit else ""
        reboot = " *Reboot*" if parameter.static else ""
        rows.append(f"| `{parameter.name}`{unit} | {values} | {parameter.why}{reboot} |\n")
    classes = ", ".join(f"{name}: {instance_class}" for name, (instance_class, _) in declared.items())
    return f"{HEAD}{''.join(rows)}\nInstance classes: {classes}.\n"
