"""Schema changes, forward only: each file in `versions/` is one step, in plain SQL.

Rules every step keeps, so that it can run under load: no lock is waited for longer than `LOCK_TIMEOUT` (the step
fails instead, and the Job tries again), indexes are built CONCURRENTLY, constraints on filled tables are added
NOT VALID and validated apart. There is no downgrade: a mistake is mended by the next step.
"""

from app.database.migrations.run import LOCK_TIMEOUT, upgrade

__all__ = ["LOCK_TIMEOUT", "upgrade"]
