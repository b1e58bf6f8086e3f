#!/bin/bash
# The Python environment in .venv, as requirements/project.lock says, hashes checked. Does nothing when it is already so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -L .venv ]; then
    exit 0 # a link to an environment that somebody keeps elsewhere
fi
wanted=$({ sha256sum requirements/project.lock 2>/dev/null || shasum -a 256 requirements/project.lock; } | cut -d' ' -f1)
if [ -x .venv/bin/python ] && [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

privileged() {
    if ! command -v apt-get >/dev/null; then
        echo "error: Python 3.11 or newer with its venv module is needed; install it by this system's own means." >&2
        exit 1
    elif [ "$(id -u)" = 0 ]; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        echo "error: installing Debian packages needs root, and this user has no sudo without a password." >&2
        echo "Run this line, then try again:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends python3 python3-venv" >&2
        exit 1
    fi
}

if ! python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "installing python3-venv"
    privileged apt-get update -qq
    privileged env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: $(python3 --version) is too old; 3.11 or newer is needed (Debian 12 has it)" >&2
    exit 1
fi

echo "installing the Python environment (about a minute)"
[ -x .venv/bin/python ] || python3 -m venv .venv
if [ ! -x .venv/bin/uv ]; then
    # uv itself first, by the same lock file and its hashes.
    only_uv=$(mktemp)
    trap 'rm -f "$only_uv"' EXIT
    awk '/^[a-zA-Z0-9]/ { chosen = /^uv==/ } chosen' requirements/project.lock >"$only_uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$only_uv"
fi
# Compiled now: the pods can't write to it, and the cloud SDKs take 10 s to compile at each start.
# uv gives a file a minute by default, which a busy machine exceeds for the largest SDK.
UV_COMPILE_BYTECODE_TIMEOUT=600 .venv/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python requirements/project.lock
echo "$wanted" >.venv/installed
