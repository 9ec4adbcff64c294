"""Errors for the user to fix: place, fault and remedy, with the exit code."""

from dataclasses import dataclass, field
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of the process.

    Numbers from 64 on follow BSD's sysexits if it has a name for the situation.
    """

    OK = 0
    USAGE = 2
    FAULTY_FILE = 65
    SERVER = 69
    LEDGER_HELD = 73
    LEDGER_FAULT = 74
    WAITING = 75
    LOGIN = 77
    SETTINGS = 78
    IN_DOUBT = 79
    REFUSED = 80
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong or odd.

    ``place`` is the place to look at, in a form that an editor can open (``events/x.yaml:12:5``,
    ``leden.csv:17 e-mail``); ``fault`` is one plain sentence; ``remedy`` says what to write or type instead. It
    is empty if the fault needs no further explanation. ``line`` is the file's own line at that place, to be shown with
    a mark at the column; empty if there is none to show.
    """

    place: str
    fault: str
    remedy: str = ""
    line: str = field(default="", compare=False)

    def __str__(self) -> str:
        start = f"{self.place}: " if self.place else ""
        end = f" → {self.remedy}" if self.remedy else ""
        return f"{start}{self.fault}{end}"


class UserError(Exception):
    """Faults that stop the command.

    ``cli`` prints all of them and exits with ``code``.
    """

    def __init__(self, *faults: Fault, code: ExitCode = ExitCode.FAULTY_FILE) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults
        self.code = code


def fault_at(place: str, fault: str, remedy: str = "", /, **values: object) -> Fault:
    """Return a fault whose sentences name the values.

    Both sentences take them in ``%(name)s`` form; without values they are used as they are.
    """
    return Fault(place, fault % values, remedy % values) if values else Fault(place, fault, remedy)


def user_error(
    place: str, fault: str, remedy: str = "", /, *, code: ExitCode = ExitCode.FAULTY_FILE, **values: object
) -> UserError:
    """Return the error of one fault, to be raised; :func:`fault_at` says how values are named."""
    return UserError(fault_at(place, fault, remedy, **values), code=code)
