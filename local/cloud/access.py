"""Access: roles and their policies, encryption keys, secrets."""

import json
from collections.abc import Mapping
from typing import Any

from local.cloud.account import Account, tag_list


def role(account: Account, inputs: Mapping[str, Any]) -> None:
    """A role without rights yet."""
    policy = inputs["assumeRolePolicy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    account["iam"].create_role(RoleName=inputs["name"], AssumeRolePolicyDocument=text, Tags=tag_list(inputs))


def role_names(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The role's ARN, None when there is no such role."""
    iam = account["iam"]
    try:
        return {"arn": iam.get_role(RoleName=inputs["name"])["Role"]["Arn"]}
    except iam.exceptions.NoSuchEntityException:
        return None


def role_policy(account: Account, inputs: Mapping[str, Any]) -> None:
    """What a role may do."""
    account["iam"].put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])


def role_policy_attachment(account: Account, inputs: Mapping[str, Any]) -> None:
    """One of AWS's own policies for a role."""
    account["iam"].attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])


def key(account: Account, inputs: Mapping[str, Any]) -> None:
    """An encryption key."""
    kms = account["kms"]
    policy = {"Policy": inputs["policy"]} if "policy" in inputs else {}
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tag_list(inputs)]
    made = kms.create_key(Description=inputs["description"], Tags=tags, **policy)
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=made["KeyMetadata"]["KeyId"])


def key_names(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What AWS calls the key with this description, None when there is none."""
    kms = account["kms"]
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            found = kms.describe_key(KeyId=listed["KeyId"])["KeyMetadata"]
            if found["Description"] == inputs["description"]:
                return {"id": found["KeyId"], "keyId": found["KeyId"], "arn": found["Arn"]}
    return None


def alias(account: Account, inputs: Mapping[str, Any]) -> None:
    """A key's readable name."""
    account["kms"].create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])


def secret(account: Account, inputs: Mapping[str, Any]) -> None:
    """An empty secret."""
    encrypted = {"KmsKeyId": inputs["kmsKeyId"]} if "kmsKeyId" in inputs else {}
    account["secretsmanager"].create_secret(
        Name=inputs["name"],
        Description=inputs.get("description") or "",
        SecretString="{}",
        Tags=tag_list(inputs),
        **encrypted,
    )


def secret_version(account: Account, inputs: Mapping[str, Any]) -> None:
    """A secret's value."""
    account["secretsmanager"].put_secret_value(SecretId=inputs["secretId"], SecretString=inputs["secretString"])
