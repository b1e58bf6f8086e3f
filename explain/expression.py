"""Evaluates Cloudflare's rules language, as far as the declared rules use it. Anything else is an error.

Cloudflare's own parser (`components.edge.expressions.refusal`) judges the syntax before anything is declared.

    expression  = and ("or" and)* ;  and = not ("and" not)* ;  not = "not" not | test
    test        = "(" expression ")" | "true" | "false" | "any(" operand operator value ")" | operand operator value
    operand     = field | field "[" string "]" "[*]" | field "[*]"
    operator    = eq ne lt le gt ge == != in contains wildcard "strict wildcard"

https://developers.cloudflare.com/ruleset-engine/rules-language/
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Scalar = str | int
Value = Scalar | Sequence[str] | Mapping[str, Sequence[str]]
Facts = Mapping[str, Value]
"""What is known of a request and its response, by field name."""

FIELDS = frozenset(
    {
        "http.host",
        "http.request.method",
        "http.request.uri.path",
        "http.request.uri.query",
        "http.request.headers.names",
        "http.cookie",
        "http.user_agent",
        "ip.src.country",
        "http.response.code",
        "http.response.headers",
        "http.response.headers.names",
        "http.response.content_type.media_type",
    }
)

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>\d+)|(?P<symbol>==|!=|\[\*\]|[()\[\]{}])|(?P<word>[a-z_][\w.]*))"""
)
_COMPARISONS: Mapping[str, Callable[[Scalar, Scalar], bool]] = {
    "eq": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "!=": lambda left, right: left != right,
    "lt": lambda left, right: int(left) < int(right),
    "le": lambda left, right: int(left) <= int(right),
    "gt": lambda left, right: int(left) > int(right),
    "ge": lambda left, right: int(left) >= int(right),
    "contains": lambda left, right: str(right) in str(left),
    "wildcard": lambda left, right: wildcard(str(right).lower()).fullmatch(str(left).lower()) is not None,
    "strict wildcard": lambda left, right: wildcard(str(right)).fullmatch(str(left)) is not None,
}


class ExpressionError(ValueError):
    """The expression isn't valid, or uses a part of the language that isn't supported here."""


@dataclass(frozen=True)
class Operand:
    """A field, a header in it, and whether all of its values are meant."""

    field: str
    key: str | None
    every: bool

    def values(self, facts: Facts) -> Sequence[Scalar]:
        """The field's values in the facts; none if the facts don't have it."""
        found = facts.get(self.field)
        if self.key is not None:
            return list(found.get(self.key, ())) if isinstance(found, Mapping) else []
        if self.every:
            return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []
        if found is None:
            return []
        if not isinstance(found, str | int):
            raise ExpressionError(f"{self.field} has many values: write {self.field}[*] inside any(…)")
        return [found]


@dataclass(frozen=True)
class Comparison:
    """Whether one of the operand's values compares to one of `wanted`; `in` is `eq` with several."""

    operand: Operand
    operator: str
    wanted: tuple[Scalar, ...]

    def __call__(self, facts: Facts) -> bool:
        compare = _COMPARISONS[self.operator]
        return any(compare(value, one) for value in self.operand.values(facts) for one in self.wanted)


@dataclass(frozen=True)
class Constant:
    """`true` or `false`."""

    value: bool

    def __call__(self, _: Facts) -> bool:
        return self.value


@dataclass(frozen=True)
class Negation:
    """The opposite."""

    test: "Test"

    def __call__(self, facts: Facts) -> bool:
        return not self.test(facts)


@dataclass(frozen=True)
class Conjunction:
    """All of them."""

    tests: tuple["Test", ...]

    def __call__(self, facts: Facts) -> bool:
        return all(test(facts) for test in self.tests)


@dataclass(frozen=True)
class Disjunction:
    """One of them at least."""

    tests: tuple["Test", ...]

    def __call__(self, facts: Facts) -> bool:
        return any(test(facts) for test in self.tests)


Test = Comparison | Constant | Negation | Conjunction | Disjunction


def parse(text: str) -> Test:
    """The expression, which is called with the facts. Raises `ExpressionError` with the place and what was expected."""
    parser = _Parser(text)
    test = parser.expression()
    parser.end()
    return test


def field_value(text: str) -> Callable[[Facts], str]:
    """An expression that returns a field's value, for header rewrites."""
    if text not in FIELDS:
        raise ExpressionError(f"{text!r}: only a field is understood as a value; known are {', '.join(sorted(FIELDS))}")
    return lambda facts: str(facts.get(text, ""))


def wildcard(pattern: str) -> re.Pattern[str]:
    """A pattern of the language as a regular expression: `*` is any text, a backslash escapes it."""
    parts = re.split(r"(\\\*|\\\\|\*)", pattern)
    meaning = {"*": ".*", r"\*": r"\*", "\\\\": r"\\"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise ExpressionError(f"character {place + 1}: {text[place : place + 20]!r} isn't understood")
            self._tokens.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            place = found.end()
        self._next = 0

    def expression(self) -> Test:
        tests = [self._and()]
        while self._take("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else Disjunction(tuple(tests))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._error("the end")

    def _and(self) -> Test:
        tests = [self._not()]
        while self._take("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else Conjunction(tuple(tests))

    def _not(self) -> Test:
        if self._take("not"):
            return Negation(self._not())
        return self._test()

    def _test(self) -> Test:
        if self._take("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._take("true"):
            return Constant(True)
        if self._take("false"):
            return Constant(False)
        if self._take("any"):
            self._expect("(")
            inner = self._comparison(many=True)
            self._expect(")")
            return inner
        return self._comparison(many=False)

    def _comparison(self, *, many: bool) -> Test:
        operand = self._operand()
        if operand.every != many:
            raise ExpressionError(f"{operand.field}: [*] belongs inside any(…), and only there")
        return Comparison(operand, *self._operator())

    def _operand(self) -> Operand:
        field = self._kind("word", "a field")
        if field not in FIELDS:
            raise ExpressionError(f"the field {field!r} isn't understood; known are {', '.join(sorted(FIELDS))}")
        key = None
        if self._take("["):
            key = self._string()
            self._expect("]")
        return Operand(field, key, every=self._take("[*]"))

    def _operator(self) -> tuple[str, tuple[Scalar, ...]]:
        if self._take("in"):
            self._expect("{")
            members: list[Scalar] = []
            while not self._take("}"):
                members.append(self._literal())
            return "eq", tuple(members)
        name = self._advance("an operator")[1]
        if name == "strict":
            self._expect("wildcard")
            name = "strict wildcard"
        if name not in _COMPARISONS:
            self._next -= 1
            raise self._error(f"an operator ({', '.join(_COMPARISONS)}, in)")
        return name, (self._literal(),)

    def _literal(self) -> Scalar:
        kind, text, _ = self._advance("a value")
        if kind == "number":
            return int(text)
        if kind == "string":
            return _unquoted(text)
        self._next -= 1
        raise self._error("a string or a number")

    def _string(self) -> str:
        return _unquoted(self._kind("string", "a string"))

    def _kind(self, kind: str, name: str) -> str:
        found, text, _ = self._advance(name)
        if found != kind:
            self._next -= 1
            raise self._error(name)
        return text

    def _advance(self, expected: str) -> tuple[str, str, int]:
        if self._next >= len(self._tokens):
            raise self._error(expected)
        self._next += 1
        return self._tokens[self._next - 1]

    def _take(self, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next][1] == text:
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(repr(text))

    def _error(self, expected: str) -> ExpressionError:
        if self._next < len(self._tokens):
            _, text, place = self._tokens[self._next]
            return ExpressionError(f"character {place + 1}: {expected} expected, not {text!r}")
        return ExpressionError(f"{expected} expected at the end of {self._text!r}")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
