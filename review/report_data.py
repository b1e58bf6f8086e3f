"""What a report consists of, as data: `report` builds it, `report_file` stores it, several modules show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from review.capacity import Figure
from review.plan import Op
from review.readable import TextChange, ValueChange


class Verdict(StrEnum):
    """The verdict, which a reviewer reads first."""

    BROKEN = "broken"
    STOPPED = "stopped"
    CAREFUL = "careful"
    HARMLESS = "harmless"
    NO_CHANGES = "no changes"


class Part(StrEnum):
    """A section; they come in this order, and go from the end when the report is too long."""

    JUDGE = "What judges this changes"
    ERRORS = "Errors"
    DOUBTS = "Not certain"
    VIOLATIONS = "Policy violations"
    ACCEPTED = "Suppressed findings"
    ACCESS = "Wider access"
    LOSSES = "Deletions and replacements"
    DISRUPTIONS = "Restarts, reboots and evictions"
    CAPACITY = "Capacity"
    COSTS = "Costs a month"
    SETTINGS = "Settings"
    UPDATES = "Updates"
    CREATIONS = "Creations"
    OUTPUTS = "Outputs"
    PARITY = "Where environments differ without need"


MARKS = ("", "-", "±", "~", "+", "=", "✗", "!")
"""An item's mark: an operation, or a violation's level."""


@dataclass(frozen=True)
class Place:
    """One resource at which a rule is broken, in which environments, and the line that declares it."""

    resource: str
    message: str
    environments: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class Item:
    """One thing to read: a resource with what happens to it, or a violation. `sentences` are prose.

    `also` names more resources to which the same happens. `source` is the line that declares it, `causes` those of
    the settings that change it. `urgent` is what a report that is too long keeps before all else: lost data, hit
    protections, wider access. `places` are those of a violation, which the sentences tell.
    """

    subject: str
    kind: str = ""
    mark: str = ""
    sentences: tuple[str, ...] = ()
    changes: tuple[ValueChange | TextChange, ...] = ()
    link: str = ""
    also: tuple[str, ...] = ()
    source: str = ""
    causes: tuple[str, ...] = ()
    urgent: bool = False
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An item and the environments in which it is the same."""

    item: Item
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """One environment in numbers.

    `policies` are the rules that stop it and `advice` those that don't, `protected` the resources that would go
    although they are protected, `refused` those whose change the platform refuses; `judged` is false where nobody has
    asked the policies.
    """

    environment: str
    origin: str
    counts: Mapping[Op, int]
    policies: int
    protected: int
    refused: int
    advice: int
    judged: bool
    figures: tuple[Figure, ...]

    @property
    def stops(self) -> bool:
        """Whether a deployment would be stopped."""
        return bool(self.policies or self.protected or self.refused)

    @property
    def stopped_by(self) -> str:
        """What stops it, in a few words."""
        named = (
            (self.policies, "policy", "policies"),
            (self.protected, "protected resource", "protected resources"),
            (self.refused, "refusal", "refusals"),
        )
        found = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in named if count)
        return found or ("nothing" if self.judged else "not judged")


@dataclass(frozen=True)
class Report:
    """The whole report."""

    verdict: Verdict
    headline: str
    summaries: tuple[Summary, ...]
    sections: Mapping[Part, tuple[Entry, ...]] = field(default_factory=dict[Part, tuple[Entry, ...]])
