"""The time lapse changes durations and nothing else."""

import re
from typing import Any

import pytest
import yaml

from components.monitoring.rules import rule_files
from components.monitoring.settings import MonitoringSettings
from testing.time_lapse import SPEED, faster_expression, faster_rules

FILES = rule_files(MonitoringSettings())


def _without_durations(text: str) -> Any:
    document = yaml.safe_load(text)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"(\[|offset )\d+(ms|[smhd])", r"\1…", rule["expr"])
            rule["for"] = "for" in rule
    return document


@pytest.mark.parametrize("name", FILES)
def test_rules_are_the_declared_ones_but_for_durations(name: str) -> None:
    assert _without_durations(faster_rules(FILES[name])) == _without_durations(FILES[name])
    assert faster_rules(FILES[name]) != FILES[name]


def test_all_durations_shrink_by_the_same_factor() -> None:
    assert SPEED == 15
    assert faster_expression("rate(x[5m]) - (y offset 1h) > 300") == "rate(x[20000ms]) - (y offset 240000ms) > 300"


@pytest.mark.parametrize("name", FILES)
def test_no_duration_is_forgotten(name: str) -> None:
    assert (
        re.findall(
            r"[\[ ]\d+[smhd]\]?(?=\W)",
            "".join(r["expr"] for g in yaml.safe_load(faster_rules(FILES[name]))["groups"] for r in g["rules"]),
        )
        == []
    )
