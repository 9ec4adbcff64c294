"""Files that only their owner may read."""

import os
import shlex
from pathlib import Path

PRIVATE = 0o600


def closing(path: Path, mode: int) -> str:
    """The command that closes a file to others; empty where it is closed. ``mode``: its ``st_mode``."""
    # Windows keeps no such modes: st_mode says nothing about who may read there.
    is_open = os.name == "posix" and bool(mode & 0o077)
    return f"chmod 600 {shlex.quote(str(path))}" if is_open else ""
