"""Other caches as the edge in front of the gateway: a real Varnish and a real Squid, from Debian's packages.

Both obey the responses' headers (RFC 9111), Varnish also the one that is meant for the edge
(`Cloudflare-CDN-Cache-Control`, RFC 9213), as Cloudflare does.
"""

import contextlib
import shutil
import socket
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from local.packages import install
from local.problem import Problem
from testing.servers import process
from testing.waits import eventually, own_address

PORT: Final = 8081

_VCL: Final = """\
vcl 4.1;
import std;
backend gateway { .host = "%s"; .port = "%d"; }
sub vcl_backend_response {
  if (beresp.http.Cloudflare-CDN-Cache-Control ~ "max-age=") {
    set beresp.ttl = std.duration(
      regsub(beresp.http.Cloudflare-CDN-Cache-Control, "^.*max-age=([0-9]+).*$", "\\1") + "s", 0s) -
      std.duration(beresp.http.Age + "s", 0s);
    set beresp.grace = 0s;
    return (deliver);
  }
}
"""
_SQUID: Final = """\
http_port {address}:{port} accel defaultsite=shop vhost
cache_peer {host} parent {origin} 0 no-query no-digest originserver name=gateway
acl all_of_them src all
http_access allow all_of_them
cache_peer_access gateway allow all_of_them
never_direct allow all_of_them
cache_mem 256 MB
memory_cache_mode always
pid_filename none
access_log none
cache_log /dev/null
cache_store_log none
coredump_dir none
shutdown_lifetime 0 seconds
visible_hostname edge
via off
forwarded_for transparent
max_filedescriptors 4096
"""


@dataclass(frozen=True)
class EdgeCache:
    """A cache that can be the edge. `command`(directory, own address, the gateway's address and port) writes its
    configuration and returns the command that starts it."""

    name: str
    program: str
    command: Callable[[Path, str, str, int], list[str]]

    @property
    def installed(self) -> bool:
        return shutil.which(self.program) is not None


def _varnish(directory: Path, address: str, host: str, origin: int) -> list[str]:
    (directory / "edge.vcl").write_text(_VCL % (host, origin))
    listen = ["-a", f"{address}:{PORT}", "-f", str(directory / "edge.vcl"), "-n", str(directory / "varnish")]
    return ["varnishd", "-F", "-j", "none", "-s", "malloc,256m", *listen]


def _squid(directory: Path, address: str, host: str, origin: int) -> list[str]:
    (directory / "squid.conf").write_text(_SQUID.format(address=address, port=PORT, host=host, origin=origin))
    # It writes to no file: started by root, Squid changes to a user who may write nowhere here.
    return ["squid", "-N", "-d", "1", "-f", str(directory / "squid.conf")]


EDGES: Final = (EdgeCache("varnish", "varnishd", _varnish), EdgeCache("squid", "squid", _squid))


@contextlib.contextmanager
def running_edge(edge: EdgeCache, directory: Path, gateway: str, port: int) -> Generator[str]:
    """Run the cache, empty, in front of the gateway at `gateway`:`port`. Yields its address, at which it has `PORT`."""
    address = own_address()
    command = edge.command(directory, address, gateway, port)
    with process(command, {}, directory / f"{edge.name}.log") as running:

        def answers() -> bool:
            if running.status() == psutil.STATUS_ZOMBIE:
                raise AssertionError((directory / f"{edge.name}.log").read_text())
            with socket.create_connection((address, PORT), timeout=5):
                return True

        eventually(answers, f"{edge.name} listens")
        yield address


if __name__ == "__main__":
    try:
        install(edge.name for edge in EDGES if not edge.installed)
    except Problem as problem:
        # Their tests are skipped then.
        print(
            f"NOT TESTED behind the caches of others, because Varnish or Squid is missing: {problem}", file=sys.stderr
        )
