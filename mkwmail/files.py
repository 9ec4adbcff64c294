"""Files, and what the operating system refuses, in the words of the person at the keyboard."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from mkwmail.i18n import _

PRIVATE = 0o600
_LONGEST_STEM = 40  # characters of a draft's name: with the rest it stays a name that every file system takes


def write_private(path: Path, data: bytes) -> None:
    """Put a new file in place, whole or not at all, durable on return, with mode 0600 from its first byte.

    A file that is there is replaced, not written to: its mode and its other names (hard links) are not kept.

    :raises OSError: if it cannot be written.
    """
    # A name of its own: two that write the file at once must not share a draft.
    draft = path.with_name(f"{path.name[:_LONGEST_STEM]}.{secrets.token_hex(4)}.new")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            # What replaces a file must be on the disk before it does: a power cut would leave neither of the two.
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if os.name == "posix":
        _sync_folder(path.parent)


def no_ordinary_file(path: Path) -> str:
    """Return why a path is not an ordinary file; empty if it is one, or if nothing is there.

    To open a named pipe would wait for somebody at its other end, and a device has no end.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if stat.S_ISDIR(mode):
        return _("it is a folder")
    return "" if stat.S_ISREG(mode) else _("it is a pipe or a device, not an ordinary file")


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


_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder ``templates`` or ``events`` that ships with the program.

    In an installed wheel it lies inside the package; in a checkout, beside it.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
