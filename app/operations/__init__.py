"""The commands of scheduled jobs and exporters: `python -m app.operations <command>`."""
