# The interpreter that .venv is made with: make setup PYTHON=python3.12
PYTHON ?=
# make demo VIDEO=path BOX=x,y,w,h: your own video, and the target's box in its first frame.
VIDEO ?=
BOX ?=

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# On a ROS distribution .venv is one more prefix, to be added to those that are sourced.
ENTER := $(if $(ROS_DISTRO),set +u; source .venv/local_setup.bash; set -u;,)

.PHONY: help setup demo test check clean distclean

help:
	@echo 'make setup       makes .venv with everything, or goes on where it was interrupted (PYTHON=python3.12)'
	@echo 'make demo        a camera, the tracker node and a recorder, as processes of their own: out/demo/ (VIDEO=path BOX=x,y,w,h)'
	@echo 'make test        all tests (ARGS="-k name" are passed to pytest)'
	@echo 'make check       ruff and mypy'
	@echo 'make clean       removes what builds, tests and demos leave behind'
	@echo 'make distclean   removes .venv too'

setup:
	@$(or $(PYTHON),python3) -m ros_env $(if $(PYTHON),--chosen)

demo: setup
	@$(ENTER) .venv/bin/python -m siam_tracker_ros.nodes.demo $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

test: setup
	@$(ENTER) .venv/bin/python -m pytest $(ARGS)

check: setup
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy

clean:
	rm -rf build install log out .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find siam_tracker_ros ros_env test launch benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean
	rm -rf .venv
