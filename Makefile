# A fresh machine needs python3 (3.11 or newer, with venv) and make.
PYTHON ?= python3
BIN := .venv/bin
EVENT := directeurendag-2020
# The words of the program in Dutch, as it reads them; git keeps the catalogue they are compiled from.
WORDS := mkwmail/locale/nl/LC_MESSAGES/mkwmail.mo
CHECKS := $(if $(shell command -v npm),node_modules/.package-lock.json)

.PHONY: demo test bench torture pictures messages lint format lock release clean

demo: .venv/runtime $(WORDS)  ## rehearse the example event's invitation
	$(BIN)/python -m mkwmail send $(EVENT) invitation --rehearse --yes

# Four at a time on two cores: many tests wait for a server, one for a minute of cron. Files in the order of
# tests/conftest.py, the long ones first.
test: .venv/development $(WORDS) $(CHECKS)  ## the whole test suite
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

bench: .venv/development $(WORDS)  ## speed and memory beside others: composing, sending; writes docs/performance.md
	$(BIN)/python -m tests.bench.letters
	$(BIN)/python -m tests.bench.mailbox
	$(BIN)/python -m tests.bench.sending

# Where atheris cannot be had, hypothesis makes the inputs.
torture: .venv/development $(WORDS)  ## kills, power cuts, server faults and spoiled inputs by the thousand: who was lost or mailed twice
	-$(BIN)/uv pip install --quiet --python $(BIN)/python --group torture
	$(BIN)/python -m tests.torture

pictures: .venv/development $(WORDS)  ## the pictures in the documents, with Debian's Chromium
	$(BIN)/python -m tools.make_pictures
	$(BIN)/python -m tools.make_session

messages: .venv/development  ## bring the catalogue up to date with the program's messages
	$(BIN)/python -m tools.messages

# Types differ by system; each has its own cache, or none would ever be used.
lint: .venv/development  ## style, and types as Linux, macOS and Windows have them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --platform linux --cache-dir .mypy_cache/linux
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# requirements.txt: what the program needs; requirements-dev.txt: that and what its developers need.
lock: .venv/development
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	    --no-annotate pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	    --no-annotate pyproject.toml --group dev -o requirements-dev.txt

release: .venv/development $(WORDS)  ## build wheel and sdist in dist/, check them and rehearse with each; uploads nothing
	$(BIN)/python -m tools.release

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/development: .venv/bin/python requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

# Babel compiles the words; a user needs none of the other packages for development.
.venv/babel: .venv/bin/python requirements-dev.txt
	sed -n '/^babel==/,/[^\\]$$/p' requirements-dev.txt > $@.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $@.txt
	touch $@

$(WORDS): mkwmail/locale/nl/LC_MESSAGES/mkwmail.po .venv/babel
	$(BIN)/python -m tools.messages --compile

# Checks of the mails' HTML, for the tests alone: where npm is missing or fetches nothing, those are skipped and say so.
node_modules/.package-lock.json: package.json package-lock.json
	-npm ci --silent

clean:
	rm -rf .venv node_modules dist build preview rehearsal .mypy_cache .ruff_cache .pytest_cache .hypothesis
