"""A believable shop to fill a database with: the same size and seed always give the same rows."""

from app.database.catalogue.load import load
from app.database.catalogue.size import DEFAULT, Size
from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS

__all__ = ["DEFAULT", "DEMO_PASSWORD", "DEMO_USERS", "Size", "load"]
