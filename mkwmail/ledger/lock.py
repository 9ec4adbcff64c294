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
from mkwmail.ledger.database import PRIVATE, cannot_write
from mkwmail.moments import day_and_time


@contextmanager
def held(ledger: Path, command: str, now: datetime) -> Iterator[None]:
    """Hold the ledger's lock, which the system lets go when the process ends, however it ends.

    :raises UserError: code LEDGER_HELD where another run has it: its process id, command and start.
    """
    # The lock's own file is emptied by whoever tries to take it, so who holds it stands in another.
    holder = ledger.with_name(f"{ledger.name}.holder")
    lock = FileLock(ledger.with_name(f"{ledger.name}.lock"), timeout=0, mode=PRIVATE)
    try:
        lock.acquire()
    except Timeout:
        raise _is_held(ledger) from None
    except OSError as error:
        raise cannot_write(ledger.with_name(f"{ledger.name}.lock"), error) from error
    try:
        _write(holder, {"pid": os.getpid(), "command": command, "since": now.isoformat(timespec="seconds")})
        yield
    finally:
        # Gone before the lock is: the next one must not find its own note removed.
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _write(holder: Path, note: dict[str, str | int]) -> None:
    draft = holder.with_name(f"{holder.name}.new")
    try:
        draft.write_text(json.dumps(note), encoding="utf-8")
        os.replace(draft, holder)
    except OSError as error:
        raise cannot_write(holder, error) from error


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds the ledger."""

    pid: int
    command: str
    since: datetime


def holder_of(ledger: Path) -> Holder | None:
    """Who holds the ledger's lock, by what it noted; None where no note can be read."""
    try:
        note = json.loads(ledger.with_name(f"{ledger.name}.holder").read_text(encoding="utf-8"))
        return Holder(int(note["pid"]), str(note["command"]), datetime.fromisoformat(note["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
