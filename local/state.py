"""Where the local environment keeps its files: `.local` in the repository, or the directory SIMONE_STATE."""

import os
from dataclasses import dataclass
from pathlib import Path

from local.images import REPOSITORY


@dataclass(frozen=True)
class State:
    """The paths below the state directory. Data is in `volumes`; everything else but the secrets can be made
    anew.
    """

    root: Path

    @classmethod
    def here(cls) -> "State":
        return cls(Path(os.environ.get("SIMONE_STATE") or REPOSITORY / ".local").resolve())

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.env"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def mail(self) -> Path:
        """A Maildir: each mail that the shop sent is a file in `new`."""
        return self.root / "mail"

    @property
    def pods(self) -> Path:
        return self.root / "pods"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def discovery(self) -> Path:
        return self.root / "discovery"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def going_down(self) -> Path:
        """While it contains `now`, stopping pods skip their preStop hooks (launcher.py)."""
        return self.pods / "stop"

    def pod(self, name: str) -> Path:
        return self.pods / name

    def stop(self, pod: str) -> Path:
        """Its contents change how the pod is stopped (launcher.py)."""
        return self.pod(pod) / "stop"

    def done(self, job: str) -> Path:
        """Holds the fingerprint of the Job that succeeded."""
        return self.jobs / f"{job}.done"

    def create(self) -> None:
        """Make the directories, readable by their owner alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for each in (
            self.volumes,
            self.pods,
            self.jobs,
            self.logs,
            self.run,
            self.discovery,
            self.certificates,
        ):
            each.mkdir(exist_ok=True)
