"""The report's place on GitHub: one comment of a pull request, one issue on drift, each found again and updated."""

from collections.abc import Iterator

import httpx

from review.markdown import with_marker
from review.rest import Rest, RestError


class GitHubError(RestError):
    """GitHub refused, can't be reached, or what was asked for isn't there."""

    host = "GitHub"


class GitHub:
    """One repository."""

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api: str = "https://api.github.com",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`repository` is owner/name; `api` may be another server (GitHub Enterprise)."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        self._api = Rest(GitHubError, f"{api}/repos/{repository}", headers, transport)

    def pull_request(self, head: str, commit: str) -> int:
        """The open pull request from a branch (`owner:branch`) that is at this commit.

        Raises GitHubError when there is none: it was closed, or has moved on and will have a run of its own.
        """
        for found in self._api.all("/pulls", state="open", head=head):
            if found["head"]["sha"] == commit:
                return int(found["number"])
        raise GitHubError(f"no open pull request from {head} is at {commit[:12]}")

    def files(self, pull_request: int) -> Iterator[str]:
        """The files that a pull request changes, under their old names as well."""
        for found in self._api.all(f"/pulls/{pull_request}/files"):
            yield str(found["filename"])
            if found.get("previous_filename"):
                yield str(found["previous_filename"])

    def comment(self, pull_request: int, marker: str, body: str) -> None:
        """Put the text into the comment that starts with the marker, or into a new one."""
        text = with_marker(marker, body)
        for found in self._api.all(f"/issues/{pull_request}/comments"):
            if str(found["body"]).startswith(marker) and found["user"]["type"] == "Bot":
                self._api.call("PATCH", f"/issues/comments/{found['id']}", json={"body": text})
                return
        self._api.call("POST", f"/issues/{pull_request}/comments", json={"body": text})

    def issue(self, title: str, marker: str, body: str | None) -> None:
        """Keep one open issue with this text; close it when there is nothing to say (`body` None)."""
        present = next(
            (
                found
                for found in self._api.all("/issues", state="open")
                if str(found.get("body") or "").startswith(marker) and "pull_request" not in found
            ),
            None,
        )
        if body is None:
            if present is not None:
                self._api.call("PATCH", f"/issues/{present['number']}", json={"state": "closed"})
        elif present is None:
            self._api.call("POST", "/issues", json={"title": title, "body": with_marker(marker, body)})
        else:
            self._api.call("PATCH", f"/issues/{present['number']}", json={"body": with_marker(marker, body)})
