"""Backs up each pair: a snapshot from a replica, checked, stored in S3, found again there."""

import time

from app.operations import rdb_file
from app.operations.backup_store import BackupStore
from app.operations.redis_nodes import Login, to_copy_from, wait_for
from app.operations.report import report
from app.operations.settings import BackupSettings, OperationError


def backup(settings: BackupSettings, pairs: list[str] | None = None) -> None:
    """Backs up `pairs`, all without it. A pair that fails doesn't keep the others from theirs.

    Raises `OperationError` in the end if any failed, and at once if there is no such pair.
    """
    if unknown := set(pairs or ()) - settings.nodes().keys():
        raise OperationError(f"there is no pair {', '.join(sorted(unknown))}; there are {', '.join(settings.nodes())}")
    store, login = BackupStore(settings), Login.read(settings)
    failed: list[str] = []
    for pair, nodes in settings.nodes().items():
        if pairs and pair not in pairs:
            continue
        begun = time.monotonic()
        file = settings.scratch_dir / f"{pair}.rdb"
        try:
            wait_for(nodes)
            source = to_copy_from(pair, nodes, login)
            rdb_file.dump(source.address, login, file)
            keys = rdb_file.check(file)
            stored = store.put(pair, file, rdb_file.sha256(file))
        except OperationError as error:
            failed.append(pair)
            report("backup failed", pair=pair, reason=str(error))
        else:
            report(
                "backup stored",
                pair=pair,
                source=source.name,
                role=source.role,
                key=stored.key,
                bytes=stored.size,
                keys=keys,
                sha256=stored.sha256,
                seconds=round(time.monotonic() - begun, 2),
            )
        finally:
            file.unlink(missing_ok=True)
    if failed:
        raise OperationError(f"no backup of {', '.join(failed)}")
