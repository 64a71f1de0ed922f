# The interpreter that .venv is made with: make setup PYTHON=python3.12
PYTHON ?=
# make demo VIDEO=path BOX=x,y,w,h: your own video, and the target's box in its first frame.
VIDEO ?=
BOX ?=

# NanoTrack v3 is not among them: OpenCV's tracker takes the maps of v1 and v2 only.
# make benchmark: the sequences, the folder with NanoTrack's ONNX files, and RESUME=1 to go on after Ctrl-C.
SEQUENCES ?= ../shared/sequences
PEERS ?= ../shared/peers
RESUME ?=
BENCHMARK := --tracker afsn_mobile --tracker afsn_mobile+online --tracker csrt --tracker kcf --tracker mil \
	--tracker nano_v1=$(PEERS)/nanotrackv1_nanotrack_backbone_sim.onnx,$(PEERS)/nanotrackv1_nanotrack_head_sim.onnx \
	--tracker nano_v2=$(PEERS)/nanotrackv2_nanotrack_backbone_sim.onnx,$(PEERS)/nanotrackv2_nanotrack_head_sim.onnx \
	--protocol one-pass --protocol real-time --rate 30

# make bench: frames of the long run. NanoTrack takes part where its files are.
LONG ?= 10000
comma := ,
NANO = $(if $(wildcard $(PEERS)/nanotrack$(1)_*),--peer nano_$(1)=$(PEERS)/nanotrack$(1)_nanotrack_backbone_sim.onnx$(comma)$(PEERS)/nanotrack$(1)_nanotrack_head_sim.onnx)
BENCH := --model afsn_mobile --peer csrt --peer kcf $(call NANO,v1) $(call NANO,v2) --long $(LONG)
# A single thread: on cores that share their arithmetic units hardly slower, and more even.
BENCH_ONE := --model afsn_mobile --peer none $(call NANO,v2) --threads 1 --no-starts --long $(LONG)
# In a run of its own: half a second a frame, and gigabytes.
BENCH_R50 := --model afsn_r50 --reference siamban_r50 --peer none --frames 60

# make test: processes that share the test files; 1 runs them one after the other.
JOBS ?= 2

# make soak: how long, and the seed of what happens.
MINUTES ?= 10
SEED ?= 1

# make node-cost: pictures of each camera; 10000 is the long run.
FRAMES ?= 900
CAMERAS ?=

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# On a ROS distribution .venv is one more prefix, to be added to those that are sourced.
ENTER := $(if $(ROS_DISTRO),set +u; source .venv/local_setup.bash; set -u;,)

.PHONY: help setup demo benchmark bench soak node-cost transport test golden check clean distclean

help:
	@echo 'make setup       makes .venv with everything, or goes on where it was interrupted (PYTHON=python3.12)'
	@echo 'make demo        a camera, the tracker node and a recorder, as processes of their own: out/demo/ (VIDEO=path BOX=x,y,w,h)'
	@echo 'make benchmark   trackers and peers on SEQUENCES (../shared/sequences): docs/benchmark/ (RESUME=1 goes on)'
	@echo 'make bench       time of every stage, model and runtime beside OpenCV'"'"'s trackers, and a long run: docs/speed/ (LONG=10000)'
	@echo 'make soak        camera, faults and clients at random for MINUTES (10) with SEED (1): out/soak/'
	@echo 'make node-cost   from a picture to its detection without the network: docs/node_cost.md (FRAMES=900 CAMERAS=1280x720@30)'
	@echo 'make transport   a picture between processes for each transport and QoS: docs/transport.md'
	@echo 'make test        all tests (ARGS="-k name" are passed to pytest; JOBS=1 for one process)'
	@echo 'make golden      the tests that compare with the VOT tool kit, which gets an environment of its own'
	@echo 'make check       ruff and mypy'
	@echo 'make clean       removes what builds, tests and demos leave behind'
	@echo 'make distclean   removes .venv too'

setup:
	@$(or $(PYTHON),python3) -m ros_env $(if $(PYTHON),--chosen)

demo: setup
	@$(ENTER) .venv/bin/python -m siam_tracker_ros.nodes.demo $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

# Without strips: they would publish pictures of the data.
benchmark: setup
	@.venv/bin/siam-track eval '$(SEQUENCES)' $(BENCHMARK) --no-strips --out out/benchmark $(if $(RESUME),--resume)
	@mkdir -p docs/benchmark
	@cp out/benchmark/*.png out/benchmark/report.html out/benchmark/report.json out/benchmark/results.csv docs/benchmark/
	@cp out/benchmark/report.md docs/benchmark/README.md

# On a machine that does nothing else: about twelve minutes.
bench: setup
	@.venv/bin/siam-track bench $(BENCH) --out out/bench
	@.venv/bin/siam-track bench $(BENCH_ONE) --out out/bench_one_thread
	@.venv/bin/siam-track bench $(BENCH_R50) --out out/bench_r50
	@mkdir -p docs/speed/r50 docs/speed/one_thread
	@cp out/bench/*.png out/bench/bench.json docs/speed/
	@cp out/bench/bench.md docs/speed/README.md
	@cp out/bench_one_thread/*.png out/bench_one_thread/bench.json docs/speed/one_thread/
	@cp out/bench_one_thread/bench.md docs/speed/one_thread/README.md
	@cp out/bench_r50/*.png out/bench_r50/bench.json docs/speed/r50/
	@cp out/bench_r50/bench.md docs/speed/r50/README.md

soak: setup
	@$(ENTER) .venv/bin/python -m benchmarks.soak --minutes '$(MINUTES)' --seed '$(SEED)'

node-cost: setup
	@$(ENTER) .venv/bin/python -m benchmarks.node_cost --frames '$(FRAMES)' $(if $(CAMERAS),--camera $(CAMERAS)) --page docs/node_cost.md
	@cp out/node_cost/node_cost.png docs/images/

transport: setup
	@$(ENTER) .venv/bin/python -m benchmarks.transport --page docs/transport.md

test: setup
	@$(ENTER) .venv/bin/python -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

# vot-toolkit requires an OpenCV that would overwrite the one of .venv, so it gets an environment of its own.
golden: setup
	@test -x .venv/.golden/bin/python || .venv/bin/python -m venv .venv/.golden
	@.venv/.golden/bin/python -m pip install --quiet --disable-pip-version-check --requirement ros_env/requirements/golden.txt
	@SIAM_TRACKER_VOT_PYTHON=$(CURDIR)/.venv/.golden/bin/python .venv/bin/python -m pytest test/evaluation -k 'tool_kit or foreign' $(ARGS)

check: setup
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy

clean:
	rm -rf build install log out .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find siam_tracker_ros ros_env test launch benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean
	rm -rf .venv
