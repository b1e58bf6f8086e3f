"""What the scheduled jobs and the pgBouncer exporter run: `python -m app.operations <command>`."""
