"""The images: base images made from Debian's packages, and on them those of this repository's Dockerfiles.

They need no image registry. `differences` lists what differs from the published images.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import programs
from cluster.layout import BUNDLE, HOME, IMAGES, OWN_IMAGES, PKI, PROGRAMS
from cluster.processes import run
from local import builds
from local.images import OWN_NODE, STOREFRONT_OUTPUT, short_name
from local.problem import Problem
from stack.environments import ROOT
from stack.resource import Resource

Say = Callable[[str], None]
_CONTEXT = IMAGES / "context"
_BUNDLE_NAMES = IMAGES / "bundle.json"
_SUITES = {"debian:12": "bookworm", "debian:13": "trixie"}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LEAN = ("--skip=check/qemu", '--aptopt=Acquire::Languages "none"', "--include=ca-certificates")
_REDIS = ("redis-server", "redis-cli", "redis-check-rdb", "redis-check-aof")
_MACHINE_FILES = ("/etc/ssl/certs", "/etc/pip.conf")
"""How this machine reaches its package index: for builds that install Python packages, and part of no image."""


@dataclass(frozen=True)
class StandIn:
    """The substitute for a published image: Debian packages and programs of ours, started like the original."""

    packages: tuple[str, ...] = ()
    script: str = "true"
    programs: Mapping[str, str] | None = None
    config: tuple[str, ...] = ()

    @property
    def made_of(self) -> str:
        """In words, for the table."""
        built = [f"{Path(place).name} from its Go module" for place in (self.programs or {}).values()]
        return ", ".join([*(f"Debian's {name}" for name in self.packages), *built])


_STAND_INS: Mapping[str, StandIn] = {
    "python": StandIn(
        # The libraries of Debian's Redis: the jobs' image takes Redis's tools from the servers' image.
        ("python3", "python3-venv", "python3-pip", "libatomic1", "libjemalloc2", "liblzf1", "libsystemd0"),
        "ln -s /usr/bin/python3 /usr/local/bin/python",
        config=("--cmd", "python3"),
    ),
    "redis": StandIn(
        ("redis-server",),
        f"for n in {' '.join(_REDIS)}; do cp -L /usr/bin/$n /usr/local/bin/; done; mkdir -p /data; chown 999:999 /data",
        config=("--cmd", "redis-server", "--workingdir", "/data"),
    ),
    "redis_exporter": StandIn(
        ("prometheus-redis-exporter",),
        "ln -s /usr/bin/prometheus-redis-exporter /redis_exporter",
        config=("--entrypoint", '["/redis_exporter"]', "--user", "59000:59000"),
    ),
    "postgres-exporter": StandIn(
        ("prometheus-postgres-exporter",),
        "ln -s prometheus-postgres-exporter /usr/bin/postgres_exporter",
        config=("--entrypoint", '["/bin/postgres_exporter"]', "--user", "65534"),
    ),
    "alertmanager": StandIn(
        ("prometheus-alertmanager",),
        "ln -s prometheus-alertmanager /usr/bin/alertmanager; mkdir -p /alertmanager; chown 65534:65534 /alertmanager",
        config=("--entrypoint", '["/bin/alertmanager"]', "--user", "65534", "--workingdir", "/alertmanager"),
    ),
    "prometheus": StandIn(
        script="mkdir -p /prometheus; chown 65534:65534 /prometheus",
        programs={"/bin/prometheus": "prometheus"},
        config=("--entrypoint", '["/bin/prometheus"]', "--user", "65534", "--workingdir", "/prometheus"),
    ),
    "kube-state-metrics": StandIn(
        ("tzdata",),  # schedules of CronJobs name a time zone
        programs={"/kube-state-metrics": "kube-state-metrics"},
        config=("--entrypoint", '["/kube-state-metrics"]', "--user", "65534"),
    ),
    "coredns": StandIn(programs={"/coredns": "coredns"}, config=("--entrypoint", '["/coredns"]')),
    "metrics-server": StandIn(
        programs={"/metrics-server": "metrics-server"},
        config=("--entrypoint", '["/metrics-server"]', "--user", "65534:65534"),
    ),
    "pause": StandIn(programs={"/pause": "pause"}, config=("--entrypoint", '["/pause"]', "--user", "65535:65535")),
    "node": StandIn(config=("--cmd", "node")),
}
_OURS = {
    "api": "app/api/Dockerfile",
    "operations": "app/operations/Dockerfile",
    "storefront": "app/storefront/Dockerfile",
    "gateway": "images/gateway/Dockerfile",
    "pgbouncer": "images/pgbouncer/Dockerfile",
}


def canonical(reference: str) -> str:
    """A reference as containerd writes it."""
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    return reference if "." in first or ":" in first or first == "localhost" else f"docker.io/{reference}"


def declared(resources: Sequence[Resource]) -> tuple[str, ...]:
    """The images of the stack's pods, sorted."""
    return tuple(sorted({each for resource in resources for each in _references(resource.inputs)}))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        image = value.get("image")
        if isinstance(image, str):
            yield image
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _references(inner)


def differences(references: Sequence[str]) -> list[tuple[str, str]]:
    """Each image, and what it is here: its Dockerfile, or the substitute for the published one. Raises Problem."""
    said: list[tuple[str, str]] = []
    for reference in references:
        name = short_name(reference)
        if name in _OURS:
            more = "; its build stage ran outside of it" if name == "storefront" else ""
            said.append((reference, f"{_OURS[name]} on Debian's packages, our own authority for RDS's{more}"))
        elif name in _STAND_INS:
            said.append((reference, _STAND_INS[name].made_of))
        else:
            raise Problem(f"nothing here stands for the image {reference} (cluster/images.py)")
    return said


def ensure(references: Sequence[str], say: Say) -> None:
    """Make the bundle with all images of the stack, unless it exists: their names contain `version`."""
    differences(references)
    names = [canonical(each) for each in (*references, *OWN_IMAGES)]
    if BUNDLE.exists() and _BUNDLE_NAMES.exists() and json.loads(_BUNDLE_NAMES.read_text())["images"] == names:
        return
    store = _Store(say)
    _prepare_context()
    for name, dockerfile in _OURS.items():
        _our_image(store, name, dockerfile, next(each for each in references if short_name(each) == name))
    others = [each for each in references if short_name(each) not in _OURS]
    for reference in [*others, *OWN_IMAGES]:
        store.stand_in(reference)
    say("images: writing the bundle")
    store.bundle(names)


def version() -> str:
    """The version of our own images, a hash of what they are made of: a changed file rolls out.

    The storefront must have been built before.
    """
    digest = hashlib.sha256()
    kept = run(["git", "-C", ROOT, "ls-files", "app", "images", "requirements", "cluster/images.py"], "the sources")
    own = [ROOT / line for line in kept.splitlines() if not line.startswith("app/storefront/")]
    made = [PROGRAMS / name for name in programs.IN_IMAGES]
    for path in [*own, *made, STOREFRONT_OUTPUT.parent / "inputs.sha256", PKI / "ca.crt"]:
        if path.is_file():
            digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _prepare_context() -> None:
    shutil.rmtree(_CONTEXT, ignore_errors=True)
    _CONTEXT.mkdir(parents=True)
    for line in run(["git", "-C", ROOT, "ls-files", "app", "images", "requirements"], "the sources").splitlines():
        if not line.startswith("app/storefront/"):
            target = _CONTEXT / line
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / line, target)
    shutil.copytree(STOREFRONT_OUTPUT, _CONTEXT / "standalone", symlinks=True)
    shutil.copy(PKI / "ca.crt", _CONTEXT / "rds-global-bundle.pem")


def dockerfile_here(text: str, storefront: bool = False) -> str:
    """A Dockerfile of ours, changed for what isn't available here: RDS's CA is ours, and the storefront is built
    before.
    """
    text = re.sub(r"^ADD (--chmod=\S+ )?https://truststore\.\S+ ", "COPY rds-global-bundle.pem ", text, flags=re.M)
    if storefront:
        text = "FROM" + text.rpartition("\nFROM")[2]
        text = re.sub(r"^COPY --from=build \S+ ", "COPY standalone ", text, flags=re.M)
    return text


def _our_image(store: "_Store", name: str, dockerfile: str, reference: str) -> None:
    text = dockerfile_here((ROOT / dockerfile).read_text(), storefront=name == "storefront")
    argument = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, flags=re.M))
    for key, value in argument.items():
        text = text.replace(f"${{{key}}}", value)
    for base in re.findall(r"^FROM (\S+:\S+)", text, flags=re.M):
        store.stand_in(base)
    written = IMAGES / f"Dockerfile.{name}"
    written.write_text(text)
    store.say(f"images: {name}")
    files = [f for f in _MACHINE_FILES if Path(f).exists()] if "pip install" in text else []
    mounts = [word for f in files for word in ("-v", f"{f}:{f}:ro")]
    store.buildah(
        *("bud", "--layers", "--pull-never", "--network", "host", *mounts, "-f", written, "-t", reference, _CONTEXT)
    )


class _Store:
    """Images in a store of this project's own, made by buildah without a daemon."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._made: set[str] = set()
        self._home = IMAGES / "store"
        self._registries = IMAGES / "registries.conf"
        IMAGES.mkdir(parents=True, exist_ok=True)
        self._registries.write_text('unqualified-search-registries = ["docker.io"]\n')
        (HOME / "tmp").mkdir(exist_ok=True)

    def buildah(self, *arguments: str | Path) -> str:
        """Run a buildah command. Returns its output."""
        own = ("--root", self._home, "--runroot", IMAGES / "run", "--storage-driver", "overlay")
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(HOME / "tmp")}
        registries = ("--registries-conf", self._registries)
        return run(
            ["nice", "-n", "10", "buildah", *own, *registries, *arguments],
            f"buildah {arguments[0]}",
            env=environment,
        ).strip()

    def _there(self, name: str) -> bool:
        return name in self._made or bool(self.buildah("images", "--quiet", "--filter", f"reference={name}"))

    def _suite(self, reference: str) -> str:
        """The Debian release of an image: 12, unless its plan names another."""
        return next((suite for key, suite in _SUITES.items() if reference.startswith(key)), "bookworm")

    def _debian(self, suite: str) -> str:
        """A minimal Debian, as the `slim` images are."""
        name = f"localhost/{suite}:slim"
        if self._there(name):
            return name
        archive = IMAGES / f"{suite}.tar"
        if not archive.exists():
            self.say(f"images: Debian {suite}")
            part = archive.with_suffix(".part.tar")
            left_out = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale")]
            run(
                ["nice", "-n", "10", "mmdebstrap", "--variant=minbase", *left_out, *_LEAN, suite, part, _mirror()],
                f"a Debian {suite}",
            )
            part.rename(archive)
        container = self.buildah("from", "scratch")
        self.buildah("add", container, archive, "/")
        self.buildah("config", "--cmd", "bash", "--env", _PATH, container)
        return self._commit(container, name)

    def _commit(self, container: str, name: str) -> str:
        self.buildah("commit", "-q", "--rm", container, name)
        self._made.add(name)
        return name

    def stand_in(self, reference: str) -> None:
        """Make the substitute under a published image's name, unless it was made from this plan."""
        name = canonical(reference)
        plan = _STAND_INS.get(short_name(reference), StandIn())
        mark = IMAGES / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.made-from"
        if self._there(name) and mark.exists() and mark.read_text() == repr(plan):
            return
        self._make(reference, name, plan)
        mark.write_text(repr(plan))

    def _make(self, reference: str, name: str, plan: StandIn) -> None:
        if short_name(reference) == "debian":
            self._commit(self.buildah("from", "--pull-never", self._debian(self._suite(reference))), name)
            return
        self.say(f"images: {reference}")
        # Like the originals, an image with only a program of ours has no shell.
        bare = not plan.packages and plan.script == "true" and plan.programs
        start = "scratch" if bare else self._debian("bookworm")
        container = self.buildah("from", "--pull-never", start)
        if plan.packages or plan.script != "true":
            self._install(container, plan)
        for place, program in (plan.programs or {}).items():
            self.buildah("copy", "-q", container, PROGRAMS / program, place)
        if short_name(reference) == "node":
            self.buildah("copy", "-q", container, _node(), "/usr/local/bin/node")
        self.buildah("config", *plan.config, container)
        self._commit(container, name)

    def _install(self, container: str, plan: StandIn) -> None:
        steps = [
            "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d",
            "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq",
            f"apt-get install -qq -y --no-install-recommends {' '.join(plan.packages)} >/dev/null",
            plan.script,
            "rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
        ]
        wanted = steps if plan.packages else [plan.script]
        self.buildah("run", "--network", "host", container, "--", "sh", "-ec", "; ".join(wanted))

    def bundle(self, names: Sequence[str]) -> None:
        """Write the images as one archive, which has shared layers once."""
        folder = IMAGES / "oci"
        shutil.rmtree(folder, ignore_errors=True)
        for number, name in enumerate(names):
            self.buildah("push", "-q", "--disable-compression", name, f"oci:{folder}:i{number}")
        index = json.loads((folder / "index.json").read_text())
        for manifest in index["manifests"]:
            name = names[int(manifest["annotations"]["org.opencontainers.image.ref.name"][1:])]
            tag = name.rpartition(":")[2]
            manifest["annotations"] = {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": tag,
            }
        (folder / "index.json").write_text(json.dumps(index))
        part = BUNDLE.with_suffix(".part")
        with tarfile.open(part, "w") as archive:
            archive.add(folder, ".")
        part.rename(BUNDLE)
        shutil.rmtree(folder)
        _BUNDLE_NAMES.write_text(json.dumps({"images": list(names)}, indent=1))


def _mirror() -> str:
    """Where this machine gets its Debian packages from, else Debian's own address."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    )
    found = [line for line in asked.stdout.splitlines() if line.rstrip("/").endswith("/debian")]
    return found[0] if found else "http://deb.debian.org/debian"


def _node() -> Path:
    """The Node that the storefront was built with, if it was fetched; else this machine's."""
    own = OWN_NODE / "node_modules" / "node" / "bin" / "node"
    return own if own.exists() else Path(str(builds.node())).resolve()
