"""Backups of the ledger: whole copies, made after every run that mailed.

A copy is checked before it counts. Its place is recorded in the ledger, so that the data of a person who is forgotten
is removed from all copies that can be reached, also from those in an earlier folder.
"""

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.errors import ExitCode, UserError
from mkwmail.files import make_folder, sync_folder, write_private
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, Row, Value, as_int, as_moment, cannot_write, damaged, read_only, records
from mkwmail.ledger.models import moment_text
from mkwmail.ledger.people import mark, name_trait


class Backup(NamedTuple):
    """A backup that was made, and when."""

    path: Path
    at: datetime


def make(database: Database, name: str, folder: Path, keep: int, now: datetime) -> Path:
    """Make a backup of a ledger, and delete the oldest ones if there are more than ``keep``.

    The file is readable by its owner only, and durable on return.

    :param name: the id of the ledger.
    :raises UserError: code LEDGER_FAULT if it cannot be written, or if the copy cannot be read.
    """
    stem = f"{database.path.stem}-{name[:8]}-"
    moment = now
    # Two within a second: a backup is never replaced, it may be the one that is being put back.
    while (path := folder / f"{stem}{moment:%Y-%m-%d-%H%M%S}.db").exists():
        moment += timedelta(seconds=1)
    unfinished = path.with_suffix(".new")
    try:
        make_folder(folder)
        unfinished.unlink(missing_ok=True)
        database.back_up(unfinished)
        _check(unfinished, name)
        os.replace(unfinished, path)
        sync_folder(folder)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    database.execute("INSERT OR REPLACE INTO backups VALUES (?, ?)", (str(path.resolve()), moment_text(now)))
    for old in sorted(folder.glob(f"{stem}*.db"))[:-keep]:
        with suppress(OSError):
            old.unlink()
            database.execute("DELETE FROM backups WHERE path = ?", (str(old.resolve()),))
    return path


def newest(database: Database) -> Backup | None:
    """Return the newest backup that still exists, or None."""
    rows = database.execute("SELECT path, at FROM backups ORDER BY at DESC")
    return next((each for each in records(Backup, rows) if each.path.is_file()), None)


def is_due(database: Database) -> bool:
    """Check whether mail was sent that no existing backup has."""
    last = newest(database)
    claimed = database.execute("SELECT max(claimed) FROM attempts")[0][0]
    return claimed is not None and (last is None or last.at < as_moment(claimed))


def found(folder: Path, ledger: Path) -> tuple[Path, ...]:
    """Return the backups of a ledger that a folder has, the newest first.

    :param ledger: the path of the ledger, which may be gone.
    """
    # The beginning of the ledger's name, so that those of the test ledger (mkwmail-test-…) are not among them.
    of_it = f"{ledger.stem}-{'[0-9a-f]' * 8}-*.db"
    return tuple(sorted(folder.glob(of_it), key=lambda each: each.name, reverse=True))


def remove_all(database: Database, name: str, folders: Iterable[Path]) -> tuple[Path, ...]:
    """Delete all backups of a ledger; return those that could not be reached.

    :param folders: where backups are, besides the recorded places.
    """
    stem = f"{database.path.stem}-{name[:8]}-"
    places = {Path(str(path)) for (path,) in database.execute("SELECT path FROM backups")}
    places |= {path.resolve() for folder in folders for path in folder.glob(f"{stem}*") if path.suffix in _OURS}
    left = []
    for path in sorted(places):
        try:
            # A folder that is not there may be on a disk that is not connected.
            if not path.parent.is_dir():
                raise FileNotFoundError(path.parent)
            path.unlink(missing_ok=True)
        except OSError:
            left.append(path)
        else:
            database.execute("DELETE FROM backups WHERE path = ?", (str(path),))
    return tuple(left)


_OURS = (".db", ".new")


def _check(copy: Path, name: str) -> None:
    """Check that a copy can be read whole.

    :raises UserError: code LEDGER_FAULT if it cannot.
    """
    if read_only(copy, "PRAGMA quick_check(1)") != [("ok",)] or read_only(copy, "SELECT id FROM ledger") != [(name,)]:
        raise UserError(damaged(copy, _("the copy cannot be read")), code=ExitCode.LEDGER_FAULT)


# Restoring

# People's answers, and decisions about them. Sent mails are never taken back.
_RESPONSES = ("answers", "stray_answers", "signups", "guests", "batches", "calls", "form_words", "left_out")


def newest_attempt_in(copy: Path, name: str) -> int | None:
    """Return the number of the newest attempt in a ledger's file; None if it is not this ledger, or damaged.

    :param name: the id of the ledger; empty if any will do.
    """
    if read_only(copy, "PRAGMA quick_check(1)") != [("ok",)]:
        return None
    rows = read_only(copy, "SELECT id, (SELECT max(seq) FROM sqlite_sequence WHERE name = 'attempts') FROM ledger")
    for own, number in rows or ():
        if name in ("", str(own)):
            return as_int(number)
    return None


def last_use(copy: Path) -> datetime | None:
    """Return until when a ledger's file certainly has everything; None if it was never used."""
    rows = read_only(copy, "SELECT max(at) FROM (SELECT max(started) AS at FROM runs UNION SELECT made FROM ledger)")
    return as_moment(rows[0][0]) if rows and rows[0][0] else None


Table = tuple[list[str], list[Row]]


def responses_in(copy: Path) -> Mapping[str, Table]:
    """Return the answers and decisions of a backup: table → its columns and rows.

    :raises UserError: code LEDGER_FAULT if they cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as other:
            return {
                table: (
                    [str(row[1]) for row in other.execute(f"PRAGMA table_info({table})")],
                    other.execute(f"SELECT * FROM {table}").fetchall(),
                )
                for table in _RESPONSES
            }
    except sqlite3.Error as error:
        raise UserError(damaged(copy, str(error)), code=ExitCode.LEDGER_FAULT) from error


def put_back(database: Database, secret: bytes, tables: Mapping[str, Table]) -> None:
    """Put the answers and decisions of a backup into the ledger; everything that was sent stays.

    Of people who were forgotten and events that were purged since, nothing comes back.

    :raises UserError: code LEDGER_FAULT if they do not fit, as those of a newer program may not.
    """
    known = database.execute("SELECT key FROM persons WHERE key NOT IN (SELECT person FROM forgotten)")
    persons = {row[0] for row in known}
    purged = {row[0] for row in database.execute("SELECT event FROM purged")}
    marks = {row[0] for row in database.execute("SELECT mark FROM forgotten")}

    def stays(row: dict[str, Value]) -> bool:
        people = {row.get("person"), row.get("holder")} - {None}
        address, name = address_key(str(row.get("address", ""))), str(row.get("name", ""))
        met = {mark(secret, address), mark(secret, *name_trait(name))} if name or address else set()
        return row.get("event") not in purged and people <= persons and not met & marks

    with database.transaction():
        for table, (columns, rows) in tables.items():
            database.execute(f"DELETE FROM {table}")
            names = ", ".join(f'"{column}"' for column in columns)
            places = ", ".join("?" * len(columns))
            kept = [row for row in rows if stays(dict(zip(columns, row, strict=True)))]
            # The answers that an import replaced may be about somebody who was forgotten since.
            if table != "batches" or not marks:
                database.each(f"INSERT INTO {table} ({names}) VALUES ({places})", kept)


def copy_durably(copy: Path, ledger: Path) -> None:
    """Write a backup to the place of the ledger, readable by its owner only.

    :raises UserError: code LEDGER_FAULT if it cannot be written.
    """
    try:
        write_private(ledger, copy.read_bytes())
    except OSError as error:
        raise cannot_write(ledger, error) from error
    sync_folder(ledger.parent)
