"""What a PromQL expression can give, whatever is measured: alerts that can never be true, or always are.

Each expression's values lie within bounds (a rate is never below 0, `up` is 0 or 1, a count of nothing is nothing and
not 0); a comparison narrows them, and what is left empty never comes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
        """The values that both may have."""
        return Bounds(max(self.low, other.low), min(self.high, other.high))


class Never(Exception):
    """The expression gives nothing, for the reason in the message."""


_ANY, _POSITIVE, _BINARY = Bounds(), Bounds(0, _INF), Bounds(0, 1)
_ONE, _COUNT = Bounds(1, 1), Bounds(1, _INF)

_CALLS: Mapping[str, Bounds] = {
    **dict.fromkeys(("rate", "irate", "increase", "count_over_time", "changes", "resets", "abs", "sqrt"), _POSITIVE),
    **dict.fromkeys(("stddev_over_time", "stdvar_over_time", "time", "timestamp"), _POSITIVE),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), _ONE),
    "day_of_week": Bounds(0, 6),
    "hour": Bounds(0, 23),
    "minute": Bounds(0, 59),
}
_OF_THEIR_FIRST = (
    *("vector", "scalar", "sort", "sort_desc", "label_replace", "label_join"),
    *("avg_over_time", "min_over_time", "max_over_time", "last_over_time", "quantile_over_time"),
)
_AGGREGATES: Mapping[str, Bounds] = {
    "count": _COUNT,
    "count_values": _COUNT,
    "group": _ONE,
    "stddev": _POSITIVE,
    "stdvar": _POSITIVE,
}
_METRICS: Mapping[str, Bounds] = {"up": _BINARY, "ALERTS": _ONE}
"""Metrics that Prometheus makes itself."""

_SYMBOLS = {"gtr": ">", "lss": "<", "gte": ">=", "lte": "<=", "eqlc": "==", "neq": "!="}
_COMPARISONS = frozenset(_SYMBOLS.values())
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def never_true(expression: promql.Expr) -> str | None:
    """Why an alert of this expression can never fire, or always does; None where that can't be said."""
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


def bounds(expression: Any) -> Bounds:
    """The values that an expression may have. Raises Never where it gives nothing."""
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
    wanted: dict[str, str] = {}
    for matcher in selector.matchers.matchers:
        if str(matcher.op).endswith(".Equal") and wanted.setdefault(matcher.name, matcher.value) != matcher.value:
            raise Never(f"{matcher.name} can't be both {wanted[matcher.name]} and {matcher.value}")
    return _METRICS.get(str(selector.name), _ANY)


def _negated(expression: Any) -> Bounds:
    of = bounds(expression.expr)
    return Bounds(-of.high, -of.low)


def _of_call(call: Any) -> Bounds:
    name = call.func.name
    if name in ("absent", "absent_over_time"):
        return _ONE
    arguments = [bounds(argument) for argument in call.args]
    if name in _CLAMPS:
        value, bound = arguments[:2]
        return Bounds(_CLAMPS[name](value.low, bound.low), _CLAMPS[name](value.high, bound.high))
    if name == "sum_over_time":
        return _POSITIVE if arguments[0].low >= 0 else _ANY
    if name in _OF_THEIR_FIRST and arguments:
        return arguments[1 if name == "quantile_over_time" else 0]
    return _CALLS.get(name, _ANY)


_CLAMPS: Mapping[str, Callable[[float, float], float]] = {"clamp_max": min, "clamp_min": max}


def _of_aggregate(aggregate: Any) -> Bounds:
    inner, name = bounds(aggregate.expr), _operator(aggregate)
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
    if operator == "and":
        for what, allowed in _limits(left):
            for other, within in _limits(right):
                if what == other and allowed.within(within).empty:
                    raise Never(f"{left} and {right} contradict each other")
        return first
    if operator in _COMPARISONS:
        return _compared(expression, first, second)
    return _ARITHMETIC.get(operator, lambda _first, _second: _ANY)(first, second)


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
    """What may be compared so with something within these bounds; a hair inside of them for < and >."""
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
    kept = first.within(_allowed(operator, second))
    if operator == ">" and second.low == _INF:
        kept = Bounds(_INF, -_INF)
    if same or constant or kept.empty:
        raise Never(f"{left} {operator} {right} is false whatever is measured{_reason(left, first)}")
    if _gives_bool(expression):
        return _BINARY
    # Of a number and a vector the vector's values stay.
    if isinstance(_plain(left), promql.NumberLiteral):
        return second.within(_allowed(_FLIPPED[operator], first))
    return kept


def _reason(what: Any, of: Bounds) -> str:
    if of.low == of.high or of == _ANY:
        return ""
    told = [f"never below {of.low:g}"] * (of.low > -_INF) + [f"never above {of.high:g}"] * (of.high < _INF)
    return f": {what} is {' and '.join(told)}"


def _limits(expression: Any) -> Iterator[tuple[str, Bounds]]:
    """What an expression compares with a number, as text, and within which bounds that lies where it gives anything."""
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
    return _POSITIVE if first.low >= 0 and second.low >= 0 else _ANY


def _remainder(first: Bounds, second: Bounds) -> Bounds:
    if first.low < 0 or second.low <= 0 or second.high == _INF:
        return _ANY
    return Bounds(0, math.nextafter(second.high, -_INF))


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
