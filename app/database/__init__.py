"""The shop's data: its schema and migrations, every query the shop makes, and a catalogue to fill it with."""
