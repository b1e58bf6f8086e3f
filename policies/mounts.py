"""The volume of a pod that holds a file."""

from stack.resource import Resource, Stack, dig


def of_a_secret(stack: Stack, workload: Resource, path: str) -> bool:
    """Whether a workload's containers see a file of this path in a Secret that the stack declares."""
    secrets = {secret.object_name: secret for secret in stack.of("core/v1:Secret")}
    volumes = dig(workload.pod, "volumes") or ()
    mounted = {dig(volume, "name"): dig(volume, "secret", "secretName") for volume in volumes}
    directory, _, name = path.rpartition("/")
    for container in workload.containers():
        for mount in dig(container, "volumeMounts") or ():
            secret = secrets.get(mounted.get(dig(mount, "name")) or "")
            if secret and str(dig(mount, "mountPath")).rstrip("/") == directory:
                return name in {**(secret.get("data") or {}), **(secret.get("stringData") or {})}
    return False
