"""The declared stack as data: environments and their configuration, the rendered resources, their properties and texts.

Everything that reads a stack (policies, review, explain, local, tools, tests) uses this package; it imports only
components.
"""
