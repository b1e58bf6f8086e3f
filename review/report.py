"""The report for a reviewer, as data: what is said, in which order. How it looks is `markdown` and `html`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from review import replacements
from review.capacity import Figure, capacity
from review.disruption import CHECKSUM, disruptions, is_stateful, keeps_volumes
from review.masking import masked, shown_text
from review.plan import Op, Plan, Step, Violation
from review.preview import short_type
from review.readable import TextChange, ValueChange, readable_changes, text_of
from review.renames import renames
from stack.properties import Kind
from stack.resource import STACK_TYPE
from stack.values import HIDDEN


class Verdict(StrEnum):
    """What a reviewer has to know first."""

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
    LOSSES = "Deletions and replacements"
    DISRUPTIONS = "Restarts, reboots and evictions"
    CAPACITY = "Capacity"
    SETTINGS = "Settings"
    UPDATES = "Updates"
    CREATIONS = "Creations"
    OUTPUTS = "Outputs"
    PARITY = "Where environments differ without need"


@dataclass(frozen=True)
class Item:
    """One thing to read: a resource with what happens to it, or a violation. `sentences` are prose."""

    subject: str
    kind: str = ""
    mark: str = ""
    sentences: tuple[str, ...] = ()
    changes: tuple[ValueChange | TextChange, ...] = ()
    link: str = ""


@dataclass(frozen=True)
class Entry:
    """An item and the environments in which it is the same."""

    item: Item
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """One environment in numbers.

    `policies` are the violations that stop it and `advice` those that don't, `protected` the resources that would go
    although they are protected; `judged` is false where nobody has asked the policies.
    """

    environment: str
    origin: str
    counts: Mapping[Op, int]
    policies: int
    protected: int
    advice: int
    judged: bool
    figures: tuple[Figure, ...]

    @property
    def stopped_by(self) -> str:
        """What stops it, in a few words."""
        named = ((self.policies, "policy", "policies"), (self.protected, "protected resource", "protected resources"))
        found = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in named if count)
        return found or ("nothing" if self.judged else "not judged")


@dataclass(frozen=True)
class Report:
    """The whole report."""

    verdict: Verdict
    headline: str
    summaries: tuple[Summary, ...]
    sections: Mapping[Part, tuple[Entry, ...]] = field(default_factory=dict[Part, tuple[Entry, ...]])


def build(plans: Sequence[Plan], parity: Sequence[str] = ()) -> Report:
    """The report on these plans; `parity` are sentences on environments that differ without need."""
    sections: dict[Part, list[tuple[str, Item]]] = {part: [] for part in Part}
    for plan in plans:
        for part, item in _items(plan):
            sections[part].append((plan.environment, item))
    for sentence in parity:
        sections[Part.PARITY].append(("", Item(subject=sentence)))
    merged = {part: _merged(found) for part, found in sections.items() if found}
    verdict = _verdict(plans, merged)
    return Report(verdict, _headline(verdict, plans), tuple(_summary(plan) for plan in plans), merged)


def stops(plan: Plan) -> bool:
    """Whether the deployment would be stopped: by a mandatory policy, or by a protected resource."""
    return any(violation.mandatory for violation in plan.violations or ()) or any(_hits(step) for step in plan.steps)


def _hits(step: Step) -> bool:
    """Whether a protected resource is deleted or replaced; the engine does both when its protection has gone before
    (a deletion) or goes with it (a replacement).
    """
    if step.old is None or not step.old.protect:
        return False
    return step.op is Op.DELETE or _is_retained(step) or (step.op is Op.REPLACE and (not step.new or step.new.protect))


def _is_retained(step: Step) -> bool:
    """Whether what goes from the state stays in the cloud, as `retainOnDelete` says."""
    goes = step.op in (Op.DELETE, Op.FORGET, Op.REPLACE)
    return goes and step.old is not None and bool(step.old.options.get("retainOnDelete"))


def _items(plan: Plan) -> Iterable[tuple[Part, Item]]:
    for change in plan.judge_changes:
        yield Part.JUDGE, Item(subject=shown_text(change))
    for error in plan.errors:
        yield Part.ERRORS, Item(subject=shown_text(error))
    for doubt in plan.doubts:
        yield Part.DOUBTS, Item(subject=shown_text(doubt))
    for same_rule in _by_rule(plan.violations or ()):
        yield Part.VIOLATIONS, _violation(same_rule)
    for sentence in plan.accepted:
        yield Part.ACCEPTED, Item(subject=shown_text(sentence))
    renamed = renames(plan.steps)
    for step in plan.changed:
        part = _part(step)
        if part is not None:
            yield part, _item(step, renamed.get(step.urn, ""))
    for figure in capacity(plan.before, plan.after):
        if figure.changed and plan.before:
            yield Part.CAPACITY, _figure(figure)
    for change in plan.settings.changes:
        yield Part.SETTINGS, Item(subject=change.path, changes=(change,))
    yield from _outputs(plan)


def _part(step: Step) -> Part | None:
    if _runs_again(step):
        return Part.UPDATES
    if step.op in (Op.DELETE, Op.REPLACE, Op.FORGET):
        return Part.LOSSES
    if step.op in (Op.CREATE, Op.IMPORT):
        return Part.CREATIONS
    if _interrupts(step):
        return Part.DISRUPTIONS
    return Part.UPDATES if step.op is Op.UPDATE or step.notes or step.drift else None


def _runs_again(step: Step) -> bool:
    """A Job that has run is no loss; to be replaced is its way to run anew."""
    return step.op is Op.REPLACE and step.resource.type == "kubernetes:batch/v1:Job"


def _interrupts(step: Step) -> tuple[str, ...]:
    return disruptions(step)


_MARKS = {Op.DELETE: "-", Op.REPLACE: "±", Op.UPDATE: "~", Op.CREATE: "+", Op.IMPORT: "=", Op.FORGET: "-"}


def _item(step: Step, renamed: str) -> Item:
    resource = step.resource
    sentences: list[str] = []
    if renamed and not resource.custom:
        keeping = f"aliases=[pulumi.Alias(name='{resource.name}')]"
        sentences.append(f"renamed to {renamed}: with {keeping} there all of it stays")
    elif renamed:
        sentences.append(f"the same as {renamed}, which is created before this is deleted: without an alias it is lost")
    if step.old_copy:
        sentences.append("the old copy that an interrupted replacement has left; the one in use stays")
    elif _is_retained(step):
        sentences.append("the old one leaves the state and stays in the cloud with its data (retainOnDelete)")
    elif step.op in (Op.DELETE, Op.REPLACE) and is_stateful(resource):
        sentences.append(
            "its pods go; its volumes stay as they are, with their data"
            if keeps_volumes(resource)
            else "IT HOLDS DATA: what isn't backed up is lost"
        )
    if _hits(step):
        sentences.append("it is protected, so the update stops here")
    if _runs_again(step):
        sentences.append("runs again")
    elif step.op is Op.REPLACE:
        why = ", ".join(step.replace_reasons) or "the engine gives no reason"
        order = (
            "deleted first, so it is missing until the new one is ready"
            if step.deleted_first
            else "the new one is created first, the old one deleted afterwards"
        )
        sentences += [f"replaced because of: {why} ({replacements.source_of(resource.type)})", order]
    if step.op is Op.FORGET and not _is_retained(step):
        sentences.append("dropped from the state, not deleted")
    interrupted = _interrupts(step)
    sentences += interrupted
    sentences += [note for note in step.notes if not note.startswith("it is protected")]
    if step.drift:
        sentences.append(f"changed outside the program: {', '.join(step.drift)}")
    shown = () if step.op in (Op.CREATE, Op.DELETE, Op.FORGET, Op.IMPORT) else readable_changes(step.old, step.new)
    if interrupted:  # they say what the checksum means
        shown = tuple(change for change in shown if CHECKSUM not in change.path)
    shown += tuple(ValueChange(path, Kind.UPDATE, HIDDEN, HIDDEN) for path in step.hidden_changes)
    return Item(
        subject=resource.name,
        kind=short_type(resource.type),
        mark=_MARKS.get(step.op, ""),
        sentences=tuple(sentences),
        changes=shown,
    )


def _by_rule(violations: Iterable[Violation]) -> Iterable[Sequence[Violation]]:
    """The violations of one rule together, in the order in which the rules come first."""
    found: dict[tuple[str, bool, bool], list[Violation]] = {}
    for violation in violations:
        found.setdefault((violation.rule, violation.mandatory, violation.by_base), []).append(violation)
    return found.values()


def _violation(same_rule: Sequence[Violation]) -> Item:
    """One block for a rule: each thing that is wrong with the resources where it is."""
    rule = same_rule[0]
    places: dict[str, list[str]] = {}
    for violation in same_rule:
        of_the_stack = not violation.urn or f"::{STACK_TYPE}::" in violation.urn
        where = "the whole stack" if of_the_stack else violation.urn.split("::")[-1]
        places.setdefault(shown_text(violation.message), []).append(where)
    sentences = [f"{', '.join(names)}: {message}" for message, names in places.items()]
    if rule.by_base:
        sentences.append("Only the base's policies find it: what changes the policies lands first, on its own")
    if rule.protects_from:
        sentences.append(f"Why: {rule.protects_from}")
    if rule.fix:
        sentences.append(f"Fix: {rule.fix}")
    level = "mandatory" if rule.mandatory else "advisory"
    judge = "by the base's policies" if rule.by_base else ""
    return Item(
        subject=rule.rule,
        kind=", ".join(part for part in (rule.severity, level, judge) if part),
        mark="✗" if rule.mandatory else "!",
        sentences=tuple(sentences),
        link=rule.link,
    )


def _figure(figure: Figure) -> Item:
    def number(value: float | None) -> str:
        return "unknown" if value is None else f"{value:g} {figure.unit}".strip()

    change = ValueChange(figure.name, Kind.UPDATE, number(figure.before), number(figure.after))
    return Item(subject=figure.name, changes=(change,))


def _outputs(plan: Plan) -> Iterable[tuple[Part, Item]]:
    for name in plan.changed_exports:
        secret = any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in plan.secret_exports)
        values = plan.exports_before.get(name), (plan.exports_after or {}).get(name)
        kind = Kind.ADD if values[0] is None else Kind.DELETE if values[1] is None else Kind.UPDATE
        shown = [HIDDEN if secret else masked("", {name: value}, frozenset())[name] for value in values]
        old, new = (None if value is None else text_of(mask) for value, mask in zip(values, shown, strict=True))
        yield Part.OUTPUTS, Item(subject=name, changes=(ValueChange(name, kind, old, new),))


def _merged(found: Iterable[tuple[str, Item]]) -> tuple[Entry, ...]:
    """What is the same in several environments is said once."""
    merged: dict[Item, list[str]] = {}
    for environment, item in found:
        merged.setdefault(item, []).append(environment)
    return tuple(Entry(item, tuple(name for name in names if name)) for item, names in merged.items())


def _verdict(plans: Sequence[Plan], sections: Mapping[Part, tuple[Entry, ...]]) -> Verdict:
    if any(plan.errors for plan in plans):
        return Verdict.BROKEN
    if any(stops(plan) for plan in plans):
        return Verdict.STOPPED
    unjudged = any(step.drift or step.new_options for plan in plans for step in plan.steps)
    undecided = any(plan.settings.undecided for plan in plans)
    if (
        unjudged
        or undecided
        or not sections.keys().isdisjoint({Part.JUDGE, Part.DOUBTS, Part.LOSSES, Part.DISRUPTIONS})
    ):
        return Verdict.CAREFUL
    if any(plan.changed or plan.changed_exports or plan.settings.changes for plan in plans):
        return Verdict.HARMLESS
    return Verdict.NO_CHANGES


def _headline(verdict: Verdict, plans: Sequence[Plan]) -> str:
    if verdict is Verdict.BROKEN:
        names = ", ".join(plan.environment for plan in plans if plan.errors)
        return f"The program or its configuration is broken: {names}"
    if verdict is Verdict.STOPPED:
        names = ", ".join(plan.environment for plan in plans if stops(plan))
        return f"Must not be deployed: {names} ({_few(_stopping(plans))})"
    if verdict is Verdict.CAREFUL:
        return f"Deploy with care: {'; '.join(_cares(plans))}"
    if verdict is Verdict.HARMLESS:
        again = "; ".join(_reruns(plans))
        return f"Nothing is deleted or interrupted; {again}" if again else "Nothing is deleted, replaced or interrupted"
    return "No changes"


def _stopping(plans: Iterable[Plan]) -> Iterable[str]:
    """The policies that are broken, and the protected resources that would go."""
    for plan in plans:
        yield from (violation.rule for violation in plan.violations or () if violation.mandatory)
        yield from (f"{step.resource.name} is protected" for step in plan.steps if _hits(step))


def _cares(plans: Sequence[Plan]) -> Iterable[str]:
    """What a deployment has to be careful about, the worst first."""
    if any(plan.judge_changes for plan in plans):
        yield "changes what judges it"
    steps = sorted((step for plan in plans for step in plan.steps), key=lambda step: step.resource.custom)
    new_names = {urn: name for plan in plans for urn, name in renames(plan.steps).items()}
    components = [step for step in steps if step.urn in new_names and not step.resource.custom]
    if components:
        named = _few(f"{step.resource.name} to {new_names[step.urn]}" for step in components)
        yield f"renames {named} without an alias"
    old_copies = [step.resource.name for step in steps if step.old_copy]
    for word, op in (("deletes", Op.DELETE), ("replaces", Op.REPLACE), ("forgets", Op.FORGET)):
        if gone := [step.resource.name for step in steps if step.op is op and not (_runs_again(step) or step.old_copy)]:
            yield f"{word} {_few(gone)}"
    if old_copies:
        yield f"deletes the old copy of {_few(old_copies)}"
    if interrupted := [step.resource.name for step in steps if _interrupts(step)]:
        yield f"interrupts {_few(interrupted)}"
    if drifted := [step.resource.name for step in steps if step.drift]:
        yield f"undoes what was changed outside the program at {_few(drifted)}"
    if optioned := [step.resource.name for step in steps if step.new_options]:
        yield f"changes the options of {_few(optioned)}"
    if undecided := [path for plan in plans for path in plan.settings.undecided]:
        yield f"sets {_few(undecided)} anew"
    if any(plan.doubts for plan in plans):
        yield "not everything could be judged"
    yield from _reruns(plans)


def _reruns(plans: Iterable[Plan]) -> Iterable[str]:
    if again := [step.resource.name for plan in plans for step in plan.steps if _runs_again(step)]:
        yield f"runs {_few(again)} again"


def _few(names: Iterable[str]) -> str:
    """Up to three names, and how many more there are."""
    different = list(dict.fromkeys(names))
    shown = ", ".join(different[:3])
    return shown if len(different) <= 3 else f"{shown} and {len(different) - 3} more"


def _summary(plan: Plan) -> Summary:
    counts = {op: sum(step.op is op for step in plan.steps) for op in Op}
    violations = plan.violations or ()
    return Summary(
        environment=plan.environment,
        origin=plan.origin.value,
        counts={op: count for op, count in counts.items() if count},
        policies=sum(violation.mandatory for violation in violations),
        protected=sum(_hits(step) for step in plan.steps),
        advice=sum(not violation.mandatory for violation in violations),
        judged=plan.violations is not None,
        figures=capacity(plan.before, plan.after),
    )
