"""One note of a merge request, found again and updated, against a GitLab that is played."""

import json
from typing import Any

import httpx
import pytest

from review.gitlab import GitLab, GitLabError
from review.markdown import MARKER

CI = {
    "CI_API_V4_URL": "https://gitlab.example.test/api/v4",
    "CI_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_IID": "7",
    "GITLAB_TOKEN": "token",
}
REQUEST = "/api/v4/projects/42/merge_requests/7"
OURSELVES, SOMEBODY = {"id": 1}, {"id": 2}


def played(notes: list[dict[str, Any]]) -> tuple[GitLab, list[tuple[str, str, Any]]]:
    """A GitLab whose merge request has these notes; what changes them is recorded."""
    calls: list[tuple[str, str, Any]] = []
    answers = {
        "/api/v4/user": OURSELVES,
        f"{REQUEST}/diffs": [{"old_path": "policies/old.py", "new_path": "README.md"}],
    }

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["PRIVATE-TOKEN"] == "token"
        path = request.url.path
        if request.method != "GET":
            calls.append((request.method, path, json.loads(request.content)))
            return httpx.Response(200, json={})
        if path in answers:
            return httpx.Response(200, json=answers[path])
        page = int(request.url.params["page"])
        return httpx.Response(200, json=notes[(page - 1) * 100 : page * 100])

    return GitLab(CI, transport=httpx.MockTransport(handle)), calls


def test_the_first_report_is_a_new_note() -> None:
    gitlab, calls = played([{"id": 5, "body": f"{MARKER}\nquoted", "author": SOMEBODY}])
    gitlab.comment(MARKER, "report")
    assert calls == [("POST", f"{REQUEST}/notes", {"body": f"{MARKER}\nreport"})]


def test_the_next_report_replaces_the_first_one_also_behind_a_hundred_others() -> None:
    others = [{"id": number, "body": "chatter", "author": SOMEBODY} for number in range(150)]
    gitlab, calls = played([*others, {"id": 999, "body": f"{MARKER}\nold", "author": OURSELVES}])
    gitlab.comment(MARKER, "new")
    assert calls == [("PUT", f"{REQUEST}/notes/999", {"body": f"{MARKER}\nnew"})]


def test_the_changed_files_are_told_under_both_names() -> None:
    assert [*played([])[0].files()] == ["README.md", "policies/old.py"]


def test_what_a_pipeline_lacks_is_named() -> None:
    with pytest.raises(GitLabError, match="CI_MERGE_REQUEST_IID, GITLAB_TOKEN must be set"):
        GitLab({**CI, "CI_MERGE_REQUEST_IID": "", "GITLAB_TOKEN": ""})


def test_a_refusal_is_told_without_the_token() -> None:
    gitlab = GitLab(
        {**CI, "GITLAB_TOKEN": "hidden-token"}, transport=httpx.MockTransport(lambda _: httpx.Response(403))
    )
    with pytest.raises(GitLabError) as told:
        gitlab.comment(MARKER, "report")
    assert "GitLab refused GET /user: 403" in str(told.value)
    assert "hidden-token" not in str(told.value)
