"""Which computer this is, which of its boots, and which of its processes."""

import hashlib
import platform
import socket
import subprocess
import sys
import uuid
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@cache
def this_computer() -> str:
    """A hash that stays the same on one computer and differs between two; it tells nothing about it.

    The machine's own id with the host name. On macOS the hardware's id alone: there the host name follows
    the network that one happens to be on.
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
    """A value that changes whenever the machine starts anew.

    Where the system has none, it is another at every call of the program: what was not yet on disk is then
    never taken to be proven, as after a power cut.
    """
    text = _first_line(_BOOT_ID)
    if not text and sys.platform == "darwin":
        text = _asked("sysctl", "-n", "kern.bootsessionuuid")
    return text or f"unknown-{uuid.uuid4()}"


def process_start(pid: int) -> str:
    """Return when a process began, as the system says it; empty if it has ended, or if the system does not say."""
    if sys.platform == "darwin":
        return _asked("ps", "-o", "lstart=", "-p", str(pid))
    # proc(5): behind the name, which may hold anything, come the state and, 19 fields later, the start.
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
