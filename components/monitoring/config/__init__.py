"""Configuration texts of the monitoring programs: pure functions of settings."""
