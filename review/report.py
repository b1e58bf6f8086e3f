"""The report for a reviewer: its contents and their order. `markdown` and `html` format it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from review import grouping, replacements
from review.capacity import Figure, capacity
from review.costs import Cost, costs, priced_on
from review.disruption import CHECKSUM, disruptions, is_stateful, keeps_volumes, loses_address
from review.harmless import runs_the_same_again, unjudged
from review.masking import masked, shown_text
from review.plan import Op, Plan, Step
from review.preview import short_type
from review.readable import TextChange, ValueChange, readable_changes, text_of
from review.refusals import refusals
from review.renames import ComponentRename, alias, component_renames, kept_by_alias, renames
from review.report_data import Entry, Item, Part, Report, Summary, Verdict
from review.widening import widened
from stack.listing import few
from stack.properties import Kind
from stack.resource import Resource, Undecided
from stack.values import HIDDEN

_few = partial(few, most=3)


def build(plans: Sequence[Plan], parity: Sequence[str] = ()) -> Report:
    """The report on these plans; `parity` are sentences on environments that differ without need."""
    sections: dict[Part, list[tuple[str, Item]]] = {part: [] for part in Part}
    for plan in plans:
        for part, item in _items(plan):
            sections[part].append((plan.environment, item))
    for sentence in parity:
        sections[Part.PARITY].append(("", Item(subject=sentence)))
    merged = {part: grouping.merged(found) for part, found in sections.items()}
    merged[Part.VIOLATIONS] = grouping.violations(plans)
    merged = {part: entries for part, entries in merged.items() if entries}
    verdict = _verdict(plans, merged)
    leading, told, where = _leading(verdict, plans, merged)
    return Report(verdict, _headline(verdict, leading, told) + where, tuple(_summary(plan) for plan in plans), merged)


Sections = Mapping[Part, tuple[Entry, ...]]


def _leading(verdict: Verdict, plans: Sequence[Plan], sections: Sections) -> tuple[Sequence[Plan], Sections, str]:
    """The environments of a headline, their sections and its suffix: one that isn't deployed never leads."""
    deployed = [plan for plan in plans if plan.deployed]
    names = {plan.environment for plan in deployed}
    of_them = {
        part: tuple(entry for entry in entries if names & {*entry.environments}) for part, entries in sections.items()
    }
    told = {part: entries for part, entries in of_them.items() if entries}
    if len(deployed) == len(plans) or (deployed and _verdict(deployed, told) is verdict):
        return deployed, told, ""
    others = [plan for plan in plans if not plan.deployed]
    only = ", ".join(plan.environment for plan in others)
    return others, sections, f" (only in {only}, which nobody deploys)"


_ODD = (ValueError, TypeError, AttributeError, KeyError, IndexError, Undecided)
"""Exceptions of a reader for a value of the wrong shape, which the report mentions, like unknown values."""


def stops(plan: Plan) -> bool:
    """Whether the deployment would be stopped: by a mandatory policy, or by a protected resource."""
    broken = any(violation.mandatory for violation in plan.violations or ())
    return broken or any(_hits(step) or _refused(step) for step in plan.steps)


def _hits(step: Step) -> bool:
    """Whether a protected resource is deleted or replaced. The engine does that once the protection is gone (a
    deletion) or goes in the same update (a replacement). An address that pods know counts as protected.
    """
    if loses_address(step):
        return True
    if step.old is None or not step.old.protect:
        return False
    return step.op is Op.DELETE or _is_retained(step) or (step.op is Op.REPLACE and (not step.new or step.new.protect))


def _stops(step: Step) -> tuple[str, ...]:
    """Why the update stops at it."""
    if loses_address(step):
        learnt = "pods that learnt the old one call nobody until they start again"
        return (f"GETS ANOTHER ADDRESS: {learnt} (docs/runbooks/cluster.md, A Service made anew)",)
    return ("it is protected, so the update stops here",) if _hits(step) else ()


def _refused(step: Step) -> tuple[str, ...]:
    """Why the platform will refuse it."""
    return refusals(step.old, step.new) if step.op in (Op.UPDATE, Op.REPLACE) else ()


_OPENING = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.IMPORT, Op.FORGET)


def _widened(step: Step) -> tuple[str, ...]:
    """Sentences on access that it opens."""
    return widened(step.old, step.new) if step.op in _OPENING and not step.old_copy else ()


def _unjudged(step: Step) -> tuple[str, ...]:
    """Sentences on what nothing has judged about it, unless it is reported as an interruption."""
    if _runs_again(step):
        return () if step.old and step.new and runs_the_same_again(step.old, step.new) else ("it does something else",)
    if step.op not in (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.IMPORT) or _interrupts(step):
        return ()
    try:
        return unjudged(step.old, step.new, in_place=step.op in (Op.UPDATE, Op.IMPORT))
    except _ODD as error:
        return (f"what it changes can't be told: {type(error).__name__}: {error}",)


def _is_retained(step: Step) -> bool:
    """Whether a resource that leaves the state stays in the cloud (`retainOnDelete`)."""
    goes = step.op in (Op.DELETE, Op.FORGET, Op.REPLACE)
    return goes and step.old is not None and bool(step.old.options.get("retainOnDelete"))


def _items(plan: Plan) -> Iterable[tuple[Part, Item]]:
    for change in plan.judge_changes:
        yield Part.JUDGE, Item(subject=shown_text(change))
    for error in plan.errors:
        yield Part.ERRORS, Item(subject=shown_text(error))
    for doubt in plan.doubts:
        yield Part.DOUBTS, Item(subject=shown_text(doubt))
    for sentence in plan.accepted:
        yield Part.ACCEPTED, Item(subject=shown_text(sentence))
    renamed, components, kept = renames(plan.steps), component_renames(plan.steps), kept_by_alias(plan.steps)
    for component in components:
        yield Part.LOSSES, _renamed(component)
    quiet = _consequences(components) | {step.urn for below in kept.values() for step in below}
    for step in plan.changed:
        part = _part(step)
        if part is not None and step.urn not in quiet:
            below = f", nor in the {len(kept[step.urn])} below it" if kept.get(step.urn) else ""
            more = (f"by its alias; nothing changes in it{below}",) if step.urn in kept else ()
            causes = plan.settings.causes(step.urn) if step.op is not Op.SAME else ()
            yield part, dataclasses.replace(_item(step, renamed.get(step.urn, ""), more), causes=causes)
    for figure in capacity(plan.before, plan.after):
        if figure.changed and plan.before:
            yield Part.CAPACITY, _figure(figure)
    yield from _costs(plan)
    for change in plan.settings.changes:
        line = plan.settings.lines.get(change.path, "")
        yield Part.SETTINGS, Item(subject=change.path, changes=(change,), source=line)
    yield from _outputs(plan)


def _consequences(components: Iterable[ComponentRename]) -> frozenset[str]:
    """The steps that follow from a component's rename, without those that need an item of their own."""
    steps = [step for component in components for step in (*component.deleted, *component.created)]
    told = {step.urn for step in steps if _is_urgent(step)}
    return frozenset(urn for component in components for urn in component.urns) - told


def _renamed(component: ComponentRename) -> Item:
    def named(steps: Sequence[Step]) -> str:
        return ", ".join(step.resource.name for step in steps) or "nothing"

    return Item(
        subject=component.old.name,
        kind=short_type(component.old.type),
        mark="±",
        sentences=(
            f"renamed to {component.new.name}: with {alias(component.old)} there all of it stays",
            f"without it {len(component.deleted)} resources are deleted: {named(component.deleted)}",
            f"and {len(component.created)} created: {named(component.created)}",
        ),
        source=component.new.source,
    )


def _is_urgent(step: Step) -> bool:
    """Whether a reader must see it however long the report is."""
    return _loses_data(step) or _hits(step) or bool(_refused(step) or _widened(step))


def _loses_data(step: Step) -> bool:
    gone = step.op in (Op.DELETE, Op.REPLACE) and not (step.old_copy or _is_retained(step))
    return gone and is_stateful(step.resource) and not keeps_volumes(step.resource)


def _part(step: Step) -> Part | None:
    if _runs_again(step):
        return Part.UPDATES
    if step.op in (Op.DELETE, Op.REPLACE, Op.FORGET):
        return Part.LOSSES
    if _widened(step):
        return Part.ACCESS
    if step.op in (Op.CREATE, Op.IMPORT):
        return Part.CREATIONS
    if _interrupts(step):
        return Part.DISRUPTIONS
    return Part.UPDATES if step.op is Op.UPDATE or step.notes or step.drift else None


def _runs_again(step: Step) -> bool:
    """Whether it is a Job that runs again: a replacement is how it does that, and loses nothing."""
    return step.op is Op.REPLACE and step.resource.type == "kubernetes:batch/v1:Job"


def _interrupts(step: Step) -> tuple[str, ...]:
    try:
        return disruptions(step)
    except _ODD as error:
        return (f"what it interrupts can't be told: {type(error).__name__}: {error}",)


_MARKS = {Op.DELETE: "-", Op.REPLACE: "±", Op.UPDATE: "~", Op.CREATE: "+", Op.IMPORT: "=", Op.FORGET: "-"}


def _item(step: Step, renamed: str, more: Sequence[str] = ()) -> Item:
    resource = step.resource
    sentences: list[str] = []
    if renamed:
        sentences.append(f"the same as {renamed}, which is created before this is deleted: without an alias it is lost")
    if step.imported:
        sentences.append(
            "exists already and comes under the program's management, which may change or delete it from now on"
        )
    if step.old_copy:
        sentences.append("the old copy that an interrupted replacement has left; the one in use stays")
    elif _is_retained(step):
        sentences.append("the old one leaves the state and stays in the cloud with its data (retainOnDelete)")
    elif step.op in (Op.DELETE, Op.REPLACE) and is_stateful(resource):
        sentences.append(
            "IT HOLDS DATA: what isn't backed up is lost"
            if _loses_data(step)
            else "its pods go; its volumes stay as they are, with their data"
        )
    sentences += _stops(step)
    sentences += _refused(step)
    sentences += [f"WIDENS ACCESS: {opened}" for opened in _widened(step)]
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
    sentences += more
    sentences += _unjudged(step)
    if step.drift:
        sentences.append(f"changed outside the program: {', '.join(step.drift)}")
    shown = () if step.op in (Op.DELETE, Op.FORGET) else readable_changes(step.old, step.new)
    if step.old is None:  # the type says it already
        shown = tuple(change for change in shown if change.path not in ("apiVersion", "kind"))
    if interrupted:  # they say what the checksum means
        shown = tuple(change for change in shown if CHECKSUM not in change.path)
    shown += tuple(ValueChange(path, Kind.UPDATE, HIDDEN, HIDDEN) for path in step.hidden_changes)
    return Item(
        subject=resource.name,
        kind=short_type(resource.type),
        mark=_MARKS.get(step.op, ""),
        sentences=tuple(sentences),
        changes=shown,
        source=resource.source,
        urgent=_is_urgent(step),
    )


def _figure(figure: Figure) -> Item:
    def number(value: float | None) -> str:
        return "unknown" if value is None else f"{value:g} {figure.unit}".strip()

    change = ValueChange(figure.name, Kind.UPDATE, number(figure.before), number(figure.after))
    return Item(subject=figure.name, changes=(change,))


def _costs(plan: Plan) -> Iterable[tuple[Part, Item]]:
    """Changed monthly costs and parts without a price; nothing if they are the same."""
    if not plan.region or not plan.before:
        return
    before, after = costs(plan.before, plan.region), costs(plan.after, plan.region)
    changed = {
        step.urn: (old, new)
        for step in plan.steps
        if (old := _cost(before, step.old)) != (new := _cost(after, step.new))
    }
    if not changed:
        return
    sums = [f"{sum(cost.priced for cost in side.values()):,.2f}" for side in (before, after)]
    sentences = (f"{priced_on()}, {plan.region}, on demand; what depends on use isn't in it",)
    everything = ValueChange("all that has a price", Kind.UPDATE, *sums)
    yield Part.COSTS, Item(subject="all", changes=(everything,), sentences=sentences)
    for old, new in changed.values():
        name = (new or old or _FREE).resource
        change = ValueChange(name, Kind.UPDATE, *(f"{(side or _FREE).priced:,.2f}" for side in (old, new)))
        told = [" and ".join(side.unpriced) or "nothing" if side else "nothing" for side in (old, new)]
        more = (f"has no price in review/prices.json: {told[0]} → {told[1]}",) if set(told) != {"nothing"} else ()
        yield Part.COSTS, Item(subject=name, changes=(change,), sentences=more)


_FREE = Cost("", 0, ())


def _cost(found: Mapping[str, Cost], resource: Resource | None) -> Cost | None:
    return found.get(resource.urn) if resource else None


def _outputs(plan: Plan) -> Iterable[tuple[Part, Item]]:
    for name in plan.changed_exports:
        secret = any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in plan.secret_exports)
        values = plan.exports_before.get(name), (plan.exports_after or {}).get(name)
        kind = Kind.ADD if values[0] is None else Kind.DELETE if values[1] is None else Kind.UPDATE
        shown = [HIDDEN if secret else masked("", {name: value}, frozenset())[name] for value in values]
        old, new = (None if value is None else text_of(mask) for value, mask in zip(values, shown, strict=True))
        yield Part.OUTPUTS, Item(subject=name, changes=(ValueChange(name, kind, old, new),))


def _verdict(plans: Sequence[Plan], sections: Mapping[Part, tuple[Entry, ...]]) -> Verdict:
    if any(plan.errors for plan in plans):
        return Verdict.BROKEN
    if any(stops(plan) for plan in plans):
        return Verdict.STOPPED
    unjudged = any(
        step.drift or step.new_options or step.imported or _unjudged(step) or _widened(step)
        for plan in plans
        for step in plan.steps
    )
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


_NOTHING = "Nothing is deleted, replaced or interrupted"


def _reduced(sections: Sections) -> Iterable[str]:
    """Resources with less than before: a property or output is gone, a text loses more lines than it gains."""
    for part in (Part.SETTINGS, Part.UPDATES, Part.OUTPUTS):
        for entry in sections.get(part, ()):
            if any(map(_is_less, entry.item.changes)):
                yield from (entry.item.subject, *entry.item.also)


def _is_less(change: ValueChange | TextChange) -> bool:
    if isinstance(change, ValueChange):
        return change.kind is Kind.DELETE
    signs = [line[:1] for line in change.lines]
    return signs.count("-") > signs.count("+")


def _headline(verdict: Verdict, plans: Sequence[Plan], sections: Sections) -> str:
    if verdict is Verdict.BROKEN:
        names = ", ".join(plan.environment for plan in plans if plan.errors)
        return f"The program or its configuration is broken: {names}"
    if verdict is Verdict.STOPPED:
        names = ", ".join(plan.environment for plan in plans if stops(plan))
        return f"Must not be deployed: {names} ({_few(_stopping(plans))})"
    if verdict is Verdict.CAREFUL:
        return f"Deploy with care: {'; '.join(_cares(plans))}"
    if verdict is Verdict.HARMLESS:
        again, reduced = [*_reruns(plans)], [*_reduced(sections)]
        if reduced:
            return "; ".join(["Nothing is interrupted", *again, f"takes something away from {_few(reduced)}"])
        return "; ".join(["Nothing is deleted or interrupted", *again]) if again else _NOTHING
    return "No changes"


def _stopping(plans: Iterable[Plan]) -> Iterable[str]:
    """The policies that are broken, and the protected resources that would go."""
    for plan in plans:
        yield from (violation.rule for violation in plan.violations or () if violation.mandatory)
        yield from (
            f"{step.resource.name} {'gets another address' if loses_address(step) else 'is protected'}"
            for step in plan.steps
            if _hits(step)
        )
        yield from (f"{step.resource.name} will be refused" for step in plan.steps if _refused(step))


_TOLD: Mapping[str, Callable[[Step], object]] = {
    "opens more than before at {}": _widened,
    "interrupts {}": _interrupts,
    "undoes what was changed outside the program at {}": lambda step: step.drift,
    "takes over {}": lambda step: step.imported,
    "changes the options of {}": lambda step: step.new_options,
    "nobody has judged the change of {}": _unjudged,
}
"""A headline's phrases and the steps that each is about, the worst first."""


def _cares(plans: Sequence[Plan]) -> Iterable[str]:
    """What needs care in a deployment, the worst first."""
    if any(plan.judge_changes for plan in plans):
        yield "changes what judges it"
    steps = sorted((step for plan in plans for step in plan.steps), key=lambda step: step.resource.custom)
    renamed = list(_renames(plans))
    if renamed:
        yield f"renames {few((told for told, _ in renamed), 2, '; ')}"
    quiet = {urn for _, urns in renamed for urn in urns}
    steps = [step for step in steps if step.urn not in quiet]
    old_copies = [step.resource.name for step in steps if step.old_copy]
    for word, op in (("deletes", Op.DELETE), ("replaces", Op.REPLACE), ("forgets", Op.FORGET)):
        if gone := [step.resource.name for step in steps if step.op is op and not (_runs_again(step) or step.old_copy)]:
            yield f"{word} {_few(gone)}"
    if old_copies:
        yield f"deletes the old copy of {_few(old_copies)}"
    for told, is_told in _TOLD.items():
        if names := [step.resource.name for step in steps if is_told(step)]:
            yield told.format(_few(names))
    if undecided := [path for plan in plans for path in plan.settings.undecided]:
        yield f"sets {_few(undecided)} anew"
    if any(plan.doubts for plan in plans):
        yield "not everything could be judged"
    yield from _reruns(plans)


def _renames(plans: Iterable[Plan]) -> Iterable[tuple[str, frozenset[str]]]:
    """The renames without an alias: what would keep each, and the steps that follow."""
    for plan in plans:
        components = component_renames(plan.steps)
        for component in components:
            told = f"{component.old.name} to {component.new.name} without {alias(component.old)}"
            yield told, _consequences([component])
        followed = {urn for component in components for urn in component.urns}
        names = renames(plan.steps)
        for step in plan.steps:
            if step.urn in names and step.urn not in followed and step.resource.custom:
                told = f"{step.resource.name} to {names[step.urn]} without {alias(step.resource)}"
                yield told, frozenset() if _is_urgent(step) else frozenset({step.urn})


def _reruns(plans: Iterable[Plan]) -> Iterable[str]:
    if again := [step.resource.name for plan in plans for step in plan.steps if _runs_again(step)]:
        yield f"runs {_few(again)} again"


def _summary(plan: Plan) -> Summary:
    counts = {op: sum(step.op is op for step in plan.steps) for op in Op}
    violations = plan.violations or ()
    return Summary(
        environment=plan.environment,
        origin=plan.origin.value,
        counts={op: count for op, count in counts.items() if count},
        policies=len({violation.rule for violation in violations if violation.mandatory}),
        protected=sum(_hits(step) for step in plan.steps),
        refused=sum(bool(_refused(step)) for step in plan.steps),
        advice=len({violation.rule for violation in violations if not violation.mandatory}),
        judged=plan.violations is not None,
        figures=capacity(plan.before, plan.after),
    )
