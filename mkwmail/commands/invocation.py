"""What every command is given: the folder that was named, the clock, the terminal."""

from dataclasses import dataclass
from pathlib import Path

from mkwmail import clock
from mkwmail.clock import Clock, ShiftedClock
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.moments import day_and_time
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import is_handed_to


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program.

    ``folder`` is the working folder as the user named it, if so. ``shifted``: the clock was set by
    ``MKWMAIL_NOW``, so only a loopback server is accepted and the ledger is the test ledger.
    """

    folder: Path | None
    clock: Clock
    shifted: bool
    terminal: Terminal


def begin(folder: Path | None, quiet: bool = False) -> Invocation:
    """Read the clock of the environment and say so where it is not the computer's own; ``quiet``: not yet.

    :raises UserError: where ``MKWMAIL_NOW`` is not a moment.
    """
    try:
        chosen = clock.clock_of_environment()
    except ValueError:
        raise UserError(
            Fault(clock.VARIABLE, _("this is not a moment"), _("write it as 2020-02-17T09:00")),
            code=ExitCode.USAGE,
        ) from None
    shifted = isinstance(chosen, ShiftedClock)
    invocation = Invocation(folder, chosen, shifted, Terminal())
    if not quiet:
        announce(invocation)
    return invocation


def announce(invocation: Invocation, server: str = "") -> None:
    """Say that the clock is not the computer's own, if so; ``server``: the one to which mail is really handed."""
    if invocation.shifted:
        words = {"variable": clock.VARIABLE, "moment": day_and_time(invocation.clock.now())}
        said = _("%(variable)s: the clock starts at %(moment)s; the ledger is mkwmail-test.db.") % words
        invocation.terminal.note(f"{said} {is_handed_to(server)}" if server else said, "yellow")
