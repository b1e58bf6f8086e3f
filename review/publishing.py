"""`python -m review.publishing`: put a report where reviewers see it. Run by the workflows, with GITHUB_TOKEN."""

import os
from pathlib import Path
from typing import Annotated

import typer

from review.github import GitHub, GitHubError
from review.markdown import MARKER, prose

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Repository = Annotated[str, typer.Option(envvar="GITHUB_REPOSITORY", help="owner/name")]


def _github(repository: str) -> GitHub:
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise GitHubError("GITHUB_TOKEN isn't set; the workflow passes it")
    return GitHub(repository, token, api=os.environ.get("GITHUB_API_URL", "https://api.github.com"))


def _failed(error: GitHubError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(2)


@app.command()
def comment(
    report: Annotated[Path, typer.Argument(help="review.md; if it is missing, the run failed before writing it.")],
    head: Annotated[str, typer.Option(help="The pull request's branch: owner:branch.")],
    commit: Annotated[str, typer.Option(help="The commit that was reviewed.")],
    run_url: Annotated[str, typer.Option(help="The run, for the full report.")],
    repository: Repository,
) -> None:
    """Write the review into the pull request's one comment."""
    if report.exists():
        body = report.read_text(errors="replace")
    else:
        body = f"{MARKER}\n## ⛔ The review failed before it could say anything\n"
    body += f"\n[Full report and log]({run_url}), commit {prose(commit[:12])}\n"
    try:
        github = _github(repository)
        github.comment(github.pull_request(head, commit), MARKER, body)
    except GitHubError as error:
        raise _failed(error) from None


@app.command()
def drift(
    environment: Annotated[str, typer.Argument(help="The environment.")],
    report: Annotated[Path, typer.Argument(help="drift.md; missing when there is none.")],
    repository: Repository,
) -> None:
    """Keep one issue on an environment's drift; close it when there is none."""
    marker = f"<!-- simone-drift-{environment} -->"
    body = report.read_text() if report.exists() else None
    try:
        _github(repository).issue(f"{environment} differs from what the program declares", marker, body)
    except GitHubError as error:
        raise _failed(error) from None


if __name__ == "__main__":
    app()
