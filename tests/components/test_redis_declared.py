"""What the stacks declare around the pairs: persistence on a clock, backups that go away by themselves."""

from collections.abc import Mapping
from typing import Any

from stack.render import Rendered

DAY = 24 * 60 * 60


def declared(environment: Rendered, kind: str) -> dict[str, Mapping[str, Any]]:
    """Inputs of the resources whose type ends so, by logical name."""
    return {resource.name: resource.inputs for resource in environment.resources if resource.type.endswith(kind)}


def cron_jobs(environment: Rendered) -> dict[str, Mapping[str, Any]]:
    jobs = declared(environment, ":CronJob").values()
    return {job["metadata"]["name"]: job["spec"] for job in jobs}


def test_files_are_rewritten_at_2_and_backups_taken_every_six_hours_utc(environment: Rendered) -> None:
    jobs = cron_jobs(environment)
    rewrite, backup, restore = jobs["redis-aof-rewrite"], jobs["redis-backup"], jobs["redis-restore"]
    assert (rewrite["schedule"], rewrite["timeZone"]) == ("0 2 * * *", "Etc/UTC")
    assert (backup["schedule"], backup["timeZone"]) == ("0 */6 * * *", "Etc/UTC")
    assert not rewrite.get("suspend")
    assert not backup.get("suspend")
    assert {rewrite["concurrencyPolicy"], backup["concurrencyPolicy"]} == {"Forbid"}
    # A restore begins when somebody says so, and never by the clock.
    assert restore["suspend"] is True


def test_old_backups_expire_and_what_was_deleted_by_hand_a_week_later(environment: Rendered) -> None:
    ((name, lifecycle),) = (
        item for item in declared(environment, ":BucketLifecycleConfiguration").items() if "backups" in item[0]
    )
    (rule,) = lifecycle["rules"]
    assert name.startswith("redis-")
    assert rule["status"] == "Enabled"
    assert rule["filter"] == {"prefix": "redis/"}
    assert 7 <= rule["expiration"]["days"] <= 365
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7}


def test_the_backups_bucket_is_versioned_encrypted_and_private(environment: Rendered) -> None:
    (versioning,) = (
        inputs for name, inputs in declared(environment, ":BucketVersioning").items() if name.startswith("redis-")
    )
    (private,) = (
        inputs
        for name, inputs in declared(environment, ":BucketPublicAccessBlock").items()
        if name.startswith("redis-")
    )
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    assert all(private[name] for name in ("blockPublicAcls", "blockPublicPolicy", "restrictPublicBuckets"))
