#!/usr/bin/env bash
# Resolves requirements.lock for every platform from the members' pyproject files; hashes inside, no addresses.
set -euo pipefail
projects=(); own=()
for member in "$@"; do
  projects+=("$member/pyproject.toml")
  own+=(--no-emit-package "$(basename "$member" | tr _ -)")
done
.venv-boot/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
  "${projects[@]}" --extra cpu --extra web --extra postgres --extra sqlite --extra columns \
  --group test --group lint --group build "${own[@]}" ${EXCLUDE_NEWER:+--exclude-newer "$EXCLUDE_NEWER"} \
  -o requirements.lock
