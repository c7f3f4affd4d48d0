#!/usr/bin/env bash
# Resolves requirements.lock, and requirements-gpu.lock for the Worker with CUDA; hashes inside, no addresses.
set -euo pipefail
projects=(); own=()
for member in "$@"; do
  projects+=("$member/pyproject.toml")
  own+=(--no-emit-package "$(basename "$member" | tr _ -)")
done
compile() {
  .venv-boot/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
    "${own[@]}" ${EXCLUDE_NEWER:+--exclude-newer "$EXCLUDE_NEWER"} "$@"
}
compile "${projects[@]}" --extra cpu --extra web --extra postgres --extra sqlite --extra columns --extra objects \
  --group test --group lint --group build -o requirements.lock
# The same versions wherever both locks have a package: the image for GPUs differs in its runtime alone.
compile services/ai_worker/pyproject.toml --extra gpu --group build -c requirements.lock -o requirements-gpu.lock
