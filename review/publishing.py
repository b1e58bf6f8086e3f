"""`python -m review.publishing`: publishes a report where reviewers see it.

Workflows with write access run it from the main branch. The report comes from the change's own code, so it is untrusted
data, from which the comment is made here.
"""

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from review.checkouts import is_judging
from review.github import GitHub
from review.gitlab import GitLab
from review.markdown import MARKER, LinkTo, markdown, prose
from review.report_data import Entry, Item, Part, Report, Verdict
from review.report_file import ReportFileError, read
from review.rest import RestError
from stack.listing import few

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Repository = Annotated[str, typer.Option(envvar="GITHUB_REPOSITORY", help="owner/name")]
ReportFile = Annotated[Path, typer.Argument(help="review.json; if it is missing, the run failed before writing it.")]


def _github(repository: str) -> GitHub:
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise RestError("GITHUB_TOKEN isn't set; the workflow passes it")
    return GitHub(repository, token, api=os.environ.get("GITHUB_API_URL", "https://api.github.com"))


def _failed(error: RestError) -> typer.Exit:
    # A line that begins with `::` is a command to GitHub's runner.
    typer.echo(re.sub(r"\s+", " ", str(error)).replace("::", ": :"), err=True)
    return typer.Exit(2)


def body_of(report: Path, changed: Iterable[str], link_to: LinkTo, run_url: str, commit: str) -> str:
    """The comment: the report in a file, or a note that there is none, and a link to the full one.

    `changed` are the files that the change edits, as the host of the code says.
    """
    judges = sorted({file for file in changed if is_judging(file)})
    if not report.exists():
        text = f"{MARKER}\n## ⛔ The review failed before it could say anything\n"
    else:
        try:
            text = markdown(_distrusted(read(report), judges), link_to=link_to)
        except ReportFileError as error:
            text = f"{MARKER}\n## ⛔ The review can't be read\n\n{prose(str(error))}\n"
    return f"{text}\n[Full report and log]({run_url}), commit {prose(commit[:12])}\n"


def _distrusted(report: Report, judges: list[str]) -> Report:
    """The report. One that the change itself may have altered says so, and isn't green."""
    if not judges:
        return report
    said = f"this report is the change's own word, as it edits what writes it: {few(judges, 8)}"
    first = (Entry(Item(subject=said), ()), *report.sections.get(Part.JUDGE, ()))
    report = dataclasses.replace(report, sections={**report.sections, Part.JUDGE: first})
    if report.verdict in (Verdict.HARMLESS, Verdict.NO_CHANGES):
        headline = "Deploy with care: changes what judges it"
        return dataclasses.replace(report, verdict=Verdict.CAREFUL, headline=headline)
    return report


def _linking(address: str) -> LinkTo:
    """Links to lines of the repository's files: both hosts use `<address>/<file>#L<line>`."""

    def link(source: str) -> str:
        file, _, line = source.rpartition(":")
        return f"{address}/{file}#L{line}"

    return link


@app.command()
def comment(
    report: ReportFile,
    head: Annotated[str, typer.Option(help="The pull request's branch: owner:branch.")],
    commit: Annotated[str, typer.Option(help="The commit that was reviewed.")],
    run_url: Annotated[str, typer.Option(help="The run, for the full report.")],
    repository: Repository,
) -> None:
    """Write the review into the pull request's one comment on GitHub."""
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    try:
        github = _github(repository)
        number = github.pull_request(head, commit)
        link_to = _linking(f"{server}/{repository}/blob/{commit}")
        github.comment(number, MARKER, body_of(report, github.files(number), link_to, run_url, commit))
    except RestError as error:
        raise _failed(error) from None


@app.command()
def note(report: ReportFile) -> None:
    """Write the review into the merge request's one note on GitLab, in a merge request pipeline."""
    try:
        gitlab = GitLab(os.environ)
        commit = os.environ.get("CI_COMMIT_SHA", "")
        link_to = _linking(f"{os.environ.get('CI_PROJECT_URL', '')}/-/blob/{commit}")
        run_url = os.environ.get("CI_JOB_URL", "")
        gitlab.comment(MARKER, body_of(report, gitlab.files(), link_to, run_url, commit))
    except RestError as error:
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
    except RestError as error:
        raise _failed(error) from None


if __name__ == "__main__":
    app()
