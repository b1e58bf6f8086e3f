"""The report's place on GitLab: one note of a merge request, found again and updated.

https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/merge_requests/ and
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from collections.abc import Iterator, Mapping

import httpx

from review.markdown import with_marker
from review.rest import Rest, RestError

_VARIABLES = ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "GITLAB_TOKEN")


class GitLabError(RestError):
    """GitLab refused, can't be reached, or a variable of the pipeline is missing."""

    host = "GitLab"


class GitLab:
    """The merge request that a pipeline runs for."""

    def __init__(self, environment: Mapping[str, str], *, transport: httpx.BaseTransport | None = None) -> None:
        """`environment` are the pipeline's variables. Raises GitLabError, which names the missing ones."""
        if missing := [name for name in _VARIABLES if not environment.get(name)]:
            raise GitLabError(
                f"{', '.join(missing)} must be set: GitLab sets CI_* in merge request pipelines, and GITLAB_TOKEN is a "
                "project access token with the scope `api`, a masked variable of the project"
            )
        address, project, request, token = (environment[name] for name in _VARIABLES)
        self._api = Rest(GitLabError, address, {"PRIVATE-TOKEN": token}, transport)
        self._request = f"/projects/{project}/merge_requests/{request}"
        self._notes = f"{self._request}/notes"

    def files(self) -> Iterator[str]:
        """The files that the merge request changes, under their old names as well."""
        for found in self._api.all(f"{self._request}/diffs"):
            yield str(found["new_path"])
            yield str(found["old_path"])

    def comment(self, marker: str, body: str) -> None:
        """Put the text into our own note that starts with the marker, or into a new one."""
        text = {"body": with_marker(marker, body)}
        ourselves = self._api.call("GET", "/user")["id"]
        for found in self._api.all(self._notes):
            if str(found["body"]).startswith(marker) and found["author"]["id"] == ourselves:
                self._api.call("PUT", f"{self._notes}/{found['id']}", json=text)
                return
        self._api.call("POST", self._notes, json=text)
