"""One comment and one issue, found again and updated, against a GitHub that is played."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from review.github import GitHub, GitHubError
from review.markdown import MARKER

Calls = list[tuple[str, str, Any]]


def played(answers: dict[str, Any]) -> tuple[GitHub, Calls]:
    """A GitHub that gives these answers to GET and records the rest."""
    calls: Calls = []

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/repos/shop/simone")
        assert request.headers["Authorization"] == "Bearer token"
        if request.method == "GET":
            found = answers.get(path, [])
            page = int(request.url.params["page"])
            return httpx.Response(200, json=found[(page - 1) * 100 : page * 100])
        calls.append((request.method, path, json.loads(request.content)))
        return httpx.Response(200, json={})

    return GitHub("shop/simone", "token", transport=httpx.MockTransport(handle)), calls


def _comment(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"type": kind}}


def test_the_first_report_is_a_new_comment() -> None:
    github, calls = played({"/issues/7/comments": [_comment(1, "looks good", "User")]})
    github.comment(7, MARKER, "report")
    assert calls == [("POST", "/issues/7/comments", {"body": f"{MARKER}\nreport"})]


def test_the_next_report_replaces_the_first_one_also_behind_a_hundred_others() -> None:
    others = [_comment(number, "chatter") for number in range(150)]
    github, calls = played({"/issues/7/comments": [*others, _comment(999, f"{MARKER}\nold")]})
    github.comment(7, MARKER, f"{MARKER}\nnew")
    assert calls == [("PATCH", "/issues/comments/999", {"body": f"{MARKER}\nnew"})]


def test_a_person_who_quotes_the_marker_is_not_overwritten() -> None:
    github, calls = played({"/issues/7/comments": [_comment(5, f"{MARKER} hi", "User")]})
    github.comment(7, MARKER, "report")
    assert calls[0][0] == "POST"


def test_only_the_pull_request_at_the_reviewed_commit_is_commented_on() -> None:
    github, _ = played({"/pulls": [{"number": 3, "head": {"sha": "old"}}, {"number": 4, "head": {"sha": "new"}}]})
    assert github.pull_request("fork:fix", "new") == 4
    with pytest.raises(GitHubError, match="no open pull request from fork:fix"):
        github.pull_request("fork:fix", "other")


def _drift(github: GitHub, body: str | None) -> None:
    github.issue("dev differs", "<!-- drift -->", body)


@pytest.mark.parametrize(
    ("present", "body", "expected"),
    [
        ([], "differs", ("POST", "/issues")),
        ([{"number": 9, "body": "<!-- drift -->\nold"}], "differs", ("PATCH", "/issues/9")),
        ([{"number": 9, "body": "<!-- drift -->\nold"}], None, ("PATCH", "/issues/9")),
        ([{"number": 9, "body": None}], None, None),
    ],
)
def test_drift_has_one_issue_while_it_lasts(present: Any, body: str | None, expected: Any) -> None:
    github, calls = played({"/issues": present})
    _drift(github, body)
    assert [(method, path) for method, path, _ in calls] == ([expected] if expected else [])
    if body is None and calls:
        assert calls[0][2] == {"state": "closed"}


def test_a_refusal_is_told_without_the_token() -> None:
    answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(403)  # noqa: E731
    github = GitHub("shop/simone", "hidden-token", transport=httpx.MockTransport(answer))
    with pytest.raises(GitHubError) as told:
        github.comment(7, MARKER, "report")
    assert "403" in str(told.value)
    assert "hidden-token" not in str(told.value)


def test_the_files_of_a_pull_request_are_told_under_their_old_names_too() -> None:
    renamed = {"filename": "review/new.py", "previous_filename": "policies/old.py"}
    github, _ = played({"/pulls/7/files": [{"filename": "README.md"}, renamed]})
    assert [*github.files(7)] == ["README.md", "review/new.py", "policies/old.py"]
