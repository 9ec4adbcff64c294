"""Dates, times, amounts and enumerations as Dutch writes them.

Days and months in small letters, a full stop between hours and minutes, no zero before the hour (9.30 uur).

Sources: https://onzetaal.nl/taalloket ("Tijdsaanduiding", "Datum", "Eurobedragen"), https://taaladvies.net
("8h30 / 8u.30 / 8.30 u. / 8.30 uur"). The words are those of Unicode CLDR, which the tests compare with.
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
    """donderdag 16 april"""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def date_in_words(day: date) -> str:
    """donderdag 16 april 2020"""
    return f"{date_without_year(day)} {day.year}"


def clock_time(moment: time) -> str:
    """13.00: hours and minutes with a full stop between; seconds are not shown."""
    return f"{moment.hour}.{moment.minute:02}"


def time_in_words(moment: time) -> str:
    """13.00 uur"""
    return f"{clock_time(moment)} uur"


def _end_time(end: time) -> str:
    """A range that ends at midnight ends at 24.00: 0.00 would be its day's beginning."""
    return "24.00" if end.replace(tzinfo=None) == _MIDNIGHT else clock_time(end)


def range_in_prose(start: time, end: time) -> str:
    """van 13.00 tot 18.00 uur; the end at midnight is 24.00."""
    return f"van {clock_time(start)} tot {_end_time(end)} uur"


def range_in_table(start: time, end: time) -> str:
    """13.00-18.00 uur, as a table has it."""
    return f"{clock_time(start)}-{_end_time(end)} uur"


def period(starts: datetime, ends: datetime) -> str:
    """From when to when: "donderdag 16 april 2020, van 13.00 tot 18.00 uur".

    Over several days: "van donderdag 16 april, 13.00 uur, tot vrijdag 17 april 2020, 18.00 uur", both years
    where they differ. An end at midnight belongs to the day before it (24.00 uur); whole days have no times.
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
    """The first of two days: its year only where the other's is another."""
    return date_without_year(first) if first.year == last.year else date_in_words(first)


def number(value: Decimal | int | float) -> str:
    """A number as prose has it: 4; 2,5; no zeros behind the comma."""
    whole, _, fraction = f"{Decimal(str(value)):f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole},{fraction}" if fraction else whole


def join_words(words: Sequence[str], last: Literal["en", "of"] = "en") -> str:
    """a, b en c: without a comma before the last word."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
