"""All rules."""

from types import ModuleType

from policies.rule import Rule
from policies.rules import (
    alerting,
    aws,
    coverage,
    edge,
    gateway,
    kubernetes,
    monitoring,
    ownership,
    pgbouncer,
    postgres,
    redis,
)

GROUPS: tuple[tuple[str, ModuleType], ...] = (
    ("Redis and Sentinel", redis),
    ("Postgres", postgres),
    ("pgBouncer", pgbouncer),
    ("AWS", aws),
    ("Kubernetes", kubernetes),
    ("Gateway", gateway),
    ("Edge", edge),
    ("Monitoring", monitoring),
    ("Alerting", alerting),
    ("Ownership", ownership),
    ("Every resource", coverage),
)
"""The rules' modules with their headings, in the order of the documentation."""


def rules_of(module: ModuleType) -> tuple[Rule, ...]:
    """A module's rules, in the order in which they are written."""
    return tuple(value for value in vars(module).values() if isinstance(value, Rule))


RULES: tuple[Rule, ...] = tuple(rule for _, module in GROUPS for rule in rules_of(module))
