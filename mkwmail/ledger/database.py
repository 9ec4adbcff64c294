"""The connection to SQLite: durable transactions, and its faults in plain words, both in this one place."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice, repeat
from pathlib import Path
from typing import NamedTuple

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _

APPLICATION_ID = 0x6D6B776D  # "mkwm": `file` and other programs can tell whose database it is
BUSY_SECONDS = 5.0
_MOST_ROWS = 64  # in one statement: of fourteen values each they are well below the 32,766 that SQLite takes
PRIVATE = 0o600

Value = str | int | float | bytes | None
Row = tuple[Value, ...]


class FileId(NamedTuple):
    """Which file it is, whatever its name."""

    device: int
    inode: int


def file_id(file: Path | int) -> FileId | None:
    """Return which file has this path or descriptor; None if none can be seen there."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return FileId(found.st_dev, found.st_ino)


class Database:
    """One connection, shared by the threads of a run; one statement or transaction at a time.

    Every method raises UserError with code LEDGER_FAULT where SQLite or the disk fails: a state that could
    not be written must stop the run, never be passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
        """What is committed survives a power cut; deleted data is overwritten, for it is about people."""
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = FULL")
        # In a large mailing the same pages change again and again: moved into the file at 32 MB instead of at 4.
        self.execute("PRAGMA wal_autocheckpoint = 8000")
        # macOS: without it fsync leaves the data in the drive's cache (sqlite.org/pragma.html, fullfsync).
        self.execute("PRAGMA fullfsync = ON")
        self.execute("PRAGMA secure_delete = ON")
        # A large statement keeps the pages that it changes, to undo it: in memory, not in a file of their own.
        self.execute("PRAGMA temp_store = MEMORY")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; its rows."""
        with self._turn, self._faults():
            return self._connection.execute(statement, values).fetchall()

    def insert(self, statement: str, values: Sequence[Value]) -> int:
        """Run one INSERT; the number of the new row."""
        with self._turn, self._faults():
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def change(self, statement: str, values: Sequence[Value]) -> int:
        """Run one UPDATE; how many rows it changed."""
        with self._turn, self._faults():
            return self._connection.execute(statement, values).rowcount

    def each(self, statement: str, rows: Iterable[Sequence[Value]]) -> int:
        """Run one INSERT or UPDATE for each of the rows; how many rows that changed."""
        with self._turn, self._faults():
            return self._connection.executemany(statement, rows).rowcount

    def together(self, statement: str, rows: Iterable[Sequence[Value]]) -> int:
        """Run an INSERT or UPDATE whose ``{rows}`` stands for a table of all rows; how many rows that changed.

        SQLite works through them while other threads go on; with :meth:`each` they get their turn at every row.
        """
        changed = 0
        left = iter(rows)
        while few := tuple(islice(left, _MOST_ROWS)):
            # A few lengths, so that statements are prepared once: what lacks is empty, and left out.
            length = 1 << (len(few) - 1).bit_length()
            places = f"({', '.join('?' * len(few[0]))})"
            table = f"SELECT * FROM (VALUES {', '.join([places] * length)}) WHERE column1 IS NOT NULL"
            values = [*chain.from_iterable(few), *repeat(None, (length - len(few)) * len(few[0]))]
            with self._turn, self._faults():
                changed += self._connection.execute(statement.replace("{rows}", table), values).rowcount
        return changed

    def number(self, statement: str, values: Sequence[Value] = ()) -> int:
        """The one number that a query answers; 0 for NULL."""
        return int(self.execute(statement, values)[0][0] or 0)

    @property
    def in_transaction(self) -> bool:
        """Whether something is written that is not durable yet."""
        with self._turn:
            return self._connection.in_transaction

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when the block is left. Within another one: part of that."""
        with self._turn:
            if self._connection.in_transaction:
                yield
                return
            # IMMEDIATE: a writer that waits its turn here cannot fail halfway for want of the lock.
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    with self._faults():
                        self._connection.rollback()

    def back_up(self, copy: Path) -> None:
        """Write a whole, durable copy of the database, readable by its owner only."""
        make_private(copy)
        with self._turn, self._faults(), closing(sqlite3.connect(copy, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous = FULL")
            self._connection.backup(target)

    def close(self) -> None:
        """End the connection; SQLite then moves the write-ahead log into the file."""
        with self._turn, self._faults():
            self._connection.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UserError(_fault_of(error, self.path), code=ExitCode.LEDGER_FAULT) from error


def read_only(path: Path, statement: str) -> list[Row] | None:
    """Return the rows of one query of another ledger, which is left as it is; None if it cannot be read."""
    # Nobody has it open if there is no write-ahead log; SQLite would make one, and leave it.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS)) as other:
            return other.execute(statement).fetchall()
    except sqlite3.Error:
        return None


def make_private(path: Path) -> None:
    """Make the file if there is none, readable by its owner only; SQLite gives -wal and -shm its mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> UserError:
    """The fault of a file beside the ledger that cannot be made or written."""
    fault = _("%(file)s cannot be written: %(reason)s") % {
        "file": path.name,
        "reason": reason_of(error),
    }
    remedy = _("make sure that you may write in %(folder)s and that the disk is not full") % {"folder": path.parent}
    return UserError(Fault(str(path), fault, remedy), code=ExitCode.LEDGER_FAULT)


def _fault_of(error: sqlite3.Error, path: Path) -> Fault:
    # "SQLITE_IOERR_WRITE" → "IOERR": the primary result code (sqlite.org/rescode.html).
    kind = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    # SQLite's words are English; its name of the fault is the same for whoever it is shown to.
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
    """The fault of a ledger that SQLite cannot read; it is never repaired or overwritten by itself."""
    return Fault(
        str(path),
        _("%(file)s is damaged (%(reason)s)") % {"file": path.name, "reason": reason},
        _("keep it as it is, and put its last good copy in its place; without it everybody would be mailed again"),
    )
