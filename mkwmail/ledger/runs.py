"""Runs: one at a time for each ledger, who did what, what they reported, and handovers."""

import getpass
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from mkwmail.clock import day_and_time
from mkwmail.errors import ExitCode, Fault, UserError, fault_at, user_error
from mkwmail.files import file_mode, set_mode
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, FileId, as_column, cannot_write, file_id, read_only, records
from mkwmail.ledger.models import Reported, Run, moment_text

# Imported where a lock is taken: most commands take none.
if TYPE_CHECKING:
    from filelock import FileLock

#: The name of the notice about a refused login, which cannot be mailed.
LOGIN_FAILS = f"stopped:{int(ExitCode.LOGIN)}"


def begin(database: Database, command: str, now: datetime) -> int:
    """Record a run that holds the ledger; return its number."""
    return database.insert(
        "INSERT INTO runs (command, pid, started) VALUES (?, ?, ?)", (command, os.getpid(), moment_text(now))
    )


def give_token(database: Database, run: int, token: str) -> None:
    """Give a run the token that identifies it outside the working folder, and record its user.

    It is durable on return.
    """
    database.execute('UPDATE runs SET token = ?, "user" = ? WHERE id = ?', (token, database.user, run))


def tokens(database: Database) -> frozenset[str]:
    """Return the tokens of all runs that mailed."""
    return frozenset(as_column(database.execute("SELECT token FROM runs WHERE token IS NOT NULL")))


def last(database: Database, command: str) -> Run | None:
    """Return the newest run of a command that held the ledger, or None."""
    rows = database.execute(
        "SELECT id, command, pid, started FROM runs WHERE command = ? ORDER BY id DESC LIMIT 1", (command,)
    )
    return next(iter(records(Run, rows)), None)


class Deed(NamedTuple):
    """Something that a user did for an event: the last time, and how often.

    ``what`` is approved, sent, answered, resolved or skipped; ``mailing`` is empty if it is about none.
    """

    what: str
    mailing: str
    user: str
    at: datetime
    times: int


_DEEDS = """
    SELECT 'approved' AS what, mailing, "user", at FROM go_aheads WHERE event = ?1 AND approval IS NOT NULL
    UNION ALL SELECT 'approved', mailing, "user", at FROM approvals WHERE event = ?1
        AND id NOT IN (SELECT approval FROM go_aheads WHERE approval IS NOT NULL)
    UNION ALL SELECT 'sent', mailing, "user", claimed FROM attempts JOIN rounds ON rounds.id = round
        JOIN runs ON runs.id = run WHERE event = ?1
    UNION ALL SELECT 'answered', '', "user", at FROM answers WHERE event = ?1
    UNION ALL SELECT 'resolved', mailing, "user", resolutions.at FROM resolutions
        JOIN attempts ON attempts.id = attempt JOIN rounds ON rounds.id = round WHERE event = ?1
    UNION ALL SELECT 'skipped', '', "user", at FROM left_out WHERE event IN (?1, '')"""


def deeds(database: Database, event: str) -> tuple[Deed, ...]:
    """Return who approved, sent, answered, resolved or skipped, the newest last."""
    rows = database.execute(
        f"""SELECT what, mailing, "user", max(at) AS newest, count(*) FROM ({_DEEDS})
            WHERE "user" <> '' GROUP BY what, mailing, "user" ORDER BY newest, what, mailing""",
        (event,),
    )
    return records(Deed, rows)


def reported(database: Database) -> Mapping[str, Reported]:
    """Return name → when each matter that still exists was reported."""
    rows = database.execute("SELECT first, said, mailed, name FROM reported")
    return {str(row[-1]): each for row, each in zip(rows, records(Reported, (row[:-1] for row in rows)), strict=True)}


def note_reported(database: Database, names: Iterable[str], now: datetime, *, mailed: bool = False) -> None:
    """Record that these matters were printed on standard error.

    ``mailed``: they were sent by mail instead.
    """
    at = moment_text(now)
    column = "mailed" if mailed else "said"
    database.each(
        f"INSERT INTO reported (name, first, {column}) VALUES (?, ?, ?)"
        f" ON CONFLICT (name) DO UPDATE SET {column} = excluded.{column}",
        [(name, at, at) for name in names],
    )


def forget_reported(database: Database, names: Iterable[str]) -> None:
    """Forget matters that no longer exist.

    If one returns, it is reported as new.
    """
    database.each("DELETE FROM reported WHERE name = ?", [(name,) for name in names])


# Handovers: the ledger is closed here, and opened on another computer

Way = Literal["out", "in", "undone"]

#: How the token begins that the note outside the folder gets at a handover: no older backup takes its place then.
HANDED_OVER = "handed-over-"


class Handover(NamedTuple):
    """A handover: the file that it wrote or was opened from, who did it, and when."""

    way: Way
    file: Path
    user: str
    at: datetime


def record_handover(database: Database, way: Way, file: Path, now: datetime) -> None:
    """Record a step of a handover; durable on return."""
    database.execute(
        'INSERT INTO handovers (way, file, "user", at) VALUES (?, ?, ?, ?)',
        (way, str(file), database.user, moment_text(now)),
    )


_HANDOVER = 'SELECT way, file, "user", at FROM handovers ORDER BY id DESC LIMIT 1'


def last_handover(database: Database) -> Handover | None:
    """Return the newest step of a handover, or None."""
    return next(iter(records(Handover, database.execute(_HANDOVER))), None)


def handovers(database: Database) -> tuple[Handover, ...]:
    """Return all steps of handovers, oldest first."""
    return records(Handover, database.execute('SELECT way, file, "user", at FROM handovers ORDER BY id'))


def last_handover_in(file: Path) -> Handover | None:
    """Return the newest step of a handover in another ledger's file, or None."""
    return next(iter(records(Handover, read_only(file, _HANDOVER) or ())), None)


def refuse_closed(database: Database) -> None:
    """Check that this ledger was not handed over.

    :raises UserError: code SETTINGS if it was: mail is sent from another folder now.
    """
    found = last_handover(database)
    if found is not None and found.way == "out":
        raise UserError(closed_fault(found), code=ExitCode.SETTINGS)


def closed_fault(found: Handover) -> Fault:
    """Return the fault for a ledger that was handed over."""
    fault = _("this folder was handed over on %(moment)s, and nothing is sent from it any more")
    remedy = _(
        "send where it was taken over (mkwmail takeover %(file)s); if nobody took it over, and nobody will: "
        "mkwmail handover --undo"
    )
    return fault_at("", fault, remedy, moment=day_and_time(found.at), file=found.file)


class Doubtful(NamedTuple):
    """A message in doubt."""

    event: str
    mailing: str
    name: str
    address: str


_DOUBTFUL = """SELECT event, mailing, name, deliveries.address FROM deliveries JOIN rounds ON rounds.id = round
    JOIN persons ON persons.key = person WHERE state = 'in doubt' ORDER BY event, mailing, name"""


def in_doubt(database: Database) -> tuple[Doubtful, ...]:
    """Return the messages in doubt, of all events."""
    return records(Doubtful, database.execute(_DOUBTFUL))


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@cache
def this_computer() -> str:
    """Return a hash that identifies this computer.

    It does not reveal anything about the computer. It is made from the machine's id and the host name; on macOS from
    the hardware's id alone, because the host name changes with the network there.
    """
    machine = _machine_id()
    host = "" if sys.platform == "darwin" and machine else socket.gethostname().casefold()
    return hashlib.sha256(f"mkwmail\0{machine}\0{host}".encode()).hexdigest()[:32]


def _machine_id() -> str:
    for path in _MACHINE_IDS:
        text = _first_line(path)
        if text:
            return text
    if sys.platform == "darwin":
        return _asked("sysctl", "-n", "kern.uuid")
    if sys.platform == "win32":
        return _windows_machine_id()
    return platform.machine()


if sys.platform == "win32":

    def _windows_machine_id() -> str:
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        except OSError:
            return ""


@cache
def boot_id() -> str:
    """Return a value that changes when the machine restarts.

    If the system has none, it is different at every start of the program: data that was not on the disk yet then
    never counts as proof, as after a power cut.
    """
    text = _first_line(_BOOT_ID)
    if not text and sys.platform == "darwin":
        text = _asked("sysctl", "-n", "kern.bootsessionuuid")
    return text or f"unknown-{uuid.uuid4()}"


def process_start(pid: int) -> str:
    """Return when a process began, in the system's own form.

    Empty if it has ended, or if the system does not tell.
    """
    if sys.platform == "darwin":
        return _asked("ps", "-o", "lstart=", "-p", str(pid))
    # proc(5): after the name, which may contain anything, come the state and, 19 fields later, the start.
    fields = _first_line(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in ("Z", "X") else ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _asked(*command: str) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def this_user() -> str:
    """Return the name of the user on this computer; empty if the system does not tell it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


_TRIES = 3  # Windows may remove the file each time that the lock is released


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that this run holds; ``file`` is the file that is locked."""

    path: Path
    file: FileId | None

    @property
    def is_in_place(self) -> bool:
        """Check that other runs see the lock: its file was not replaced."""
        return self.file is not None and self.file.is_at(self.path)


@contextmanager
def held(ledger: Path, command: str, now: datetime) -> Iterator[Held]:
    """Hold the ledger's lock during the block.

    The system releases it when the process ends, however it ends.

    :raises UserError: code LEDGER_HELD if another run has it (with its process id, command and start), or if the run
        that had it is still alive, though its lock was deleted.
    """
    from filelock import FileLock

    # A run that tries to take the lock empties the lock's file, so the holder is recorded in another file.
    note = ledger.with_name(f"{ledger.name}.holder")
    lock = FileLock(ledger.with_name(f"{ledger.name}.lock"), timeout=0, mode=file_mode(ledger))
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
        # Deleted before the lock is released: otherwise the next run's note could be deleted.
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: "FileLock", ledger: Path) -> Held:
    from filelock import Timeout

    path = Path(lock.lock_file)
    try:
        for _each in range(_TRIES):
            before = file_id(path)
            lock.acquire()
            # If the file is the same before and after, it is the locked one; otherwise it was just made, or replaced.
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
    values |= {"user": this_user()}
    values |= {"began": process_start(pid), "boot": boot_id()}
    draft = note.with_name(f"{note.name}.new")
    try:
        draft.write_text(json.dumps(values), encoding="utf-8")
        set_mode(draft)
        os.replace(draft, note)
    except OSError as error:
        raise cannot_write(note, error) from error


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds the ledger.

    ``began`` and ``boot`` distinguish its process from a later one with the same id.
    """

    pid: int
    command: str
    since: datetime
    began: str
    boot: str
    user: str = ""

    @property
    def lives(self) -> bool:
        """Check whether its process is certainly still alive."""
        return bool(self.began) and self.boot == boot_id() and process_start(self.pid) == self.began


def holder_of(ledger: Path) -> Holder | None:
    """Return the holder of the lock by its own note; None if unreadable."""
    try:
        note = json.loads(ledger.with_name(f"{ledger.name}.holder").read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
        return Holder(
            int(note["pid"]),
            str(note["command"]),
            since,
            str(note["began"]),
            str(note["boot"]),
            str(note.get("user", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def refuse_if_live(ledger: Path) -> None:
    """Check that no run is active in a ledger.

    :raises UserError: code LEDGER_HELD if one is.
    """
    holder = holder_of(ledger)
    if holder is not None and holder.lives:
        raise _is_held(ledger)


def _is_held(ledger: Path) -> UserError:
    holder = holder_of(ledger)
    if holder is not None and holder.user not in ("", this_user()):
        fault = _("%(user)s is using the ledger: %(command)s (process %(pid)s), since %(since)s") % {
            **{"user": holder.user, "command": holder.command},
            **{"pid": holder.pid, "since": day_and_time(holder.since)},
        }
    elif holder is not None:
        fault = _("another run holds the ledger: %(command)s (process %(pid)s), since %(since)s") % {
            "command": holder.command,
            "pid": holder.pid,
            "since": day_and_time(holder.since),
        }
    else:
        fault = _("another run holds the ledger")
    remedy = _("wait until it is done, then run the command again")
    return user_error(str(ledger), fault, remedy, code=ExitCode.LEDGER_HELD)
