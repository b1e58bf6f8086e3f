"""The watchdog's own process: `watchdog_process.py MARK`, with seconds to wait as lines on its standard input.

A process and no thread: it sees a test process whose interpreter stands still or has ended but for a thread, and one
with a single thread may enter a user namespace, as tests of the shop do where they don't run as root.
"""

import contextlib
import glob
import os
import select
import signal
import sys
import time

LOOKS = 3
"""A second apart: a process that has just been started has no environment yet, though its parent goes on."""


def main() -> None:
    """Ends the parent after a longer silence than it has announced; then, or once it has ended, all that it started."""
    parent, seconds = os.getppid(), 60.0
    while select.select([0], [], [], seconds)[0]:
        said = os.read(0, 1 << 16).split()
        if not said:
            break
        seconds = float(said[-1])
    else:
        if os.getppid() == parent:
            end(parent)
    for look in range(LOOKS):
        time.sleep(1 if look else 0)
        end_marked(sys.argv[1].encode())


def end_marked(mark: bytes) -> None:
    """Kill what still has `mark`, NAME=value, in its environment: a run that is killed leaves it to nobody."""
    for path in glob.iglob("/proc/[0-9]*/environ"):
        pid = int(path.split("/")[2])
        # Gone meanwhile, or somebody else's.
        with contextlib.suppress(OSError), open(path, "rb") as environ:
            if pid != os.getpid() and mark in environ.read().split(b"\0"):
                os.kill(pid, signal.SIGKILL)


def end(pid: int) -> None:
    """Have the process show its stacks, then kill it and its children."""
    import psutil

    print("\nwatchdog: no progress. The run ends here; each thread's stack:", file=sys.stderr, flush=True)
    with contextlib.suppress(psutil.Error):
        stuck = psutil.Process(pid)
        stuck.send_signal(signal.SIGUSR2)
        time.sleep(1)
        for process in stuck.children(recursive=True):
            if process.pid != os.getpid():
                with contextlib.suppress(psutil.Error):
                    print(f"watchdog: killed {process.pid}: {' '.join(process.cmdline())[:200]}", file=sys.stderr)
                    process.kill()
        stuck.kill()


if __name__ == "__main__":
    main()
