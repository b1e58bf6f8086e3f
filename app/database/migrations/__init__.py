"""Schema changes, forward only: each file in `versions/` is one step, in plain SQL.

Every step can run under load. It waits for no lock longer than `LOCK_TIMEOUT` (else it fails, and the Job retries),
builds indexes CONCURRENTLY, and adds constraints to filled tables NOT VALID, to validate them separately. There is no
downgrade: the next step corrects a mistake.
"""

from app.database.migrations.run import LOCK_TIMEOUT, upgrade

__all__ = ["LOCK_TIMEOUT", "upgrade"]
