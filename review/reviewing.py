"""A whole review: compares, judges and writes the report."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies import judgement, suppressions
from policies.catalogue import RULES
from policies.settings_file import path_of, read
from review import checkouts, engine_preview, gate, settings
from review.compare import compare, default_providers
from review.html import html
from review.judges import Judge, added, weaker
from review.machine_readable import junit, sarif
from review.markdown import fenced, markdown
from review.parity import differences
from review.plan import Op, Origin, Plan, Step, Violation
from review.report import build
from review.report_data import Report, Verdict
from review.report_file import as_json
from review.setting_lines import is_a_setting_s, line_of
from stack.environments import deployed_environments, environments
from stack.listing import few

EXIT = {
    Verdict.BROKEN: gate.Exit.BROKEN,
    Verdict.STOPPED: gate.Exit.VIOLATED,
    Verdict.CAREFUL: gate.Exit.FINE,
    Verdict.HARMLESS: gate.Exit.FINE,
    Verdict.NO_CHANGES: gate.Exit.FINE,
}
"""A review's exit code, the same as the gate's."""

Configs = Mapping[str, Mapping[str, Any]]
"""Settings by environment."""

"""The most changed files of a judge that are named."""


@dataclass(frozen=True, kw_only=True)
class Gated:
    """An environment's judgement by both judges, or why there is none."""

    environment: str
    verdicts: Sequence[judgement.RuleVerdict] = ()
    violations: Sequence[Violation] = ()
    notes: Sequence[str] = ()
    errors: Sequence[str] = ()

    @property
    def exit(self) -> gate.Exit:
        """The gate's exit code."""
        if self.errors:
            return gate.Exit.BROKEN
        return gate.Exit.VIOLATED if any(one.mandatory for one in self.violations) else gate.Exit.FINE


def gated(names: Sequence[str], base: str) -> Sequence[Gated]:
    """These environments judged by the files' policies, and by those of `base`. Raises CheckoutError and
    PolicySettingsError.
    """
    commit = checkouts.commit_of(base) if base else ""
    text = checkouts.finish(checkouts.here(*names), "the program can't be rendered")
    after = checkouts.parse(text)
    verdicts, judged = by_both(after, text, commit)
    unused = tuple(gate.unused(verdicts))
    found = [Gated(environment=name, errors=(error,)) for name, error in after.errors.items()]
    for name, own_verdicts in verdicts.items():
        own = gate.judge_of(name, own_verdicts)
        changes, violations, doubts = with_base(own, judged.get(name))
        accepted = (sentence for _, sentence in gate.suppressed(own_verdicts))
        notes = (*changes, *doubts, *accepted, *unused)
        one = Gated(
            environment=name, verdicts=own_verdicts, violations=violations, notes=notes, errors=own.crashes
        )  # fmt: skip
        found.append(one)
        unused = ()  # said once
    return sorted(found, key=lambda one: names.index(one.environment))


def of_commits(base: str) -> Report:
    """The files as they are against a commit, for all environments. Raises CheckoutError and PolicySettingsError."""
    commit = checkouts.commit_of(base)
    running = checkouts.here()
    try:
        packages = checkouts.packages_of(commit)
        before = checkouts.at(commit, packages.directory)
    except BaseException:
        running.kill()
        running.wait()
        raise
    text = checkouts.finish(running, "the program can't be rendered")
    after = checkouts.parse(text)
    verdicts, judged = by_both(after, text, commit)
    deployed = deployed_environments()
    not_deployed = {*environments()} - {*deployed}
    names = sorted({*before.environments, *after.environments}, key=lambda name: (name in not_deployed, name))
    unused = tuple(gate.unused(verdicts))
    plans = [
        dataclasses.replace(
            _judged(_plan(name, before, after, packages.doubts), verdicts.get(name), judged.get(name), unused),
            deployed=name not in not_deployed,
            region=str(after.configs.get(name, {}).get("aws:region", "")) if name in deployed else "",
        )
        for name in names
    ]
    if all(map(is_a_setting_s, checkouts.program_since(commit))):
        plans = _attributed(plans, before.configs, after.configs)
    return build(plans, differences(after.rendered, deployed))


def _attributed(plans: Sequence[Plan], before: Configs, after: Configs) -> Sequence[Plan]:
    """The plans of a change of settings alone with which of them changes what."""
    several = {
        plan.environment: {"base": before[plan.environment], "head": after[plan.environment]}
        for plan in plans
        if len(plan.settings.changes) > 1 and any(step.op is not Op.SAME for step in plan.steps)
    }
    found = checkouts.attributed(several) if several else {}
    told: list[Plan] = []
    for plan in plans:
        paths = {urn: tuple(names) for urn, names in found.get(plan.environment, {}).items()}
        lines = {path: line_of(plan.environment, path) for names in paths.values() for path in names}
        changed = dataclasses.replace(
            plan.settings, alone=True, by_resource=paths, lines={**plan.settings.lines, **lines}
        )
        told.append(dataclasses.replace(plan, settings=changed))
    return told


@dataclass(frozen=True)
class BaseJudgement:
    """The base's judgement of an environment, if there is one, and the judge's changed files."""

    judge: Judge | str
    code: tuple[str, ...]


def by_both(
    after: checkouts.Snapshot, text: str, base: str
) -> tuple[Mapping[str, Sequence[judgement.RuleVerdict]], Mapping[str, "BaseJudgement"]]:
    """By environment the verdicts of these files' policies and, where a base is given and judges otherwise, its
    judgement; `text` is the snapshot as it was printed.
    """
    with ThreadPoolExecutor(1) as beside:
        of_base = beside.submit(judged_by_base, base, text) if base else None
        verdicts = {name: gate.verdicts(name, stack) for name, stack in after.rendered.items()}
        return verdicts, of_base.result() if of_base else {}


def judged_by_base(commit: str, rendered: str) -> Mapping[str, BaseJudgement]:
    """A commit's policies' judgement of these renders by environment; empty if that commit has the same policies."""
    code = checkouts.judging_code_since(commit)
    if not code:
        return {}
    return {name: BaseJudgement(judge, code) for name, judge in checkouts.judged_by(commit, rendered).items()}


def _plan(environment: str, before: checkouts.Snapshot, after: checkouts.Snapshot, doubts: tuple[str, ...]) -> Plan:
    if environment in after.errors:
        return Plan(environment=environment, origin=Origin.RENDERS, errors=(after.errors[environment],))
    base, head = before.rendered.get(environment), after.rendered.get(environment)
    if head is None:
        gone = f"Pulumi.{environment}.yaml is gone: nobody declares, reviews or watches this environment any more"
        return dataclasses.replace(compare(base, None), environment=environment, doubts=(gone, *doubts))
    if environment in before.errors:
        alone = f"the base doesn't render, so only this side is judged: {before.errors[environment]}"
        kept = tuple(Step(op=Op.SAME, urn=resource.urn, old=None, new=resource) for resource in head.resources)
        plan = Plan(environment=environment, origin=Origin.RENDERS, steps=kept, exports_after=None, doubts=(alone,))
    else:
        plan = compare(base, head, default_providers(after.configs[environment]))
        if base is not None and environment in before.configs:
            changed = settings.compare(before.configs[environment], after.configs[environment])
            lines = {change.path: line_of(environment, change.path) for change in changed.changes}
            plan = dataclasses.replace(plan, settings=dataclasses.replace(changed, lines=lines))
        elif base is not None:
            plan = dataclasses.replace(plan, doubts=("the base doesn't tell its settings, so they aren't compared",))
    return dataclasses.replace(plan, doubts=(*plan.doubts, *doubts))


def _judged(
    plan: Plan, verdicts: Sequence[judgement.RuleVerdict] | None, base: BaseJudgement | None, unused: Sequence[str]
) -> Plan:
    """The plan with both judges' findings."""
    if verdicts is None:
        return plan
    own = gate.judge_of(plan.environment, verdicts)
    changes, found, doubts = with_base(own, base)
    return dataclasses.replace(
        plan,
        violations=found,
        errors=(*plan.errors, *own.crashes),
        doubts=(*plan.doubts, *(gate.undecided(verdicts) if plan.changed else ()), *doubts),
        judge_changes=changes,
        accepted=(*(sentence for _, sentence in gate.suppressed(verdicts)), *unused),
    )


def with_base(own: Judge, base: BaseJudgement | None) -> tuple[tuple[str, ...], tuple[Violation, ...], tuple[str, ...]]:
    """How its judge changes, both judges' findings, and what the base's can't judge."""
    if base is None:
        return (), own.violations, ()
    code = (f"the code and the settings of what judges: {few(base.code, 8)}",)
    if isinstance(base.judge, str):
        return (*code, f"the base's policies can't judge it: {base.judge}"), own.violations, ()
    doubts = tuple(f"the base's policies: {crash}" for crash in base.judge.crashes if crash not in own.crashes)
    return (*weaker(base.judge, own), *code), (*added(base.judge, own.violations), *own.violations), doubts


def of_preview(preview: Path, event_log: Path | None) -> Report:
    """The engine's own preview. Raises PreviewError."""
    plan = engine_preview.read(preview, event_log)
    if plan.violations is not None:
        notes = [violation for violation in plan.violations if violation.rule == suppressions.POLICY]
        plan = dataclasses.replace(
            plan,
            violations=tuple(_explained(one, plan.environment) for one in plan.violations if one not in notes),
            accepted=tuple(note.message.removeprefix(suppressions.DESCRIPTION).strip() for note in notes),
        )
    return build([plan])


def _explained(violation: Violation, environment: str) -> Violation:
    """A violation from the engine, with its rule's texts."""
    rule = next((rule for rule in RULES if rule.id == violation.rule), None)
    if rule is None:
        return violation
    given = read(environment, RULES) if path_of(environment).exists() else None
    return dataclasses.replace(
        violation,
        message=violation.message.removeprefix(rule.description).strip(),
        protects_from=rule.protects,
        fix=rule.fix_with(given[rule.id].parameters if given else rule.parameters),
        link=rule.link,
        severity=rule.severity.value,
    )


def write(report: Report, directory: Path) -> Mapping[str, Path]:
    """Write review.md (the comment), review.html (the full report) and the files for programs into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        "review.md": markdown(report),
        "review.html": html(report),
        "review.json": as_json(report),
        "review.sarif": sarif(report),
        "review.junit.xml": junit(report),
    }
    written: dict[str, Path] = {}
    for name, content in contents.items():
        written[name] = directory / name
        written[name].write_text(content, errors="replace")
    return written


def drift_page(environment: str, report: Report, policies: str) -> str:
    """The page on an environment that isn't what the program declares; `policies` is the analyzer's output."""
    differs = report.verdict is not Verdict.NO_CHANGES
    if report.verdict is not Verdict.BROKEN:
        found = f"{environment} {'differs from' if differs else 'is'} what the program declares"
        if policies:
            found += f"{', and' if differs else ', but'} what is deployed breaks policies"
        verdict = Verdict.STOPPED if policies else Verdict.CAREFUL
        report = dataclasses.replace(report, headline=found, verdict=verdict)
    page = markdown(report)
    if policies:
        page += f"\n### Policies that the deployed stack breaks\n\n{fenced(policies)}\n"
    return page
