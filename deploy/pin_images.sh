#!/usr/bin/env bash
# Prints the base images with their present digests, as deploy/compose.yaml and `make image` take them.
set -euo pipefail
pin() { echo "$1=$2@$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$2")"; }
pin PYTHON_IMAGE python:3.11-slim
pin POSTGRES_IMAGE pgvector/pgvector:pg18
pin VALKEY_IMAGE valkey/valkey:9
