"""The shop's API: a caching ASGI application in front of Postgres, and the worker that spreads invalidations."""
