"""What is declared, what is tested and how long it is supported: said in the open, and true."""

import re
import shutil
import subprocess
from datetime import date, timedelta

import pytest
import typer
from typer.testing import CliRunner

from stack.environments import ROOT
from testing.postgres_programs import RELEASES
from tools import support
from tools.support import Declared, End, declared, report

ROW = re.compile(r"^\| (?P<program>[\w ]+) \| (?P<declared>[^|]+) \| (?P<tested>[^|]+) \| [^|]+ \|$", re.MULTILINE)
TABLE = {row["program"]: row for row in ROW.finditer((ROOT / "docs/versions.md").read_text())}
ASKED = {
    "Redis": ("redis-server", "--version"),
    "pgBouncer": ("/usr/sbin/pgbouncer", "--version"),
    "nginx": ("/usr/sbin/nginx", "-v"),
    "Prometheus": ("prometheus", "--version"),
    "Alertmanager": ("prometheus-alertmanager", "--version"),
}


def test_the_table_names_what_is_declared() -> None:
    of = {each.program: each.version for each in declared() if each.where in ("Pulumi.prod.yaml", "docs/deploy.md")}
    node = next(each.version for each in declared() if each.program == "node")
    told = {program: row["declared"].strip() for program, row in TABLE.items()}
    assert told["Postgres"] == of["postgres"]
    assert told["Redis"] == of["redis"]
    assert told["Prometheus"] == of["prometheus"]
    assert told["Alertmanager"] == of["alertmanager"]
    assert told["Kubernetes"] == of["eks"]
    assert told["Node"] == node
    for program, image in (("pgBouncer", "pgbouncer"), ("nginx", "gateway")):
        base = next(each.version for each in declared() if each.where == f"images/{image}/Dockerfile")
        assert told[program].startswith(f"Debian {base.partition('.')[0]}'s"), program


def test_the_table_names_what_the_tests_build_and_fetch() -> None:
    assert TABLE["Postgres"]["tested"] == ", ".join(
        each.partition("-")[0].removesuffix(".0") for each in RELEASES.values()
    )
    alertmanager = (ROOT / "tools/alertmanager/go.mod").read_text()
    assert f"github.com/prometheus/alertmanager {TABLE['Alertmanager']['declared']}" in alertmanager
    server = (ROOT / "tools/api_server/go.mod").read_text()
    assert re.search(rf"k8s\.io/kubernetes v{re.escape(TABLE['Kubernetes']['tested'])}\.\d+", server)


@pytest.mark.parametrize("program", ASKED)
def test_the_table_names_what_this_machine_tests_with(program: str) -> None:
    command = ASKED[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} isn't here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+", done.stdout + done.stderr)
    assert found is not None
    assert found[0] in TABLE[program]["tested"].split(", "), f"add {found[0]} to docs/versions.md, or test with another"


def test_everything_that_is_declared_has_an_end_or_a_reason() -> None:
    assert [
        line for line in report(declared(), support.ends(), date(2020, 1, 1), timedelta(0)) if "nobody" in line
    ] == []
    for end in support.ends():
        assert (end.until is None) == bool(end.because), end


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 1, 1), []),
        (date(2026, 4, 1), ["node 20.1 (there): support ends 2026-04-30; see s"]),
        (date(2026, 5, 1), ["node 20.1 (there): support ended 2026-04-30; see s"]),
    ],
)
def test_a_version_is_told_in_time(today: date, told: list[str]) -> None:
    known = [End(program="node", version="20", until=date(2026, 4, 30), source="s")]
    assert report([Declared("node", "20.1", "there")], known, today, timedelta(days=60)) == told


def test_a_version_that_nobody_speaks_of_is_told() -> None:
    known = [End(program="node", version="2", until=date(2030, 1, 1), source="s")]
    (line,) = report([Declared("node", "20.1", "there")], known, date(2026, 1, 1), timedelta(days=60))
    assert "nobody says until when it is supported; add it to tools/support_ends.yaml" in line


def test_the_command_fails_while_something_is_over() -> None:
    app = typer.Typer()
    app.command()(support.main)
    result = CliRunner().invoke(app, ["--days", "100000"])
    assert result.exit_code == 1
    assert "eks 1.35 (docs/deploy.md): support" in result.output


def test_the_nightly_workflow_runs_it() -> None:
    assert ".venv/bin/python -m tools.support" in (ROOT / ".github/workflows/drift.yml").read_text()
