"""Runs one Pulumi program in this process, connected to the engine that `SIMONE_RUN` names (see language_host)."""

import asyncio
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config

from tools.engine.language_host import REPORTED


def main(program: Path) -> int:
    """Run the program; returns 0, or `REPORTED` once the engine has been told what went wrong."""
    settings: dict[str, Any] = json.loads(os.environ.pop("SIMONE_RUN"))
    configure(Settings(**settings))
    set_all_config(json.loads(os.environ.pop("PULUMI_CONFIG")), json.loads(os.environ.pop("PULUMI_CONFIG_SECRET_KEYS")))
    sys.path.insert(0, str(program if program.is_dir() else program.parent))
    sys.argv = [str(program)]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run_in_stack(lambda: _run(program)))
    except KeyboardInterrupt:
        return REPORTED  # the engine stopped the program and has said why itself
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return REPORTED
    except Exception:
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return REPORTED
    return 0


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
