"""What the database does with the shop's queries: the slow ones found, and every one measured before and after."""
