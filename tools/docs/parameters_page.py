"""Postgres's parameters as a page: what each environment declares, and why."""

from components.postgres.parameters import Parameter, parameters
from components.postgres.settings import PostgresSettings
from stack.environments import environments, stack_config

HEAD = """\
# Postgres's parameters

Made from `components/postgres/parameters.py` by `make docs`. Values are in Postgres's own units; memory follows from
the instance class. *Reboot*: takes effect when the instance is next rebooted, and `make run JOB=parameter-drift` names
it until then. Parameters that aren't listed keep their defaults; those that begin with `rds.` exist in RDS only.
Settings by table: [database.md](database.md).
"""


def _declared(environment: str) -> tuple[str, dict[str, Parameter]]:
    settings = PostgresSettings.model_validate(stack_config(environment).get("simone:postgres", {}))
    return settings.instance_class, {row.name: row for row in parameters(settings)}


def page() -> str:
    """The whole page."""
    names = environments()
    declared = {name: _declared(name) for name in names}
    headings = [f"{name} ({declared[name][0]})" for name in names]
    lines = [HEAD, f"| parameter | unit | {' | '.join(headings)} | | why |", "|---" * (len(names) + 4) + "|"]
    for parameter in next(iter(declared.values()))[1].values():
        values = (f"`{declared[name][1][parameter.name].value}`" for name in names)
        reboot = "reboot" if parameter.static else ""
        lines.append(f"| `{parameter.name}` | {parameter.unit} | {' | '.join(values)} | {reboot} | {parameter.why} |")
    return "\n".join(lines) + "\n"
