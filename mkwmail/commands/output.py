"""Files that the user asked for: exports, mails, and the preview page.

A file is written as a new one, for its owner only, and never in place of one of the folder's own.
"""

import errno
import os
import re
import unicodedata
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mkwmail.config.attachments import OwnFiles, own_words
from mkwmail.config.folder import WorkingFolder, find_folder
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import make_folder, no_ordinary_file, reason_of, write_private, writing
from mkwmail.i18n import _

# Errors that another name for the file would not solve.
_FAULTS_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def write_output(folder: WorkingFolder, path: Path, data: bytes, example: str) -> None:
    """Write the file that the user named, replacing an existing one.

    :param example: the name to propose instead of that of an own file.
    :raises UserError: code USAGE for one of the folder's own files, and for anything that is not an ordinary file;
        as :func:`replace_file` if it cannot be written.
    """
    refuse_own(folder, path, example)
    replace_file(path, data)


def refuse_own(folder: WorkingFolder, path: Path, example: str) -> None:
    """Check that a file may be written: it is not one of the folder's own, and no pipe or device.

    :param example: the name to propose instead of that of an own file.
    :raises UserError: code USAGE if it may not.
    """
    _refuse_own(_own_files(folder, path.parent), path, example)
    _refuse_odd(path)


def write_outputs(folder: WorkingFolder, directory: Path, files: Iterable[tuple[str, bytes]], example: str) -> int:
    """Write files (name, bytes) to a directory; return how many.

    The user names the directory. It is created if necessary.

    :param example: the directory's name to propose instead of that of an own one.
    :raises UserError: as :func:`write_output`, and code USAGE for a directory that holds the folder's own files.
    """
    own_files = tuple(_own_files(folder, directory))
    _refuse_own(own_files, directory, example)
    if any(each.is_kept(directory) for each in own_files):
        fault = _("this folder is for mkwmail's own files")
        remedy = _("give another folder, for example %(name)s")
        raise user_error(str(directory), fault, remedy, code=ExitCode.USAGE, name=example)
    try:
        make_folder(directory)
    except OSError as error:
        raise _cannot_be_written(directory, error) from None
    count = 0
    for name, data in files:
        _refuse_own(own_files, directory / name, f"{example}/{name}")
        replace_file(directory / name, data)
        count += 1
    return count


def replace_file(path: Path, data: bytes) -> None:
    """Write a file for its owner only, completely or not at all.

    :raises UserError: code USAGE if it cannot be written there; code LEDGER_FAULT if the disk is full or faulty.
    """
    _refuse_odd(path)
    try:
        write_private(path, data)
    except OSError as error:
        raise _cannot_be_written(path, error) from None


def _refuse_odd(path: Path) -> None:
    if reason := no_ordinary_file(path):
        fault = Fault(str(path), _("cannot be written: %(why)s") % {"why": reason}, _("give the name of a file"))
        raise UserError(fault, code=ExitCode.USAGE)


def _own_files(folder: WorkingFolder, directory: Path) -> Iterator[OwnFiles]:
    """Yield the folder's own files. If the directory is in another working folder, yield those of that folder too."""
    yield OwnFiles.of(folder)
    with suppress(UserError):
        other = find_folder(Path(os.path.realpath(directory)))
        if not other.path.samefile(folder.path):
            yield OwnFiles.of(other)


def _refuse_own(own_files: Iterable[OwnFiles], path: Path, example: str) -> None:
    own = next((own for each in own_files if (own := each.kind(path)) is not None), None)
    if own is not None:
        remedy = _("give another name, for example %(name)s") % {"name": example}
        raise user_error(str(path), own_words(own), remedy, code=ExitCode.USAGE)


def _cannot_be_written(path: Path, error: OSError) -> UserError:
    fault = _("cannot be written: %(why)s") % {"why": reason_of(error)}
    if error.errno in _FAULTS_OF_THE_DISK:
        return user_error(str(path), fault, code=ExitCode.LEDGER_FAULT)
    remedy = _("close it where it is open (Excel), or give another name")
    return user_error(str(path), fault, remedy, code=ExitCode.USAGE)


def write_mails(folder: WorkingFolder, directory: Path, mails: Iterable[tuple[str, bytes]]) -> int:
    """Write mails (name, bytes) as ``.eml`` files; return how many.

    The files are numbered in the order of the mails; the name is part of the file's name.

    :raises UserError: as :func:`mkwmail.commands.output.write_outputs`.
    """
    named = ((f"{number:03}-{file_word(whose)}.eml", data) for number, (whose, data) in enumerate(mails, start=1))
    return write_outputs(folder, directory, named, "mails")


def file_word(text: str) -> str:
    """Return a name in a form that fits in a file name on any system.

    >>> file_word("Noëlle van 't Hof")
    'noelle-van-t-hof'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "mail"


PAGE = "index.html"


def show_in_browser(folder: WorkingFolder, html: str) -> Path:
    """Open a page in the user's browser; return its path.

    The page holds the members' names and addresses, so it stays inside the working folder: the next page replaces
    it, and ``forget`` and ``purge`` remove it.

    :raises UserError: if it cannot be written there.
    """
    directory = folder.preview_dir
    if directory.is_symlink():
        fault = _("this is a link, and the page with the members' names must stay in the working folder")
        raise user_error(str(directory), fault, _("remove the link"), code=ExitCode.USAGE)
    with writing(directory):
        make_folder(directory, own=True)
    path = directory / PAGE
    replace_file(path, html.encode())
    webbrowser.open(path.as_uri())
    return path
