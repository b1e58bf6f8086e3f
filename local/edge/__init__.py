"""Two places of the edge and an upper tier on this machine: Varnish, made from the rendered rulesets, and Cloudflare's
API in front of them."""
