"""Files: private, shipped and typed, the user's folders, and reasons.

The folders for a user's settings and state are outside the working folder. Text files are read as Notepad and other
editors write them, with ``\\n`` line ends.
"""

import codecs
import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mkwmail.errors import ExitCode, user_error
from mkwmail.i18n import _

PRIVATE = 0o600
_LONGEST_STEM = 40  # characters of a draft's name: with the suffix, every file system accepts a name of this length


_SHARED = 0o660
_shared: Path | None = None


def share(folder: Path) -> None:
    """Write files in this folder, from now on, for its owner and the group of the folder.

    :raises UserError: code SETTINGS if new files would not get that group.
    """
    global _shared
    _shared = folder.resolve()
    if os.name != "posix":
        return
    mode = _shared.stat().st_mode
    wanted = mode | stat.S_ISGID | 0o770
    if mode == wanted:
        return
    try:
        _shared.chmod(stat.S_IMODE(wanted))
    except OSError:
        # New files get the group of the folder if it has the setgid bit.
        fault = _("%(folder)s is shared, but not yet with its group")
        remedy = _("ask its owner to run: chmod g+rwxs %(folder)s")
        raise user_error("", fault, remedy, code=ExitCode.SETTINGS, folder=folder) from None


def file_mode(path: Path) -> int:
    """Return the mode of a new file with people's data: 0600, or 0660 in a folder that is shared."""
    is_shared = _shared is not None and path.absolute().is_relative_to(_shared)
    return _SHARED if is_shared else PRIVATE


def set_mode(path: Path) -> None:
    """Give an existing file or folder its mode, if it has another one and is the user's own.

    :raises OSError: if that is not possible.
    """
    if sys.platform == "win32":
        return
    wanted, found = file_mode(path), path.stat()
    if stat.S_ISDIR(found.st_mode):
        wanted = 0o2770 if wanted == _SHARED else 0o700
    # The owner's own permissions, as with a read-only file, stay the owner's choice.
    if not (found.st_mode ^ wanted) & 0o077:
        return
    # Another user of a shared folder cannot change it; that user's own program has.
    if found.st_uid == os.geteuid() or not wanted & 0o070:
        path.chmod(wanted)


def make_folder(path: Path, *, own: bool = False) -> None:
    """Make a folder for people's data, with those above it, if it does not exist.

    It is for its owner only, or also for the group in a folder that is shared. ``own``: only the program writes in it,
    so that an existing one is made so too.

    :raises OSError: if it cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    if file_mode(path) == _SHARED:
        for each in missing:
            each.chmod(0o2770)
    elif own:
        path.chmod(0o700)


def write_private(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file completely or not at all, readable only by its owner.

    It has mode 0600 from its first byte (0660 in the end, in a folder that is shared), and is durable on return. An
    existing file is replaced, not overwritten: its mode and its other names (hard links) are not kept.

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
        mode = file_mode(path) if mode is None else mode
        if mode != PRIVATE:
            draft.chmod(mode)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def writing(place: object, code: ExitCode = ExitCode.LEDGER_FAULT) -> Iterator[None]:
    """Turn an error of the system in the block into the fault that this place cannot be written.

    :raises UserError: with this code.
    """
    try:
        yield
    except OSError as error:
        raise user_error(str(place), _("cannot be written: %(why)s"), code=code, why=reason_of(error)) from None


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


def sync_folder(folder: Path) -> None:
    """Make the names of new files in a folder durable, if the file system can; Windows has no such thing."""
    if os.name != "posix":
        return
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
    reasons = {
        errno.ENOENT: _("it does not exist"),
        **dict.fromkeys((errno.EACCES, errno.EPERM), _("access is not allowed")),
        errno.EISDIR: _("it is a folder"),
        errno.ENOTDIR: _("part of its path is not a folder"),
        errno.EEXIST: _("it exists already"),
        errno.ENAMETOOLONG: _("its name is too long"),
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _("the disk is full")),
        errno.EROFS: _("the disk is read-only"),
        errno.EIO: _("the disk is faulty"),
        errno.ECONNREFUSED: _("nothing answers there"),
        **dict.fromkeys((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED), _("the connection was broken off")),
        **dict.fromkeys((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN), _("the network is unreachable")),
        errno.ETIMEDOUT: _("it did not answer in time"),
    }
    return reasons.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__


_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """Return the folder ``templates``, ``events`` or ``docs`` of the program.

    The program ships with these folders. In an installed wheel they are inside the package; in a checkout they
    are next to it.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


# An event of a whole day with all its texts has some ten thousand characters.
MOST_BYTES = 256 * 1024

_MARKS = (
    # UTF-32's mark begins with UTF-16's, so it is checked first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Line ends for YAML (YAML 1.1 §4.2) that no editor shows as line ends; text pasted from a web page has them.
_HIDDEN_LINE_ENDS = str.maketrans({"\x85": " ", "\u2028": " ", "\u2029": " "})

# YAML refuses them everywhere (YAML 1.1 §5.1): controls, surrogates, non-characters, a byte order mark inside.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def read_bytes(path: Path, shown: str, code: ExitCode = ExitCode.FAULTY_FILE) -> bytes:
    """Return the bytes of a file that people write.

    :raises UserError: if it cannot be read, or is larger than such a file can be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise user_error(shown, _("this file does not exist"), code=code) from None
    except OSError as error:
        reason = reason_of(error)
        raise user_error(shown, _("this file cannot be read: %(reason)s"), code=code, reason=reason) from None
    if len(data) > MOST_BYTES:
        fault = _("this file is larger than %(limit)d KB, so it is not an event or settings file")
        raise user_error(shown, fault, code=code, limit=MOST_BYTES // 1024)
    return data


def text_of(data: bytes) -> str:
    """Return the text of a file, with every line end as ``\\n``.

    The encoding is UTF-8 with or without its mark, UTF-16, or else Windows-1252.

    :raises ValueError: if it is not a text, with the reason in one sentence.
    """
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n").translate(_HIDDEN_LINE_ENDS)
    found = _CONTROL.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise ValueError(
            _("line %(line)d has an invisible control character in column %(column)d; delete it")
            % {"line": line, "column": column}
        )
    return text


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    # Every second byte is zero: UTF-16 without its mark, as some programs export it.
    if len(data) >= 4 and data[1] == 0 and data[3] == 0:
        return _strictly(data, "utf-16-le")
    if len(data) >= 4 and data[0] == 0 and data[2] == 0:
        return _strictly(data, "utf-16-be")
    if b"\0" in data:
        raise ValueError(_("this is not a text file; save it as text in UTF-8"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strictly(data, "cp1252")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(_("the text of this file cannot be read; save it as text in UTF-8")) from None


#: The variable that names another folder for the state.
STATE_VARIABLE = "MKWMAIL_STATE"


def config_folder() -> Path:
    """Return the folder for the user's settings; it need not exist.

    :raises UserError: code SETTINGS if the system knows no home folder.
    """
    import platformdirs

    try:
        folder = platformdirs.user_config_path("mkwmail", appauthor=False)
    except RuntimeError:
        folder = Path("~")
    if folder.is_absolute():
        return folder
    remedy = _("set HOME, or give the password another way: password_command or password_file in mkwmail.yaml")
    raise user_error("", _("there is no home folder in which mkwmail keeps logins"), remedy, code=ExitCode.SETTINGS)


def state_folder() -> Path:
    """Return the folder for the program's own notes; it need not exist.

    It is not an absolute path if ``MKWMAIL_STATE`` is not one, or if the system knows no home folder.
    """
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    try:
        return platformdirs.user_state_path("mkwmail", appauthor=False)
    except RuntimeError:
        return Path("~")


class Attachment(NamedTuple):
    """A file that is attached."""

    name: str
    content_type: str
    data: bytes


class Picture(NamedTuple):
    """A picture in a text of the mail, with its Content-ID and its own width in pixels."""

    file: Attachment
    content_id: str
    width: int


def read_attachment(path: Path) -> Attachment:
    """Read a file; its name determines its type.

    :raises OSError: if it cannot be read.
    """
    # Only a mail with files needs the table of types.
    import mimetypes

    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Attachment(path.name, content_type, path.read_bytes())
