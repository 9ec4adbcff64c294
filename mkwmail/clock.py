"""The clock, and moments as text for the user.

Only the command line reads the clock; all other code gets the time as a value.
"""

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

# Dates in mails and periods around them must exist too; no event is outside these years.
_YEARS = range(1970, 3000)


class Clock(Protocol):
    """A source of the current time, with a way to wait."""

    def now(self) -> datetime:
        """Return the current moment, in Europe/Amsterdam."""
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
    """A clock that starts at another moment and runs on from there.

    ``MKWMAIL_NOW`` and rehearsals use it.
    """

    def __init__(self, start: datetime) -> None:
        # In UTC: arithmetic in local time would repeat or skip an hour when summer time starts or ends.
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return (self._start + timedelta(seconds=time.monotonic() - self._began)).astimezone(ZONE)


def clock_of_environment() -> Clock:
    """Return the system's clock, or the clock that ``MKWMAIL_NOW`` sets.

    :raises ValueError: if ``MKWMAIL_NOW`` is not a moment like ``2020-02-17T09:00``, in the years 1970 to 2999.
    """
    moment = os.environ.get(VARIABLE)
    if not moment:
        return SystemClock()
    start = datetime.fromisoformat(moment)
    if start.year not in _YEARS:
        raise ValueError(f"the year {start.year}")
    return ShiftedClock(start if start.tzinfo else start.replace(tzinfo=ZONE))


def day_in_words(moment: datetime) -> str:
    """Return the day of a moment in Europe/Amsterdam: ``17 February 2020``."""
    local = moment.astimezone(ZONE)
    months = (
        *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June")),
        *(_("July"), _("August"), _("September"), _("October"), _("November"), _("December")),
    )
    words = {"day": local.day, "month": months[local.month - 1], "year": local.year}
    return _("%(day)s %(month)s %(year)s") % words


def clock_time(moment: datetime | time_of_day) -> str:
    """Return the time of day: ``09:00``, in Dutch ``9.00 uur``."""
    return _("%(hour)02d:%(minute)02d") % {"hour": moment.hour, "minute": moment.minute}


def day_and_time(moment: datetime) -> str:
    """Return a moment in words: ``17 February 2020 09:00``.

    The end of a day (23:59) is ``end of 2 April 2020``.
    """
    if (moment.hour, moment.minute) == (23, 59):
        return _("end of %(day)s") % {"day": day_in_words(moment)}
    return _("%(day)s %(time)s") % {"day": day_in_words(moment), "time": clock_time(moment)}


def moment_from(now: datetime, moment: datetime) -> str:
    """Return a moment as people say it at ``now``.

    Today's moments are a time only; others are a day and a time.
    """
    return clock_time(moment) if moment.date() == now.date() else day_and_time(moment)


def day_in_figures(moment: date) -> str:
    """Return a day for a table: ``17-02-2020``.

    This is the usual form in the Netherlands; both languages use it.
    """
    return f"{moment:%d-%m-%Y}"


def moment_in_figures(moment: datetime) -> str:
    """Return a moment for a table: ``17-02-2020 09:00``.

    In Dutch it is ``17-02-2020 09.00``.
    """
    words = {"day": day_in_figures(moment), "hour": moment.hour, "minute": moment.minute}
    return _("%(day)s %(hour)02d:%(minute)02d") % words


def moment_in_cell(moment: datetime) -> str:
    """Return a moment that Excel recognises: ``17-02-2020 09:00``.

    Both languages use the same form.
    """
    return f"{day_in_figures(moment)} {moment:%H:%M}"
