"""The npm packages are fixed by their contents, from any server."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lock_file_names_contents_and_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert {"node_modules/axe-core", "node_modules/doiuse-email"} <= packages.keys()
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package["dev"] for package in packages.values())
