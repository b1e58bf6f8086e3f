"""The findings in the formats that other programs read: SARIF 2.1.0, JUnit's XML, and annotations on GitHub."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from review.findings import Grade, PlacedFinding, findings
from review.report_data import Report
from review.report_file import SCHEMA

_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST_RESULTS = 5_000
"""GitHub keeps 5,000 results of a run: docs.github.com/en/code-security/reference/code-scanning/sarif-files."""

_MOST_ANNOTATIONS = 10
"""GitHub shows ten errors and ten warnings of a step: docs.github.com/en/actions/reference/limits."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sarif(report: Report) -> str:
    """The findings as a log of SARIF 2.1.0: a rule for each policy and section, a result for each place."""
    found = [*findings(report)]
    rules = {finding.rule: finding for finding in reversed(found)}
    content = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "simone review",
                        "semanticVersion": f"{SCHEMA}.0.0",
                        "rules": [_rule(rules[name]) for name in sorted(rules)],
                    }
                },
                "results": [_result(finding) for finding in found[:_MOST_RESULTS]],
                "properties": {"verdict": report.verdict, "headline": report.headline},
            }
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _rule(finding: PlacedFinding) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": finding.rule, "shortDescription": {"text": finding.title}}
    if finding.help:
        rule["help"] = {"text": finding.help}
    if finding.link:
        rule["helpUri"] = finding.link
    return rule


def _result(finding: PlacedFinding) -> dict[str, Any]:
    same = "\0".join((finding.rule, finding.subject or finding.message, *finding.environments))
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": finding.file}, "region": {"startLine": finding.line}}
    }
    if finding.subject:
        location["logicalLocations"] = [{"name": finding.subject, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "level": finding.grade,
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"subject/v1": hashlib.sha256(same.encode()).hexdigest()},
        "properties": {"environments": [*finding.environments]},
    }


def junit(report: Report) -> str:
    """The findings as JUnit XML: a suite for each environment, in which a broken mandatory policy is a failure, an
    error an error, and a warning a skipped test. An environment without findings has one test, which passes.
    """
    root = ElementTree.Element("testsuites", name="review")
    found = [*findings(report)]
    for name in [summary.environment for summary in report.summaries]:
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        counts = {"failures": 0, "errors": 0, "skipped": 0}
        for finding in (one for one in found if name in one.environments or not one.environments):
            case = _case(suite, finding.subject or finding.title, finding.rule, finding)
            kind = _outcome(finding)
            counts[{"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]] += 1
            ElementTree.SubElement(case, kind, message=_xml(finding.message)).text = _xml(finding.help) or None
        if not len(suite):
            _case(suite, "review", name)
        suite.attrib |= {"tests": str(len(suite)), **{key: str(count) for key, count in counts.items()}}
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(
    suite: ElementTree.Element, name: str, class_: str, finding: PlacedFinding | None = None
) -> ElementTree.Element:
    where = {"file": finding.file, "line": str(finding.line)} if finding else {}
    return ElementTree.SubElement(suite, "testcase", {"name": _xml(name), "classname": _xml(class_), **where})


def _outcome(finding: PlacedFinding) -> str:
    if finding.grade is not Grade.ERROR:
        return "skipped"
    return "error" if finding.rule.startswith("review/") else "failure"


def _xml(text: str) -> str:
    """Without the characters that no XML document may hold (https://www.w3.org/TR/xml/#charsets)."""
    return _NO_XML.sub("", text)


def annotations(report: Report) -> Iterator[str]:
    """Commands to GitHub's runner, which shows each finding at its file and line."""
    for grade, command in ((Grade.ERROR, "error"), (Grade.WARNING, "warning")):
        graded = [finding for finding in findings(report) if finding.grade is grade]
        for finding in graded[:_MOST_ANNOTATIONS]:
            where = ", ".join(finding.environments)
            title = f"{finding.rule} ({where})" if where else finding.rule
            given = {"file": finding.file, "line": str(finding.line), "title": title}
            properties = ",".join(f"{name}={_property(value)}" for name, value in given.items())
            yield f"::{command} {properties}::{_data(finding.message)}"


def _data(text: str) -> str:
    """A command's text: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
