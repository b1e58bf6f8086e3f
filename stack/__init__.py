"""The declared stack as data: environments and their configuration, the rendered resources, their properties and texts.

Whoever looks at a stack (policies, review, explain, local, tools, tests) reads this room; it reads only components.
"""
