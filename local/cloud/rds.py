"""The database's description: parameter group, subnet group, instance, and the groups that its log goes to."""

from collections.abc import Mapping
from typing import Any

from local.cloud.account import Account, tag_list

INSTANCE_PROPERTIES: Mapping[str, str] = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "databaseInsightsMode": "DatabaseInsightsMode",
    "dbName": "DBName",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "deletionProtection": "DeletionProtection",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "engine": "Engine",
    "engineVersion": "EngineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "kmsKeyId": "KmsKeyId",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "password": "MasterUserPassword",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "port": "Port",
    "publiclyAccessible": "PubliclyAccessible",
    "replicateSourceDb": "SourceDBInstanceIdentifier",
    "storageEncrypted": "StorageEncrypted",
    "storageThroughput": "StorageThroughput",
    "storageType": "StorageType",
    "username": "MasterUsername",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
"""What `create_db_instance` calls each property."""

LATER = frozenset(
    {"applyImmediately", "deleteAutomatedBackups", "finalSnapshotIdentifier", "skipFinalSnapshot", "tags"}
)
"""Properties that aren't part of the creation: tags are separate, the others belong to a change or the deletion."""


def parameter_group(account: Account, inputs: Mapping[str, Any]) -> None:
    """The group with all of its parameters."""
    rds = account["rds"]
    name = group_name(inputs)
    rds.create_db_parameter_group(
        DBParameterGroupName=name,
        DBParameterGroupFamily=inputs["family"],
        Description=inputs.get("description") or "Managed by Pulumi",
        Tags=tag_list(inputs),
    )
    parameters = [
        {
            "ParameterName": each["name"],
            "ParameterValue": str(each["value"]),
            "ApplyMethod": each.get("applyMethod") or "immediate",
        }
        for each in inputs.get("parameters") or []
    ]
    for start in range(0, len(parameters), 20):  # RDS takes 20 in a call
        rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=parameters[start : start + 20])


def group_name(inputs: Mapping[str, Any]) -> str:
    """A parameter group's name here: AWS makes one from a prefix, so the prefix stands for it."""
    return str(inputs.get("name") or inputs["namePrefix"]).rstrip("-")


def subnet_group(account: Account, inputs: Mapping[str, Any]) -> None:
    """The subnets that the database may stand in."""
    account["rds"].create_db_subnet_group(
        DBSubnetGroupName=inputs["name"],
        DBSubnetGroupDescription=inputs["description"],
        SubnetIds=inputs["subnetIds"],
        Tags=tag_list(inputs),
    )


def instance(account: Account, inputs: Mapping[str, Any]) -> None:
    """The instance, or a read replica. Raises KeyError for a property that would otherwise be ignored."""
    arguments = {INSTANCE_PROPERTIES[name]: value for name, value in inputs.items() if name not in LATER}
    if "replicateSourceDb" in inputs:
        del arguments["StorageEncrypted"]  # as its source is; AWS takes the key only
        account["rds"].create_db_instance_read_replica(**arguments, Tags=tag_list(inputs))
    else:
        account["rds"].create_db_instance(**arguments, Tags=tag_list(inputs))


def instance_names(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The instance's ARN, None when there is no such instance."""
    rds = account["rds"]
    try:
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=inputs["identifier"])["DBInstances"]
    except rds.exceptions.DBInstanceNotFoundFault:
        return None
    return {"arn": found["DBInstanceArn"]}


def log_group(account: Account, inputs: Mapping[str, Any]) -> None:
    """Where Postgres's log goes, and for how long."""
    encrypted = {"kmsKeyId": inputs["kmsKeyId"]} if "kmsKeyId" in inputs else {}
    account["logs"].create_log_group(logGroupName=inputs["name"], tags=dict(inputs.get("tags") or {}), **encrypted)
    if inputs.get("retentionInDays"):
        account["logs"].put_retention_policy(
            logGroupName=inputs["name"], retentionInDays=int(inputs["retentionInDays"])
        )
