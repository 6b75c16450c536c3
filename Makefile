# Posthorn. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo build test test-units house lint types bench peers fault soak fuzz clean distclean deps

# A Node that is new enough: the system's, else one that npm brings into .tools (see packaging/node.sh).
NODE_BIN = $(shell packaging/node.sh --where)
export PATH := $(NODE_BIN):$(PATH)

help: ## list the targets
	@echo 'Posthorn: an edge mail gateway. Targets:'
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# `npm ci` refuses a lock file without every platform's optional packages, which some registries do not carry;
# `npm install --no-save` takes the same locked versions and leaves the lock file alone.
node_modules/.fresh: package.json package-lock.json .npmrc packaging/node.sh
	@packaging/node.sh
	@PATH="$$(packaging/node.sh --where):$$PATH" npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

deps: node_modules/.fresh

WASM_SOURCES = $(shell find assembly -name '*.ts' 2>/dev/null)
build/wasm/simd.wasm: $(WASM_SOURCES) asconfig.json node_modules/.fresh
	@mkdir -p build/wasm
	@for target in simd relaxed scalar; do node node_modules/assemblyscript/bin/asc.js --config asconfig.json --target $$target; done

build/.fresh: $(shell find src hardware -name '*.ts' 2>/dev/null) build/wasm/simd.wasm tsconfig.json
	@node node_modules/typescript/bin/tsc -p tsconfig.json
	@touch $@

build: build/.fresh ## build WASM and TypeScript into build/

types: node_modules/.fresh
	@node node_modules/typescript/bin/tsc -p test/tsconfig.json

lint: node_modules/.fresh
	@node node_modules/oxlint/bin/oxlint --type-aware src hardware test bench
