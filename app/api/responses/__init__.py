"""The response cache: finished answers, kept in the process and in Redis, in front of all routing."""
