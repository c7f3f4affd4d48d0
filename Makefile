# The one entrance: `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
PHOTOS ?= models/sample
ARGS ?=
export PHOTOS ARGS
# Bytecode is written once; without it every process compiles every import again at each start.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never

BOOT := .venv-boot/bin/python
BIN := .venv/bin
UV := .venv-boot/bin/uv
MEMBERS := libs/trapper_schemas libs/trapper_kit libs/trapper_client services/expert services/ai_manager services/ai_worker deploy/standalone
SERVICES := expert ai_manager ai_worker
INSTALLED := .make/installed
BENCHMARKS := worker blob claims polling memory sequences statistics similar masking ingest saves run
PYTEST := $(BIN)/pytest

.PHONY: help texts install run serve up down check test coverage test-slow test-chaos bench bench-worker bench-blob bench-claims bench-polling bench-memory bench-sequences bench-statistics bench-similar bench-masking bench-ingest bench-saves bench-run screenshots image pin-images audit sbom openapi env migration migrate doctor lock format
.PHONY: $(addprefix check-,format types imports architecture dependencies openapi any migrations web)

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## create the whole environment in .venv, and build the web app
	@$(BIN)/python deploy/web/build.py build

$(INSTALLED): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS)) deploy/bootstrap.sh
	@bash deploy/bootstrap.sh "$(PYTHON)" $(MEMBERS)
	@mkdir -p .make && touch $@

run: install ## the main job on a folder of photos: make run PHOTOS=~/sdcard ARGS="--out results.json"
	@eval "set -- $$ARGS"; exec $(BIN)/trapper run "$${PHOTOS/#\~\//$$HOME/}" "$$@"

up: install ## start the standalone stack and leave it running
	@$(BIN)/trapper up

down: install ## stop the standalone stack
	@$(BIN)/trapper down

serve: install ## one service in the foreground, with settings from the environment: make serve S=expert
	@exec $(BIN)/python -m $(S).commands $(if $(filter ai_worker,$(S)),run,serve)

doctor: install ## check every invariant of the running stack
	@$(BIN)/trapper doctor

check: install check-format check-types check-imports check-architecture check-dependencies check-openapi check-any check-migrations check-web ## format, lint, types, import rules, architecture, dependencies, contracts, migrations, web

check-format:
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .

check-types:
	@$(BIN)/pyright --warnings

check-imports:
	@PYTHONPATH=. $(BIN)/lint-imports --no-cache

check-architecture:
	@$(PYTEST) -q --no-header -p no:cacheprovider tests/architecture

check-dependencies:
	@for member in $(MEMBERS); do \
	  (cd $$member && "$(CURDIR)/$(BIN)/deptry" src --no-ansi 2>&1) >.make/deptry || { echo "$$member:"; cat .make/deptry; exit 1; }; done

check-openapi:
	@$(BIN)/python deploy/sdk/generate.py --check
	@for service in $(SERVICES); do \
	  $(BIN)/python -m $$service.commands openapi | diff -q - services/$$service/openapi.json >/dev/null \
	  || { echo "services/$$service/openapi.json is stale; run: make openapi"; exit 1; }; done

check-any:
	@$(BIN)/python deploy/any/count.py

check-migrations:
	@$(BIN)/python migrations/run.py --check $(SERVICES)

check-web:
	@$(BIN)/python deploy/web/build.py check

format: install ## format the code, fix what can be fixed
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

test: install ## every test of behaviour that CI runs; `make check` runs tests/architecture
	@$(PYTEST) -n 2 -m "not slow" --ignore tests/architecture

coverage: install ## everything that CI runs, with the share of branches that it reaches (about twice as long)
	@rm -rf .make/coverage && mkdir -p .make/coverage
	@$(BIN)/coverage run -m pytest -n 2 -m "not slow"
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage json --quiet -o .make/coverage/report.json
	@$(BIN)/python deploy/coverage/check.py .make/coverage/report.json

test-slow: install ## the proofs that take minutes: every step times every process killed
	@$(PYTEST) -m slow --timeout 900

test-chaos: install ## storms over a whole fleet: kills, freezes, bad links, full disk, false clocks, lies (15 minutes at most)
	@$(PYTEST) tests/chaos -m slow --timeout 900

bench: install ## every benchmark; each prints a table and writes benchmarks/out/NAME.json
	@status=0; for name in $(BENCHMARKS); do $(MAKE) --no-print-directory bench-$$name || status=1; done; exit $$status

bench-worker: install ## the Worker end to end, against what its cores could do
	@$(BIN)/python -m benchmarks.bench_worker

bench-blob: install ## the result blob against gzip'd JSON: bytes, encoding, decoding
	@$(BIN)/python -m benchmarks.bench_blob

bench-claims: install ## claims and saves of one Manager process, against the same statements in pgbench
	@$(BIN)/python -m benchmarks.bench_claims

bench-polling: install ## a thousand workers that wait for work at one Manager process
	@$(BIN)/python -m benchmarks.bench_polling

bench-run: install ## the whole main job on new photos, against a plain loop with the same detector
	@$(BIN)/python -m benchmarks.bench_run

bench-memory: install ## the memory of Manager and Worker, between a small job and a large one
	@$(BIN)/python -m benchmarks.bench_memory

bench-sequences: install ## sequences of a million resources: built from nothing, and one resource more
	@$(BIN)/python -m benchmarks.bench_sequences

bench-statistics: install ## the statistics of a million resources and three million observations
	@$(BIN)/python -m benchmarks.bench_statistics

bench-similar: install ## the search for similar objects: how long it takes, and how many of the nearest the index finds
	@$(BIN)/python -m benchmarks.bench_similar

bench-masking: install ## class masking over kept logits, against a bare loop over the same blobs
	@$(BIN)/python -m benchmarks.bench_masking

bench-ingest: install ## ingest of batch results, against a bare binary COPY of the same rows
	@$(BIN)/python -m benchmarks.bench_ingest

bench-saves: install ## results of one picture each: sixteen savers at once, and one in a large deployment
	@$(BIN)/python -m benchmarks.bench_saves

screenshots: install ## every page of the web app in light and dark, as wide as a desktop and as a phone, into screenshots/
	@TRAPPER_SCREENSHOTS=screenshots $(PYTEST) -q --no-header tests/web/test_look.py && ls screenshots

texts: install ## list every text that people meet in docs/texts.txt
	@$(BIN)/python -m tests.architecture.texts

openapi: install ## write each service's OpenAPI document, and the SDK's types from the Expert's
	@for service in $(SERVICES); do $(BIN)/python -m $$service.commands openapi > services/$$service/openapi.json; done
	@$(BIN)/python deploy/sdk/generate.py

env: install ## write the example environment of each service from its settings
	@for service in $(SERVICES); do $(BIN)/python deploy/env/render.py $$service > deploy/env/$$service.example; done

migration: install ## write the next migration: make migration S=expert M="what changes"
	@$(BIN)/python migrations/run.py --revision "$(M)" $(S)

migrate: install ## upgrade the databases that the environment names: make migrate S=expert
	@$(BIN)/python migrations/run.py $(S)

image: install ## a container image of one service: make image S=expert, make image S=ai_worker EXTRA=gpu
	@docker build -f deploy/Dockerfile --build-arg SERVICE=$(S) $(if $(filter ai_worker,$(S)),--build-arg EXTRA=$(or $(EXTRA),cpu)) \
	  $$(sed -n 's/^PYTHON_IMAGE=/--build-arg &/p' deploy/images.env 2>/dev/null) -t trapper-$(subst _,-,$(S)) .

pin-images: ## write the base images with their present digests into deploy/images.env; needs docker and its registry
	@bash deploy/pin_images.sh >deploy/images.env.new && mv deploy/images.env.new deploy/images.env

audit: install ## ask for known vulnerabilities of what the locks pin: 0 none, 1 some, 3 could not ask
	@$(BIN)/python deploy/audit.py

sbom: install ## write a CycloneDX document of each lock into dist/sbom
	@mkdir -p dist/sbom; for lock in requirements.lock deploy/locks/*.lock; do \
	  $(BIN)/cyclonedx-py requirements --output-reproducible -o dist/sbom/$$(basename $$lock .lock).cdx.json $$lock || exit 1; done

lock: ## resolve the hash lock anew
	@bash deploy/lock.sh $(MEMBERS)
