# `make bench`: a fresh machine to the printed table.  `make test`: a fresh machine to passing tests.
PYTHON ?= python3
BIN := .venv/bin
# A file of tests stays in one process, which makes its models once. Two processes: two cores.
# The tests are shuffled, the same way each time; another number shuffles them otherwise. At the
# end stands what took longest. Bytecode is written, whatever the surroundings say: some 300
# processes are started, and none has to compile ovsharp.
SHUFFLE ?= 1
TESTS := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --randomly-seed=$(SHUFFLE) --durations=30 --durations-min=3

.PHONY: setup bench benchmark-page test test-all lint unit slow coverage mutants wheel docs release clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

bench: setup
	$(BIN)/ovsharp bench --device CPU

# docs/BENCHMARK.md; what build/benchmark has already is not measured again.
benchmark-page: setup
	$(BIN)/python scripts/benchmark_page.py --data "$(DATA)" --clips "$(CLIPS)" --peers "$(PEERS)" --checkpoints "$(CHECKPOINTS)" $(if $(PAPERS),--papers "$(PAPERS)")

test: lint unit wheel

# The tests marked `slow` too.
test-all: test slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: setup
	$(TESTS) -m "not slow"

slow: setup
	$(TESTS) -m slow

# What share of the lines the tests of `make test` run, and which they do not: build/coverage.
coverage: setup
	$(TESTS) -m "not slow" --cov=ovsharp --cov-report=html:build/coverage --cov-report=term:skip-covered

# Small changes of four files that decide much: which of them no test notices. MUTANTS=20: so many
# of each, at random; it takes seconds a mutant.
mutants: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[mutants]"
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 nice -n 19 $(BIN)/python scripts/mutants.py $(MUTANTS)

# The wheel, in an environment of its own with the base dependencies only, outside of the checkout.
wheel: setup
	rm -rf build/wheel build/lib
	$(BIN)/python -m build --wheel --outdir build/wheel . > /dev/null
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt build/wheel/*.whl
	cd build/wheel && venv/bin/python -I ../../tests/wheel_check.py

# The site in build/site: links checked, nothing loaded from elsewhere.
docs: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

# sdist, wheel and a bill of materials in dist/; a tag on this commit has to be the version.
release: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[release]"
	$(BIN)/python scripts/release.py $(PYTHONS)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
