"""Criteria, measurements and verdicts, the same in every report."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

CriterionVerdict = Literal["pass", "fail", "not measured", "by test", "in production"]
_RELATIONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True)
class Measurement:
    """A measured number and how it was measured."""

    value: float
    method: str


@dataclass(frozen=True)
class Criterion:
    """`asks` in words; met when the figure of that name is `relation` `target` (in `unit`).

    One without a figure is proved by a test, or can only be measured in production: then `production` says with which
    metric and alert. Only a measured figure can pass or fail.
    """

    asks: str
    figure: str = ""
    relation: Literal["<", ">", "<=", ">=", "=="] = "<"
    target: float = 0.0
    unit: str = ""
    _: KW_ONLY
    where: str = ""
    proof: str = ""
    production: str = ""

    def met(self, value: float) -> bool:
        """Whether a measured value meets the criterion."""
        return _RELATIONS[self.relation](value, self.target)


@dataclass(frozen=True)
class Judged:
    """A criterion with its verdict; `earlier` is the figure of a run to compare with."""

    criterion: Criterion
    verdict: CriterionVerdict
    method: str
    value: float | None = None
    earlier: float | None = None

    @property
    def measured(self) -> str:
        """The figure in its unit."""
        unit, value = self.criterion.unit, self.value
        if value is None:
            return "-"
        match unit:
            case "ratio":
                return f"{value:.1%}"
            case "seconds":
                return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e3:.2g} ms"
            case "times":
                return f"{value:.2f}"
            case _:
                return f"{value:,.0f} {unit}".strip()

    @property
    def change(self) -> str:
        """The change since the run to compare with."""
        if self.value is None or self.earlier is None:
            return ""
        change = self.value - self.earlier
        match self.criterion.unit:
            case "ratio":
                return f"{change * 100:+.1f} points"
            case "seconds":
                return f"{change * 1e3:+.3g} ms"
            case "times":
                return f"{change:+.2f}"
            case _:
                return f"{change:+,.0f}"


def judge(
    criteria: Iterable[Criterion], figures: Mapping[str, Measurement], earlier: Mapping[str, float] | None = None
) -> list[Judged]:
    """Each criterion by its figure. `earlier`: figures of a run to compare with."""
    return [_judge(criterion, figures, earlier or {}) for criterion in criteria]


def _judge(criterion: Criterion, figures: Mapping[str, Measurement], earlier: Mapping[str, float]) -> Judged:
    also = f"; in production: {criterion.production}" if criterion.production else ""
    if criterion.figure:
        figure = figures.get(criterion.figure)
        if figure is None and criterion.production:
            return Judged(criterion, "in production", f"not measured in this run; {criterion.production}")
        if figure is None:
            return Judged(criterion, "not measured", "there was no such figure in this run")
        verdict: CriterionVerdict = "pass" if criterion.met(figure.value) else "fail"
        return Judged(criterion, verdict, figure.method + also, figure.value, earlier.get(criterion.figure))
    if criterion.proof:
        return Judged(criterion, "by test", criterion.proof + also)
    return Judged(criterion, "in production", criterion.production)


def failures(judged: Iterable[Judged]) -> list[Judged]:
    """The criteria that were measured and aren't met, or should have been measured and weren't."""
    return [each for each in judged if each.verdict in ("fail", "not measured")]


def tally(judged: Sequence[Judged]) -> str:
    """How many of each verdict, in words."""
    counted = {verdict: sum(each.verdict == verdict for each in judged) for verdict in get_args(CriterionVerdict)}
    return ", ".join(f"{count} {verdict}" for verdict, count in counted.items() if count)
