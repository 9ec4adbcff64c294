"""Private files, reasons for the system's errors, and shipped files."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from mkwmail.i18n import _

PRIVATE = 0o600
_LONGEST_STEM = 40  # characters of a draft's name: with the suffix, every file system accepts a name of this length


def write_private(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file completely or not at all, readable only by its owner.

    It has mode 0600 from its first byte, and is durable on return. An existing file is replaced, not
    overwritten: its mode and its other names (hard links) are not kept.

    :param mode: another mode, which it has once it is complete.
    :raises OSError: if it cannot be written.
    """
    # A unique name: two processes that write the file at the same time must not share a draft.
    draft = path.with_name(f"{path.name[:_LONGEST_STEM]}.{secrets.token_hex(4)}.new")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            # The draft must be on the disk before it replaces the file: otherwise a power cut could lose both.
            os.fsync(file.fileno())
        if mode != PRIVATE:
            draft.chmod(mode)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if os.name == "posix":
        _sync_folder(path.parent)


def rewrite(path: Path, data: bytes) -> None:
    """Replace an existing file completely or not at all; its mode stays, and so does a link to it.

    :raises OSError: if it cannot be written.
    """
    real = path.resolve()
    write_private(real, data, stat.S_IMODE(real.stat().st_mode))


def no_ordinary_file(path: Path) -> str:
    """Return why a path is not an ordinary file.

    The text is empty if the path is an ordinary file or does not exist. Opening a named pipe would wait until
    another process opens its other end, and reading a device would never end.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if stat.S_ISDIR(mode):
        return _("it is a folder")
    return "" if stat.S_ISREG(mode) else _("it is a pipe or a device, not an ordinary file")


def _sync_folder(folder: Path) -> None:
    # Some file systems cannot sync a folder; the file itself is written all the same.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def reason_of(error: OSError) -> str:
    """Return why a file, a program or a connection is not available.

    Rare errors keep the system's own words.
    """
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
    """Return the folder ``templates`` or ``events`` of the program.

    The program ships with these folders. In an installed wheel they are inside the package; in a checkout they
    are next to it.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
