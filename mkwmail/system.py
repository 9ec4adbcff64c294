"""What the operating system refused, in the words of the person at the keyboard; files for their owner alone."""

import errno
import os

from mkwmail.language import _


def for_the_owner(path: str, flags: int) -> int:
    """An ``opener`` of :func:`open`: what it makes only its owner can read; what is there keeps its mode."""
    return os.open(path, flags, 0o600)


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
