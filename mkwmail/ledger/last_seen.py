"""The note of a ledger, outside its folder: its place and last claim.

A copy of a ledger looks the same as the ledger itself, and an older copy that was put back does not have the later
mails. So a small file for each ledger, in the user's state folder, has the path of the ledger's file, the token of the
last run in which this user mailed, and the number of its last claim, which is durable before the first body of that
claim is begun. A ledger that lacks the token or the claim is older than the note.

The numbers have a fixed place at the start of the file, each with a checksum. The claim has two places that are
written in turn: if a write is torn, the older number is read. The third number counts the bodies that the run has
begun; it is written without waiting for the disk, as the wire journal is. An older journal that is put back has fewer.
"""

import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from errno import EDQUOT, EIO, ENOSPC
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import quote, unquote
from zlib import crc32

from mkwmail.errors import ExitCode, Fault, UserError, fault_at, user_error
from mkwmail.files import STATE_VARIABLE, reason_of, write_private
from mkwmail.i18n import _
from mkwmail.ledger.database import PRIVATE, FileId, as_int, file_id, read_only

_FORMAT = "mkwmail-last-seen-1"
_DIGITS = 16  # of a number
_WIDTH = _DIGITS + 8 + 2  # with eight digits of a checksum, a space and a line end
_CLAIMS, _BEGUN = (0, 1), 2  # the places of the numbers
_HEAD = 3 * _WIDTH  # the offset of the rest
_LOCK_SECONDS = 10.0  # another run compares and writes within milliseconds
_FAULTY_DISK = (ENOSPC, EDQUOT, EIO)
_OPEN_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The contents of a note.

    ``ledger`` is the path of the ledger's file and ``file`` its id. ``token`` is that of the last run that mailed,
    ``claim`` the number of its last attempt, ``begun`` how many bodies it began (None if that cannot be read).
    """

    ledger: Path
    file: FileId
    token: str
    claim: int
    begun: int | None = 0


def path_of(state: Path, name: str) -> Path:
    """Return the path of the note of the ledger with this id."""
    return state / f"{quote(name, safe='')}.seen"


def read(state: Path, name: str) -> LastSeen | None:
    """Return the contents of a ledger's note; None if it cannot be read.

    :raises UserError: if the state folder cannot be used.
    """
    path = path_of(state, name)
    with _used(state):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    head = data[_HEAD:]
    claims = [number for place in _CLAIMS if (number := _number(data, place, head)) is not None]
    try:
        marker, _space, fields = head.decode("ascii").partition(" ")
        ledger, device, inode, token = json.loads(fields)
        if marker != _FORMAT or not claims:
            return None
        seen = LastSeen(Path(ledger), FileId(int(device), int(inode)), str(token), max(claims))
    except (ValueError, TypeError):
        return None
    return LastSeen(seen.ledger, seen.file, seen.token, seen.claim, _number(data, _BEGUN, head))


def write(state: Path, name: str, seen: LastSeen) -> "Note":
    """Write a ledger's note, durable on return; return it, open for numbers.

    :raises UserError: if the state folder cannot be used.
    """
    path = path_of(state, name)
    # Escaped to ASCII, so that a path in any encoding is read back unchanged.
    head = f"{_FORMAT} {json.dumps([str(seen.ledger), *seen.file, seen.token])}\n".encode("ascii")
    with _used(state):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(
            path, b"".join((*(_slot(seen.claim, place, head) for place in _CLAIMS), _slot(0, _BEGUN, head), head))
        )
        return Note(path, os.open(path, _OPEN_FLAGS), head, seen.claim)


def _slot(number: int, place: int, head: bytes) -> bytes:
    digits = b"%0*d" % (_DIGITS, number)
    return b"%b %08x\n" % (digits, crc32(digits, crc32(head, place)))


def _number(data: bytes, place: int, head: bytes) -> int | None:
    slot = data[place * _WIDTH : (place + 1) * _WIDTH]
    digits = slot[:_DIGITS]
    return int(digits) if digits.isdigit() and slot == _slot(int(digits), place, head) else None


class Note:
    """A note that a run updates. Safe to use from several threads."""

    def __init__(self, path: Path, descriptor: int, head: bytes, claim: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._file = file_id(descriptor)  # a run in another folder writes another file
        self._head = head
        self._claim = claim
        self._place = 0
        self._begun = 0
        self._turn = threading.Lock()

    def claimed(self, number: int) -> None:
        """Record that attempts up to this number are claimed.

        It is durable on return. Call it before the bodies of these attempts.

        :raises UserError: code LEDGER_FAULT if that cannot be written, or if the note is no longer this run's.
        """
        with self._turn:
            if number <= self._claim:
                return  # another thread was first
            if self._file is None or not self._file.is_at(self._path):
                raise _taken(self._path)
            place = 1 - self._place
            self._write(number, place, durable=True)
            self._place, self._claim = place, number

    def begun(self) -> None:
        """Count one more body that is begun, without waiting for the disk.

        :raises UserError: code LEDGER_FAULT if that cannot be written.
        """
        with self._turn:
            self._begun += 1
            self._write(self._begun, _BEGUN, durable=False)

    def close(self) -> None:
        """Stop writing; the file stays for the next run."""
        with self._turn:
            # A socket may get the same number next: a late thread must not write there.
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _write(self, number: int, place: int, durable: bool) -> None:
        try:
            _put(self._descriptor, _slot(number, place, self._head), place * _WIDTH)
            if durable:
                _sync(self._descriptor)
        except OSError as error:
            raise _unusable(self._path.parent, error, ExitCode.LEDGER_FAULT) from error


if sys.platform == "win32":

    def _put(descriptor: int, data: bytes, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        os.write(descriptor, data)

else:
    _put = os.pwrite

_sync = getattr(os, "fdatasync", os.fsync)


@contextmanager
def locked(state: Path, name: str) -> Iterator[None]:
    """Stop other runs from comparing and writing the same note.

    :raises UserError: if the state folder cannot be used.
    """
    from filelock import FileLock, Timeout

    path = path_of(state, name)
    with _used(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=_LOCK_SECONDS, mode=PRIVATE)
        try:
            lock.acquire()
        except Timeout:
            fault = _("another mkwmail is writing %(note)s")
            raise user_error("", fault, _("run the same command again"), code=ExitCode.LEDGER_HELD, note=path) from None
    try:
        yield
    finally:
        lock.release()


# Comparing


class Match(StrEnum):
    """The result of comparing a ledger with its note."""

    SAME = "same"
    FIRST = "first"  # there is no note, and no mail that it could be about
    MOVED = "moved"  # the ledger is no longer at the place in the note
    COPIED = "copied"  # it is at that place too
    UNKNOWN = "unknown"  # there is no note, although mail was sent
    OLDER = "older"  # the note is newer than the ledger
    REPLACED = "replaced"  # mail was sent from another ledger at this place, which is gone


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """A ledger's own part of the comparison.

    ``name`` is its id, ``newest`` the number of its newest attempt, ``tokens`` are those of the runs that mailed.
    """

    path: Path
    file: FileId
    name: str
    newest: int
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A ledger compared with its note.

    ``other`` is the path of the ledger in the note, if it is not this one. ``behind``: more mail was sent from the
    other one. ``mailed``: mail was ever sent from this one.
    """

    match: Match
    ledger: Path
    note: Path
    other: Path | None = None
    behind: bool = False
    mailed: bool = True

    @property
    def here(self) -> Path:
        """The folder of this ledger."""
        return self.ledger.parent

    @property
    def there(self) -> Path:
        """The folder of the ledger in the note."""
        return (self.other or self.ledger).parent

    @property
    def is_news(self) -> bool:
        """Check whether a new note is needed even if no mail is sent."""
        return self.match not in (Match.SAME, Match.FIRST)

    @property
    def can_be_answered(self) -> bool:
        """Check whether a person's confirmation is enough to mail from it."""
        return self.match in (Match.UNKNOWN, Match.REPLACED) or (self.match is Match.COPIED and not self.behind)

    def refusal(self) -> UserError | None:
        """Return why this ledger must not mail; None if it may.

        A confirmation by a person may be enough (:attr:`can_be_answered`).
        """
        match self.match:
            case Match.COPIED:
                return UserError(self._copied(), code=ExitCode.SETTINGS)
            case Match.UNKNOWN:
                return UserError(self._unknown(), code=ExitCode.SETTINGS)
            case Match.REPLACED:
                return UserError(self._replaced(), code=ExitCode.SETTINGS)
            case Match.OLDER:
                return UserError(self._older(), code=ExitCode.LEDGER_FAULT)
        return None

    def _copied(self) -> Fault:
        words = {"here": self.here, "there": self.there, "ledger": self.ledger.name}
        words |= {"id": self.ledger.with_suffix(".id").name}
        words |= {"command": _send_from(self.here), "instead": _send_from(self.there)}
        if self.behind and self.mailed:
            fault = _("%(here)s is an older copy of %(there)s, from which more mail was sent since")
            remedy = _("send from the other folder: %(instead)s")
        elif self.behind:
            fault = _("%(here)s is a copy of %(there)s, from which mail was sent since")
            remedy = _(
                "send from the other folder: %(instead)s; if this folder is for another association, delete %(ledger)s "
                "and %(id)s in it"
            )
        else:
            fault = _("%(there)s has the same ledger as %(here)s: one of the two folders is a copy")
            remedy = _(
                "send from the other folder: %(instead)s; or run this in a terminal and answer its question, and only "
                "this folder sends from then on: %(command)s"
            )
        return Fault("", fault % words, remedy % words)

    def _unknown(self) -> Fault:
        fault = _("mail was sent from %(ledger)s before, but there is no note in %(state)s of how far that went")
        remedy = _(
            "if this is the newest copy and the only one, confirm that in a terminal: %(command)s; if it "
            "was sent by another user, with another HOME or from a container, set %(variable)s to the "
            "folder with the note"
        )
        words = {"ledger": self.ledger, "state": self.note.parent, "variable": STATE_VARIABLE}
        return Fault("", fault % words, remedy % {**words, "command": _send_from(self.here)})

    def _replaced(self) -> Fault:
        fault = _(
            "mail was sent from this folder before, from another %(ledger)s that is gone; this one knows nobody of it"
        )
        remedy = _(
            "put the other one back: delete %(ledger)s and %(id)s, and run mkwmail restore; only if it was for another "
            "association or for a test, confirm that in a terminal: %(command)s"
        )
        words = {"ledger": self.ledger.name, "id": self.ledger.with_suffix(".id").name}
        return fault_at(str(self.ledger), fault, remedy, **words, command=_send_from(self.here))

    def _older(self) -> Fault:
        fault = _("%(ledger)s is an older copy: more mail was sent since it was made")
        remedy = _(
            "put the newest %(ledger)s back, with %(ledger)s-wal and %(ledger)s-wire if they are there: with this one "
            "people would be mailed again; only if there is no newer one, delete %(note)s, and `send` asks you first"
        )
        return fault_at(str(self.ledger), fault, remedy, ledger=self.ledger.name, note=self.note)


def _send_from(folder: Path) -> str:
    return f"mkwmail --folder {shlex.quote(str(folder))} send {_('EVENT')}"


def compare(state: Path, own: LedgerIdentity) -> Comparison:
    """Compare a ledger with its note; nothing is written in it.

    :raises UserError: if the state folder cannot be used: before a person types the number of mails, not after.
    """
    with _used(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=state).close()
    note = path_of(state, own.name)
    seen = read(state, own.name)
    mailed = own.newest > 0
    if seen is None and not mailed and _has_mailed_from(state, own.path):
        return Comparison(Match.REPLACED, own.path, note, mailed=mailed)
    if seen is None:
        return Comparison(Match.UNKNOWN if mailed else Match.FIRST, own.path, note, mailed=mailed)
    behind = seen.token not in own.tokens or seen.claim > own.newest
    other = None if seen.ledger == own.path else seen.ledger
    if other is not None:
        copied, newest = _look_at(other, own, seen)
        if copied:
            return Comparison(Match.COPIED, own.path, note, other, behind or newest > own.newest, mailed)
    if behind:
        return Comparison(Match.OLDER, own.path, note, mailed=mailed)
    return Comparison(Match.MOVED if other else Match.SAME, own.path, note, other, mailed=mailed)


def _has_mailed_from(state: Path, ledger: Path) -> bool:
    """Check whether a note says that mail was sent from a ledger at this path."""
    with _used(state):
        names = [unquote(each.stem) for each in state.glob("*.seen")]
    return any(seen.ledger == ledger and seen.claim > 0 for name in names if (seen := read(state, name)))


def _look_at(path: Path, own: LedgerIdentity, seen: LastSeen) -> tuple[bool, int]:
    """Check whether another file has this ledger.

    Returns also the number of its newest attempt, 0 if it is not known.
    """
    try:
        there = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False, 0
    except OSError:
        # It cannot be read. A ledger that was moved is still the same file, unless it is on another disk now.
        return seen.file != own.file, 0
    if FileId(there.st_dev, there.st_ino) == own.file or not there.st_size:
        return False, 0
    rows = read_only(path, "SELECT id, (SELECT max(seq) FROM sqlite_sequence WHERE name = 'attempts') FROM ledger")
    for name, newest in rows or ():
        return name == own.name, as_int(newest)
    with suppress(OSError):
        return path.with_suffix(".id").read_text("ascii", "replace").strip() == own.name, 0
    return False, 0


# Faults


@contextmanager
def _used(state: Path) -> Iterator[None]:
    if not state.is_absolute():
        raise _nowhere(state)
    try:
        yield
    except OSError as error:
        code = ExitCode.LEDGER_FAULT if error.errno in _FAULTY_DISK else ExitCode.SETTINGS
        raise _unusable(state, error, code) from error


def _nowhere(state: Path) -> UserError:
    words = {"variable": STATE_VARIABLE, "folder": state}
    if os.environ.get(STATE_VARIABLE):
        fault = _("%(variable)s is not the full path of a folder: %(folder)s")
        remedy = _("write the full path: %(variable)s=/home/…")
        return user_error("", fault, remedy, code=ExitCode.SETTINGS, **words)
    fault = _("there is no home folder in which mkwmail can note how far this ledger has got")
    return user_error("", fault, _choose_folder(), code=ExitCode.SETTINGS)


def _unusable(state: Path, error: OSError, code: ExitCode) -> UserError:
    fault = _("mkwmail cannot note in %(folder)s how far this ledger has got: %(reason)s")
    return user_error("", fault % {"folder": state, "reason": reason_of(error)}, _choose_folder(), code=code)


def _choose_folder() -> str:
    return _(
        "set %(variable)s to a folder of your own that is kept; until then nothing is sent, and everything else works"
    ) % {"variable": STATE_VARIABLE}


def _taken(note: Path) -> UserError:
    fault = _("%(note)s was deleted or replaced during this run: another folder may send from this ledger now")
    remedy = _("run the same command again: it says from which folder to send")
    return user_error("", fault, remedy, code=ExitCode.LEDGER_FAULT, note=note)
