"""The specification's numbers, measured: a load, what it shows, and an honest report."""
