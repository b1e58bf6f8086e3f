"""Buckets and what is set on them."""

import json
from collections.abc import Mapping
from typing import Any

from local.cloud.account import Account, tag_list

PUBLIC_ACCESS = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")


def bucket(account: Account, inputs: Mapping[str, Any]) -> None:
    """An empty bucket with its tags."""
    name = inputs["bucket"]
    if account.region == "us-east-1":
        account["s3"].create_bucket(Bucket=name)
    else:
        account["s3"].create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": account.region})
    if inputs.get("tags"):
        account["s3"].put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(inputs)})


def versioning(account: Account, inputs: Mapping[str, Any]) -> None:
    """Whether old versions are kept."""
    status = inputs["versioningConfiguration"]["status"]
    account["s3"].put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})


def public_access_block(account: Account, inputs: Mapping[str, Any]) -> None:
    """The four switches against publication."""
    block = {capital(name): bool(inputs.get(name)) for name in PUBLIC_ACCESS}
    account["s3"].put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=block)


def ownership(account: Account, inputs: Mapping[str, Any]) -> None:
    """The owner of objects that other accounts write."""
    rule = {"ObjectOwnership": inputs["rule"]["objectOwnership"]}
    account["s3"].put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls={"Rules": [rule]})


def encryption(account: Account, inputs: Mapping[str, Any]) -> None:
    """The key that encrypts objects unless the writer names another."""
    rules: list[dict[str, Any]] = []
    for rule in inputs["rules"]:
        default = rule["applyServerSideEncryptionByDefault"]
        by_default = {"SSEAlgorithm": default["sseAlgorithm"]}
        if "kmsMasterKeyId" in default:
            by_default["KMSMasterKeyID"] = default["kmsMasterKeyId"]
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": by_default,
                "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled")),
            }
        )
    account["s3"].put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})


def lifecycle(account: Account, inputs: Mapping[str, Any]) -> None:
    """When objects, their old versions and abandoned uploads go."""
    rules: list[dict[str, Any]] = []
    for rule in inputs["rules"]:
        made: dict[str, Any] = {"ID": rule["id"], "Status": rule["status"]}
        for part in ("filter", "expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload"):
            if part in rule:
                made[capital(part)] = {capital(key): value for key, value in rule[part].items()}
        rules.append(made)
    account["s3"].put_bucket_lifecycle_configuration(Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules})


def policy(account: Account, inputs: Mapping[str, Any]) -> None:
    """Who may do what with the bucket.

    The stand-in applies the policy but ignores its conditions: a ban of plain HTTP would ban everything. So denials
    with a condition are removed again.
    """
    bucket, document = inputs["bucket"], json.loads(inputs["policy"])
    account["s3"].put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])
    kept = [one for one in document["Statement"] if one["Effect"] != "Deny" or "Condition" not in one]
    if not kept:
        account["s3"].delete_bucket_policy(Bucket=bucket)
    elif kept != document["Statement"]:
        account["s3"].put_bucket_policy(Bucket=bucket, Policy=json.dumps({**document, "Statement": kept}))


def capital(name: str) -> str:
    """A declared property's name as the API writes it: `noncurrentDays` is NoncurrentDays."""
    return name[0].upper() + name[1:]
