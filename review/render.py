"""The old place of `stack.render`, which comparisons of older branches import.

The next release removes it, together with the other direction (review/snapshot.py).
"""

from stack.environments import RenderError, stack_config
from stack.render import Rendered, render
from stack.resource import Resource

__all__ = ["RenderError", "Rendered", "Resource", "render", "stack_config"]
