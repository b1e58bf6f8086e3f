"""Backs up each pair: takes a snapshot from a replica, checks it, stores it in S3 and verifies it there."""

import time

from app.operations import rdb_file
from app.operations.backup_store import BackupStore
from app.operations.redis_nodes import Login, backup_source, wait_for
from app.operations.report import report
from app.operations.settings import BackupSettings, OperationError


def backup(settings: BackupSettings, pairs: list[str] | None = None) -> None:
    """Backs up `pairs`, or all pairs. A pair that fails doesn't stop the others.

    Raises `OperationError` at the end if any failed, and at once for an unknown pair.
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
            source = backup_source(pair, nodes, login)
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
