"""docs/policies.md: every rule, with how strict it is where."""

from collections.abc import Mapping

from policies.catalogue import GROUPS, RULES, rules_of
from policies.rule import Rule
from policies.settings_file import Strictness, read
from stack.environments import environments

_HEAD = """\
# Policies

What no environment may be; made from the rules (`policies/rules/`) by `make docs`. `policies/<environment>.json` sets
levels and parameters; a rule that it doesn't list is mandatory. `make gate ENV=prod` applies them, and so does
`make deploy ENV=prod`, under the engine: `pulumi preview --policy-pack policies --policy-pack-config
policies/prod.json`.

A rule judges a value that is only known during the deployment as soon as it is known.

## Accepting one finding

An entry in `policies/suppressions.yaml` accepts one finding on one resource for a while, in gate, review and engine:

```yaml
- rule: s3-block-complete
  resource: redis-backups-private
  reason: the auditors read the bucket until the move
  owner: shop-platform
  expires: 2027-01-31
```

`resource` is a URN, which belongs to one environment, or a resource's name, where `*` stands for any characters (but
not for the whole name). After the day `expires`, in UTC, the finding is a violation again. Gate and review report
accepted findings and entries that accept nothing (the engine: as the advisory policy `suppressions`). A malformed entry
ends gate, review and preview with 2 and names its line. A finding about the whole stack can't be accepted: set its
rule's level in `policies/<environment>.json`.

A pull request is judged by its base's policies too. So an entry, like every change that makes a judge weaker, lands
first, on its own; the review names it first.
"""


def page() -> str:
    """The page."""
    strictness = {environment: read(environment, RULES) for environment in environments()}
    parts = [_HEAD]
    for heading, module in GROUPS:
        parts.append(f"## {heading}\n")
        parts += [_section(rule, strictness) for rule in rules_of(module)]
    return "\n".join(parts)


def _section(rule: Rule, strictness: Mapping[str, Mapping[str, Strictness]]) -> str:
    lines = [f"### {rule.id}", "", f"[{rule.title}.]({rule.link}) ({rule.severity})", ""]
    lines += [f"- Why: {rule.protects}", f"- Fix: {rule.fix_with(rule.parameters)}"]
    if rule.remediation:
        lines.append("- The level `remediate` repairs it during the deployment.")
    alike: dict[str, list[str]] = {}
    for environment, rules in strictness.items():
        strict = rules[rule.id]
        changed = {name: value for name, value in strict.parameters.items() if value != rule.parameters[name]}
        if strict.level != "mandatory" or changed:
            level = [] if strict.level == "mandatory" else [strict.level]
            settings = [f"`{name}: {value}`" for name, value in changed.items()]
            alike.setdefault(", ".join([*level, *settings]), []).append(environment)
    lines += [f"- In {', '.join(names)}: {given}" for given, names in alike.items()]
    if rule.parameters:
        defaults = ", ".join(f"`{name}: {value}`" for name, value in rule.parameters.items())
        lines.append(f"- Parameters: {defaults}")
    return "\n".join(lines) + "\n"
