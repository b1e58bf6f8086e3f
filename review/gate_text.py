"""The gate's verdict for a person at a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from policies.judgement import RuleVerdict
from review.plan import Violation

_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "yellow"}


def write(
    console: Console,
    environment: str,
    verdicts: Sequence[RuleVerdict],
    broken: Sequence[Violation],
    notes: Sequence[str],
) -> None:
    """Print the notes, what is broken, why it matters and how to fix it; then a summary line."""
    for note in notes:
        console.print(f"[bold yellow]note[/] {escape(note)}", soft_wrap=True)
    for violation in broken:
        colour = _COLOURS[violation.severity]
        level = "mandatory" if violation.mandatory else "advisory"
        level += ", by the base's policies" if violation.by_base else ""
        console.print(
            f"[bold {colour}]{violation.rule}[/] ({violation.severity}, {level}): {escape(violation.message)}\n"
            f"  at   {escape(violation.urn.split('::')[-1] or 'the stack')}\n"
            f"  why  {escape(violation.protects_from)}\n"
            f"  fix  {escape(violation.fix)}\n"
            f"  see  {violation.link}",
            soft_wrap=True,
        )
    for sentence in (sentence for verdict in verdicts for sentence in verdict.undecided):
        console.print(escape(sentence), soft_wrap=True)
    undecided = sum(bool(verdict.undecided) for verdict in verdicts)
    later = f", {undecided} of them again at deployment, when all values are known" if undecided else ""
    stops = sum(violation.mandatory for violation in broken)
    result = f"{stops} mandatory violation(s) stop a deployment" if stops else "nothing stops a deployment"
    console.print(f"{environment}: {len(verdicts)} policies judged{later}; {result}", soft_wrap=True)
