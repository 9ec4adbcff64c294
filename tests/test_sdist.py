"""The source distribution: what git keeps is in it, and its tests run from it."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Tests that read most kinds of files and take a few seconds.
QUICK = (
    "tests/test_docs.py",
    "tests/test_contributing.py",
    "tests/test_layers.py",
    "tests/clients/test_npm_lock.py",
    "tests/config",
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution and return the folder that it unpacks to."""
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        archive.extractall(folder, filter="data")
    return folder / built.name.removesuffix(".tar.gz")


def _of_git(*kinds: str) -> set[str]:
    """Return the files that exist and that git lists; ``kinds`` are options of ``git ls-files``."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", *kinds], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}


def test_every_file_that_git_keeps_is_in_it(unpacked: Path) -> None:
    expected = _of_git("--cached")
    assert expected
    assert sorted(name for name in expected if not (unpacked / name).is_file()) == []


def test_it_holds_nothing_that_git_ignores(unpacked: Path) -> None:
    made = {"PKG-INFO", "mkwmail/locale/nl/LC_MESSAGES/mkwmail.mo"}
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert sorted(found - made - _of_git("--cached", "--others", "--exclude-standard")) == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench", "torture", "pictures", "messages", "lock"])
def test_every_target_of_the_makefile_finds_its_files(unpacked: Path, target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=unpacked, env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_its_tests_are_found_and_pass(unpacked: Path) -> None:
    where = "import mkwmail; print(mkwmail.__file__)"
    program = subprocess.run(
        [sys.executable, "-c", where], cwd=unpacked, env=_environment(), capture_output=True, text=True, check=True
    )
    assert Path(program.stdout.strip()).is_relative_to(unpacked)
    pytest_here = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    for words in (["--collect-only", "-q", "-q"], QUICK):
        done = subprocess.run(
            [*pytest_here, *words], cwd=unpacked, env=_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
