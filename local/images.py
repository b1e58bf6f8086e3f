"""The programs of this machine that stand for container images, and the images' other files.

A container finds its program under the image's own path, so declared commands, arguments and probes are used
as they are. Images built from this repository run from its files.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGQUIT, SIGTERM

from local.problem import Problem
from local.spec import Mount

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_NODE = REPOSITORY / ".tools" / "node"
STOREFRONT_OUTPUT = REPOSITORY / "app" / "storefront" / ".next" / "standalone"
GRAFANA, GRAFANA_HOME = Path("/usr/sbin/grafana-server"), Path("/usr/share/grafana")
XKEY = "varnish/vmods/libvmod_xkey.so"
VENV = "/opt/venv"
PYTHON_PATH = f"{VENV}/bin:{DEFAULT_PATH}"


@dataclass(frozen=True, kw_only=True)
class Image:
    """`programs`: path in the image to path on this machine; each is found by its name on the PATH too.

    `sources`: files of this repository that the image is built from; a changed one restarts its pods.
    `built`: made by local/builds.py.
    `packages`: the Debian packages with the programs and with `needs`, further files that must be there.
    """

    programs: Mapping[str, str] = field(default_factory=dict[str, str])
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    mounts: tuple[Mount, ...] = ()
    working_directory: str = "/"
    user: str = "app"
    uid: int = 0
    stop_signal: int = SIGTERM
    packages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    built: bool = False

    def all_links(self) -> dict[str, str]:
        """Links in the container: each program under its path in the image and in /usr/local/bin."""
        found = dict(self.links)
        for place, program in self.programs.items():
            if not place.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/")):
                found[place] = program
            found[f"/usr/local/bin/{Path(place).name}"] = program
        return found

    def argv(self, command: tuple[str, ...], args: tuple[str, ...]) -> tuple[str, ...]:
        """The command line, by Kubernetes's rules: `command` replaces the entry point, `args` the default
        arguments.
        """
        words = (*command, *args) if command else (*self.entrypoint, *(args or self.command))
        return (self.programs.get(words[0], words[0]), *words[1:]) if words else ()

    def missing(self) -> list[str]:
        """The files that aren't installed."""
        return [path for path in (*self.programs.values(), *self.needs) if not Path(path).exists()]


def _python_mounts() -> tuple[Mount, ...]:
    """The virtual environment at /opt/venv, and the interpreter that it links to where that isn't Debian's
    own.
    """
    prefix, base = Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()
    mounts = [Mount(source=str(prefix), target=VENV)]
    if not base.is_relative_to("/usr") or base.is_relative_to("/usr/local"):
        mounts.append(Mount(source=str(base), target=str(base)))
    return tuple(mounts)


def _python(**more: object) -> Image:
    values: dict[str, object] = {
        "environment": {"PATH": PYTHON_PATH, "PYTHONUNBUFFERED": "1"},
        "mounts": _python_mounts(),
    }
    return Image(**{**values, **more})  # pyright: ignore[reportArgumentType]


def _node() -> str:
    """A Node of this machine's own, or the one that local/builds.py fetches."""
    own = OWN_NODE / "node_modules" / "node" / "bin" / "node"
    return str(own) if own.exists() else "/usr/bin/node"


def _storefront_mounts() -> tuple[Mount, ...]:
    program = Path(_node()).resolve()
    mounts = [Mount(source=str(STOREFRONT_OUTPUT), target="/opt/simone/storefront")]
    if not program.is_relative_to("/usr") or program.is_relative_to("/usr/local"):
        mounts.append(Mount(source=str(program.parent), target=str(program.parent)))
    return tuple(mounts)


def _grafana() -> Image:
    """A Grafana of this machine's own, if there is one: it is in no Debian package, so it is never installed here."""
    found = shutil.which("grafana-server")
    program = Path(found).resolve() if found else GRAFANA
    home = GRAFANA_HOME if GRAFANA_HOME.exists() else program.parent.parent
    elsewhere = sorted({str(path) for path in (program.parent, home) if found and not path.is_relative_to("/usr")})
    return Image(
        programs={"/run.sh": str(program)},
        entrypoint=(
            "/run.sh",
            f"--homepath={home}",
            "cfg:default.log.mode=console",
        ),
        # As the official image has them; its root is read-only here as there.
        environment={
            "PATH": DEFAULT_PATH,
            "GF_PATHS_LOGS": "/var/lib/grafana/log",
            "GF_PATHS_PLUGINS": "/var/lib/grafana/plugins",
        },
        mounts=tuple(Mount(source=path, target=path) for path in elsewhere),
        user="grafana",
    )


def catalogue(repository: Path = REPOSITORY, *, ca_file: Path | None = None) -> dict[str, Image]:
    """Images by the last part of their name (`quay.io/prometheuscommunity/postgres-exporter` is
    `postgres-exporter`). `ca_file` is the certificate that stands for RDS's bundle.
    """
    redis_programs = {
        f"/usr/local/bin/{name}": f"/usr/bin/{name}"
        for name in ("redis-server", "redis-cli", "redis-check-rdb", "redis-check-aof")
    }
    busybox = {"/bin/wget": "/usr/bin/wget"}  # the parts that runbooks use
    ours: dict[str, object] = {
        "environment": {"PATH": PYTHON_PATH, "PYTHONPATH": "/opt/simone", "PYTHONUNBUFFERED": "1"},
        "mounts": (
            *_python_mounts(),
            Mount(source=str(repository / "app"), target="/opt/simone/app"),
            *((Mount(source=str(ca_file), target="/opt/simone/rds-global-bundle.pem"),) if ca_file else ()),
        ),
        "working_directory": "/opt/simone",
    }
    return {
        "redis": Image(programs=redis_programs, command=("redis-server",), user="redis", packages=("redis-server",)),
        "redis_exporter": Image(
            programs={"/redis_exporter": "/usr/bin/prometheus-redis-exporter"},
            entrypoint=("/redis_exporter",),
            packages=("prometheus-redis-exporter",),
        ),
        "postgres-exporter": Image(
            programs={"/bin/postgres_exporter": "/usr/bin/prometheus-postgres-exporter"},
            entrypoint=("/bin/postgres_exporter",),
            packages=("prometheus-postgres-exporter",),
        ),
        "prometheus": Image(
            programs={
                "/bin/prometheus": "/usr/bin/prometheus",
                "/bin/promtool": "/usr/bin/promtool",
                **busybox,
            },
            entrypoint=("/bin/prometheus",),
            packages=("prometheus", "wget"),
        ),
        "alertmanager": Image(
            programs={"/bin/alertmanager": "/usr/bin/prometheus-alertmanager", **busybox},
            entrypoint=("/bin/alertmanager",),
            packages=("prometheus-alertmanager", "wget"),
        ),
        "grafana": _grafana(),
        "gateway": Image(
            programs={"/usr/sbin/nginx": "/usr/sbin/nginx"},
            entrypoint=("sh", "/etc/gateway/start.sh"),
            mounts=(Mount(source="/etc/nginx", target="/etc/nginx"),),
            user="gateway",
            stop_signal=SIGQUIT,
            packages=("nginx", "libnginx-mod-http-lua", "lua-cjson"),
            needs=("/usr/lib/nginx/modules/ngx_http_lua_module.so", "/etc/nginx/mime.types"),
        ),
        "pgbouncer": Image(
            programs={"/usr/bin/pgbouncer": "/usr/sbin/pgbouncer"},
            command=("pgbouncer", "/etc/pgbouncer/pgbouncer.ini"),
            mounts=(Mount(source=str(ca_file), target="/opt/pgbouncer/rds-global-bundle.pem"),) if ca_file else (),
            user="pgbouncer",
            packages=("pgbouncer",),
        ),
        "haproxy": Image(
            programs={"/usr/local/sbin/haproxy": "/usr/sbin/haproxy"},
            command=("haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),
            user="haproxy",
            packages=("haproxy",),
        ),
        "varnish": Image(
            programs={"/usr/sbin/varnishd": "/usr/sbin/varnishd", "/usr/bin/varnishncsa": "/usr/bin/varnishncsa"},
            user="varnish",
            packages=("varnish", "varnish-modules"),
            needs=(next(map(str, Path("/usr/lib").glob(f"*/{XKEY}")), f"/usr/lib/{XKEY}"),),
        ),
        "moto": _python(),
        "aiosmtpd": _python(),
        "api": _python(
            **ours,
            sources=(repository / "app" / "api", repository / "app" / "database", repository / "app" / "caching.yaml"),
        ),
        "storefront": Image(
            programs={"/usr/local/bin/node": _node()},
            environment={"PATH": DEFAULT_PATH},
            mounts=_storefront_mounts(),
            working_directory="/opt/simone/storefront",
            sources=(STOREFRONT_OUTPUT.parent / "inputs.sha256",),
            built=True,
        ),
        "operations": _python(
            **ours,
            programs={name: f"/usr/bin/{Path(name).name}" for name in redis_programs},
            packages=("redis-server",),
        ),
    }


def short_name(reference: str) -> str:
    """An image's name without registry, tag and digest: `redis` for `docker.io/library/redis:7.2.7@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def find(reference: str, images: Mapping[str, Image], where: str) -> Image:
    """The image for a reference such as `redis:7.2.7-bookworm@sha256:…`. Problem when nothing here stands for
    it.
    """
    name = short_name(reference)
    try:
        return images[name]
    except KeyError:
        known = ", ".join(sorted(images))
        raise Problem(
            f"{where}: nothing on this machine stands for the image {reference!r}; known are {known} (local/images.py)"
        ) from None
