"""A stack looked at without deploying it: rendered, compared, judged."""
