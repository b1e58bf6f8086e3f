"""What a change opens, what will be refused, and what nobody has judged is told, within the policies or not."""

import dataclasses
from collections.abc import Mapping

import pytest
from breaking import CHANGES, Break, Editable

from review.compare import compare
from review.markdown import markdown, prose
from review.report import Report, build
from stack.render import Rendered

PROVIDERS = {"kubernetes": {"enableConfigMapMutable": True, "enableSecretMutable": True}}


def _reviewed(before: Rendered, breaks: Break) -> Report:
    """The change reviewed as if no policy minded it."""
    edited = Editable.of(before)
    before = dataclasses.replace(before, resources=Editable.of(before).stack().resources)
    breaks(edited)
    after = dataclasses.replace(before, resources=edited.stack().resources)
    return build([dataclasses.replace(compare(before, after, PROVIDERS), violations=())])


@pytest.mark.parametrize(("verdict", "told", "breaks"), [pytest.param(*one[1:], id=one[0]) for one in CHANGES])
def test_a_change_is_told_for_what_it_is(
    verdict: str, told: str, breaks: Break, rendered: Mapping[str, Rendered]
) -> None:
    report = _reviewed(rendered["prod"], breaks)
    assert (report.verdict, prose(told) in markdown(report)) == (verdict, True), markdown(report)
