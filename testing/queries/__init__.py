"""The shop's statements as tests and measurements run them: with sample arguments, explained, beside slower forms."""
