# Every command of the project; CI runs the same ones. `make help` lists them.
#
# up and down need Docker, make and openssl alone; the rest needs Rust, and check, test and contract both. clients and packed need
# Python 3.11 and Node 20.19 too.
.PHONY: help up down secrets check test contract clients packed seal fuzz torture bench bench-kernels train
.DEFAULT_GOAL := help

TOOLS := target/tools/bin
RUN := docker compose run --rm -T linfactl
# The Python and TypeScript clients in a container that has their tools; `check` or `test`.
CLIENTS_IMAGE = docker build --file Dockerfile.clients --target $(1) --tag linfa-serve-clients:$(1) .
CLIENTS = $(CLIENTS_IMAGE) && docker run --rm --init --shm-size 512m linfa-serve-clients:$(1)
CONTRACT := cargo run --quiet -p linfa-serve-contract -- run --image linfa-serve-clients:test
NODE_MODULES := clients/typescript/node_modules
TRAIN := cargo run --release -p linfactl -- train --out models

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 24

up: secrets ## Build and start everything, wait until it is ready, and ask for one prediction
	docker compose --profile tools build
	@docker compose up --detach --wait --wait-timeout 120 || { docker compose logs --no-color; exit 1; }
	@$(RUN) predict --model iris 5.1,3.5,1.4,0.2 || { docker compose logs --no-color; exit 1; }
	@printf '\nThe same from this machine, by grpcurl:\n\n  %s \\\n    %s \\\n    %s %s\n\n' \
	    'grpcurl -plaintext -H "authorization: Bearer $$(cat secrets/client_api_key)"' \
	    "-d '{\"model\":\"iris\",\"matrix\":{\"values\":[5.1,3.5,1.4,0.2]}}'" \
	    "$$(docker compose port server 50051)" linfa.serve.v1.PredictService/Predict

down: ## Stop everything; proven models stay in their volume (docker compose down -v removes it too)
	docker compose --profile tools down

secrets: ## Make the keys that are not there yet
	@secrets/generate

check: $(TOOLS)/cargo-deny ## What must hold of every commit: format, lints, documentation, licences
	cargo fmt --all -- --check
	@# cargo fmt does not find the modules that a macro declares.
	rustfmt --check --edition 2024 artifact/src/steps/*.rs
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features
	$(TOOLS)/cargo-deny check bans licenses sources
	$(call CLIENTS,check)
	@# What an error means to a client is decided in one place.
	@if grep -rnw --include='*.rs' Code src | grep -v '^src/status.rs:'; then echo 'gRPC codes are for src/status.rs alone'; exit 1; fi

test: ## Unit, integration and documentation tests, then the containers end to end, also by every client
	cargo test
	docker compose --profile tools build
	$(call CLIENTS,test)
	cargo test -p linfa-serve-e2e -- --show-output
	$(CONTRACT)

contract: ## The same cases by every client, against the containers; SUITES names some of them
	docker compose --profile tools build
	$(call CLIENTS_IMAGE,test)
	$(CONTRACT) $(SUITES)

clients: $(NODE_MODULES) ## Make anew what the clients generate from the proto files; their references and packages too
	PYTHON=$$(clients/python/venv) clients/python/generate
	clients/python/check
	clients/python/check docs
	clients/python/check wheel
	npm --prefix clients/typescript run generate

packed: $(NODE_MODULES) ## Each client's package: what is in it, and a prediction by it in a folder that has nothing else
	cargo build -p linfactl
	clients/packed

$(NODE_MODULES): clients/typescript/package-lock.json
	npm --prefix clients/typescript ci
	@touch $@

seal: ## Look at the stack that is up: secrets that can be read, programs that may do more than they need
	cargo run -p linfa-serve-seal --bin seal

fuzz: $(TOOLS)/cargo-fuzz ## Each fuzz target for FUZZ_SECONDS (600), with 512 MB at most; needs nightly Rust
	@# What is found goes below target/; what is worth keeping is put into fuzz/corpus by hand.
	@set -e; for target in $$($(TOOLS)/cargo-fuzz list); do \
	    mkdir -p target/fuzz/$$target; \
	    cargo +nightly fuzz run --sanitizer none --target-dir target/fuzz/build $$target \
	        target/fuzz/$$target fuzz/corpus/$$target -- -dict=fuzz/dictionaries/$$target.dict \
	        -max_total_time=$${FUZZ_SECONDS:-600} -rss_limit_mb=512 -print_final_stats=1; \
	done

torture: ## Swaps under load, programs killed at random, a flood of versions, files swapped while they are read; up to two hours
	cargo build --release -p linfa-serve-load --bins
	target/release/torture
	target/release/hammer
	CROWD=1000000 cargo test -p linfa-sidecar --test integration crowd -- --show-output

bench: ## Calls per second against a bare echo; needs h2load (package nghttp2-client) and taskset
	cargo bench -p linfa-serve --bench serve

train: ## Train the models of this repository anew, each as its next version
	$(TRAIN) --name iris --csv models/iris.csv --target species --scale --algorithm multinomial-logistic-regression
	$(TRAIN) --name iris-clusters --csv models/iris.csv --ignore species --algorithm kmeans --n-clusters 3
	$(TRAIN) --name wine-quality --csv models/wine.csv --target quality --ignore good --algorithm random-forest \
	    --ensemble-size 101 --max-depth 12 --feature-proportion 0.6
	$(TRAIN) --name wine-above-6 --csv models/wine.csv --target good --ignore quality --scale --algorithm svm \
	    --kernel gaussian --eps 1e-3 --c-pos 10 --c-neg 10 --probability
	$(TRAIN) --name diabetes --csv models/diabetes.csv --target progression --scale --algorithm lasso --penalty 0.5

bench-kernels: ## Time per row of every family: ours, linfa's, scikit-learn's and onnxruntime's; an hour
	cargo bench -p linfa-serve-artifact --features linfa --bench kernels
	benches/kernels

fuzz: export PATH := $(CURDIR)/$(TOOLS):$(PATH)

$(TOOLS)/cargo-fuzz:
	cargo install --locked --debug --root target/tools cargo-fuzz@0.13.2

# Unoptimised, since it runs for two seconds.
$(TOOLS)/cargo-deny:
	cargo install --locked --debug --root target/tools cargo-deny@0.20.2
