"""A mistake in policies/<environment>.json is told in one sentence."""

import json
from pathlib import Path

import pytest

from policies import settings_file
from policies.catalogue import RULES
from policies.rule import Level
from policies.settings_file import PolicySettingsError, read


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings_file, "DIRECTORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be an object"),
        ('{"redis-password": "mandatory"}', "'redis-password'"),
        ('{"redis-backup": "strict"}', "mandatory, advisory, remediate, disabled"),
        ('{"postgres-backups": {"weeks": 1}}', "it has: days"),
        ('{"postgres-backups": {"days": "7"}}', "must be of the same type as 7"),
    ],
)
def test_a_mistake_names_what_is_wrong(directory: Path, content: str, message: str) -> None:
    (directory / "prod.json").write_text(content)
    with pytest.raises(PolicySettingsError, match=r"prod\.json") as told:
        read("prod", RULES)
    assert message in str(told.value)


def test_an_environment_without_a_file_is_refused(directory: Path) -> None:
    with pytest.raises(PolicySettingsError, match=r"prod\.json is missing"):
        read("prod", RULES)


def test_what_is_not_listed_has_its_own_level(directory: Path) -> None:
    (directory / "prod.json").write_text(json.dumps({"redis-backup": "advisory"}))
    strictness = read("prod", RULES)
    assert strictness["redis-backup"].level is Level.ADVISORY
    assert all(strictness[rule.id].level is rule.level for rule in RULES if rule.id != "redis-backup")
