"""Dates, times, numbers and enumerations in written Dutch.

Days and months are in lower case, a full stop separates hours and minutes, and the hour has no leading zero
(9.30 uur).

Sources: https://onzetaal.nl/taalloket ("Tijdsaanduiding", "Datum", "Eurobedragen"), https://taaladvies.net
("8h30 / 8u.30 / 8.30 u. / 8.30 uur"). The names of days and months are those of Unicode CLDR; the tests compare
them.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

WEEKDAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")
MONTHS = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)
_MIDNIGHT = time(0)


def date_without_year(day: date) -> str:
    """Return a date without its year: donderdag 16 april."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def date_in_words(day: date) -> str:
    """Return a date in words: donderdag 16 april 2020."""
    return f"{date_without_year(day)} {day.year}"


def clock_time(moment: time) -> str:
    """Return hours and minutes with a full stop (13.00), without seconds."""
    return f"{moment.hour}.{moment.minute:02}"


def time_in_words(moment: time) -> str:
    """Return a time in words: 13.00 uur."""
    return f"{clock_time(moment)} uur"


def _end_time(end: time) -> str:
    """Return the end of a range of times.

    Midnight becomes 24.00, because 0.00 would be the beginning of the same day.
    """
    return "24.00" if end.replace(tzinfo=None) == _MIDNIGHT else clock_time(end)


def range_in_prose(start: time, end: time) -> str:
    """Return a range of times for prose: van 13.00 tot 18.00 uur.

    An end at midnight becomes 24.00.
    """
    return f"van {clock_time(start)} tot {_end_time(end)} uur"


def range_in_table(start: time, end: time) -> str:
    """Return a range of times for a table: 13.00-18.00 uur.

    An end at midnight becomes 24.00.
    """
    return f"{clock_time(start)}-{_end_time(end)} uur"


def period(starts: datetime, ends: datetime) -> str:
    """Return a period: donderdag 16 april 2020, van 13.00 tot 18.00 uur.

    Over several days: "van donderdag 16 april, 13.00 uur, tot vrijdag 17 april 2020, 18.00 uur", with both years if
    they differ. An end at midnight belongs to the day before it (24.00 uur). Whole days have no times.
    """
    midnight = ends.time() == _MIDNIGHT and ends.date() > starts.date()
    last = ends.date() - timedelta(days=1) if midnight else ends.date()
    if midnight and starts.time() == _MIDNIGHT:
        return _days(starts.date(), last)
    if starts.date() == last:
        if starts == ends:
            return f"{date_in_words(starts)}, {time_in_words(starts.time())}"
        return f"{date_in_words(starts)}, {range_in_prose(starts.time(), ends.time())}"
    return (
        f"van {_first_day(starts.date(), last)}, {time_in_words(starts.time())}, "
        f"tot {date_in_words(last)}, {_end_time(ends.time())} uur"
    )


def _days(first: date, last: date) -> str:
    if first == last:
        return date_in_words(first)
    return f"{_first_day(first, last)} tot en met {date_in_words(last)}"


def _first_day(first: date, last: date) -> str:
    """Return the first of two days, with its year only if the years differ."""
    return date_without_year(first) if first.year == last.year else date_in_words(first)


def number(value: Decimal | int | float) -> str:
    """Return a number for prose (4; 2,5), without trailing zeros."""
    whole, _, fraction = f"{Decimal(str(value)):f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole},{fraction}" if fraction else whole


def join_words(words: Sequence[str], last: Literal["en", "of"] = "en") -> str:
    """Join words as in “a, b en c”, without a comma before the last one."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
