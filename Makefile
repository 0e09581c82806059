# What one does daily. Each target does its own set-up, and does it again only when something it depends on has changed.
#
#   make lab         JupyterLab on the first notebook
#                    (LAB="--no-browser --port 8890": options of its own)
#   make test        every test: Python, front end, notebooks, real browser
#   make test-quick  without the slow storms, the notebooks and the browser
#   make storm       real processes under fault, at full size: an hour or more
#   make lint        ruff, mypy, import contracts, prettier, eslint
#   make format      what ruff and prettier can mend by themselves
#   make bench       gnomon microbenchmark
#   make bench-views what the live views cost, in a real browser
#   make pictures    the pictures of README and docs/views.md, taken by the browser tests from real runs
#   make clean       forget all that was built or installed here

PYTHON ?=
LAB ?=
STAMPS := .make
PY := .venv/bin/python
# Jupyter refuses to run as root, as people in a container do, unless told
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# jupyter-builder is a Python tool that npm's scripts call
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHON

FRONT_END := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
	$(wildcard package.json package-lock.json tsconfig.json labextension/install.json labextension/build-widget.mjs)
ASSETS := kernel_ext/gnomon_kernel/static/widget.js runtime/gnomon/observe/static/report.js \
	kernel_ext/gnomon_kernel/labextension/package.json

.PHONY: lab test test-quick storm lint format bench bench-views pictures install clean
.DEFAULT_GOAL := install

install: $(STAMPS)/install

lab: $(STAMPS)/install
	.venv/bin/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/notebooks/01-first-steps.ipynb $(LAB)

test: $(STAMPS)/install $(STAMPS)/chromium
	npm test
	$(PY) -m pytest

test-quick: $(STAMPS)/install
	$(PY) -m pytest -m "not slow and not notebook and not lab"

# One of them, or another size: .venv/bin/python -m gnomon.testing.storms worker-kills --tasks 5000 --seed 2
storm: $(STAMPS)/install
	$(PY) -m gnomon.testing.storms all

lint: $(STAMPS)/install
	.venv/bin/ruff check runtime kernel_ext tests
	.venv/bin/ruff format --check runtime kernel_ext tests
	.venv/bin/mypy --strict runtime/gnomon kernel_ext/gnomon_kernel
	.venv/bin/lint-imports
	npm run lint

format: $(STAMPS)/install
	.venv/bin/ruff check --fix runtime kernel_ext tests
	.venv/bin/ruff format runtime kernel_ext tests
	npm run format

bench: $(STAMPS)/install
	.venv/bin/gnomon microbenchmark

# A part of it, or smaller: make bench-views WHAT="frames" or WHAT="speed --pairs 3"
bench-views: $(STAMPS)/install $(STAMPS)/chromium
	PYTHONPATH=tests:runtime:kernel_ext $(PY) -m lab.measure_views $(WHAT)

pictures: $(STAMPS)/install $(STAMPS)/chromium
	GNOMON_PICTURE=docs/live-views.png $(PY) -m pytest tests/lab/test_first_notebook.py
	GNOMON_PICTURES=docs/pictures $(PY) -m pytest tests/lab/test_pictures.py

clean:
	rm -rf $(STAMPS) .venv node_modules dist labextension/lib labextension/tsconfig.tsbuildinfo \
		kernel_ext/gnomon_kernel/static kernel_ext/gnomon_kernel/labextension runtime/gnomon/observe/static \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# ------------------------------------------------------------------------------------------------ set-up

# The tools the build of the assets calls come with the dev extra, the package needs the assets: so tools, assets, package.
$(STAMPS)/tools: pyproject.toml .ci/prepare
	@echo "gnomon: installs what is needed into .venv and node_modules: some minutes, once"
	@mkdir -p $(STAMPS)
	.ci/prepare python
	SKIP_JUPYTER_BUILDER=1 $(PY) -m pip install --quiet "jupyter-builder>=1.2,<2"
	@touch $@

$(STAMPS)/node: package.json package-lock.json .ci/prepare
	@mkdir -p $(STAMPS)
	.ci/prepare node
	npm ci --no-audit --no-fund
	@touch $@

$(STAMPS)/assets: $(STAMPS)/tools $(STAMPS)/node $(FRONT_END)
	npm run build:prod
	@touch $(ASSETS) $@

$(STAMPS)/dependencies: pyproject.toml | $(STAMPS)/assets
	@echo "gnomon: installs the Python packages into .venv"
	SKIP_JUPYTER_BUILDER=1 $(PY) -m pip install --quiet -e ".[dev]"
	@touch $@

# An editable install copies the prebuilt lab extension, so that it runs again when only the assets have changed.
$(STAMPS)/install: $(STAMPS)/dependencies $(STAMPS)/assets
	[ $(STAMPS)/dependencies -nt $(STAMPS)/assets ] || \
		SKIP_JUPYTER_BUILDER=1 $(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/chromium: .ci/prepare
	@mkdir -p $(STAMPS)
	.ci/prepare chromium
	@touch $@
