"""Every environment of a checkout rendered, as JSON on standard output.

Run as a program, by path, in the checkout that is to be rendered: it uses that checkout's own program and renderer,
and nothing of the checkout that this file is in.
"""

import dataclasses
import json
import os
import sys
from typing import Any


def main(environments: list[str]) -> None:
    """Print `{environment: {resources, exports, secret_exports, config} | {error}}`."""
    sys.path[0] = os.getcwd()
    # That checkout's, found only now; one from before stack/ has the renderer in review/.
    try:
        from stack.environments import RenderError, stack_config  # noqa: PLC0415
        from stack.render import render  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name != "stack":
            raise
        from review import render as older  # noqa: PLC0415

        RenderError, render = older.RenderError, older.render
        stack_config = getattr(older, "stack_config", dict[str, Any]().get)

    rendered: dict[str, Any] = {}
    for environment in environments:
        try:
            config = stack_config(environment)
            rendered[environment] = {**dataclasses.asdict(render(environment)), "config": config}
        except RenderError as error:
            rendered[environment] = {"error": str(error)}
        except Exception as error:
            # The program is anyone's: whatever it raises is the report's to tell, in a line.
            rendered[environment] = {"error": f"the program fails: {type(error).__name__}: {error}"}
    json.dump(rendered, sys.stdout, default=sorted)


if __name__ == "__main__":
    main(sys.argv[1:])
