"""Merges equal items: of several environments, of several resources, of one rule."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from review.masking import shown_text
from review.plan import Plan, Violation
from review.report_data import Entry, Item, Place
from stack.listing import few
from stack.resource import STACK_TYPE

_MOST_NAMES = 10
_MOST_KINDS = 2
_MOST_SENTENCES = 12
STACK = "the whole stack"


def merged(found: Iterable[tuple[str, Item]]) -> tuple[Entry, ...]:
    """The items of all environments, urgent ones first. Equal ones are merged, as are resources to which the same
    happens.
    """
    environments: dict[Item, list[str]] = {}
    for environment, item in found:
        environments.setdefault(item, []).append(environment)
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item, names in environments.items():
        groups.setdefault(_cause(item, names), []).append(item)
    entries = [
        Entry(_together(items), tuple(filter(None, dict.fromkeys(environments[items[0]])))) for items in groups.values()
    ]
    return tuple(sorted(entries, key=lambda entry: not entry.item.urgent))


def _cause(item: Item, environments: Sequence[str]) -> tuple[object, ...]:
    """The key by which resources are merged; an item that is no resource stays alone."""
    if not item.kind:
        return (item,)
    kind = "" if item.changes else item.kind
    return (item.mark, item.sentences, item.changes, item.urgent, item.link, item.causes, kind, *environments)


def _together(items: Sequence[Item]) -> Item:
    kinds = dict.fromkeys(item.kind for item in items)
    sources = {item.source for item in items}
    return dataclasses.replace(
        items[0],
        kind=", ".join(kinds) if len(kinds) <= _MOST_KINDS else f"({len(items):,} resources of {len(kinds)} types)",
        also=tuple(item.subject for item in items[1:]),
        source=items[0].source if len(sources) == 1 else "",
    )


def violations(plans: Iterable[Plan]) -> tuple[Entry, ...]:
    """One entry for each rule that is broken, with all places where it is."""
    found: dict[tuple[str, bool, bool], dict[tuple[str, str], list[tuple[str, Violation]]]] = {}
    sources: dict[str, str] = {}
    for plan in plans:
        sources |= {resource.urn: resource.source for resource in (*plan.before, *plan.after)}
        for one in plan.violations or ():
            places = found.setdefault((one.rule, one.mandatory, one.by_base), {})
            name = STACK if not one.urn or f"::{STACK_TYPE}::" in one.urn else one.urn.split("::")[-1]
            places.setdefault((shown_text(one.message), name), []).append((plan.environment, one))
    return tuple(_violation(places, sources) for places in found.values())


def _violation(places: Mapping[tuple[str, str], Sequence[tuple[str, Violation]]], sources: Mapping[str, str]) -> Entry:
    environments = tuple(dict.fromkeys(name for found in places.values() for name, _ in found))
    rule = next(iter(places.values()))[0][1]
    told = tuple(
        Place(
            resource=name,
            message=message,
            environments=tuple(environment for environment, _ in found),
            source=sources.get(found[0][1].urn, ""),
        )
        for (message, name), found in places.items()
    )
    sentences = [*_sentences(told, environments)]
    if rule.by_base:
        sentences.append("Only the base's policies find it: what changes the policies lands first, on its own")
    if rule.protects_from:
        sentences.append(f"Why: {rule.protects_from}")
    if rule.fix:
        sentences.append(f"Fix: {rule.fix}")
    level = "mandatory" if rule.mandatory else "advisory"
    judge = "by the base's policies" if rule.by_base else ""
    lines = {place.source for place in told}
    item = Item(
        subject=rule.rule,
        kind=", ".join(part for part in (rule.severity, level, judge) if part),
        mark="✗" if rule.mandatory else "!",
        sentences=tuple(sentences),
        link=rule.link,
        source=told[0].source if len(lines) == 1 else "",
        places=told,
        urgent=rule.mandatory,
    )
    return Entry(item, environments)


def _sentences(places: Sequence[Place], environments: tuple[str, ...]) -> Iterable[str]:
    """The resources of one message and the same environments together."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for place in places:
        together.setdefault((place.message, place.environments), []).append(place.resource)
    shown = [*together.items()][:_MOST_SENTENCES]
    for (message, where), names in shown:
        only = "" if where == environments else f" (only {', '.join(where)})"
        yield f"{few(names, _MOST_NAMES)}{only}: {message}"
    if len(together) > _MOST_SENTENCES:
        yield f"and {len(together) - _MOST_SENTENCES:,} more findings"
