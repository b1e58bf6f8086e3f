"""What a deployment would do to an environment, in one form for all sources.

It has two sources: two renders compared (`review.compare`) and the engine's own preview (`review.engine_preview`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from review.settings import NO_SETTINGS, Settings
from stack.resource import Resource


class Op(StrEnum):
    """An operation on a resource, in the engine's words; a replacement is one step."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"
    READ = "read"
    IMPORT = "import"
    FORGET = "forget"


class Origin(StrEnum):
    """Who says so."""

    RENDERS = "two renders compared"
    ENGINE = "pulumi preview"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens to one resource.

    `old` is None for a creation and `new` for a deletion. `deleted_first` says whether a replacement removes the old
    resource before the new one exists. `drift` holds the paths that differ from the cloud though the program hasn't
    changed them, which only the engine can see, `hidden_changes` those of secrets that differ though nobody shows their
    values. An `old_copy` is what an interrupted replacement has left behind: its successor is in use. `imported`
    is what exists already and comes under the program's management. `new_options` says that the engine will treat it in
    another way (`protect`, `ignoreChanges`, …). `notes` are sentences for the reviewer.
    """

    op: Op
    urn: str
    old: Resource | None
    new: Resource | None
    replace_reasons: tuple[str, ...] = ()
    deleted_first: bool = False
    drift: tuple[str, ...] = ()
    hidden_changes: tuple[str, ...] = ()
    old_copy: bool = False
    imported: bool = False
    new_options: bool = False
    notes: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """The resource as it will be, or as it was when it goes."""
        shown = self.new or self.old
        if shown is None:
            raise ValueError(f"{self.urn}: a step without a resource")
        return shown


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A policy that the environment breaks; `mandatory` ones stop a deployment. `by_base` says that only the base's
    policies find it.
    """

    rule: str
    mandatory: bool
    message: str
    urn: str
    protects_from: str = ""
    fix: str = ""
    link: str = ""
    severity: str = ""
    by_base: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One environment's deployment.

    `errors` are what made the program or the preview fail, `doubts` why there may be more than is told. `exports_after`
    is None where nobody knows them, `violations` where nobody has asked. `judge_changes` tell how what judges it
    changes, `accepted` which findings don't count, or no longer need a suppression. `deployed` is false for what only
    runs on a developer's machine. `region` is AWS's, empty where nobody knows it.
    """

    environment: str
    origin: Origin
    steps: tuple[Step, ...] = ()
    exports_before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    exports_after: Mapping[str, Any] | None = field(default_factory=dict[str, Any])
    secret_exports: frozenset[str] = frozenset()
    violations: tuple[Violation, ...] | None = None
    errors: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    judge_changes: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    settings: Settings = NO_SETTINGS
    deployed: bool = True
    region: str = ""

    @property
    def before(self) -> tuple[Resource, ...]:
        """The resources that there are now."""
        return tuple(step.old for step in self.steps if step.old is not None and not step.old_copy)

    @property
    def after(self) -> tuple[Resource, ...]:
        """The resources that there will be."""
        return tuple(step.new for step in self.steps if step.new is not None)

    @property
    def changed_exports(self) -> tuple[str, ...]:
        """The names of the exports that differ, as far as they are known."""
        if self.exports_after is None:
            return ()
        before, after = self.exports_before, self.exports_after
        return tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))

    @property
    def changed(self) -> tuple[Step, ...]:
        """The steps that do something."""
        quiet = {Op.SAME, Op.READ}
        return tuple(step for step in self.steps if step.op not in quiet or step.notes or step.drift)
