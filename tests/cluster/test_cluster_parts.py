"""Parts of make cluster that need no cluster: its settings, its images, its tokens, its refusals."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cluster import cloud_controllers, images, layout, preflight, stack
from local.problem import Problem
from stack.environments import ROOT, stack_config
from stack.render import Rendered

OWN_ONLY = {"monitoring-grafana"}
"""What isn't on the cluster: there is no Debian package of Grafana."""


def test_the_stack_has_devs_shape(rendered: Callable[[str], Rendered]) -> None:
    """Only settings differ, so what is proved here is proved for dev."""
    shapes = [
        {(each.type, each.name) for each in rendered(name).resources if not each.name.startswith(tuple(OWN_ONLY))}
        for name in ("dev", "cluster")
    ]
    without_stack = [{item for item in shape if item[0] != "pulumi:pulumi:Stack"} for shape in shapes]
    assert without_stack[0] == without_stack[1]


def test_the_addresses_are_those_of_the_settings() -> None:
    aws = stack_config("cluster")["simone:aws"]
    assert (aws["vpc_cidr"], aws["service_cidr"]) == ("10.10.0.0/16", "172.20.0.0/16")
    assert aws["endpoint_url"] == f"http://{layout.CLOUD}:443"


def test_each_declared_image_is_made_here(rendered: Callable[[str], Rendered]) -> None:
    references = images.declared(rendered("cluster").resources)
    assert {reference for reference, _ in images.differences(references)} == set(references)


def test_an_unknown_image_is_named() -> None:
    with pytest.raises(Problem, match="nothing here stands for the image nats:2"):
        images.differences(["nats:2"])


@pytest.mark.parametrize("path", sorted(images._OURS.values()))
def test_a_dockerfile_needs_nothing_from_outside_but_packages(path: str) -> None:
    text = images.dockerfile_here((ROOT / path).read_text(), storefront="storefront" in path)
    assert "https://" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "--from=build /build" not in text


@pytest.mark.parametrize(
    ("reference", "canonical"),
    [
        ("redis:7.2", "docker.io/library/redis:7.2"),
        ("prom/prometheus:v2", "docker.io/prom/prometheus:v2"),
        ("quay.io/a/b:1", "quay.io/a/b:1"),
        ("localhost/coredns:1", "localhost/coredns:1"),
    ],
)
def test_references_are_written_as_containerd_writes_them(reference: str, canonical: str) -> None:
    assert images.canonical(reference) == canonical


def test_a_pods_own_environment_wins_over_the_webhooks() -> None:
    pod = {"spec": {"containers": [{"env": [{"name": "AWS_REGION", "value": "own"}]}, {}]}}
    patch = {each["path"]: each["value"] for each in cloud_controllers.token_patch(pod, "arn:role")}
    first = {each["name"]: each["value"] for each in patch["/spec/containers/0/env"]}
    assert (first["AWS_REGION"], first["AWS_ROLE_ARN"]) == ("own", "arn:role")
    assert [each["name"] for each in patch["/spec/containers/1/volumeMounts"]] == ["aws-iam-token"]


def test_the_last_lines_of_an_update_are_counted() -> None:
    text = "Resources:\n    + 196 created\n    ~ 1 updated\n    6 unchanged\n\nDuration: 3m\n"
    assert stack.counts(text) == {"created": 196, "updated": 1, "unchanged": 6}


def test_too_little_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 2**30))
    with pytest.raises(Problem, match=r"1\.0 GiB are free and \d+ GiB are needed"):
        preflight.check_room(tmp_path / "not" / "there")


def test_too_little_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little = psutil.virtual_memory()._replace(available=2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    with pytest.raises(Problem, match=r"1\.0 GiB of memory are available"):
        preflight.check_room(tmp_path)


def test_a_user_without_rights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Problem, match="needs root"):
        preflight.check()
