"""The wheel, installed into an empty environment and run from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``mkwmail`` of an environment with nothing in it but the wheel and what it asks for."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    locked = subprocess.run(
        [*pip, "--require-hashes", "-r", ROOT / "requirements.txt"], capture_output=True, text=True, check=False
    )
    if locked.returncode != 0:
        pytest.skip(f"the package registry cannot be reached: {locked.stderr.strip().splitlines()[-1]}")
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    return environment / "bin" / "mkwmail"


def _run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [program, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_wheel_holds_templates_and_example(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"mkwmail/templates/{path.name}" for path in (ROOT / "templates").iterdir()}
    shipped |= {f"mkwmail/events/{path.name}" for path in (ROOT / "events").iterdir()}
    assert shipped and shipped <= names
    assert "mkwmail/py.typed" in names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".db")]


def test_from_an_empty_folder_to_a_rehearsal(program: Path, tmp_path: Path) -> None:
    made = _run(program, tmp_path, "init", "dagen")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "dagen"
    checked = _run(program, folder, "check", "directeurendag-2020")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    rehearsed = _run(program, folder, "send", "directeurendag-2020", "invitation", "--rehearse", "--yes")
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    assert len(list((folder / "rehearsal").rglob("*.eml"))) >= 40
