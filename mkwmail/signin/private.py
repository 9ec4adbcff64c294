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


def write_private(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, with mode 0600 from its first byte.

    :raises OSError: where it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            # A refresh token that was rotated is good once: the new one must not be lost with the power.
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
