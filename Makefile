# Two commands do everything: `make up` runs the shop on this machine, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python

.PHONY: help setup lock
help: ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lock: ## rewrite the locked, hashed requirements
	.venv/bin/uv pip compile requirements.in --generate-hashes --no-header --no-annotate --quiet -o requirements.lock

.PHONY: preview
preview: ## print what ENV=prod declares (FORMAT=json: as steps)
	@$(PYTHON) -m review preview "$(or $(ENV),prod)" --format "$(or $(FORMAT),tree)"

.PHONY: engine
engine: ## the Pulumi CLI: the one on PATH, else one built from source (once, minutes)
	@nice $(PYTHON) -m tools.engine
