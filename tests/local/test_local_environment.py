"""What the local environment makes of the RDS instance, of secrets, of missing programs and of wrong settings."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local import cloud, database, packages, preflight, sandbox, secrets_file
from local.environment import Environment
from local.problem import Problem
from local.state import State
from stack.environments import ROOT
from stack.render import Rendered
from stack.resource import Resource
from testing.network_namespace import own_network


def instance(parameters: dict[str, str]) -> database.Instance:
    group = [{"name": name, "value": value} for name, value in parameters.items()]
    resources = [
        Resource(urn="urn:group", name="group", type=database.PARAMETER_GROUP, inputs={"parameters": group}),
        Resource(
            urn="urn:instance",
            name="instance",
            type=database.INSTANCE,
            inputs={"username": "owner", "dbName": "shop", "password": "it's secret", "engineVersion": "16.6"},
        ),
    ]
    found = database.declared(resources, "")
    assert found is not None
    return found


def test_the_parameter_groups_values_are_what_postgres_starts_with() -> None:
    text = database.postgresql_conf({"shared_buffers": "32768", "log_line_prefix": "%t:%r:", "jit": "1"})
    assert "shared_buffers = 32768\n" in text
    assert "log_line_prefix = '%t:%r:'\n" in text


@pytest.mark.parametrize(("value", "kind"), [("1", "hostssl"), ("0", "host")])
def test_forcing_tls_in_rds_forces_it_here(value: str, kind: str) -> None:
    parameters = {"rds.force_ssl": value}
    assert "rds.force_ssl" not in database.postgresql_conf(parameters)
    assert database.pg_hba_conf(parameters).splitlines()[-1].startswith(f"{kind} ")


def test_a_parameter_of_rds_that_nobody_translated_is_refused_by_name() -> None:
    with pytest.raises(Problem, match=r"rds\.adaptive_autovacuum = 1.*known are.*rds\.force_ssl"):
        database.postgresql_conf({"rds.adaptive_autovacuum": "1"})


def test_a_formula_of_rds_is_refused_by_name() -> None:
    with pytest.raises(Problem, match=r"shared_buffers = \{DBInstanceClassMemory/32768\}"):
        database.postgresql_conf({"shared_buffers": "{DBInstanceClassMemory/32768}"})


def test_the_database_of_another_version_is_not_opened(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    (state.volumes / database.NAME).mkdir(parents=True)
    (state.volumes / database.NAME / "PG_VERSION").write_text("15\n")
    with pytest.raises(Problem, match="was made by Postgres 15, and the stack declares 16: make clean removes it"):
        database.pod(instance({}), "secret", state)


def test_a_version_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no Postgres 14 for"):
        database.pod(replace(instance({}), major=14), "secret", State(tmp_path / "state"))


def test_the_master_user_is_no_superuser_as_in_rds() -> None:
    text = database.roles_sql(instance({}))
    role = next(line for line in text.splitlines() if line.startswith('CREATE ROLE "owner"'))
    assert "SUPERUSER" not in role.replace("rds_superuser", "")
    assert "'it''s secret'" in role


def test_each_declared_parameter_of_every_environment_is_understood(environment: Rendered) -> None:
    groups = [each for each in environment.resources if each.type == database.PARAMETER_GROUP]
    parameters = {each["name"]: str(each["value"]) for group in groups for each in group.inputs["parameters"]}
    assert parameters
    assert "shared_preload_libraries" in database.postgresql_conf(parameters)


def test_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    state = State(tmp_path)
    first = secrets_file.load(state)
    assert secrets_file.load(state) == first
    assert state.secrets.stat().st_mode & 0o777 == 0o600
    assert len(set(first.values())) == len(first)
    assert secrets_file.as_setting(first)["api"]["admin_token"] == first["ADMIN_TOKEN"]


def test_secrets_that_others_can_read_are_refused_with_the_command_to_run(tmp_path: Path) -> None:
    state = State(tmp_path)
    secrets_file.load(state)
    state.secrets.chmod(0o644)
    with pytest.raises(Problem, match=f"chmod 600 {state.secrets}"):
        secrets_file.load(state)


def test_without_root_and_sudo_the_line_to_run_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem) as problem:
        packages.install(["redis-server", "haproxy"])
    assert "haproxy redis-server" in str(problem.value)
    assert "sudo sh -c" in str(problem.value)
    assert "create_main_cluster=false" in str(problem.value)


def no_containers() -> tuple[str, ...]:
    raise sandbox.Unsupported("bwrap: setting up uid map: Permission denied")


@pytest.mark.parametrize(
    ("setting", "forbidden", "remedy"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ],
)
def test_a_kernel_that_forbids_containers_is_said_with_the_setting_to_change(
    setting: str, forbidden: str, remedy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "processes", no_containers)
    (tmp_path / setting).parent.mkdir()
    (tmp_path / setting).write_text(f"{forbidden}\n")
    with pytest.raises(Problem, match=f"uid map: Permission denied.*as root: sysctl -w {remedy}"):
        preflight.check_namespaces(tmp_path)


def test_a_chroot_is_named_and_not_a_setting_that_forbids_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "processes", no_containers)
    monkeypatch.setattr(preflight, "in_chroot", lambda: True)
    with pytest.raises(Problem, match=r"this is a chroot, .* enter its directory with systemd-nspawn -D instead"):
        preflight.check_namespaces(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may call chroot(2)")
@pytest.mark.skipif(
    not os.access("/proc/1/root/.", os.F_OK), reason="NOT TESTED: this root may not see the first process's directory"
)
def test_a_chroot_is_known_from_within(tmp_path: Path) -> None:
    interpreter = {str(Path(prefix).resolve()) for prefix in (sys.prefix, sys.base_prefix)}
    needed = {"/usr", "/proc", "/lib", "/lib64", "/bin", "/etc", str(ROOT)} | interpreter
    mounts = "".join(f"mkdir -p .{place} && mount --rbind {place} .{place} && " for place in sorted(needed))
    python = Path(sys.prefix).resolve() / "bin" / "python"
    asked = f"{python} -c 'from local.preflight import in_chroot; print(in_chroot())'"
    inside = f"chroot . env PYTHONPATH={ROOT} {asked}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{asked} && {mounts}{inside}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_where_no_setting_forbids_containers_the_container_around_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "processes", no_containers)
    monkeypatch.setattr(preflight, "in_chroot", lambda: False)
    with pytest.raises(Problem, match="in Docker, start it with --security-opt seccomp=unconfined"):
        preflight.check_namespaces(tmp_path)


@pytest.mark.parametrize(
    "fields", [{"ID": "debian"}, {"ID": "ubuntu", "ID_LIKE": "debian"}, {"ID_LIKE": "ubuntu debian"}]
)
def test_debian_and_what_is_made_from_it_can_run_the_shop(fields: dict[str, str]) -> None:
    preflight.check_platform("Linux", fields)


@pytest.mark.parametrize(
    ("system", "fields", "name"),
    [
        ("Darwin", {}, "Darwin"),
        ("Linux", {"ID": "fedora", "PRETTY_NAME": "Fedora Linux 42"}, "Fedora Linux 42"),
        ("Linux", {"ID": "opensuse-leap", "ID_LIKE": "suse opensuse", "PRETTY_NAME": "openSUSE"}, "openSUSE"),
    ],
)
def test_elsewhere_one_sentence_says_what_to_use(system: str, fields: dict[str, str], name: str) -> None:
    with pytest.raises(Problem, match=f"this is {name}: use a virtual machine with one of them"):
        preflight.check_platform(system, fields)


def test_a_full_disk_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "FREE_DISK", 2**62)
    environment = Environment(State(tmp_path / "state"), resources=[])
    with pytest.raises(Problem, match=r"GiB are free and .* GiB are needed; make room, or set SIMONE_STATE"):
        environment.up()
    assert not (tmp_path / "state").exists()


def test_a_wrong_setting_is_one_message_that_names_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.create()
    with pytest.raises(Problem) as problem:
        Environment(state, config={"simone:redis": {"sentinels": {"quorum": 1}}}).plan()
    assert "quorum" in str(problem.value)
    assert "Traceback" not in str(problem.value)


def test_a_state_directory_with_too_long_a_path_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    with own_network(), pytest.raises(Problem, match="set SIMONE_STATE to a shorter one"):
        Environment(State(deep), resources=[]).up()


def test_aws_answers_the_render_with_where_the_database_is(rendered: Callable[[str], Rendered]) -> None:
    found = cloud.resolve(database.INSTANCE, "db", {"identifier": "simone-local"})
    assert (found["address"], found["port"]) == (database.ADDRESS, database.PORT)
