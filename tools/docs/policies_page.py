"""docs/policies.md: every rule, with how strict it is where."""

from collections.abc import Mapping

from policies.catalogue import GROUPS, RULES, rules_of
from policies.rule import Rule
from policies.settings_file import Strictness, read
from stack.environments import environments

_HEAD = """\
# Policies

What no environment may be. The rules are in `policies/rules/`, how strict they are and with which parameters in
`policies/<environment>.json`; what isn't listed there is mandatory. Run them with `make gate ENV=prod`, or under the
engine with `pulumi preview --policy-pack policies --policy-pack-config policies/prod.json`, which is what
`make deploy ENV=prod` does. This page is made from the rules by `make docs`.

A rule waits for a value that isn't known before the deployment, and judges it as soon as it is.

## Accepting one finding

A finding on one resource is accepted for a while by an entry in `policies/suppressions.yaml`; gate, review and engine
read it alike:

```yaml
- rule: s3-block-complete
  resource: redis-backups-private
  reason: the auditors read the bucket until the move
  owner: shop-platform
  expires: 2027-01-31
```

`resource` is a URN, which belongs to one environment, or a resource's name, in which `*` stands for any characters (not
for all of it). `expires` is the last day on which it counts, in UTC; then the finding is a violation again. Gate and
review report what is accepted, and an entry that accepts nothing (the engine as the advisory policy `suppressions`). A
malformed entry ends gate, review and preview with 2 and its line. A finding about the stack as a whole can't be
accepted: its rule has a level in `policies/<environment>.json`.

A pull request is judged by its base's policies too, so an entry, like every change that makes a judge weaker, lands
first and on its own; the review names it first.
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
    lines = [f"### {rule.id}", "", f"{rule.title}. Severity: {rule.severity}.", "", f"- Why: {rule.protects}"]
    lines += [f"- Fix: {rule.fix_with(rule.parameters)}", f"- More: <{rule.link}>"]
    if rule.remediation:
        lines.append("- At the level `remediate` the engine repairs it on the way.")
    alike: dict[str, list[str]] = {}
    for environment, rules in strictness.items():
        strict = rules[rule.id]
        changed = {name: value for name, value in strict.parameters.items() if value != rule.parameters[name]}
        if strict.level != "mandatory" or changed:
            settings = [f"`{name}` = `{value}`" for name, value in changed.items()]
            alike.setdefault(", ".join([strict.level, *settings]), []).append(environment)
    lines += [f"- In {', '.join(names)}: {given}" for given, names in alike.items()]
    if rule.parameters:
        defaults = ", ".join(f"`{name}` = `{value}`" for name, value in rule.parameters.items())
        lines.append(f"- Parameters: {defaults}")
    return "\n".join(lines) + "\n"
