"""The npm packages of the tests: for development only; a test is skipped if one is missing."""

import shutil
from pathlib import Path

import pytest

NODE_MODULES = Path(__file__).parents[2] / "node_modules"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
DOIUSE_EMAIL = NODE_MODULES / "doiuse-email" / "bin" / "cli.js"

needs_npm = pytest.mark.skipif(
    shutil.which("node") is None or not AXE.exists() or not DOIUSE_EMAIL.exists(),
    reason="node or node_modules is missing: apt install nodejs npm, then npm ci",
)
