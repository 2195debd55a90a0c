# The same commands as .ci/run. `make check` before every commit.
PY := .venv/bin/python

.PHONY: check lint types test accept accuracy cost peers estimators

check: lint types test

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check ppl tests benchmarks

types:
	.venv/bin/mypy

test:
	$(PY) -m pytest

accept:  ## rewrite the golden files; read the diff
	$(PY) -m pytest --accept

accuracy:  ## every reference posterior: errors, verdicts, costs
	OPENBLAS_NUM_THREADS=1 $(PY) benchmarks/accuracy/run.py

cost:  ## start-up, gradients and memory as ratios within one run
	$(PY) benchmarks/cost/run.py

peers:  ## cold wall time and accuracy beside other systems, where they are installed
	$(PY) benchmarks/peers/run.py

estimators:  ## gradients of seven systems against exact ones, the variance ladder, chains against numpy by hand
	$(PY) benchmarks/estimators/run.py
	$(PY) benchmarks/estimators/ladder.py
	$(PY) benchmarks/chain/run.py
