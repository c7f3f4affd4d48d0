#!/usr/bin/env bash
# Makes .venv from the hash lock and installs the members into it; called by `make install`, safe to repeat.
set -euo pipefail
python=$1; shift

if ! command -v "$python" >/dev/null 2>&1; then
  echo "Python 3.11 or newer is needed and '$python' was not found; install it, or say: make PYTHON=/path/to/python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python 3.11 or newer is needed, '$python' is $("$python" --version 2>&1); say: make PYTHON=/path/to/python3.11" >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "this Python has no venv module (on Debian: apt install python3-venv)" >&2
  exit 1
fi

if ! .venv-boot/bin/uv --version >/dev/null 2>&1; then
  echo "preparing the installer …"
  "$python" -m venv --clear .venv-boot
  .venv-boot/bin/python -m pip install -q --disable-pip-version-check 'uv==0.13.8'
fi
echo "installing …"
.venv-boot/bin/uv venv -q --allow-existing --python "$python" .venv
.venv-boot/bin/uv pip sync -q --require-hashes --compile-bytecode --python .venv/bin/python requirements.lock
members=()
for member in "$@"; do members+=(-e "$member"); done
# The build backend is in the lock, so that nothing outside of it is fetched here.
.venv-boot/bin/uv pip install -q --no-deps --no-build-isolation --python .venv/bin/python "${members[@]}"
