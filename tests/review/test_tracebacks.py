"""A program that fails is one error, which says what was raised and where."""

import pytest

from review.tracebacks import without_tracebacks
from stack.environments import ROOT

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/usr/lib/python3.11/runpy.py", line 86, in _run_code',
    "    exec(code, run_globals)",
    f'  File "{ROOT}/components/redis/nodes.py", line 42, in nodes',
    "    raise ValueError(text)",
    "          ^^^^^^^^^^^^^^^^",
    '  File "/x/site-packages/pulumi/output.py", line 9, in apply',
    "ValueError: quorum is 9",
]
TOLD = "ValueError: quorum is 9 (components/redis/nodes.py:42)"
CHAINED = [
    *TRACEBACK,
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in b',
    "KeyError: 'x'",
]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (TRACEBACK, [TOLD]),
        (["error: first", *TRACEBACK, "error: last"], ["error: first", TOLD, "error: last"]),
        (
            ["error: Program failed with an unhandled exception:", *(f"    {line}" for line in TRACEBACK)],
            [f"error: Program failed with an unhandled exception: {TOLD}"],
        ),
        (CHAINED, [f"KeyError: 'x' (a.py:1); after {TOLD}"]),
        (TRACEBACK[:3], ["a traceback that was cut short"]),
        ([*TRACEBACK, *TRACEBACK], [f"{TOLD}; after {TOLD}"]),
    ],
)
def test_a_traceback_is_one_error(lines: list[str], told: list[str]) -> None:
    assert [*without_tracebacks(lines)] == told
    assert [text for part in without_tracebacks(["\n".join(lines)]) for text in part.split("\n")] == told


def test_other_messages_stay_as_they_are() -> None:
    messages = ["error: one", "two\nlines", "  indented"]
    assert [*without_tracebacks(messages)] == messages
