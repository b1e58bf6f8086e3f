"""The response cache: finished responses, kept in the process and in Redis, in front of all routing."""
