"""Real servers that tests and measurements start, each with its data in a directory that is deleted afterwards."""
