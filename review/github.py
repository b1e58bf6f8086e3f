"""The report's place on GitHub: one comment of a pull request, one issue on drift, each found again and updated."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from review.markdown import SIZE_LIMIT


class GitHubError(Exception):
    """GitHub refused, or what was asked for isn't there."""


class GitHub:
    """One repository. The token is sent to GitHub's API and nowhere else."""

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api: str = "https://api.github.com",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`repository` is owner/name; `api` may be another server (GitHub Enterprise)."""
        self._client = httpx.Client(
            base_url=f"{api}/repos/{repository}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
            timeout=30,
            transport=transport,
        )

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise GitHubError(f"GitHub can't be reached: {error}") from None
        if answer.is_error:
            raise GitHubError(f"GitHub refused {method} {path}: {answer.status_code} {answer.reason_phrase}")
        return answer.json()

    def _all(self, path: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            found: list[Mapping[str, Any]] = self._call(
                "GET", path, params={**parameters, "per_page": "100", "page": str(page)}
            )
            yield from found
            if len(found) < 100:
                return
            page += 1

    def pull_request(self, head: str, commit: str) -> int:
        """The open pull request from a branch (`owner:branch`) that is at this commit.

        Raises GitHubError when there is none: it was closed, or has moved on and will have a run of its own.
        """
        for found in self._all("/pulls", state="open", head=head):
            if found["head"]["sha"] == commit:
                return int(found["number"])
        raise GitHubError(f"no open pull request from {head} is at {commit[:12]}")

    def comment(self, pull_request: int, marker: str, body: str) -> None:
        """Put the text into the comment that starts with the marker, or into a new one."""
        text = with_marker(marker, body)
        for found in self._all(f"/issues/{pull_request}/comments"):
            if str(found["body"]).startswith(marker) and found["user"]["type"] == "Bot":
                self._call("PATCH", f"/issues/comments/{found['id']}", json={"body": text})
                return
        self._call("POST", f"/issues/{pull_request}/comments", json={"body": text})

    def issue(self, title: str, marker: str, body: str | None) -> None:
        """Keep one open issue with this text; close it when there is nothing to say (`body` None)."""
        present = next(
            (
                found
                for found in self._all("/issues", state="open")
                if str(found.get("body") or "").startswith(marker) and "pull_request" not in found
            ),
            None,
        )
        if body is None:
            if present is not None:
                self._call("PATCH", f"/issues/{present['number']}", json={"state": "closed"})
        elif present is None:
            self._call("POST", "/issues", json={"title": title, "body": with_marker(marker, body)})
        else:
            self._call("PATCH", f"/issues/{present['number']}", json={"body": with_marker(marker, body)})


def with_marker(marker: str, body: str) -> str:
    """The text, starting with its marker and no longer than GitHub takes."""
    text = body if body.startswith(marker) else f"{marker}\n{body}"
    return text[: SIZE_LIMIT + 2000]
