"""The documents for contributors, the workflow and the package's metadata name what exists, and agree."""

import re
import tomllib

import pytest
import yaml

from mkwmail import __version__
from tests.workplace import ROOT
from tools import release

DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    named = set(re.findall(r"(?:mkwmail|tests|tools|templates|docs|events|\.ci|\.github)/[\w./-]*", _text(document)))
    in_the_wheel = {"mkwmail/templates", "mkwmail/events"}
    assert len(named) > 5
    assert sorted(name for name in named - in_the_wheel if not (ROOT / name.rstrip(".")).exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file(document: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", _text(document))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_name_in_a_module_is_there(document: str) -> None:
    """A name in code that is said to be in a module: ``NAME`` in ``mkwmail/….py``."""
    named = re.findall(r"`([A-Za-z_]\w*)`\)? (?:in|of)\s+`(mkwmail/[\w/]+\.py)`", _text(document))
    named += [(name, module) for module, name in re.findall(r"`(mkwmail/[\w/]+\.py)` \(`(\w+)`\)", _text(document))]
    assert named or document != "ARCHITECTURE.md"
    missing = [(name, module) for name, module in named if not re.search(rf"\b{name}\b", _text(module))]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_of_make_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", _text(document), re.MULTILINE))
    assert named and named <= targets


def test_the_workflow_runs_the_pythons_and_systems_that_the_package_promises() -> None:
    workflow = yaml.safe_load(_text(".github/workflows/test.yml"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    classifiers = "\n".join(PROJECT["classifiers"])
    assert matrix["python"] == re.findall(r"Python :: (3\.\d+)", classifiers)
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    systems = {"ubuntu-latest": "Linux", "macos-latest": "MacOS", "windows-latest": "Microsoft :: Windows"}
    assert [systems[each] for each in matrix["os"] if systems[each] not in classifiers] == []
    assert set(matrix["os"]) == set(systems)


def test_the_hooks_and_the_commits_to_skip_are_usable() -> None:
    hooks = yaml.safe_load(_text(".pre-commit-config.yaml"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    commits = [line for line in _text(".git-blame-ignore-revs").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in commits)


def test_a_release_needs_its_version_and_date_in_the_changelog() -> None:
    changelog = _text("CHANGELOG.md")
    assert release.fault_in_changelog(changelog, __version__) == ""
    assert f"## {__version__} (YYYY-MM-DD)" in release.fault_in_changelog(
        f"# Changelog\n\n## {__version__} (unreleased)\n", __version__
    )
    assert "9.9.9" in release.fault_in_changelog(changelog, "9.9.9")
