"""The shop's queries in the database: finds the slow ones, and measures each before and after."""
