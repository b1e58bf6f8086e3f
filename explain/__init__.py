"""What Cloudflare would do with a request, worked out from the declared rulesets before they are deployed."""
