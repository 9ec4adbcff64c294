"""Days and times as the person at the keyboard reads them, in the language of the program's own words."""

from datetime import date, datetime
from datetime import time as time_of_day

from mkwmail.clock import ZONE
from mkwmail.language import _


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
