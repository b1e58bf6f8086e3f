"""The database and its roles, by name."""

DATABASE = "simone"
OWNER = "simone_owner"  # RDS's master user; owns the schema
APP = "app"
EXPORTER = "exporter"
