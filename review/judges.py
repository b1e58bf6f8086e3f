"""The judges: a change must not weaken its own judge, so the base's policies judge it too, and both are compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from policies.rule import Level
from review.plan import Violation

_STRICTNESS = {Level.DISABLED: 0, Level.ADVISORY: 1, Level.REMEDIATE: 2, Level.MANDATORY: 2}


@dataclass(frozen=True, kw_only=True)
class Judge:
    """One side's judge of an environment, and its judgement.

    `rules` are the levels and parameters by rule, `suppressions` the accepted findings: {rule, resource, reason, owner,
    expires}.
    """

    rules: Mapping[str, Mapping[str, Any]]
    suppressions: tuple[Mapping[str, str], ...] = ()
    violations: tuple[Violation, ...] = ()
    crashes: tuple[str, ...] = ()


def parsed(content: Mapping[str, Any]) -> Judge:
    """The judge of another checkout, as review/judging.py prints it."""
    return Judge(
        rules=content["rules"],
        suppressions=tuple(content["suppressions"]),
        violations=tuple(map(_violation, content["violations"])),
        crashes=tuple(content["crashes"]),
    )


def _violation(found: Mapping[str, Any]) -> Violation:
    known: dict[str, Any] = {field.name: found[field.name] for field in fields(Violation) if field.name in found}
    known["by_base"] = True
    return Violation(**known)


def weaker(base: Judge, own: Judge) -> Iterator[str]:
    """Sentences on where a change's own judge is weaker than its base's, or may be: only a rule knows which value of a
    parameter is stricter.
    """
    for rule, before in base.rules.items():
        after = own.rules.get(rule)
        was = Level(before["level"])
        if was is Level.DISABLED:
            continue
        if after is None:
            yield f"the rule {rule} is gone; it was {was}"
            continue
        level = Level(after["level"])
        if _STRICTNESS[level] < _STRICTNESS[was]:
            yield f"the rule {rule} is {level}; it was {was}"
        for name, value in before["parameters"].items():
            now = after["parameters"].get(name)
            if now != value and level is not Level.DISABLED:
                yield f"the rule {rule} judges by another {name}: {value} → {'nothing' if now is None else now}"
    accepted = {(entry["rule"], entry["resource"]): entry["expires"] for entry in base.suppressions}
    for entry in own.suppressions:
        before = accepted.get((entry["rule"], entry["resource"]), "")
        if entry["expires"] > before:
            what = f"suppression of {entry['rule']} on {entry['resource']}"
            who = f"until {entry['expires']} ({entry['owner']}: {entry['reason']})"
            yield f"a {what} is prolonged from {before} {who}" if before else f"a new {what}, {who}"


def added(base: Judge, own: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """The violations that only the base's policies find."""
    seen = {(violation.rule, violation.urn, violation.message) for violation in own if violation.mandatory}
    return tuple(
        violation for violation in base.violations if (violation.rule, violation.urn, violation.message) not in seen
    )
