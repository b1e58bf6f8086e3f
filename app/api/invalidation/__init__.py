"""Purges what a write makes stale: the writer purges our own layers, the worker all."""
