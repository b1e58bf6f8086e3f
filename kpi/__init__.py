"""Measures the specification's numbers: a load, its figures, and a report."""
