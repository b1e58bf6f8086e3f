"""The values that a PromQL expression can return, whatever is measured: finds alerts that are never true, or always.

Each expression's values lie within bounds (a rate is never below 0, `up` is 0 or 1, a count of nothing is nothing and
not 0). A comparison narrows them: an expression whose bounds are empty never returns anything. One whose bounds nothing
narrows always does.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser as promql

_INF = math.inf


@dataclass(frozen=True)
class Bounds:
    """The values that an expression may have, both ends included; none where `low` is above `high`."""

    low: float = -_INF
    high: float = _INF

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return self.low > self.high

    def within(self, other: "Bounds") -> "Bounds":
        """The values within both bounds."""
        return Bounds(max(self.low, other.low), min(self.high, other.high))


class Never(Exception):
    """The expression returns nothing, for the reason in the message."""


_ANY, _POSITIVE, _BINARY = Bounds(), Bounds(0, _INF), Bounds(0, 1)
_ONE, _COUNT = Bounds(1, 1), Bounds(1, _INF)

_SHARE, _SINE = Bounds(0, 1), Bounds(-1, 1)
_NOW = Bounds(1.7e9, _INF)
"""Seconds since 1970, as nothing here was measured before 2023."""

_CALLS: Mapping[str, Bounds] = {
    **dict.fromkeys(("rate", "irate", "increase", "changes", "resets", "abs", "sqrt", "exp"), _POSITIVE),
    **dict.fromkeys(("stddev_over_time", "stdvar_over_time", "histogram_count", "histogram_stddev"), _POSITIVE),
    **dict.fromkeys(("mad_over_time", "histogram_stdvar"), _POSITIVE),
    **dict.fromkeys(("time", "timestamp"), _NOW),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), _ONE),
    **dict.fromkeys(("sgn", "sin", "cos", "tanh"), _SINE),
    "count_over_time": _COUNT,
    "histogram_fraction": _SHARE,
    "day_of_month": Bounds(1, 31),
    "day_of_week": Bounds(0, 6),
    "day_of_year": Bounds(1, 366),
    "days_in_month": Bounds(28, 31),
    "hour": Bounds(0, 23),
    "minute": Bounds(0, 59),
    "month": Bounds(1, 12),
    "year": Bounds(2023, _INF),
}
_OF_THEIR_FIRST = (
    *("vector", "scalar", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "label_replace", "label_join"),
    *("avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time"),
)
_QUANTILES = ("histogram_quantile", "quantile_over_time")
_AGGREGATES: Mapping[str, Bounds] = {
    "count": _COUNT,
    "count_values": _COUNT,
    "group": _ONE,
    "stddev": _POSITIVE,
    "stdvar": _POSITIVE,
}
_SOME = ("topk", "bottomk", "limitk", "limit_ratio")
"""Aggregations that return as many elements as their parameter says."""
_METRICS: Mapping[str, Bounds] = {"up": _BINARY, "ALERTS": _ONE}
"""Metrics that Prometheus makes itself."""

_SYMBOLS = {"gtr": ">", "lss": "<", "gte": ">=", "lte": "<=", "eqlc": "==", "neq": "!="}
_COMPARISONS = frozenset(_SYMBOLS.values())
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def never_true(expression: promql.Expr) -> str | None:
    """Why an alert on this expression never fires, or always does; None if neither is certain."""
    plain = _plain(expression)
    if isinstance(plain, promql.MatrixSelector | promql.SubqueryExpr):
        return f"{plain} is a range of values, not one"
    if isinstance(plain, promql.StringLiteral):
        return f"{plain} is a text"
    if isinstance(plain, promql.BinaryExpr) and _operator(plain) in _COMPARISONS and _gives_bool(plain):
        return f"{plain} is 0 or 1 and so always there: without `bool` it is there where it is true"
    try:
        bounds(expression)
    except Never as reason:
        return str(reason)
    return None


def always_true(expression: Any) -> bool:
    """Whether an expression returns something wherever its metrics exist, so that an alert on it always fires."""
    plain = _plain(expression)
    if isinstance(plain, promql.Call):
        if plain.func.name in ("absent", "absent_over_time"):
            return _is_never(plain.args[0])
        return all(map(always_true, plain.args))
    if isinstance(plain, promql.BinaryExpr):
        left, right, operator = plain.lhs, plain.rhs, _operator(plain)
        if operator == "or":
            return always_true(left) or always_true(right)
        if operator == "unless":
            return always_true(left) and _is_never(right)
        both = always_true(left) and always_true(right)
        return both and (operator not in _COMPARISONS or _gives_bool(plain) or _is_met(plain))
    below = getattr(plain, "expr", None)
    return below is None or always_true(below)


def _is_never(expression: Any) -> bool:
    try:
        bounds(expression)
    except Never:
        return True
    return False


def _is_met(comparison: Any) -> bool:
    """Whether a comparison holds whatever is measured."""
    operator, left, right = _operator(comparison), comparison.lhs, comparison.rhs
    if str(_plain(left)) == str(_plain(right)):
        return operator in ("==", ">=", "<=")
    first, second = bounds(left), bounds(right)
    if operator == "!=":
        return first.within(second).empty
    if operator == "==":
        return first == second and first.low == first.high
    low, high = (first, second) if operator in ("<", "<=") else (second, first)
    return low.high < high.low or (low.high == high.low and operator in ("<=", ">="))


def longest_offset(expression: Any) -> timedelta:
    """How far back an expression looks for its newest value; below 0 where it looks ahead."""
    plain = _plain(expression)
    own = getattr(plain, "offset", None) or timedelta(0)
    return own + max(map(longest_offset, _parts(plain)), key=abs, default=timedelta(0))


def is_of_one_moment(expression: Any) -> bool:
    """Whether a part of it is evaluated at a fixed time (`@`), and so never changes."""
    plain = _plain(expression)
    at = getattr(plain, "at", None)
    if at is not None and re.search(r"@ [\d.]", str(plain)):
        return True
    return any(map(is_of_one_moment, _parts(plain)))


def metrics_in(expression: Any) -> Iterator[str]:
    """The names of the metrics in an expression."""
    plain = _plain(expression)
    if isinstance(plain, promql.VectorSelector):
        names = (matcher.value for matcher in plain.matchers.matchers if matcher.name == "__name__")
        yield plain.name or next(names, "")
    for part in _parts(plain):
        yield from metrics_in(part)


def _parts(plain: Any) -> list[Any]:
    """The expressions that one is made of."""
    below = [getattr(plain, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    return [*filter(None, below), *getattr(plain, "args", ())]


def bounds(expression: Any) -> Bounds:
    """The bounds of an expression's values. Raises Never if it returns nothing."""
    plain = _plain(expression)
    return next((of(plain) for kind, of in _KINDS.items() if isinstance(plain, kind)), _ANY)


def _plain(expression: Any) -> Any:
    while isinstance(expression, promql.ParenExpr):
        expression = expression.expr
    return expression


def _operator(expression: Any) -> str:
    name = str(expression.op).rpartition(".")[2].lower()
    return _SYMBOLS.get(name, name)


def _gives_bool(expression: Any) -> bool:
    return bool(expression.modifier and expression.modifier.return_bool)


def _of_selector(selector: Any) -> Bounds:
    matchers = selector.matchers.matchers
    wanted = {matcher.name: matcher.value for matcher in matchers if str(matcher.op).endswith(".Equal")}
    for matcher in matchers:
        value = wanted.get(matcher.name)
        if value is not None and not _accepts(matcher, value):
            raise Never(f"{matcher.name} can't be {value} in {selector}")
    return _METRICS.get(str(selector.name or wanted.get("__name__")), _ANY)


def _accepts(matcher: Any, value: str) -> bool:
    kind = str(matcher.op).rpartition(".")[2]
    if kind in ("Re", "NotRe"):
        return bool(re.fullmatch(matcher.value, value)) is (kind == "Re")
    return (matcher.value == value) is (kind == "Equal")


def _negated(expression: Any) -> Bounds:
    of = bounds(expression.expr)
    return Bounds(-of.high, -of.low)


def _of_call(call: Any) -> Bounds:
    name = call.func.name
    if name in ("absent", "absent_over_time"):
        inner = call.args[0]
        if not any(metrics_in(inner)) and not _is_never(inner):
            raise Never(f"{inner} is always there")
        return _ONE
    arguments = [bounds(argument) for argument in call.args]
    if name in _QUANTILES:
        _check_quantile(call, arguments[0])
    if name in _BY_ARGUMENTS:
        return _BY_ARGUMENTS[name](*arguments)
    if name in _OF_THEIR_FIRST and arguments:
        return arguments[0]
    return _CALLS.get(name, _ANY)


def _clamped(value: Bounds, least: Bounds, most: Bounds) -> Bounds:
    return Bounds(min(max(value.low, least.low), most.high), max(min(value.high, most.high), least.low))


def _rounded(by: Callable[[float], float]) -> Callable[[Bounds], Bounds]:
    return lambda value: Bounds(*(by(end) if math.isfinite(end) else end for end in (value.low, value.high)))


_BY_ARGUMENTS: Mapping[str, Callable[..., Bounds]] = {
    "clamp": _clamped,
    "clamp_max": lambda value, most: Bounds(min(value.low, most.low), min(value.high, most.high)),
    "clamp_min": lambda value, least: Bounds(max(value.low, least.low), max(value.high, least.high)),
    "ceil": _rounded(math.ceil),
    "floor": _rounded(math.floor),
    "sum_over_time": lambda value: _POSITIVE if value.low >= 0 else _ANY,
    "quantile_over_time": lambda _, value: value,
    # Of times and sizes: no bucket here counts what is below 0.
    "histogram_quantile": lambda _, __: _POSITIVE,
}
_KEEP_LABELS = {*_CALLS, *_OF_THEIR_FIRST, *_BY_ARGUMENTS, "round", "delta", "deriv", "predict_linear"} - {
    *("vector", "scalar", "absent", "absent_over_time", "label_replace", "label_join", "time", "histogram_quantile")
}


def _check_quantile(expression: Any, quantile: Bounds) -> None:
    if quantile.low > 1 or quantile.high < 0:
        raise Never(f"{expression} asks for a quantile that isn't between 0 and 1, which is infinite")


def _of_aggregate(aggregate: Any) -> Bounds:
    inner, name = bounds(aggregate.expr), _operator(aggregate)
    if name == "quantile":
        _check_quantile(aggregate, bounds(aggregate.param))
    if name in _SOME and bounds(aggregate.param).high <= 0:
        raise Never(f"{aggregate} gives none of them")
    if name in _AGGREGATES:
        return _AGGREGATES[name]
    if name == "sum":
        return _POSITIVE if inner.low >= 0 else _ANY
    return inner


def _of_both(expression: Any) -> Bounds:
    operator = _operator(expression)
    left, right = expression.lhs, expression.rhs
    if operator == "or":
        return _of_either(left, right)
    if operator == "unless":
        if str(_plain(left)) == str(_plain(right)):
            raise Never(f"{left} unless itself")
        return bounds(left)
    first, second = bounds(left), bounds(right)
    _check_labels(expression)
    if operator == "and":
        for what, allowed in _limits(left):
            for other, within in _limits(right):
                if what == other and allowed.within(within).empty:
                    raise Never(f"{left} and {right} contradict each other")
        return first
    if operator in _COMPARISONS:
        return _compared(expression, first, second)
    if str(_plain(left)) == str(_plain(right)) and operator in _OF_ITSELF:
        return _OF_ITSELF[operator]
    return _ARITHMETIC.get(operator, lambda _first, _second: _ANY)(first, second)


_OF_ITSELF: Mapping[str, Bounds] = {"-": Bounds(0, 0), "/": _ONE, "%": Bounds(0, 0)}


@dataclass(frozen=True)
class _Labels:
    """What is known of an expression's labels: the values of some, and which names there may be (None: any)."""

    fixed: Mapping[str, str]
    only: frozenset[str] | None = None


def _labels(expression: Any) -> _Labels | None:
    """The labels of an expression's elements; None where nothing is known, or it is a number."""
    plain = _plain(expression)
    found: _Labels | None = None
    if isinstance(plain, promql.VectorSelector):
        matchers = (matcher for matcher in plain.matchers.matchers if str(matcher.op).endswith(".Equal"))
        found = _Labels({one.name: one.value for one in matchers if one.name != "__name__"})
    elif isinstance(plain, promql.AggregateExpr):
        found = _labels_of_aggregate(plain)
    elif isinstance(plain, promql.MatrixSelector | promql.SubqueryExpr | promql.UnaryExpr):
        found = _labels(plain.vector_selector if isinstance(plain, promql.MatrixSelector) else plain.expr)
    elif isinstance(plain, promql.Call) and plain.func.name in _KEEP_LABELS:
        found = next(filter(None, map(_labels, plain.args)), None)
    elif isinstance(plain, promql.BinaryExpr) and (
        _operator(plain) in ("and", "unless") or isinstance(_plain(plain.rhs), promql.NumberLiteral)
    ):
        found = _labels(plain.lhs)
    return found


def _labels_of_aggregate(aggregate: Any) -> _Labels | None:
    if _operator(aggregate) in (*_SOME, "count_values"):
        return None
    inner, modifier = _labels(aggregate.expr), aggregate.modifier
    by = modifier is None or str(modifier.type).endswith("By")
    named = frozenset(modifier.labels if modifier else ())
    fixed = inner.fixed if inner else {}
    return _Labels({name: value for name, value in fixed.items() if (name in named) is by}, named if by else None)


def _check_labels(expression: Any) -> None:
    """Raises Never if no element of one side can have the labels of an element of the other."""
    sides = [_labels(side) for side in (expression.lhs, expression.rhs)]
    first, second = sides
    if first is None or second is None:
        return
    matching = expression.modifier and expression.modifier.matching
    named = frozenset(matching.labels) if matching else frozenset[str]()
    on = bool(matching) and str(matching.type).endswith("Include")
    for one, other in ((first, second), (second, first)):
        for name, value in one.fixed.items():
            if (name in named) is not on or not value:
                continue
            there = other.fixed.get(name)
            if (there is not None and there != value) or (other.only is not None and name not in other.only):
                raise Never(f"{expression.lhs} and {expression.rhs} never have the same {name}")


def _of_either(left: Any, right: Any) -> Bounds:
    found: list[Bounds] = []
    reasons: list[str] = []
    for side in (left, right):
        try:
            found.append(bounds(side))
        except Never as reason:
            reasons.append(str(reason))
    if not found:
        raise Never(", and ".join(reasons))
    return Bounds(min(one.low for one in found), max(one.high for one in found))


def _allowed(operator: str, by: Bounds) -> Bounds:
    """The values that meet this comparison with a value within these bounds; slightly inside them for < and >."""
    return {
        ">": Bounds(math.nextafter(by.low, _INF), _INF if by.low < _INF else -_INF),
        ">=": Bounds(by.low, _INF),
        "<": Bounds(-_INF if by.high > -_INF else _INF, math.nextafter(by.high, -_INF)),
        "<=": Bounds(-_INF, by.high),
        "==": by,
        "!=": _ANY,
    }[operator]


def _compared(expression: Any, first: Bounds, second: Bounds) -> Bounds:
    operator, left, right = _operator(expression), expression.lhs, expression.rhs
    same = str(_plain(left)) == str(_plain(right)) and operator in ("<", ">", "!=")
    constant = operator == "!=" and first == second and first.low == first.high
    if operator != "!=" and any(math.isnan(side.low) for side in (first, second)):
        raise Never(f"{left} {operator} {right} is false, as nothing is like NaN")
    kept = first.within(_allowed(operator, second))
    if operator == ">" and second.low == _INF:
        kept = Bounds(_INF, -_INF)
    if same or constant or kept.empty:
        raise Never(f"{left} {operator} {right} is false whatever is measured{_reason(left, first)}")
    if _gives_bool(expression):
        return _BINARY
    # A comparison of a number and a vector returns the vector's values.
    if isinstance(_plain(left), promql.NumberLiteral):
        return second.within(_allowed(_FLIPPED[operator], first))
    return kept


def _reason(what: Any, of: Bounds) -> str:
    if of.low == of.high or of == _ANY:
        return ""
    told = [f"never below {of.low:g}"] * (of.low > -_INF) + [f"never above {of.high:g}"] * (of.high < _INF)
    return f": {what} is {' and '.join(told)}"


def _limits(expression: Any) -> Iterator[tuple[str, Bounds]]:
    """The parts that an expression compares with a number, as text, and their bounds where it returns anything."""
    plain = _plain(expression)
    if not isinstance(plain, promql.BinaryExpr):
        return
    operator, left, right = _operator(plain), _plain(plain.lhs), _plain(plain.rhs)
    if operator == "and":
        yield from (*_limits(left), *_limits(right))
    if operator not in _COMPARISONS or _gives_bool(plain):
        return
    first, second = bounds(left), bounds(right)
    if second.low == second.high:
        yield str(left), _allowed(operator, second)
        yield from _limits(left)
    elif first.low == first.high:
        yield str(right), _allowed(_FLIPPED[operator], first)
        yield from _limits(right)


def _ends(first: Bounds, second: Bounds, of: Callable[[float, float], float]) -> Bounds:
    ends = [of(one, other) for one in (first.low, first.high) for other in (second.low, second.high)]
    return _ANY if any(map(math.isnan, ends)) else Bounds(min(ends), max(ends))


def _divided(first: Bounds, second: Bounds) -> Bounds:
    if second.low > 0 or second.high < 0:
        return _ends(first, second, lambda one, other: one / other)
    return _POSITIVE if first.low >= 0 and second.low >= 0 else _ANY


def _remainder(first: Bounds, second: Bounds) -> Bounds:
    most = max(abs(second.low), abs(second.high))
    if most == _INF:
        return _ANY
    below = math.nextafter(most, -_INF)
    return Bounds(0 if first.low >= 0 else -below, 0 if first.high <= 0 else below)


def _power(first: Bounds, second: Bounds) -> Bounds:
    if first.low >= 0 and second.low == second.high > 0:
        return _ends(first, second, pow)
    even = second.low == second.high and second.low % 2 == 0
    return _POSITIVE if even or first.low >= 0 else _ANY


def _times(first: Bounds, second: Bounds) -> Bounds:
    if first == second == _POSITIVE:
        return _POSITIVE
    return _ends(first, second, lambda one, other: 0.0 if 0 in (one, other) else one * other)


_ARITHMETIC: Mapping[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": lambda first, second: Bounds(first.low + second.low, first.high + second.high),
    "-": lambda first, second: Bounds(first.low - second.high, first.high - second.low),
    "*": _times,
    "/": _divided,
    "%": _remainder,
    "^": _power,
}


_KINDS: Mapping[type, Callable[[Any], Bounds]] = {
    promql.NumberLiteral: lambda number: Bounds(number.val, number.val),
    promql.UnaryExpr: _negated,
    promql.VectorSelector: _of_selector,
    promql.MatrixSelector: lambda range_: _of_selector(range_.vector_selector),
    promql.SubqueryExpr: lambda query: bounds(query.expr),
    promql.Call: _of_call,
    promql.AggregateExpr: _of_aggregate,
    promql.BinaryExpr: _of_both,
}
