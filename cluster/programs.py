"""The programs: Kubernetes, CoreDNS, Prometheus and others from their Go modules, containerd and runc from Debian."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from cluster.layout import DEBIAN, HOME, PROGRAMS, SOURCES
from cluster.processes import run
from local import packages
from local.problem import Problem
from tools.engine import build as engine

Say = Callable[[str], None]
TOOLS: Final = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "nft": "nftables", "ip": "iproute2"}
"""Installed programs, each with its Debian package."""
UNPACKED: Final = ("containerd", "runc", "containernetworking-plugins")
IN_IMAGES: Final = ("coredns", "prometheus", "kube-state-metrics", "metrics-server", "pause")
_COMPONENT_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Program:
    """A program of the Go module in `folder`; building it took about `minutes` on one processor."""

    folder: str
    package: str
    minutes: int
    module: str = ""
    instead: Mapping[str, str] | None = None
    """Our replacements for files of `module`, by their path in it."""


GO: Final[Mapping[str, Program]] = {
    "kube": Program("kube", ".", 10),
    "pause": Program("kube", "./pause", 0),
    "coredns": Program("dns", ".", 2),
    "pulumi-resource-kubernetes": Program("provider", ".", 15),
    "kube-state-metrics": Program("state_metrics", "k8s.io/kube-state-metrics/v2", 2),
    "metrics-server": Program("metrics_server", "sigs.k8s.io/metrics-server/cmd/metrics-server", 2),
    "prometheus": Program(
        "prometheus",
        "./cmd/prometheus",
        5,
        "github.com/prometheus/prometheus",
        {"plugins/plugins.go": "plugins.go.txt"},
    ),
}


def version(folder: str, module: str) -> str:
    """The version of a module that a go.mod of this folder requires, such as v1.35.4."""
    match = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (SOURCES / folder / "go.mod").read_text(), re.M)
    if match is None:
        raise Problem(f"cluster/{folder}/go.mod doesn't require {module}")
    return match[1]


def kubernetes() -> str:
    """Kubernetes's version."""
    return version("kube", "k8s.io/kubernetes")


def _linked(name: str) -> str:
    """The linker's flags that write a program's version into it."""
    if name == "kube":
        major, minor, _ = kubernetes().removeprefix("v").split(".")
        values = {"gitVersion": kubernetes(), "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        paths = (_COMPONENT_VERSION, "k8s.io/client-go/pkg/version")
        return " ".join(f"-X {path}.{key}={value}" for path in paths for key, value in values.items())
    if name == "pulumi-resource-kubernetes":
        return f"-X main.version={metadata.version('pulumi-kubernetes')}"
    if name == "prometheus":
        number = "2." + version("prometheus", "github.com/prometheus/prometheus").removeprefix("v0.")
        return f"-X github.com/prometheus/common/version.Version={number}"
    return ""


def ensure(say: Say) -> None:
    """Build everything that is missing. Raises Problem when a part fails; what is done stays."""
    packages.install(package for program, package in TOOLS.items() if shutil.which(program) is None)
    _unpack(say)
    for name in GO:
        _build(name, say)
    if engine.find() is None:
        say("building the Pulumi CLI (3 to 7 minutes, once)")
        try:
            engine.PINNED.build()
        except engine.EngineError as error:
            raise Problem(str(error)) from None


def _unpack(say: Say) -> None:
    if (DEBIAN / "usr/lib/cni/ptp").exists():
        return
    say(f"unpacking Debian's {', '.join(UNPACKED)}")
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as made:
        folder = Path(made)
        folder.chmod(0o755)
        run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", *UNPACKED], "Debian's packages", cwd=made)
        (folder / "root").mkdir()
        for archive in sorted(folder.glob("*.deb")):
            run(["dpkg-deb", "-x", archive, folder / "root"], archive.name)
        shutil.rmtree(DEBIAN, ignore_errors=True)
        (folder / "root").rename(DEBIAN)


def made_from(name: str) -> str:
    """A hash of what a program is built from; kept beside it, because a checkout changes files' times."""
    digest = hashlib.sha256(_linked(name).encode())
    folder = SOURCES / GO[name].folder
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _build(name: str, say: Say) -> None:
    mark = PROGRAMS / f"{name}.made-from"
    if (PROGRAMS / name).exists() and mark.exists() and mark.read_text() == made_from(name):
        return
    if shutil.which("go") is None:
        raise Problem(f"{name} is built from its Go module, and there is no Go: install Go 1.24 or newer")
    program, target = GO[name], PROGRAMS / name
    say(f"building {name}" + (f" (about {program.minutes} minutes of one processor, once)" if program.minutes else ""))
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    folder = SOURCES / program.folder
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        if program.instead:
            folder = _changed(program, Path(scratch) / "module", environment)
        part = target.with_suffix(".part")
        command = ["go", "build", "-trimpath", "-ldflags", f"-s -w {_linked(name)}", "-o", str(part), program.package]
        done = subprocess.run(["nice", "-n", "10", *command], cwd=folder, env=environment, check=False)
    if done.returncode:
        raise Problem(f"{name} could not be built (Go's messages are above); run make cluster again to go on")
    part.rename(target)
    mark.write_text(made_from(name))


def _changed(program: Program, copy: Path, environment: Mapping[str, str]) -> Path:
    """The program's module, checked by our go.sum, with our files in place of some of its own."""
    ours = SOURCES / program.folder
    run(["go", "mod", "download", program.module], program.module, cwd=ours, env=environment)
    listed = ["go", "list", "-m", "-f", "{{.Dir}}", program.module]
    shutil.copytree(run(listed, program.module, cwd=ours, env=environment).strip(), copy)
    for path, file in (program.instead or {}).items():
        (copy / path).parent.chmod(0o755)
        (copy / path).unlink()
        shutil.copy(ours / file, copy / path)
    return copy
