"""The shop's statements for tests and measurements: with sample arguments, their plans, and slower forms."""
