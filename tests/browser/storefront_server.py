"""The built shop as a process of its own, and how to change what it serves."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx

from local import builds
from testing.waits import eventually, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
STOREFRONT = REPOSITORY / "app" / "storefront"
STANDALONE = STOREFRONT / ".next" / "standalone"
REVALIDATION_KEY = "a key for the tests"


def node() -> str:
    """The Node that the shop is built with and runs under."""
    return builds.node() or "node"


class Storefront:
    """`node server.js` on a free port of 127.0.0.1, in front of `api_url`."""

    def __init__(self, directory: Path, api_url: str, log: Path, key_file: Path | None = None) -> None:
        self.directory = directory
        self._port = free_port()
        self.metrics_port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = log
        self.environment: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "NODE_ENV": "production",
            "HOSTNAME": "127.0.0.1",
            "PORT": str(self._port),
            "METRICS_PORT": str(self.metrics_port),
            "API_URL": api_url,
            "NEXT_TELEMETRY_DISABLED": "1",
            **({"REVALIDATION_KEY_FILE": str(key_file)} if key_file else {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [node(), "server.js"], cwd=self.directory, env=self.environment, stdout=log, stderr=log
            )
        try:
            eventually(lambda: httpx.get(f"{self.url}/healthz", timeout=10).is_success, "the storefront answers")
        except BaseException:
            self.stop()
            print(self._log.read_text()[-3000:])
            raise

    def stop(self) -> None:
        """End it at once: what a visitor's browser sees is a refused connection."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def copy_of_the_build(target: Path) -> Path:
    """The built shop under `target`, with files of its own where tests change them (`public`)."""
    shutil.copytree(STANDALONE, target, copy_function=os.link, symlinks=True)
    shutil.rmtree(target / "public")
    shutil.copytree(STANDALONE / "public", target / "public")
    return target
