"""Kubernetes probes against a running container. Imported by launchers, so standard library only."""

import asyncio
from collections.abc import Sequence

from local import sandbox
from local.spec import Container, Hook, Probe


class ProbeFailed(Exception):
    """The probe didn't succeed; its text says why."""


async def _http_status(host: str, port: int, path: str, headers: Sequence[tuple[str, str]] = ()) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        named = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/local", "Accept": "*/*", **dict(headers)}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = (await reader.readline()).split()
        if len(answer) < 2 or not answer[1].isdigit():
            raise ProbeFailed(f"{host}:{port} doesn't speak HTTP")
        return int(answer[1])
    finally:
        writer.close()


async def check(probe: Probe, container: Container, pid: int) -> None:
    """Probe once. Raises ProbeFailed with the reason."""
    try:
        if probe.command:
            code, output = await sandbox.execute(pid, probe.command, container.environment, probe.timeout)
            if code:
                raise ProbeFailed(f"{probe.command[0]} ended with {code}: {output}"[: sandbox.OUTPUT_LIMIT])
        elif probe.http_path:
            request = _http_status(probe.host, probe.port, probe.http_path, probe.http_headers)
            status = await asyncio.wait_for(request, probe.timeout)
            if not 200 <= status < 400:
                raise ProbeFailed(f"http://{probe.host}:{probe.port}{probe.http_path} answered {status}")
        else:
            connection = asyncio.open_connection(probe.host, probe.port)
            (await asyncio.wait_for(connection, probe.timeout))[1].close()
    except TimeoutError:
        raise ProbeFailed(f"no answer within {probe.timeout:g} s") from None
    except OSError as error:
        where = probe.command[0] if probe.command else f"{probe.host}:{probe.port}"
        raise ProbeFailed(f"{where}: {error.strerror or error}") from None


async def run_hook(hook: Hook, container: Container, pid: int, limit: float) -> str:
    """Run a preStop hook for at most `limit` seconds. Returns what went wrong, or nothing."""
    try:
        if hook.command:
            code, output = await sandbox.execute(pid, hook.command, container.environment, limit)
            return f"preStop ended with {code}: {output}" if code else ""
        if hook.http_path:
            await asyncio.wait_for(_http_status(hook.host, hook.port, hook.http_path), limit)
        else:
            await asyncio.sleep(min(hook.sleep, limit))
    except (TimeoutError, OSError, ProbeFailed) as error:
        return f"preStop: {error or 'took longer than the grace period'}"
    return ""
