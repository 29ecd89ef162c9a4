# Every target that needs Python makes .venv first, where there is none, from the versions in .constraints.txt.
#   make test PYTHON=python3.12          the interpreter that a new .venv is made from
#   make test ARGS="-k caffe"            options for the command that the target runs
#   make test WORKERS=8                  how many tests run at once; two cores are busy with three, since tests also wait

PYTHON ?= python3
ARGS ?=
DATA ?=
WORKERS ?= 3
# In the order in which one needs another.
ZOO := caffenet-mini caffenet-mini-untrained caffenet-mini-50 caffenet-mini-200 caffenet-mini-1000 \
	caffenet-mini-4000 caffenet-mini-overfit caffenet-v2-mini judge-mini caffenet-b-mini googlenet-mini resnet-mini \
	resnet-robust-mini deepsim-fc6-mini deepsim-fc6-v2-mini deepsim-fc7-v2-mini deepsim-pool5-v2-mini \
	deepsim-conv3-v2-mini places-alexnet-mini places-alexnet-128 scene-judge-mini scene-judge-128 \
	deepsim-fc6-128 action-mini action-judge-mini action-lstm-sport-mini action-lstm-motion-mini \
	control-shuffled-mini control-brg-mini control-blur-mini
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Modules are compiled when they are first imported, and kept so: the commands and the tests start many processes.
export PYTHONDONTWRITEBYTECODE :=
PIP_INSTALL := $(BIN)/python -m pip install --no-compile --disable-pip-version-check --constraint .constraints.txt

# The compiler of protobuf 6.31.1, the oldest that dgnam supports, so that any newer runtime takes the module.
PROTOC := grpcio-tools==1.74.0
PROTO_VENV := .venv-proto

.DEFAULT_GOAL := help
.PHONY: help reproduce-fig1 reproduce-all test test-all fuzz mutants bench train-zoo docker-test lint format references tutorial notebook docs \
	layer-table proto wheel venv clean distclean

help: ## list the targets
	@echo "make TARGET [PYTHON=python3.12] [ARGS=\"options of the command\"]"
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

reproduce-fig1: $(STAMP) ## repeat figure 1 of the paper with the small models in models/, into runs/
	$(BIN)/dgnam reproduce fig1 $(ARGS)

reproduce-sec-%: $(STAMP) ## repeat the experiments of a section, as reproduce-sec-3.1 (ARGS="--scale full --data DIR")
	$(BIN)/dgnam reproduce $* $(ARGS)

reproduce-all: $(STAMP) ## repeat all experiments of the paper, and those beyond it
	$(BIN)/dgnam reproduce all $(ARGS)

test: $(STAMP) ## run all tests (ARGS="-m 'not slow'" for the quick ones)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)
	@echo "==> tests passed; made: $(VENV)/ ($$($(BIN)/python --version)); make distclean removes it"

test-all: ## run all tests, also those that take minutes
	@$(MAKE) test ARGS="-m '' $(ARGS)"

train-zoo: $(STAMP) ## train the small models, or go on from checkpoints in runs/, with the image sets in DATA; into models/
	@test -n "$(DATA)" || { echo "give the folder of the image sets: make train-zoo DATA=folder"; exit 2; }
	for model in $(ZOO); do $(BIN)/dgnam train $$model --data "$(DATA)" $(ARGS) || exit; done

docker-test: $(STAMP) ## build and run docker/Dockerfile without a daemon, as root (needs buildah and debootstrap)
	$(BIN)/python -m pytest tests/docker -m '' $(ARGS)

fuzz: $(STAMP) ## fuzz the readers of files, a minute each (ARGS="-max_total_time=600 hdf5 lmdb"), into runs/fuzz/
	$(PIP_INSTALL) --quiet --use-pep517 --no-build-isolation --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(ARGS)

mutants: $(STAMP) ## put small faults into a copy of the code and see whether the tests notice (ARGS="--number 5 am/steps")
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(STAMP) ## measure speed, as ratios within one run
	for script in tests/bench/bench_*.py; do $(BIN)/python -m tests.bench.$$(basename $$script .py) || exit; done

lint: $(STAMP) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy dgnam experiments

format: $(STAMP) ## put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

references: $(STAMP) ## make the experiments' reference pictures anew, on purpose only (ARGS="fig1 …")
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.experiments.references $(ARGS)

tutorial: $(STAMP) ## run experiments/tutorial.ipynb and keep its outputs
	$(BIN)/jupyter execute --inplace experiments/tutorial.ipynb

notebook: $(STAMP) ## open the tutorial in Jupyter, installed into .venv
	$(PIP_INSTALL) --quiet --use-pep517 --no-build-isolation --editable '.[notebook]'
	$(BIN)/jupyter notebook experiments/tutorial.ipynb $(ARGS)

docs: $(STAMP) ## build the API reference into build/docs/
	$(PIP_INSTALL) --quiet --use-pep517 --no-build-isolation --editable '.[docs]'
	rm -rf build/docs
	$(BIN)/python -m tests.reference build/docs

layer-table: $(STAMP) ## write the table of layers in dgnam/caffe/README.md anew
	$(BIN)/python -m tests.caffe.layer_table

proto: ## write dgnam_caffe_pb2.py anew after an edit of dgnam_caffe.proto
	@test -x $(PROTO_VENV)/bin/python || $(PYTHON) -m venv $(PROTO_VENV)
	$(PROTO_VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$(PROTOC)" "setuptools<81"
	cd dgnam/caffe/proto && ../../../$(PROTO_VENV)/bin/python -m grpc_tools.protoc \
		-I . --python_out . --pyi_out . dgnam_caffe.proto
	@echo "==> made: dgnam/caffe/proto/dgnam_caffe_pb2.py and .pyi"

wheel: $(STAMP) ## build the wheel, models included, into dist/
	rm -rf build
	$(BIN)/python -m pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build
	@echo "==> made:" dist/*.whl

venv: $(STAMP) ## make .venv, or bring it up to date

$(STAMP): setup.py .constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit( \
		"dgnam needs Python 3.10 or newer; give one: make PYTHON=python3.12 (this one is " + sys.version.split()[0] + ")")'
	@echo "==> 1/3 $(VENV)/, a virtual environment of $$($(PYTHON) --version)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "==> 2/3 the build tools"
	$(PIP_INSTALL) "pip>=22.3" setuptools
	@echo "==> 3/3 dgnam and what it needs (PyTorch is large: a minute or two, more on a slow line)"
	$(PIP_INSTALL) --use-pep517 --no-build-isolation --editable '.[test]'
	@touch $@

clean: ## remove caches and build outputs, but not runs/
	rm -rf build dist dgnam.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find dgnam experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the virtual environments too
	rm -rf $(VENV) $(PROTO_VENV)
