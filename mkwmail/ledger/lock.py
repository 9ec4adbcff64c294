"""The run lock: one run at a time for each ledger, and who holds it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.computer import boot_id, process_start
from mkwmail.ledger.database import PRIVATE, FileId, cannot_write, file_id
from mkwmail.moments import day_and_time

_TRIES = 3  # Windows may remove the file each time that it is let go


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held. ``file`` is the file that the system locked."""

    path: Path
    file: FileId | None

    @property
    def is_in_place(self) -> bool:
        """Whether another run would meet this lock: its file was not deleted or replaced."""
        return file_id(self.path) == self.file


@contextmanager
def held(ledger: Path, command: str, now: datetime) -> Iterator[Held]:
    """Hold the ledger's lock, which the system lets go when the process ends, however it ends.

    :raises UserError: code LEDGER_HELD if another run has it (its process id, command and start), or if the run that
        had it still lives, though its lock was deleted.
    """
    # The lock's own file is emptied by whoever tries to take it, so who holds it stands in another.
    note = ledger.with_name(f"{ledger.name}.holder")
    lock = FileLock(ledger.with_name(f"{ledger.name}.lock"), timeout=0, mode=PRIVATE)
    taken = _acquired(lock, ledger)
    try:
        refuse_if_live(ledger)
        _write(note, command, now)
    except BaseException:
        lock.release()
        raise
    try:
        yield taken
    finally:
        # Gone before the lock is: the next one must not find its own note removed.
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock, ledger: Path) -> Held:
    path = Path(lock.lock_file)
    try:
        for _each in range(_TRIES):
            before = file_id(path)
            lock.acquire()
            # The same file before and after is the one that is locked; otherwise it was just made, or replaced.
            if before is not None and file_id(path) == before:
                break
            lock.release()
        else:
            lock.acquire()
        return Held(path, file_id(path))
    except Timeout:
        raise _is_held(ledger) from None
    except OSError as error:
        raise cannot_write(path, error) from error


def _write(note: Path, command: str, now: datetime) -> None:
    pid = os.getpid()
    values = {"pid": pid, "command": command, "since": now.isoformat(timespec="seconds")}
    values |= {"began": process_start(pid), "boot": boot_id()}
    draft = note.with_name(f"{note.name}.new")
    try:
        draft.write_text(json.dumps(values), encoding="utf-8")
        os.replace(draft, note)
    except OSError as error:
        raise cannot_write(note, error) from error


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds the ledger. ``began`` and ``boot`` tell its process from a later one with the same id."""

    pid: int
    command: str
    since: datetime
    began: str = ""
    boot: str = ""

    @property
    def lives(self) -> bool:
        """Whether its process is certainly still there."""
        return bool(self.began) and self.boot == boot_id() and process_start(self.pid) == self.began


def holder_of(ledger: Path) -> Holder | None:
    """Who holds the ledger's lock, by what it noted; None if no note can be read."""
    try:
        note = json.loads(ledger.with_name(f"{ledger.name}.holder").read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
        began, boot = (str(note.get(key, "")) for key in ("began", "boot"))
        return Holder(int(note["pid"]), str(note["command"]), since, began, boot)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def refuse_if_live(ledger: Path) -> None:
    """See that no run goes on in another folder's ledger.

    :raises UserError: code LEDGER_HELD if one does.
    """
    holder = holder_of(ledger)
    if holder is not None and holder.lives:
        raise _is_held(ledger)


def _is_held(ledger: Path) -> UserError:
    holder = holder_of(ledger)
    if holder is not None:
        fault = _("another run holds the ledger: %(command)s (process %(pid)s), since %(since)s") % {
            "command": holder.command,
            "pid": holder.pid,
            "since": day_and_time(holder.since),
        }
    else:
        fault = _("another run holds the ledger")
    remedy = _("wait until it is done, then give the command again")
    return UserError(Fault(str(ledger), fault, remedy), code=ExitCode.LEDGER_HELD)
