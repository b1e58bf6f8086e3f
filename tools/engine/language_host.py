"""Runs the Pulumi program and the policy pack for an engine that has no Python language host of its own.

Pulumi's releases bring one (`pulumi-language-python`), but it isn't published as a Go module, so a CLI built from
source lacks it. This one does the two things that a preview, an update and a policy pack need: run the program
in a process of its own, and run the pack as a plugin. Where a release is installed, its own host is found first.
"""
# ruff: noqa: ARG002 (every call of the protocol brings a request and a context, needed or not)

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from tools.engine import plugin_server

REPORTED = 32
"""The exit code of a program that failed and has told the engine why (the protocol's `bail`)."""


class PythonHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The language protocol for programs and plugins written in Python."""

    def __init__(self, engine_address: str) -> None:
        """`engine_address` is where programs report to: host:port."""
        self._engine_address = engine_address

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The first call."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """No version: this host isn't released."""
        return plugin_pb2.PluginInfo(version="")

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """None: providers are on PATH, nothing is to be downloaded."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The older form of GetRequiredPackages."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        """None listed; they are in requirements/project.lock."""
        return language_pb2.GetProgramDependenciesResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The interpreter that programs run in."""
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Run the program to its end.

        Its configuration travels in the environment, where other users can't read it, unlike arguments.
        """
        settings = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "dry_run": request.dryRun,
            "parallel": request.parallel,
            "root_directory": request.info.root_directory,
        }
        directory = Path(request.info.program_directory)
        finished = subprocess.run(
            [sys.executable, "-m", "tools.engine.run_program", str(directory / request.info.entry_point)],
            cwd=directory,
            env={
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
                "SIMONE_RUN": json.dumps(settings),
            },
            check=False,
        )
        if finished.returncode == 0:
            return language_pb2.RunResponse()
        if finished.returncode == REPORTED:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with exit code {finished.returncode}")

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Run a policy pack and pass on what it prints: its first line is the port that it serves."""
        process = subprocess.Popen(
            [sys.executable, "-m", "pulumi.policy", *request.args, request.info.program_directory],
            cwd=request.pwd,
            env={**os.environ, **dict(pair.split("=", 1) for pair in request.env)},
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
        )
        context.add_callback(process.terminate)
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for above)
        for line in process.stdout:
            yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Nothing: `make setup` has installed them."""
        yield from ()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The engine ends this process, and its children with it."""
        return empty_pb2.Empty()


if __name__ == "__main__":
    host = PythonHost(sys.argv[-1])
    plugin_server.serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server))
