"""Purges what a write makes stale: the writer in our own layers, the worker in all."""
