"""What the operating system refused, in the words of the person at the keyboard; files for their owner alone."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from mkwmail.language import _


def for_the_owner(path: str, flags: int) -> int:
    """An ``opener`` of :func:`open`: what it makes only its owner can read; what is there keeps its mode."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, durable on return, readable by its owner only from its first byte.

    :raises OSError: if it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A name of its own: two that write the file at once must not share a draft.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with open(draft, "xb", opener=for_the_owner) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if os.name == "posix":
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Some file systems cannot sync a folder; the file itself is written even so.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def reason_of(error: OSError) -> str:
    """Why a file, a program or a connection could not be had; the system's own words for what is rare."""
    match error.errno:
        case errno.ENOENT:
            return _("it does not exist")
        case errno.EACCES | errno.EPERM:
            return _("access is not allowed")
        case errno.EISDIR:
            return _("it is a folder")
        case errno.ENOTDIR:
            return _("a part of its path is no folder")
        case errno.EEXIST:
            return _("it exists already")
        case errno.ENAMETOOLONG:
            return _("its name is too long")
        case errno.ENOSPC | errno.EDQUOT:
            return _("the disk is full")
        case errno.EROFS:
            return _("the disk is read-only")
        case errno.EIO:
            return _("the disk is faulty")
        case errno.ECONNREFUSED:
            return _("nothing answers there")
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return _("the connection was broken off")
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ENETDOWN:
            return _("the network does not get there")
        case errno.ETIMEDOUT:
            return _("it did not answer in time")
    return error.strerror or str(error) or type(error).__name__
