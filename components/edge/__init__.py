"""Cloudflare's zone: DNS, TLS, cache rules made from the cache policy, load balancing, logs.

`zone` holds the component; it alone imports pulumi_cloudflare (2 s), so that an environment without an edge doesn't.
"""
