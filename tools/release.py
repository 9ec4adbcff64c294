"""The packages of a release: ``make release`` builds them in dist/, checks them and rehearses with each.

Nothing is uploaded or tagged: the steps that are left are printed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mkwmail import __version__

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
EVENT = "directeurendag-2020"
TWINE = "twine>=6.1"


def main() -> None:
    """Build and check the packages; exit with a message if one is not good."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for fault in (fault_in_changelog(changelog, __version__), _fault_in_checkout()):
        if fault:
            sys.exit(fault)
    shutil.rmtree(DIST, ignore_errors=True)
    _run(ROOT, sys.executable, "-m", "hatchling", "build", "-d", DIST)
    packages = sorted(DIST.iterdir())
    _run(ROOT, Path(sys.executable).with_name("uv"), "tool", "run", TWINE, "check", "--strict", *packages)
    for package in packages:
        _rehearse(package)
    print(steps_left(__version__, [package.name for package in packages]))


def fault_in_changelog(changelog: str, version: str) -> str:
    """Return what is wrong with the newest heading, or nothing.

    :param changelog: text in the form of Keep a Changelog.
    """
    newest = re.search(r"^## (.+)$", changelog, re.MULTILINE)
    if newest and re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", newest[1]):
        return ""
    return f"CHANGELOG.md: the newest heading is not that of this version: write ## {version} (YYYY-MM-DD)"


def _fault_in_checkout() -> str:
    # Files of one's own, such as a member list, must not get into a package.
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return f"this checkout has changes: commit or remove them first\n{changed}" if changed else ""


def _rehearse(package: Path) -> None:
    """Install a package into an empty environment, and rehearse the example event there."""
    print(f"== {package.name}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        environment = place / "environment"
        _run(place, sys.executable, "-m", "venv", environment)
        programs = environment / ("Scripts" if os.name == "nt" else "bin")
        pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        _run(place, *pip, "--require-hashes", "-r", ROOT / "requirements.txt")
        _run(place, *pip, "--no-deps", package)
        program = programs / "mkwmail"
        _run(place, program, "init", "dagen")
        _run(place / "dagen", program, "check", EVENT)
        _run(place / "dagen", program, "send", EVENT, "invitation", "--rehearse", "--yes")


def _run(folder: Path, *command: str | Path) -> None:
    """Run a command, with nothing of this environment; stop the program if it fails."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "SSL_CERT_FILE") if name in os.environ}
    home = {"HOME": os.environ.get("HOME", "") if folder == ROOT else str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=kept | home, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(map(str, command))}")


def steps_left(version: str, packages: list[str]) -> str:
    """Return the steps of a release that a person takes."""
    files = " ".join(f"dist/{name}" for name in packages)
    return f"""
The packages are good. Left to do by hand:
  1. make lint, make test and make torture, if they have not run on this commit
  2. git tag -a v{version} -m "mkwmail {version}"
  3. git push origin v{version}
  4. .venv/bin/uv publish {files}
  5. start the next section in CHANGELOG.md"""


if __name__ == "__main__":
    main()
