"""A finding is accepted on one resource, by somebody, until a date, and nothing else is."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from breaking import Editable
from typer.testing import CliRunner

from policies import pack, suppressions
from policies.catalogue import RULES
from policies.judgement import RuleVerdict, judge
from policies.settings_file import PolicySettingsError, read
from review import checkouts, gate
from review.__main__ import app
from stack.render import Rendered
from stack.resource import Stack
from testing.snapshots import rendering

ENTRY = {
    "rule": "s3-block-complete",
    "resource": "redis-backups-private",
    "reason": "the auditors read it until the move",
    "owner": "shop-platform",
    "expires": "2026-12-31",
}
BEFORE, AFTER = datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)
URN = "urn:pulumi:prod::simone::x$aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::redis-backups-private"


def _file(tmp_path: Path, *entries: Mapping[str, str]) -> Path:
    path = tmp_path / "suppressions.yaml"
    path.write_text("# accepted\n" + json.dumps(list(entries), indent=1))
    return path


def _opened(rendered: Mapping[str, Rendered]) -> Editable:
    stack = Editable.of(rendered["prod"])
    stack["redis-backups-private"]["blockPublicPolicy"] = False
    return stack


def _judged(stack: Editable, path: Path, day: datetime.date = BEFORE) -> RuleVerdict:
    found = judge(stack.stack(), RULES, read("prod", RULES), suppressions.read(RULES, path), day)
    return next(verdict for verdict in found if verdict.rule.id == ENTRY["rule"])


@pytest.mark.parametrize("resource", ["redis-backups-private", "redis-*-private", "the URN"])
def test_an_accepted_finding_does_not_count(resource: str, rendered: Mapping[str, Rendered], tmp_path: Path) -> None:
    stack = _opened(rendered)
    named = stack.facts["redis-backups-private"].urn if resource == "the URN" else resource
    verdict = _judged(stack, _file(tmp_path, {**ENTRY, "resource": named}))
    assert (verdict.findings, len(verdict.suppressed)) == ((), 1)


@pytest.mark.parametrize(
    "other", [{"resource": "redis-backups"}, {"resource": URN.replace("prod", "dev")}, {"rule": "s3-encrypted"}]
)
def test_it_is_about_one_rule_and_resource(
    other: dict[str, str], rendered: Mapping[str, Rendered], tmp_path: Path
) -> None:
    known = {rule.id for rule in RULES}
    entry = {**ENTRY, **other}
    if entry["rule"] not in known:
        entry["rule"] = next(rule for rule in sorted(known) if rule.startswith("s3-") and rule != ENTRY["rule"])
    verdict = _judged(_opened(rendered), _file(tmp_path, entry))
    assert (len(verdict.findings), verdict.suppressed) == (1, ())


def test_after_its_last_day_the_finding_counts_again_and_says_why(
    rendered: Mapping[str, Rendered], tmp_path: Path
) -> None:
    (finding,) = _judged(_opened(rendered), _file(tmp_path, ENTRY), AFTER).findings
    assert finding.message.endswith(
        "; its suppression ended on 2026-12-31 (policies/suppressions.yaml:3, shop-platform)"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- rule: [", ":1 is not valid YAML"),
        ("a: b", ":1: the file must be a list of entries"),
        ("\n- s3-block-complete", ":2: an entry must have the keys"),
        ("- {rule: s3-block-complete,\n   why: no}", ":2: an entry has no key 'why'"),
        ("- rule: s3-block-complete\n  rule: s3-block-complete", ":2: rule stands twice"),
        ("- rule: s3-block-complete\n  owner: [a]", ":2: owner must be a text"),
        ("- rule: s3-block-complete\n  reason:", ":2: reason must be a text"),
        ("- rule: s3-block-complete\n  resource: redis-backups", ":1: the entry lacks reason, owner, expires"),
    ],
)
def test_what_is_malformed_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "suppressions.yaml"
    path.write_text(text)
    with pytest.raises(PolicySettingsError, match=f"^policies/suppressions.yaml{told}"):
        suppressions.read(RULES, path)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("rule", "no-such-rule", "there is no rule 'no-such-rule'"),
        ("resource", "*", "'\\*', which is about everything"),
        ("resource", "*-*", "which is about everything"),
        ("resource", "urn:pulumi:prod::simone::*::x", "a URN must be whole"),
        ("expires", "next year", "must be a date"),
        ("expires", "2026-02-30", "must be a date"),
    ],
)
def test_a_value_that_is_not_allowed_is_told(key: str, value: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(PolicySettingsError, match=told):
        suppressions.read(RULES, _file(tmp_path, {**ENTRY, key: value}))


def test_the_file_of_this_repository_can_be_read() -> None:
    suppressions.read(RULES)


def test_the_gate_names_what_is_accepted_and_what_accepts_nothing(
    rendered: Mapping[str, Rendered], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {**ENTRY, "expires": str(suppressions.today())}
    path = _file(
        tmp_path, later, {**later, "rule": "s3-public-access-blocked"}, {**later, "resource": "no-such-bucket"}
    )
    monkeypatch.setattr(suppressions.read, "__defaults__", (path,))
    monkeypatch.setattr(checkouts, "here", lambda *_: rendering(_opened(rendered).stack(), "prod", tmp_path))
    result = CliRunner().invoke(app, ["gate", "prod"])
    assert result.exit_code == gate.Exit.FINE, result.output
    assert "s3-block-complete on redis-backups-private is suppressed until" in result.output
    assert "the suppression of s3-block-complete on no-such-bucket accepts nothing in prod; remove it" in result.output


def test_a_malformed_file_ends_the_gate_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions.read, "__defaults__", (_file(tmp_path, {**ENTRY, "rule": "none"}),))
    monkeypatch.setattr(checkouts, "here", lambda *_: rendering(Stack(()), "prod", tmp_path))
    result = CliRunner().invoke(app, ["gate", "prod"])
    assert result.exit_code == gate.Exit.BROKEN
    assert "policies/suppressions.yaml:4: there is no rule 'none'" in result.output


def test_the_pack_reports_no_accepted_finding(rendered: Mapping[str, Rendered], tmp_path: Path) -> None:
    said: list[str] = []
    rule = next(rule for rule in RULES if rule.id == ENTRY["rule"])
    accepted = suppressions.read(RULES, _file(tmp_path, {**ENTRY, "expires": str(suppressions.today())}))
    stack = _opened(rendered).stack()
    for entries in (accepted, ()):
        accepting = pack.Accepting(entries)
        pack.tell(rule, lambda: rule.check(stack, rule.parameters), lambda text, _=None: said.append(text), accepting)
    assert said == ["blockPublicPolicy is off"]
