"""The real engine's output is read as it is meant: recorded previews, and each shape that one of them may have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from review import engine_preview
from review.__main__ import app
from review.html import html
from review.markdown import markdown
from review.plan import Op, Plan, Step
from review.report import Part, Report, Verdict, build
from review.reviewing import as_json

RECORDED = Path(__file__).resolve().parent / "recorded"
PREFIX = "urn:pulumi:prod::shop::"
ROOT_URN = f"{PREFIX}pulumi:pulumi:Stack::shop-prod"
DATABASE = "aws:rds/instance:Instance"


def _step(op: str, type_: str = DATABASE, name: str = "db", **more: Any) -> dict[str, Any]:
    """A step whose states have what is given in `old` and `new`: inputs, or more of a state beside `inputs`."""
    urn = f"{PREFIX}{type_}::{name}"
    states = {
        state: {"urn": urn, "type": type_, "custom": True, "inputs": {"identifier": name}, **more.pop(key)}
        for key, state in (("old", "oldState"), ("new", "newState"))
        if key in more
    }
    return {"op": op, "urn": urn, **states, **more}


def _root(**outputs: Any) -> dict[str, Any]:
    state = {"urn": ROOT_URN, "custom": False, "type": "pulumi:pulumi:Stack"}
    return {"op": "same", "urn": ROOT_URN, "oldState": {**state, "outputs": outputs}, "newState": state}


def _text(*steps: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"steps": [_root(), *steps], **more})


def _plan(*steps: Mapping[str, Any], events: Any = None, **more: Any) -> Plan:
    return engine_preview.parse(_text(*steps, **more), events=events)


def _only(plan: Plan) -> Step:
    (step,) = plan.steps
    return step


def _report(plan: Plan) -> tuple[Report, str]:
    report = build([plan])
    return report, markdown(report)


def _ended(tmp_path: Path, text: str, events: str | None = None) -> tuple[int, str]:
    preview, log = tmp_path / "preview.json", tmp_path / "events.json"
    preview.write_text(text)
    arguments = ["review", "--from", str(preview), "--out", str(tmp_path / "out")]
    if events is not None:
        log.write_text(events)
        arguments += ["--events", str(log)]
    result = CliRunner().invoke(app, arguments)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.mark.parametrize("name", ["aws_cascading_deps.json", "aws_tags_and_sets.json", "command_with_triggers.json"])
def test_what_a_program_changes_is_no_drift(name: str) -> None:
    plan = engine_preview.read(RECORDED / name)
    assert [step.drift for step in plan.steps] == [()] * len(plan.steps)
    assert plan.doubts == ()
    assert plan.exports_after is None
    assert "changed outside the program" not in markdown(build([plan]))


def test_providers_notes_for_themselves_are_not_shown() -> None:
    assert "__" not in markdown(build([engine_preview.read(RECORDED / "aws_tags_and_sets.json")]))


def test_a_stream_of_events_is_read() -> None:
    plan = engine_preview.read(RECORDED / "ndjson_update.ndjson")
    assert (plan.environment, _only(plan).op) == ("dev", Op.UPDATE)
    assert plan.violations is None
    assert "`tags.Environment`: `production` → `dev`" in markdown(build([plan]))


def test_a_stream_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    lines = (RECORDED / "ndjson_update.ndjson").read_text().splitlines()[:2]
    code, output = _ended(tmp_path, "\n".join(lines))
    assert (code, "it was cut short" in output) == (2, True)


def test_equal_inputs_that_differ_from_the_cloud_are_drift() -> None:
    same = {"inputs": {"identifier": "db", "multiAz": True}}
    changed = _step("update", old=same, new=same, detailedDiff={"multiAz": {"kind": "update", "inputDiff": False}})
    report, text = _report(_plan(changed))
    assert _only(_plan(changed)).drift == ("multiAz",)
    assert "changed outside the program: multiAz" in text
    assert (report.verdict, "undoes what was changed outside" in report.headline) == (Verdict.CAREFUL, True)


def test_what_a_refresh_finds_is_drift_and_one_step() -> None:
    was, found = ({"inputs": {"identifier": "db", "multiAz": value}} for value in (True, False))
    plan = _plan(_step("update", old=was, new=found), _step("update", old=found, new=was))
    assert (_only(plan).op, _only(plan).drift) == (Op.UPDATE, ("multiAz",))
    gone = _plan(_step("delete", old=was), _step("create", new=was))
    assert _only(gone).op is Op.CREATE
    assert "gone from the cloud" in _report(gone)[1]


def test_an_unchanged_stack_has_no_changes_and_loses_no_outputs() -> None:
    bucket = _step("same", "aws:s3/bucket:Bucket", "b", old={}, new={})
    plan = engine_preview.parse(json.dumps({"steps": [_root(api_url="https://api.example.test"), bucket]}))
    report, _ = _report(plan)
    assert (report.verdict, Part.OUTPUTS in report.sections) == (Verdict.NO_CHANGES, False)


def test_outputs_come_from_the_event_log() -> None:
    new = {"type": "pulumi:pulumi:Stack", "outputs": {"url": "https://new.example.test"}}
    events = [{"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", "urn": ROOT_URN, "new": new}}}]
    text = json.dumps({"steps": [_root(url="https://old.example.test", gone="x")]})
    shown = _report(engine_preview.parse(text, events=events))[1]
    assert "`https://old.example.test` → `https://new.example.test`" in shown
    assert "`gone`: `x` → nothing" in shown


@pytest.mark.parametrize(
    ("text", "looks_like"),
    [
        ("{}", ""),
        ("null", ""),
        ("[1]", ""),
        ('{"steps": null}', ""),
        ('{"steps": ["x"]}', ""),
        ('{"version": 3, "deployment": {"resources": []}}', "an export of a stack's state"),
        ('{"manifest": {}, "resourcePlans": {}}', "a saved plan"),
        ('{"result": "failed", "summary": {"delete": 3}}', "the result of another command"),
        ('{"code": 404, "message": "not found"}', "an error's message"),
        ((RECORDED / "engine_events_update.json").read_text(), "an event log from Pulumi Cloud"),
    ],
)
def test_what_is_no_preview_is_refused(text: str, looks_like: str, tmp_path: Path) -> None:
    code, output = _ended(tmp_path, text)
    assert code == 2
    assert "is JSON, but no preview: it has no list of steps" in output
    assert looks_like in output


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": []}',
        '{"steps": [], "changeSummary": {}, "duration": 1}',
        '{"diagnostics": [{"severity": "warning", "message": "x"}]}',
        '{"sequence": 0, "preludeEvent": {}}\n{"summaryEvent": {}}',
    ],
)
def test_a_preview_without_a_step_or_an_error_is_refused(text: str, tmp_path: Path) -> None:
    code, output = _ended(tmp_path, text)
    assert (code, "lists no step" in output) == (2, True)


@pytest.mark.parametrize("severity", ["error", "info#err"])
def test_a_program_that_fails_at_once_is_broken(severity: str) -> None:
    diagnostics = [{"urn": ROOT_URN, "severity": severity, "message": "<{%reset%}>error: no such setting: tll"}]
    plan = engine_preview.parse(json.dumps({"diagnostics": diagnostics}))
    assert (plan.environment, plan.errors) == ("prod", ("error: no such setting: tll",))
    assert _report(plan)[0].verdict is Verdict.BROKEN


@pytest.mark.parametrize(
    ("more", "doubt"),
    [
        ({"maybeCorrupt": True}, "its state may be corrupt"),
        ({"changeSummary": {"same": 9, "delete": 3}}, "counts 3 resources to delete but lists 0"),
    ],
)
def test_a_preview_that_disagrees_with_itself_is_doubted(more: dict[str, Any], doubt: str) -> None:
    report, text = _report(_plan(**more))
    assert report.verdict is Verdict.CAREFUL
    assert doubt in text


REFUSALS = {
    "listed": [_step("delete", old={"protect": True})],
    "not listed": [],
}


@pytest.mark.parametrize("steps", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize(
    "message",
    [
        "error: resource {urn} cannot be deleted\nbecause it is protected. To unprotect the resource, either …",
        "unable to replace resource {urn}\nas it is currently marked for protection. To unprotect …",
        "unable to replace resource {urn} as part of replacing {urn} as it is currently marked for protection. …",
    ],
)
def test_the_refusal_of_a_protected_resource_stops_and_breaks_nothing(
    message: str, steps: list[Any], tmp_path: Path
) -> None:
    told = [message.replace("{urn}", f'"{PREFIX}{DATABASE}::db"'), "error: preview failed\n"]
    diagnostics = [{"message": text, "severity": "error"} for text in told]
    code, output = _ended(tmp_path, _text(*steps, diagnostics=diagnostics))
    assert (code, output.split(":")[0]) == (1, "Must not be deployed")
    assert "(db is protected)" in output


def test_what_is_retained_is_not_lost() -> None:
    report, text = _report(_plan(_step("delete", old={"retainOnDelete": True})))
    assert "leaves the state and stays in the cloud with its data" in text
    assert "IT HOLDS DATA" not in text
    assert (report.verdict, report.headline) == (Verdict.CAREFUL, "Deploy with care: forgets db")


def test_the_old_copy_of_a_replacement_is_no_loss() -> None:
    report, text = _report(_plan(_step("delete", old={"delete": True}), _step("same", old={}, new={})))
    assert "the old copy that an interrupted replacement has left" in text
    assert "IT HOLDS DATA" not in text
    assert report.headline == "Deploy with care: deletes the old copy of db"


@pytest.mark.parametrize(
    ("type_", "inputs", "order"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "b-1f2", "__defaults": ["bucket"]}, "created first"),
        ("aws:s3/bucket:Bucket", {"bucket": "b"}, "deleted first"),
        (
            "kubernetes:core/v1:ConfigMap",
            {"metadata": {"name": "c-1f2", "annotations": {"pulumi.com/autonamed": "true"}}},
            "created first",
        ),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "c"}}, "deleted first"),
    ],
)
def test_a_made_up_name_lets_the_new_one_come_first(type_: str, inputs: dict[str, Any], order: str) -> None:
    state = {"inputs": inputs}
    assert order in _report(_plan(_step("replace", type_, "x", old=state, new=state, replaceReasons=["x"])))[1]


@pytest.mark.parametrize("type_", ["custom:Network", "awsx:x:ec2:Vpc", "aws:apigateway:x:API", "Odd"])
def test_types_have_any_number_of_parts(type_: str) -> None:
    assert f"`v` {' '.join(type_.split(':'))}" in _report(_plan(_step("create", type_, "v", new={})))[1]


def test_states_without_urn_and_type_are_those_of_their_step() -> None:
    step = {
        "op": "update",
        "urn": f"{PREFIX}{DATABASE}::db",
        "oldState": {"inputs": {"a": 1}},
        "newState": {"inputs": {"a": 2}},
    }
    resource = _only(_plan(step)).resource
    assert (resource.name, resource.type) == ("db", DATABASE)


def _updated(old: dict[str, Any], new: dict[str, Any], op: str = "update") -> dict[str, Any]:
    return _step(op, old={"inputs": {"identifier": "db", **old}}, new={"inputs": {"identifier": "db", **new}})


IMPORTED = _step("import", new={})
OTHER, ENCRYPTED = ({"a": 1}, {"a": 2}), ({"storageEncrypted": False}, {"storageEncrypted": True})


@pytest.mark.parametrize(
    ("steps", "headline", "told"),
    [
        ([IMPORTED], "takes over db", "exists already and comes under the program's management"),
        (
            [IMPORTED, _updated({"multiAz": True}, {"multiAz": False})],
            "interrupts db; takes over db",
            "in the next maintenance window: multiAz",
        ),
        ([IMPORTED, _updated(*ENCRYPTED, "replace")], "replaces db; takes over db", "IT HOLDS DATA"),
        (
            [_updated(*OTHER, "import-replacement"), _updated(*OTHER, "replace")],
            "replaces db",
            "the new one is created first",
        ),
        ([_updated(*OTHER, "replace"), _updated({"a": 3}, {"a": 2})], "replaces db", "`a`: `1` → `2`"),
        ([_updated(*OTHER, "create-replacement")], "replaces db", "the new one is created first"),
        ([_step("delete-replaced", old={})], "replaces db", "IT HOLDS DATA"),
        (
            [_step("read", old={"id": "x"}, new={"id": "x", "external": True})],
            "forgets db",
            "the program manages it no more",
        ),
        (
            [_step("replace", old={"pendingReplacement": True}, new={})],
            "replaces db",
            "a deployment that was interrupted has deleted it",
        ),
        ([_step("same", old={"protect": True}, new={})], "changes the options of db", "its protection is taken off"),
        (
            [_step("same", old={"retainOnDelete": True}, new={})],
            "changes the options of db",
            "its option retainOnDelete changes",
        ),
    ],
)
def test_what_the_engine_does_is_told_for_what_it_is(steps: list[Any], headline: str, told: str) -> None:
    report, text = _report(_plan(*steps))
    assert (report.headline, told in text) == (f"Deploy with care: {headline}", True), text
    assert "changed outside the program" not in text


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (_step("same", old={}, new={"protect": True}), "from now on it is protected"),
        (_step("read", new={"id": "x", "external": True}), "looked up in the cloud from now on"),
        (
            _step("read", old={"id": "x", "external": True}, new={"id": "y", "external": True}),
            "another one is looked up: x → y",
        ),
    ],
)
def test_what_changes_nothing_in_the_cloud_is_told_all_the_same(step: dict[str, Any], told: str) -> None:
    report, text = _report(_plan(step))
    assert (report.verdict, told in text) == (Verdict.HARMLESS, True), text


def test_each_old_copy_is_told_and_counted() -> None:
    copies = [_step("delete", old={"delete": True, "id": name}) for name in ("1", "2")]
    report, text = _report(_plan(*copies, _step("same", old={}, new={})))
    assert report.headline == "Deploy with care: deletes the old copy of db"
    assert "| **prod** | · | · | · | 2 |" in text


def test_an_event_log_that_was_cut_short_is_doubted() -> None:
    report, text = _report(_plan(events=[{"policyLoadEvent": {}}]))
    assert (report.verdict, "the event log was cut short" in text) == (Verdict.CAREFUL, True)


OPERATIONS = ("create", "update", "replace", "delete", "same", "read", "import", "import-replacement", "refresh")
RARE_OPERATIONS = ("diff", "extend-parameterize", "remove-pending-replace", "discard")


@pytest.mark.parametrize("op", OPERATIONS + RARE_OPERATIONS)
def test_each_operation_of_the_engine_is_known(op: str) -> None:
    assert _plan(_step(op, old={}, new={})).steps


JUDGED = '{"policyEvent": {"policyName": "x", "enforcementLevel": "mandatory", "message": "<{%reset%}>no<{%reset%}>"}}'


@pytest.mark.parametrize(
    ("log", "stopped_by"),
    [
        ("", "not judged"),
        (
            '{"sequence":0,"preludeEvent":{"config":{}}}\n{"summaryEvent":{"resourceChanges":{}}}',
            "not judged",
        ),
        ('{"summaryEvent":{"isPreview":true,"PolicyPacks":{"simone":"1.0.0"}}}', "nothing"),
        ('{"policyAnalyzeStackSummaryEvent":{"policyPackName":"simone"}}\n{"summaryEvent":{}}', "nothing"),
        ('{"policyLoadEvent":{}}', "not judged"),
        (JUDGED, "1 policy"),
        (f"[{JUDGED}]", "1 policy"),
        (f'{{"events": [{JUDGED}], "continuationToken": null}}', "1 policy"),
    ],
)
def test_only_an_asked_policy_has_judged(log: str, stopped_by: str, tmp_path: Path) -> None:
    code, _ = _ended(tmp_path, _text(), log)
    assert code == (1 if "1" in stopped_by else 0)
    page = (tmp_path / "out" / "review.md").read_text()
    assert f"| **{stopped_by}** |" in page or f"| {stopped_by} |" in page
    assert "<{%" not in page


@pytest.mark.parametrize(
    "log", ["null", "[null]", "[1]", '{"events": null}', "{}", "x\ny", '{"summaryEvent": {"isPreview": false}}']
)
def test_what_is_no_event_log_of_a_preview_is_refused(log: str, tmp_path: Path) -> None:
    code, output = _ended(tmp_path, _text(), log)
    assert (code, "is not an event log of the engine" in output) == (2, True)


SECRET = "[secret]"


@pytest.mark.parametrize(
    ("inputs", "path"),
    [({"value": SECRET}, "value"), ({"stringData": {"key": SECRET}}, "stringData.key"), ({"data": SECRET}, "data")],
)
def test_a_rotated_secret_is_a_change(inputs: dict[str, Any], path: str) -> None:
    state = {"inputs": inputs}
    diff = {path: {"kind": "update", "inputDiff": False}}
    step = _only(_plan(_step("update", "kubernetes:core/v1:Secret", "s", old=state, new=state, detailedDiff=diff)))
    assert (step.hidden_changes, step.drift) == ((path,), ())
    assert (
        f"`{path}`: `[secret]` → `[secret]`"
        in _report(_plan(_step("update", old=state, new=state, diffReasons=[path])))[1]
    )


CANARY = "canary-1f2e3d4c"
ENVIRONMENT = {"spec": {"containers": [{"name": "a", "env": [{"name": "X", "value": CANARY}]}]}}
MOVED = {"spec": {"containers": [{"name": "b"}, {"name": "a", "env": [{"name": "X", "value": SECRET}]}]}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"value": CANARY}, {"value": SECRET}),
        ({"value": SECRET}, {"value": CANARY}),
        ({"value": [CANARY]}, {"value": [SECRET]}),
        ({"value": {"deep": CANARY}}, {"value": SECRET}),
        (ENVIRONMENT, MOVED),
        (MOVED, ENVIRONMENT),
        ({"clientSecret": CANARY}, {"clientSecret": f"{CANARY}2"}),
        ({"env": [{"name": "DB_PASS", "value": CANARY}]}, {"env": [{"name": "DB_PASS", "value": "x"}]}),
        ({"url": f"postgres://app:{CANARY}@db/shop"}, {"url": "x"}),
        ({"definitions": json.dumps([{"name": "DB_PASS", "value": CANARY}])}, {"definitions": "[]"}),
        ({"environment": [{"Key": "apiKey", "Value": CANARY}]}, {"environment": []}),
        ({"text": f"a\nghp_{CANARY.replace('-', '')}abcdef\n"}, {"text": "b\n"}),
    ],
)
def test_what_is_secret_on_one_side_is_shown_on_neither(old: dict[str, Any], new: dict[str, Any]) -> None:
    report = build([_plan(_step("update", "kubernetes:core/v1:Pod", "p", old={"inputs": old}, new={"inputs": new}))])
    for shown in (markdown(report), html(report), as_json(report)):
        assert CANARY not in shown
        assert CANARY.replace("-", "") not in shown


def test_messages_hold_no_secret() -> None:
    message = f"error: postgres://app:{CANARY}@db/shop failed; password={CANARY} token: {CANARY}"
    event = {"policyName": "x", "enforcementLevel": "mandatory", "message": f"API_KEY={CANARY}"}
    plan = _plan(events=[{"policyEvent": event}], diagnostics=[{"severity": "error", "message": message}])
    report = build([plan])
    for shown in (markdown(report), html(report), as_json(report)):
        assert CANARY not in shown


@pytest.mark.parametrize(
    "parts",
    [
        {"newState": [1]},
        {"newState": "x"},
        {"newState": {"inputs": [1]}},
        {"oldState": {"inputs": {"a": 1}}, "newState": {"inputs": "x"}},
        {"newState": {"inputs": {}}, "oldState": {"inputs": {}}, "detailedDiff": [1]},
        {"newState": {"inputs": {}}, "oldState": {"inputs": {}}, "detailedDiff": {"a": None}},
    ],
)
def test_a_step_of_another_shape_is_refused_with_a_sentence(parts: dict[str, Any], tmp_path: Path) -> None:
    code, output = _ended(tmp_path, _text({"op": "update", "urn": f"{PREFIX}a:b:C::x", **parts}))
    assert (code, "has a part that no preview has" in output) == (2, True)


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        ("kubernetes:apps/v1:Deployment", {"spec": {}}, {"spec": {"template": {"spec": {"containers": None}}}}),
        ("kubernetes:apps/v1:StatefulSet", {"spec": {"replicas": "a"}}, {"spec": {"template": {"metadata": None}}}),
        (DATABASE, {"allocatedStorage": "x"}, {"allocatedStorage": {"a": 1}}),
        ("aws:iam/rolePolicy:RolePolicy", {"policy": "{"}, {"policy": '{"Statement": [1]}'}),
        (
            "kubernetes:core/v1:ConfigMap",
            {"data": {"redis.conf": "maxmemory 10gig\n"}},
            {"data": {"redis.conf": "a\nb"}},
        ),
        ("kubernetes:core/v1:ConfigMap", {"data": [1]}, {"data": "x"}),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", {"spec": {"ingress": "x"}}, {"spec": {"ingress": [1]}}),
    ],
)
def test_a_value_of_another_shape_is_nothing_that_is_passed(
    type_: str, old: dict[str, Any], new: dict[str, Any], tmp_path: Path
) -> None:
    code, output = _ended(tmp_path, _text(_step("update", type_, "x", old={"inputs": old}, new={"inputs": new})))
    assert (code, output.split(":")[0]) == (0, "Deploy with care")


def test_what_a_refresh_step_has_found_is_drift() -> None:
    step = _only(_plan(_step("refresh", old={"inputs": {"a": 1}}, new={"inputs": {"a": 2}})))
    assert (step.op, step.drift) == (Op.SAME, ("a",))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert _ended(tmp_path, "\ufeff" + _text())[0] == 0


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({"sourcePosition": "project:///components/redis/nodes.py#42,7"}, "components/redis/nodes.py:42"),
        ({"sourcePosition": "project:///.venv/lib/site-packages/pulumi/resource.py#9"}, ""),
        ({"sourcePosition": "project:///../elsewhere.py#9"}, ""),
        (
            {
                "sourcePosition": "project:///components/kubernetes/workload.py#9",
                "stackTrace": [
                    {"sourcePosition": "project:///components/kubernetes/workload.py#9"},
                    {"sourcePosition": "project:///components/redis/pods.py#113,3"},
                    {"sourcePosition": "project:///components/stack.py#50"},
                ],
            },
            "components/redis/pods.py:113",
        ),
    ],
)
def test_an_item_of_a_preview_names_the_line_that_declares_it(state: dict[str, Any], line: str) -> None:
    report, text = _report(_plan(_step("create", new=state)))
    (entry,) = report.sections[Part.CREATIONS]
    assert (entry.item.source, f"({line})" in text) == (line, bool(line))


def test_real_previews_name_the_lines_of_their_programs() -> None:
    plan = engine_preview.read(RECORDED / "aws_cascading_deps.json", None)
    assert {step.resource.source for step in plan.changed} <= {f"index.ts:{line}" for line in range(1, 70)}


@pytest.mark.parametrize(
    ("step", "more", "events", "named"),
    [
        ({"sideEffects": ["x"]}, {}, [], "steps.sideEffects"),
        ({"new": {"guardedBy": "x"}}, {}, [], "steps.newState.guardedBy"),
        ({"detailedDiff": {"a.b": {"kind": "update", "reboots": True}}}, {}, [], "steps.detailedDiff.reboots"),
        ({}, {"partial": True}, [], "partial"),
        ({}, {}, [{"costEvent": {"a": 1}}], "costEvent"),
        ({}, {}, [{"policyEvent": {"policyName": "x", "waivedBy": "x"}}], "policyEvent.waivedBy"),
        ({}, {}, [{"summaryEvent": {"skipped": 3}}], "summaryEvent.skipped"),
    ],
)
def test_what_a_later_engine_adds_is_named(
    step: dict[str, Any], more: dict[str, Any], events: list[dict[str, Any]], named: str
) -> None:
    given: dict[str, Any] = {"old": {}, "new": {}, **step}
    plan = _plan(_step("update", **given), events=events, **more)
    said = [doubt for doubt in plan.doubts if "this reader doesn't know" in doubt]
    assert said == [f"the engine says what this reader doesn't know, so it isn't judged: {named}"]
    assert _report(plan)[0].verdict is Verdict.CAREFUL


def test_what_a_later_engine_adds_and_leaves_empty_says_nothing() -> None:
    step = _step("same", old={}, new={"guardedBy": [], "waived": False}, sideEffects=None)
    assert _plan(step, partial=False).doubts == ()


def test_an_exception_that_only_the_engine_knows_lets_nothing_pass() -> None:
    broken = {
        "policyName": "s3-block-complete",
        "enforcementLevel": "mandatory",
        "message": "blockPublicPolicy is off",
        "exceptions": [{"id": "EXC-42", "reason": "needed for the move"}],
    }
    report, text = _report(_plan(_step("same", old={}, new={}), events=[{"policyEvent": broken}]))
    assert report.verdict is Verdict.STOPPED
    assert "by an exception, which counts for nothing here: EXC-42 (needed for the move)" in text
