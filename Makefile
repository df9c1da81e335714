# Everything a newcomer, a developer and the continuous integration call.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MUTANTS := .venv-mutants
JOBS ?= 2

.PHONY: demo test check bench fuzz mutants circumstances screenshots docs e2e lock clean

demo: $(VENV)/.demo            ## set up and start the sandbox: the whole product, no account
	@$(BIN)/runctl-tui --sandbox

test: $(VENV)/.dev             ## set up and run everything that CI runs
	@.ci/checks $(BIN)

check: $(VENV)/.dev            ## the static half of the tests
	@.ci/checks $(BIN) static

bench: $(VENV)/.dev            ## figures of speed, as ratios of one run
	@$(BIN)/python -m tests.bench

fuzz: $(VENV)/.dev             ## the property suites: 10,000 examples of each, 100,000 inputs for each reader, every pair of call and fault
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n auto tests/properties tests/faults tests/ui/test_law_*.py

mutants: $(MUTANTS)/.ready    ## break the safety rules in every small way: the tests must notice 95 % of it
	@rm -rf mutants && HYPOTHESIS_PROFILE=mutants $(MUTANTS)/bin/mutmut run --max-children $(JOBS)
	@$(MUTANTS)/bin/python -m tests.tools.mutants

screenshots: $(VENV)/.dev      ## remake screenshots/ from the sandbox
	@$(BIN)/python -m tests.tools.screenshots

circumstances: $(VENV)/.dev    ## write down again what the safety rules tell; read every line that changes
	@$(BIN)/python -m tests.tools.circumstances

docs: $(VENV)/.dev             ## remake the generated pages of docs/
	@$(BIN)/python -m tests.tools.docs

e2e: $(VENV)/.dev              ## the cloud suite against a real account; needs RUNCTL_E2E=1
	@$(BIN)/python -m pytest tests/cloud

lock:                          ## renew the locked versions (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra sandbox --extra runpod --no-emit-package runctl-tui --custom-compile-command "make lock" -o .ci/demo.lock pyproject.toml .ci/build.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-package runctl-tui --custom-compile-command "make lock" -c .ci/demo.lock -o .ci/dev.lock pyproject.toml .ci/build.in

clean:
	rm -rf $(VENV) $(MUTANTS) mutants

$(VENV)/.demo: .ci/demo.lock pyproject.toml
	@.ci/install $(PYTHON) $(VENV) .ci/demo.lock && touch $@

$(VENV)/.dev: .ci/dev.lock pyproject.toml
	@.ci/install $(PYTHON) $(VENV) .ci/dev.lock && touch $@ $(VENV)/.demo

$(MUTANTS)/.ready: .ci/dev.lock pyproject.toml
	@.ci/install $(PYTHON) $(MUTANTS) .ci/dev.lock && $(MUTANTS)/bin/pip install --quiet mutmut==3.8.1 && touch $@
