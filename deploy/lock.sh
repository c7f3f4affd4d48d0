#!/usr/bin/env bash
# Resolves requirements.lock for `make install`, and what each image installs in deploy/locks; hashes inside, no addresses.
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
  --group test --group lint --group audit --group contract --group build -o requirements.lock
# The same versions wherever two locks have a package: the image for GPUs differs in its runtime alone.
image() { compile "$@" -c requirements.lock; }
image services/expert/pyproject.toml -o deploy/locks/expert.lock
image services/ai_manager/pyproject.toml -o deploy/locks/ai_manager.lock
image services/ai_worker/pyproject.toml --extra cpu -o deploy/locks/ai_worker-cpu.lock
image services/ai_worker/pyproject.toml --extra gpu -o deploy/locks/ai_worker-gpu.lock
# What builds the wheels of the services in an image.
image --group build -o deploy/locks/build.lock
