"""Where `render` stood before stack/ had it: the comparisons of branches that were made before then import it here.

Goes with the next release, as does the other direction (review/snapshot.py).
"""

from stack.environments import RenderError, stack_config
from stack.render import Rendered, render
from stack.resource import Resource

__all__ = ["RenderError", "Rendered", "Resource", "render", "stack_config"]
