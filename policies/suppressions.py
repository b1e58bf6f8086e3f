"""policies/suppressions.yaml: single findings that are accepted, each on one resource, by somebody, until a date.

The file is a list of entries, each with all of `rule`, `resource` (a URN, or a resource's name in which `*` stands for
any characters), `reason`, `owner` and `expires` (the last day on which it counts, in UTC).
"""

import datetime
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from policies.rule import Finding, Rule
from policies.settings_file import DIRECTORY, PolicySettingsError
from stack.resource import Resource

PATH = DIRECTORY / "suppressions.yaml"
_NAME = f"{DIRECTORY.name}/{PATH.name}"
POLICY = "suppressions"
DESCRIPTION = f"What {_NAME} accepts, and which of its entries accept nothing"
"""The description of the policy by which the engine's pack reports what the gate prints."""

_KEYS = ("rule", "resource", "reason", "owner", "expires")
_FEWEST_LETTERS = 3
"""The fewest letters and digits of a pattern besides its wildcards, so that none matches everything."""


@dataclass(frozen=True)
class Suppression:
    """One entry of the file, and the line where it stands."""

    rule: str
    resource: str
    reason: str
    owner: str
    expires: datetime.date
    line: int

    @property
    def place(self) -> str:
        """The file and line."""
        return f"{_NAME}:{self.line}"

    def covers(self, rule: Rule, resource: Resource) -> bool:
        """Whether it accepts findings of this rule on this resource."""
        if rule.id != self.rule:
            return False
        if self.resource.startswith("urn:"):
            return resource.urn == self.resource
        return bool(re.fullmatch(".*".join(map(re.escape, self.resource.split("*"))), resource.name))

    def is_of(self, environment: str) -> bool:
        """Whether it can apply to this environment: a URN names its own."""
        return not self.resource.startswith("urn:") or self.resource.startswith(f"urn:pulumi:{environment}::")


@dataclass(frozen=True)
class Suppressed:
    """A suppressed finding, and the entry that accepts it."""

    finding: Finding
    by: Suppression


def read(rules: Iterable[Rule], path: Path = PATH) -> tuple[Suppression, ...]:
    """The file's entries; none if there is no file. Raises PolicySettingsError, which names the wrong line."""
    try:
        root = yaml.compose(path.read_text())
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        raise PolicySettingsError(f"{_NAME} is not text in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise PolicySettingsError(
            f"{_NAME}:{line} is not valid YAML: {getattr(error, 'problem', None) or error}"
        ) from None
    if root is None:
        return ()
    if not isinstance(root, yaml.SequenceNode):
        raise _malformed(root, "the file must be a list of entries")
    known = {rule.id for rule in rules}
    return tuple(_entry(node, known) for node in root.value)


def _malformed(node: yaml.Node, fault: str) -> PolicySettingsError:
    return PolicySettingsError(f"{_NAME}:{node.start_mark.line + 1}: {fault}; docs/policies.md shows an entry")


def _entry(node: yaml.Node, rules: set[str]) -> Suppression:
    allowed = ", ".join(_KEYS)
    if not isinstance(node, yaml.MappingNode):
        raise _malformed(node, f"an entry must have the keys {allowed}")
    values: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in _KEYS:
            raise _malformed(key, f"an entry has no key {name!r}; allowed are {allowed}")
        if name in values:
            raise _malformed(key, f"{name} stands twice in the entry")
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise _malformed(value, f"{name} must be a text")
        values[name] = value
    if missing := [name for name in _KEYS if name not in values]:
        raise _malformed(node, f"the entry lacks {', '.join(missing)}")
    text = {name: str(value.value).strip() for name, value in values.items()}
    if text["rule"] not in rules:
        raise _malformed(values["rule"], f"there is no rule {text['rule']!r}")
    if fault := _fault_of(text["resource"]):
        raise _malformed(values["resource"], fault)
    try:
        expires = datetime.date.fromisoformat(text["expires"])
    except ValueError:
        raise _malformed(values["expires"], f"expires is {text['expires']!r}, but must be a date: 2027-01-31") from None
    return Suppression(text["rule"], text["resource"], text["reason"], text["owner"], expires, node.start_mark.line + 1)


def _fault_of(resource: str) -> str:
    """What is wrong with a URN or a pattern of names."""
    if resource.startswith("urn:"):
        if "*" in resource or not re.fullmatch(r"urn:pulumi:[^:]+::[^:]+::.+::.+", resource):
            return f"resource is {resource!r}, but a URN must be whole: urn:pulumi:<env>::simone::<type>::<name>"
    elif sum(character.isalnum() for character in resource) < _FEWEST_LETTERS:
        return f"resource is {resource!r}, which is about everything: name the resource, or its URN"
    return ""


def applied(
    rule: Rule, findings: Iterable[Finding], entries: Iterable[Suppression], today: datetime.date
) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
    """A rule's findings that count, and the suppressed ones. One whose suppression has expired counts, and says so."""
    ours = [entry for entry in entries if entry.rule == rule.id]
    counting: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in findings:
        about = [entry for entry in ours if finding.resource and entry.covers(rule, finding.resource)]
        valid = next((entry for entry in about if entry.expires >= today), None)
        if valid:
            suppressed.append(Suppressed(finding, valid))
        elif about:
            ended = f"; its suppression ended on {about[0].expires} ({about[0].place}, {about[0].owner})"
            counting.append(Finding(finding.message + ended, finding.resource))
        else:
            counting.append(finding)
    return tuple(counting), tuple(suppressed)


def accepted(rule: Rule, one: Suppressed) -> str:
    """A sentence on a suppressed finding."""
    name = one.finding.resource.name if one.finding.resource else "the stack"
    by = f"until {one.by.expires} ({one.by.owner}: {one.by.reason}), {one.by.place}"
    return f"{rule.id} on {name} is suppressed {by}: {one.finding.message}"


def unused(
    entries: Iterable[Suppression], used: Collection[str], environments: Collection[str], today: datetime.date
) -> Iterator[str]:
    """A sentence on each entry that accepts nothing in these environments; `used` are the others' places."""
    for entry in entries:
        if entry.place not in used and any(map(entry.is_of, environments)):
            names = ", ".join(filter(entry.is_of, environments))
            ended = f"ended on {entry.expires}" if entry.expires < today else f"accepts nothing in {names}"
            yield f"{entry.place}: the suppression of {entry.rule} on {entry.resource} {ended}; remove it"


def today() -> datetime.date:
    """Today in UTC, which decides whether an entry has expired."""
    return datetime.datetime.now(datetime.UTC).date()


def as_json(entry: Suppression) -> Mapping[str, str]:
    """An entry without its place, to be compared with another checkout's."""
    return {name: str(getattr(entry, name)) for name in _KEYS}
