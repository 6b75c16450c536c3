# Posthorn. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo build deps test types lint house peers fault bench soak fuzz clean distclean

# A Node that is new enough: the system's, else one that npm brings into .tools (packaging/node.sh).
export PATH := $(shell packaging/node.sh --where):$(PATH)
# The first target to run brings it; until then the line above is empty.
NODE := PATH="$$(packaging/node.sh --where):$$PATH" node

help: ## this list
	@echo 'Posthorn, an edge mail gateway.'
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# `npm ci` refuses a lock file without every platform's optional packages, which some registries do not carry;
# `npm install --no-save` takes the same locked versions and leaves the lock file alone.
node_modules/.fresh: package.json package-lock.json .npmrc packaging/node.sh
	@packaging/node.sh
	@echo 'Fetching packages (locked versions)'
	@PATH="$$(packaging/node.sh --where):$$PATH" npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

deps: node_modules/.fresh

WASM_SOURCES := $(shell find assembly -name '*.ts' 2>/dev/null)
build/wasm/simd.wasm: $(WASM_SOURCES) asconfig.json node_modules/.fresh
	@mkdir -p build/wasm
	@for target in relaxed scalar simd; do \
	  $(NODE) node_modules/assemblyscript/bin/asc.js --config asconfig.json --target $$target 2>&1 | { grep -v 'Last converge was suboptimal' || true; }; done

build/.fresh: $(shell find src hardware -name '*.ts' 2>/dev/null) build/wasm/simd.wasm tsconfig.json package.json packaging/launcher.sh
	@$(NODE) node_modules/typescript/bin/tsc -p tsconfig.json
	@packaging/launcher.sh "$$(packaging/node.sh --where)/node" "$$PWD/build/src/main.js" > build/posthorn
	@chmod +x build/posthorn build/src/main.js
	@touch $@

build: build/.fresh ## build WASM and TypeScript into build/

run: build ## start a gateway to try: no root, loopback only, everything below var/
	@packaging/run.sh

demo: build ## watch real messages travel: refused, delayed, through SOCKS, accepted, and their DSNs
	@$(NODE) test/demo/demo.ts

types: node_modules/.fresh
	@$(NODE) node_modules/typescript/bin/tsc -p test/tsconfig.json

lint: node_modules/.fresh
	@$(NODE) node_modules/oxlint/bin/oxlint --type-aware --quiet src hardware test bench

house: types lint ## check the house: import rules, RFC index, types, lint; print sizes
	@$(NODE) test/house/check.ts

test: build house ## set up and run every test; ends with one line
	@packaging/peers.sh
	@packaging/bench-peers.sh courier
	@$(NODE) test/run.ts

peers: build ## the tests against real peers, and which peers were not met
	@packaging/peers.sh
	@packaging/bench-peers.sh courier
	@$(NODE) test/run.ts peers

fault: build ## the long fault runs: 200 kills under load, full disk, traced syncs
	@$(NODE) test/fault/kill-loop.ts

bench: build ## measure beside its peers and the floors: ratios, memory, profile (QUICK=1: mail beside Postfix only)
	@packaging/peers.sh
ifdef QUICK
	@$(NODE) bench/main.ts --quick
else
	@packaging/bench-peers.sh
	@$(NODE) bench/main.ts
	@$(NODE) bench/kernels.ts
	@$(NODE) bench/uucp.ts
	@$(NODE) bench/queue.ts $(if $(LONG),--long)
	@$(NODE) bench/slow-destination.ts
	@$(NODE) bench/transport-floor.ts
	@$(NODE) bench/local.ts
	@$(NODE) bench/maildrop.ts
	@$(NODE) bench/fax.ts
endif

soak: build ## half an hour of mixed load and faults
	@$(NODE) bench/soak.ts

fuzz: build ## ten million random calls of the kernels, a million hostile inputs a parser, every property test twenty times
	@$(NODE) test/fuzz.ts

clean: ## remove what was built and what a trial run left
	@rm -rf build var bench/results test/scratch

distclean: clean
	@rm -rf node_modules .tools
