"""The clock: it enters at the command line, and everything else is given it."""

import os
import threading
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

from mkwmail.i18n import _

ZONE = ZoneInfo("Europe/Amsterdam")
VARIABLE = "MKWMAIL_NOW"


class Clock(Protocol):
    """What time it is, and a way to let time pass."""

    def now(self) -> datetime:
        """This moment, in Europe/Amsterdam."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Return after ``seconds``, or as soon as ``stop`` is set."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(ZONE)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)


class ShiftedClock(SystemClock):
    """A clock set to another moment at the start, running on from there (``MKWMAIL_NOW``, rehearsals)."""

    def __init__(self, start: datetime) -> None:
        # In UTC: local arithmetic would repeat or skip the hour of a summer time change.
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return (self._start + timedelta(seconds=time.monotonic() - self._began)).astimezone(ZONE)


def clock_of_environment() -> Clock:
    """The system's clock, or the one that ``MKWMAIL_NOW`` sets.

    :raises ValueError: where ``MKWMAIL_NOW`` is not a moment like ``2020-02-17T09:00``.
    """
    moment = os.environ.get(VARIABLE)
    if not moment:
        return SystemClock()
    start = datetime.fromisoformat(moment)
    return ShiftedClock(start if start.tzinfo else start.replace(tzinfo=ZONE))


def day_in_words(moment: datetime) -> str:
    """The day of a moment in Europe/Amsterdam: ``17 February 2020``."""
    local = moment.astimezone(ZONE)
    months = (
        *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June")),
        *(_("July"), _("August"), _("September"), _("October"), _("November"), _("December")),
    )
    words = {"day": local.day, "month": months[local.month - 1], "year": local.year}
    return _("%(day)s %(month)s %(year)s") % words


def clock_time(moment: datetime | time_of_day) -> str:
    """The time on the clock: ``09:00``, in Dutch ``9.00 uur``."""
    return _("%(hour)02d:%(minute)02d") % {"hour": moment.hour, "minute": moment.minute}


def day_and_time(moment: datetime) -> str:
    """``17 February 2020 09:00``; a day's very end as ``end of 2 April 2020``."""
    if (moment.hour, moment.minute) == (23, 59):
        return _("end of %(day)s") % {"day": day_in_words(moment)}
    return _("%(day)s %(time)s") % {"day": day_in_words(moment), "time": clock_time(moment)}


def moment_from(now: datetime, moment: datetime) -> str:
    """A moment as one says it at ``now``: the time alone today, else day and time."""
    return clock_time(moment) if moment.date() == now.date() else day_and_time(moment)


def day_in_figures(moment: date) -> str:
    """A day in a table, as the Netherlands write it in either language: ``17-02-2020``."""
    return f"{moment:%d-%m-%Y}"


def moment_in_figures(moment: datetime) -> str:
    """A moment in a table: ``17-02-2020 09:00``, in Dutch ``17-02-2020 09.00``."""
    words = {"day": day_in_figures(moment), "hour": moment.hour, "minute": moment.minute}
    return _("%(day)s %(hour)02d:%(minute)02d") % words


def moment_in_cell(moment: datetime) -> str:
    """A moment as Excel takes it for one, in either language: ``17-02-2020 09:00``."""
    return f"{day_in_figures(moment)} {moment:%H:%M}"
