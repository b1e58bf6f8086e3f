"""Removes values from SQL: customers' names and purchases don't belong in a report."""

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$)      # $$text$$, $tag$text$tag$
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))                      # E'text'
    | (?P<string>(?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|\Z))           # 'text', also one cut off
    | (?P<identifier>"(?:[^"]|"")*"|[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)
    | (?P<parameter>\$\d+)
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_NAME: Final = re.compile(r"\A\s*/\*\s*(?P<name>[a-z][\w.-]{0,60})\s*\*/")


def hide_literals(sql: str) -> str:
    """The statement with `?` for every string, number and parameter; comments go, but for a leading statement name."""
    name = statement_name(sql)
    hidden = " ".join(_TOKEN.sub(_replacement, sql).split())
    # A list of values has any length: (?, ?, ?) and (?) are the same statement.
    hidden = re.sub(r"\(\s*\?(?:\s*,\s*\?)+\s*\)", "(?)", hidden)
    # pg_stat_statements counts these as constants too, and the field of extract().
    hidden = re.sub(r"(?i)(?<!is )(?<!not )\b(?:NULL|TRUE|FALSE)\b", "?", hidden)
    hidden = re.sub(r"(?i)\b(extract\s*\()\s*\w+\s+(FROM\b)", r"\1? \2", hidden)
    return f"/* {name} */ {hidden}" if name else hidden


def statement_name(sql: str) -> str | None:
    """The name that the shop's statements carry in a leading comment."""
    match = _NAME.match(sql)
    return match["name"] if match else None


def _replacement(match: re.Match[str]) -> str:
    if match["identifier"] is not None:
        return match[0]
    return " " if match["comment"] is not None else "?"
