"""What a write makes stale is thrown away: by the writer in our own layers, by the worker everywhere."""
