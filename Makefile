# Everything is kept in .venv; scripts/bootstrap.sh installs what is missing.
#
#   make verify      verify phase 16 (VERIFY_ARGS="--device emulator" and the like are passed on)
#   make verify-all  verify every phase
#   make test        lint, and beside it the fast test suite
#   make test-long   the slow tests; where they are many, a share that each run draws
#   make test-exhaustive   all that the slow tests take a part of: every way to compile the corpus, planted bugs at
#                    either level, sabotages of every kernel, the plans' contracts, 100,000 inputs
#   make lint        ruff, ruff format, mypy
#   make docs        the documentation as a site in build/docs; what is wrong with it is an error
#   make bench       the benchmarks; against OpenCL too if pocl-opencl-icd and pyopencl (extra `bench`) are there
#   make clean       remove what runs leave behind, the compile cache too; make distclean: .venv as well
#
# make itself exits 2 whatever rocverify's exit code was; it is printed, and `scripts/verify.sh` exits with it.

BIN := .venv/bin
JOBS ?= 2
PYTEST_ARGS ?=
VERIFY_ARGS ?=

# Hundreds of processes import rocverify: byte code is kept, whatever the environment says.
test run-tests test-long test-exhaustive: export PYTHONDONTWRITEBYTECODE =

.PHONY: verify verify-all test test-long test-exhaustive lint docs bench clean distclean test-tools run-lint run-tests

verify:
	@scripts/verify.sh $(VERIFY_ARGS)

verify-all: verify
	@$(BIN)/rocverify run all $(VERIFY_ARGS)

# mypy works on one core: the tests begin beside it.
test:
	@$(MAKE) --no-print-directory -j2 run-lint run-tests

# What tests start, make among it, is no part of this make.
run-tests: test-tools
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -n $(JOBS) --dist worksteal --benchmark-disable $(PYTEST_ARGS)

test-long: test-tools
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m long --benchmark-disable $(PYTEST_ARGS)

test-exhaustive: test-tools
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m exhaustive --benchmark-disable $(PYTEST_ARGS)

lint: run-lint

docs: test-tools
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: test-tools
	$(BIN)/pytest tests/benchmarks -m "" --benchmark-only $(PYTEST_ARGS)

clean:
	rm -rf .rocverify .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks build
	find rocverify kernels tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv rocverify.egg-info

test-tools:
	@scripts/bootstrap.sh test

run-lint: test-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
