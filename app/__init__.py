"""What runs: the API and the storefront. Imports nothing of what is declared around it."""
