"""docs/policies.md: every rule, with how strict it is where."""

from collections.abc import Mapping
from typing import cast

from policies.catalogue import GROUPS, RULES, rules_of
from policies.rule import Parameters, Rule
from policies.settings_file import Strictness, read
from stack.environments import environments

_HEAD = """\
# Policies

What no environment may be; made from `policies/rules/` by `make docs`. `make gate ENV=prod` applies the policies, and
so does `make deploy ENV=prod`. What breaks one is reported with how to fix it.

`policies/<environment>.json` sets levels and parameters; a rule that it doesn't list is mandatory. A value that only
the deployment knows is judged when it is known. By hand:
`pulumi preview --policy-pack policies --policy-pack-config policies/prod.json`.

## Accepting one finding

An entry in `policies/suppressions.yaml` accepts one finding on one resource for a while:

```yaml
- rule: s3-block-complete
  resource: redis-backups-private
  reason: the auditors read the bucket until the move
  owner: shop-platform
  expires: 2027-01-31
```

`resource` is a URN, which belongs to one environment, or a resource's name, in which `*` stands for any characters (not
for the whole name). After the day `expires`, in UTC, the finding is a violation again. Reports name accepted findings
and entries that accept nothing (the engine: as the advisory policy `suppressions`). A malformed entry ends gate, review
and preview with 2 and names its line. A finding about the whole stack can't be accepted: set its rule's level.

A pull request is judged by its base's policies too, so what makes a judge weaker, an entry included, lands first, on
its own.
"""
_SHOWN = 3
"""So many elements of a list are shown; the whole list is in the rule."""


def page() -> str:
    """The page."""
    strictness = {environment: read(environment, RULES) for environment in environments()}
    parts = [_HEAD]
    for heading, module in GROUPS:
        parts.append(f"## {heading}\n")
        parts += [_section(rule, strictness) for rule in rules_of(module)]
    return "\n".join(parts)


def _section(rule: Rule, strictness: Mapping[str, Mapping[str, Strictness]]) -> str:
    repaired = " The level `remediate` repairs it during the deployment." if rule.remediation else ""
    lines = [f"### {rule.id}", "", f"[{rule.title}.]({rule.link}) ({rule.severity}) Why: {rule.protects}{repaired}"]
    settings = [f"Parameters: {_given(rule.parameters)}."] if rule.parameters else []
    alike: dict[str, list[str]] = {}
    for environment, rules in strictness.items():
        strict = rules[rule.id]
        changed = {name: value for name, value in strict.parameters.items() if value != rule.parameters[name]}
        if strict.level != "mandatory" or changed:
            level = [] if strict.level == "mandatory" else [strict.level]
            alike.setdefault(", ".join([*level, *([_given(changed)] if changed else [])]), []).append(environment)
    settings += [f"In {', '.join(names)}: {given}." for given, names in alike.items()]
    return "\n".join([*lines, *(["", " ".join(settings)] if settings else [])]) + "\n"


def _given(parameters: Parameters) -> str:
    return ", ".join(f"`{name}: {_shortened(value)}`" for name, value in parameters.items())


def _shortened(value: object) -> str:
    if not isinstance(value, list) or len(elements := cast("list[object]", value)) <= _SHOWN + 1:
        return str(value)
    return f"[{', '.join(map(repr, elements[:_SHOWN]))}, … {len(elements) - _SHOWN} more]"
