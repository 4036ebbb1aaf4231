# Everything here makes the virtual environment first if it is missing. Only Python 3.11 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
ORIGINAL := .venv-original

.PHONY: up down demo test test-original lint bench clean help

help:  ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed  ## A synthetic catalogue through all stages; results and report under demo/
	@$(BIN)/packshot demo

up: $(VENV)/.installed-service  ## The whole service on this machine: Prefect, S3 store, workers; prints the UI's address
	@$(BIN)/python -m deployments.stack up

down:  ## Stop the service; its data stays
	@$(BIN)/python -m deployments.stack down

test: $(VENV)/.installed-dev  ## The whole test suite
	$(BIN)/python -m pytest

test-original: $(ORIGINAL)/.installed  ## The authors' own GroundingDINO package, in an environment of its own
	$(ORIGINAL)/bin/python -c "import groundingdino"
	$(ORIGINAL)/bin/python -m pytest -p no:cacheprovider tests/test_full_original.py

lint: $(VENV)/.installed-dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(VENV)/.installed-dev  ## What the pipeline adds, memory, reuse, the speed of profile lite, what Prefect's server costs
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.service cost

clean:  ## Remove the virtual environment and the demo's results
	rm -rf $(VENV) $(ORIGINAL) demo .bench

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || { echo "Making the virtual environment $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing packshot; the first time this takes some minutes, most of it PyTorch"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-service: $(VENV)/.installed
	@echo "Installing what the service needs"
	@$(PIP) -e ".[service]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(PIP) -e ".[full,service,tesseract,dev]"
	@touch $@

# It sees what is installed in $(VENV) and adds to it, so that PyTorch is not installed twice.
$(ORIGINAL)/.installed: $(VENV)/.installed-dev constraints-original.txt
	@rm -rf $(ORIGINAL) && $(BIN)/python -m venv $(ORIGINAL)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> "$$($(ORIGINAL)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/packshot.pth"
	@echo "Installing groundingdino-py"
	@$(ORIGINAL)/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt \
		-c constraints-original.txt -e ".[original]"
	@touch $@
