"""The before/after report: every query without and with the indexes, every rewrite beside the form it replaced."""
