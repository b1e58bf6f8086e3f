"""A believable shop to fill a database with: the same size and seed always give the same rows."""

from app.database.catalogue.load import DEMO_PASSWORD, load
from app.database.catalogue.size import DEFAULT, Size

__all__ = ["DEFAULT", "DEMO_PASSWORD", "Size", "load"]
