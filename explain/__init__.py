"""What Cloudflare would do with a request, computed from the declared rulesets before they are deployed."""
