"""Exporters that ask by the clock end when they are asked to."""

import subprocess
import sys
from pathlib import Path

import psutil

from testing.servers import end
from testing.waits import PATIENCE, eventually

POLLING = "from app.operations.polling import poll; poll('it', lambda: print('asked', flush=True), 600)"


def test_the_first_process_of_a_container_ends_on_sigterm(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    with (tmp_path / "log").open("w") as log:
        started = subprocess.Popen([*alone, sys.executable, "-c", POLLING], stdout=log, stderr=log)
    try:
        eventually((tmp_path / "log").read_text, "it has asked once")
        psutil.Process(started.pid).children()[0].terminate()
        assert started.wait(PATIENCE) == 0, (tmp_path / "log").read_text()
    finally:
        end(started)
