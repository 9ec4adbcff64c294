"""The run lock: one run at a time for each ledger, and its holder."""

import getpass
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mkwmail.clock import day_and_time
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import file_mode, set_mode
from mkwmail.i18n import _
from mkwmail.ledger.database import FileId, cannot_write, file_id

# Imported where a lock is taken: most commands take none.
if TYPE_CHECKING:
    from filelock import FileLock

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
