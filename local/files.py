"""Files in the state directory: what a pod's launcher and containers read, written with its mode from the beginning."""

import contextlib
import os
from pathlib import Path

from local.plan import PlannedPod
from local.spec import dump
from local.state import State
from local.workloads import BATCH


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file in place, since a running container may have it mounted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text() == text:
        path.chmod(mode)
        return
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(mode)


def write_pod(state: State, pod: PlannedPod) -> None:
    """Put a pod's description, volumes and fingerprint on disk; a file that left a volume is removed."""
    home = state.pod(pod.name)
    for directory in (home, pod.pod.logs, *pod.directories):
        Path(directory).mkdir(parents=True, exist_ok=True)
    for volume in pod.volumes:
        place = Path(volume.directory)
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            if old.name not in {name.partition("/")[0] for name in volume.files}:
                old.unlink()
        for name, (text, mode) in volume.files.items():
            write(place / name, text, mode)
    write(home / "pod.json", dump(pod.pod))
    if pod.kind not in BATCH:
        write(home / "fingerprint", pod.fingerprint())


def fingerprint(state: State, pod: str) -> str:
    """The fingerprint of the pod that is on disk, empty for none."""
    with contextlib.suppress(FileNotFoundError):
        return (state.pod(pod) / "fingerprint").read_text()
    return ""
