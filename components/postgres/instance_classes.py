"""Memory of RDS instance classes, which the parameters are derived from.

Source: https://aws.amazon.com/rds/instance-types/ (memory in GiB). Add a class here to use it.
"""

from components.settings.quantities import GIB, MIB

_BY_SIZE = {
    "t4g": {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32},
    "m6g": {"large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128},
    "m7g": {"large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128},
    "r6g": {"large": 16, "xlarge": 32, "2xlarge": 64, "4xlarge": 128, "8xlarge": 256},
    "r7g": {"large": 16, "xlarge": 32, "2xlarge": 64, "4xlarge": 128, "8xlarge": 256},
}
MEMORY: dict[str, int] = {
    f"db.{family}.{size}": gib * GIB for family, sizes in _BY_SIZE.items() for size, gib in sizes.items()
}

# RDS's own default is DBInstanceClassMemory / 9531392, at most 5000
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections).
_BYTES_PER_CONNECTION = 9_531_392
_MOST_CONNECTIONS = 5000


def max_connections(memory: int) -> int:
    """Connections that an instance of so many bytes takes.

    RDS's formula, applied to what its operating system and agents leave over: an eighth less, at least 256 MiB,
    which errs on the small side. The result is declared as the parameter max_connections, so it is what the
    instance has.
    """
    usable = memory - max(memory // 8, 256 * MIB)
    return min(usable // _BYTES_PER_CONNECTION, _MOST_CONNECTIONS)
