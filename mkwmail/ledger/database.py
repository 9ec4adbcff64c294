"""The connection to SQLite: durable transactions, columns, plain faults.

A column that is never NULL has a reader that returns its type; the others return None for NULL. Text is read with
``str()``.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import reason_of, set_mode
from mkwmail.i18n import _
from mkwmail.ledger.models import Round, State, moment_text

APPLICATION_ID = 0x6D6B776D  # "mkwm": `file` and other programs can identify the database
BUSY_SECONDS = 5.0
_MOST_ROWS = 64  # in one statement: with fourteen values each they are well below SQLite's limit of 32,766
PRIVATE = 0o600

Value = str | int | float | bytes | None
Row = tuple[Value, ...]
T = TypeVar("T")


class FileId(NamedTuple):
    """The identity of a file, independent of its name."""

    device: int
    inode: int

    def is_at(self, path: Path) -> bool:
        """Check that this file is still at its path: it was not deleted, moved or replaced."""
        try:
            found = os.stat(path)
        except OSError:
            return False
        return found.st_ino == self.inode and found.st_dev == self.device


def file_id(file: Path | int) -> FileId | None:
    """Return the id of the file at a path or descriptor, or None."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return FileId(found.st_dev, found.st_ino)


class Database:
    """One connection, shared by the threads of a run.

    It runs one statement or transaction at a time. Every method raises UserError with code LEDGER_FAULT if SQLite or
    the disk fails: a state that could not be written must stop the run, it is never ignored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.user = ""  # who works with it, if that is known: it is recorded with what they decide
        self._turn = threading.RLock()
        with self._faults():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self.execute("PRAGMA foreign_keys = ON")
        except UserError:
            self._connection.close()
            raise

    def make_durable(self) -> None:
        """Make commits survive a power cut, and overwrite deleted data.

        The data is about people.
        """
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = FULL")
        # In a large mailing the same pages change again and again: checkpoint at 32 MB instead of 4.
        self.execute("PRAGMA wal_autocheckpoint = 8000")
        # macOS: without it fsync leaves the data in the drive's cache (sqlite.org/pragma.html, fullfsync).
        self.execute("PRAGMA fullfsync = ON")
        self.execute("PRAGMA secure_delete = ON")
        # A large statement stores the pages that it changes, to undo it: in memory, not in a temporary file.
        self.execute("PRAGMA temp_store = MEMORY")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._turn, self._faults():
            return self._connection.execute(statement, values).fetchall()

    def insert(self, statement: str, values: Sequence[Value]) -> int:
        """Run one INSERT and return the number of the new row."""
        with self._turn, self._faults():
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def change(self, statement: str, values: Sequence[Value]) -> int:
        """Run one UPDATE and return how many rows it changed."""
        with self._turn, self._faults():
            return self._connection.execute(statement, values).rowcount

    def each(self, statement: str, rows: Iterable[Sequence[Value]]) -> int:
        """Run an INSERT or UPDATE for each row; return how many rows changed."""
        with self._turn, self._faults():
            return self._connection.executemany(statement, rows).rowcount

    def together(self, statement: str, rows: Iterable[Sequence[Value]]) -> int:
        """Run an INSERT or UPDATE for many rows; return how many rows changed.

        ``{rows}`` in the statement is replaced with a table of the rows. SQLite processes them while other threads
        continue; with :meth:`each` Python's lock changes hands at every row.
        """
        changed = 0
        left = iter(rows)
        while few := tuple(islice(left, _MOST_ROWS)):
            # A few lengths only, so that each statement is prepared once; the missing rows are NULL and filtered out.
            length = 1 << (len(few) - 1).bit_length()
            places = f"({', '.join('?' * len(few[0]))})"
            table = f"SELECT * FROM (VALUES {', '.join([places] * length)}) WHERE column1 IS NOT NULL"
            values = [*chain.from_iterable(few), *repeat(None, (length - len(few)) * len(few[0]))]
            with self._turn, self._faults():
                changed += self._connection.execute(statement.replace("{rows}", table), values).rowcount
        return changed

    def number(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Return the number that a query gives; 0 for NULL."""
        return int(self.execute(statement, values)[0][0] or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction, durable when it ends.

        Within another transaction the block is part of that one.
        """
        with self._turn:
            if self._connection.in_transaction:
                yield
                return
            # IMMEDIATE: a writer waits for the lock here, and cannot fail halfway because it does not get it.
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    with self._faults():
                        self._connection.rollback()

    def check(self) -> None:
        """Check that SQLite can read the whole database.

        :raises UserError: code LEDGER_FAULT if it is damaged.
        """
        answer = self.execute("PRAGMA quick_check(1)")
        if answer != [("ok",)]:
            raise UserError(damaged(self.path, str(answer[0][0])), code=ExitCode.LEDGER_FAULT)

    def back_up(self, copy: Path) -> None:
        """Write a whole, durable copy, readable by its owner only."""
        make_private(copy)
        with self._turn, self._faults(), closing(sqlite3.connect(copy, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous = FULL")
            self._connection.backup(target)

    def close(self) -> None:
        """Close the connection; SQLite moves the write-ahead log into the file."""
        with self._turn, self._faults():
            self._connection.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UserError(_fault_of(error, self.path), code=ExitCode.LEDGER_FAULT) from error


def read_only(path: Path, statement: str) -> list[Row] | None:
    """Return the rows of a query of another ledger without changing it.

    None if it cannot be read.
    """
    # Without a write-ahead log no program has it open; SQLite would make one, and leave it.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS)) as other:
            return other.execute(statement).fetchall()
    except sqlite3.Error:
        return None


def make_private(path: Path) -> None:
    """Make the file if it does not exist, readable by its owner only.

    SQLite gives -wal and -shm the same mode.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
        set_mode(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def has_content(path: Path) -> bool:
    """Check whether the file exists and is not empty."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error


def refuse_second_name(path: Path) -> None:
    """Refuse a file with a second name (a hard link).

    :raises UserError: code SETTINGS if it has one.
    """
    try:
        names = path.stat().st_nlink
    except OSError as error:
        raise cannot_write(path, error) from error
    if names > 1:
        # SQLite and the lock use the name of the file: two names are two ledgers to them.
        fault = _("%(ledger)s has a second name (a hard link): another folder may use the same ledger")
        remedy = _(
            "delete the other name; if you cannot find it, give this one a file of its own: "
            "cp %(ledger)s %(ledger)s.own && mv %(ledger)s.own %(ledger)s"
        )
        raise user_error(str(path), fault, remedy, code=ExitCode.SETTINGS, ledger=path.name)


def cannot_write(path: Path, error: OSError) -> UserError:
    """Return the error for a file next to the ledger that cannot be written."""
    fault = _("%(file)s cannot be written: %(reason)s") % {"file": path.name, "reason": reason_of(error)}
    remedy = _("make sure that you may write in %(folder)s and that the disk is not full") % {"folder": path.parent}
    return user_error(str(path), fault, remedy, code=ExitCode.LEDGER_FAULT)


def _fault_of(error: sqlite3.Error, path: Path) -> Fault:
    # "SQLITE_IOERR_WRITE" → "IOERR": the primary result code (sqlite.org/rescode.html).
    kind = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    # SQLite's messages are English; its name of the error is the same in every language.
    reason = getattr(error, "sqlite_errorname", "") or str(error)
    words = {"file": path.name, "folder": path.parent, "reason": reason}
    if kind in ("CORRUPT", "NOTADB"):
        return damaged(path, reason)
    if kind in ("BUSY", "LOCKED"):
        fault = _("another program keeps %(file)s locked") % words
        remedy = _("close the program that has it open (a database viewer, a backup), then try again")
    elif kind == "FULL":
        fault = _("the disk is full: %(file)s cannot be written") % words
        remedy = _("make room on the disk of %(folder)s, then run the command again") % words
    elif kind in ("READONLY", "CANTOPEN", "PERM", "AUTH"):
        fault = _("%(file)s cannot be opened for writing (%(reason)s)") % words
        remedy = _("make sure that %(folder)s exists and that you may write in it") % words
    elif kind == "CONSTRAINT":
        fault = _("the ledger refuses what would break its own rules (%(reason)s)") % words
        remedy = _("nothing was recorded; please report this with the command you gave")
    elif kind == "IOERR":
        fault = _("%(file)s cannot be read or written (%(reason)s)") % words
        remedy = _("check the disk of %(folder)s, then run the command again") % words
    else:
        fault = _("the ledger answered something unexpected (%(reason)s)") % words
        remedy = _("nothing was recorded; please report this with the command you gave")
    return Fault(str(path), fault, remedy)


def damaged(path: Path, reason: str) -> Fault:
    """Return the fault for a ledger that SQLite cannot read.

    It is never repaired or overwritten automatically.
    """
    return Fault(
        str(path),
        _("%(file)s is damaged (%(reason)s)") % {"file": path.name, "reason": reason},
        _("put its last good copy back: mkwmail restore; without it everybody would be mailed again"),
    )


def records(kind: Callable[..., T], rows: Iterable[Row]) -> tuple[T, ...]:
    """Return each row as a record: its columns are the record's fields, in their order.

    A round has three columns. Fields behind the last column have their defaults.

    :param kind: a dataclass or named tuple.
    """
    return tuple(kind(*[read(*row[at:end]) for at, end, read in _fields(kind, len(row))]) for row in rows)


@cache
def _fields(kind: Callable[..., object], width: int) -> tuple[tuple[int, int, Callable[..., object]], ...]:
    """Return for each field that has a column its first column, the one behind its last, and what reads it."""
    fields: list[tuple[int, int, Callable[..., object]]] = []
    at = 0
    for hint in get_type_hints(kind).values():
        end = at + 3 if hint is Round else at + 1
        if end > width:
            break
        fields.append((at, end, _reader(hint)))
        at = end
    return tuple(fields)


def _reader(hint: Any) -> Callable[..., object]:
    plain: dict[object, Callable[..., object]] = {int: as_int, datetime: as_moment, Round: as_round, bool: bool}
    plain |= {Mapping: as_mapping, tuple: _as_tuple, frozenset: lambda value: frozenset(_as_tuple(value))}
    if NoneType in get_args(hint):
        read = _reader(next(each for each in get_args(hint) if each is not NoneType))
        return lambda value: None if value is None else read(value)
    if hint in (State, Path):
        return lambda value: hint(str(value))
    return plain.get(get_origin(hint) or hint, str)


def columns(record: Any) -> list[Value]:
    """Return the values of a record without rounds as the ledger stores them; :func:`records` reads them again."""
    fields = record if isinstance(record, tuple) else (getattr(record, name) for name in record.__dataclass_fields__)
    return [_stored(value) for value in fields]


def _stored(value: Any) -> Value:
    match value:
        case datetime():
            return moment_text(value)
        case bool():
            return int(value)
        case Mapping():
            return json.dumps(dict(value))
        case tuple() | frozenset():
            return json.dumps(sorted(value) if isinstance(value, frozenset) else value)
    stored: Value = value
    return stored


def _as_tuple(value: Value) -> tuple[str, ...]:
    return tuple(json.loads(str(value)))


def as_int(value: Value) -> int:
    """Return a whole number; 0 for NULL."""
    return int(value or 0)


def as_moment(value: Value) -> datetime:
    """Return a moment, in Europe/Amsterdam.

    :func:`~mkwmail.ledger.models.moment_text` wrote it.
    """
    return datetime.fromisoformat(str(value)).astimezone(ZONE)


def as_mapping(value: Value) -> dict[str, Any]:
    """Return a JSON object; an empty one for NULL."""
    read: dict[str, Any] = json.loads(str(value)) if value else {}
    return read


def as_round(event: Value, mailing: Value, edition: Value) -> Round:
    """Return the round that these three columns identify."""
    return Round(str(event), str(mailing), as_int(edition))


def as_texts(row: Row) -> tuple[str, ...]:
    """Return the columns of a row that has only text."""
    return tuple(map(str, row))


def as_column(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the text of each row of a query that selects one column."""
    return tuple(str(text) for (text,) in rows)


def int_or_none(value: Value) -> int | None:
    """Return a whole number, or None."""
    return None if value is None else int(value)


def text_or_none(value: Value) -> str | None:
    """Return text, or None."""
    return None if value is None else str(value)


def moment_or_none(value: Value) -> datetime | None:
    """Return a moment as :func:`as_moment` does, or None."""
    return as_moment(value) if value else None


def wipe(database: Database) -> None:
    """Wipe deleted data from the files, if that has not been done yet."""
    if database.number("SELECT count(*) FROM to_wipe"):
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # Last: if the program is killed before this, the next run wipes again.
        database.execute("DELETE FROM to_wipe")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
