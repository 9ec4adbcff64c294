"""Dates, times and amounts as Dutch writes them (onzetaal.nl, "Tijdsaanduiding", "Datum")."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

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


def date_without_year(day: date) -> str:
    """donderdag 16 april"""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def date_in_words(day: date) -> str:
    """donderdag 16 april 2020"""
    return f"{date_without_year(day)} {day.year}"


def clock_time(moment: time) -> str:
    """13.00: hours and minutes with a full stop between."""
    return f"{moment.hour}.{moment.minute:02}"


def time_in_words(moment: time) -> str:
    """13.00 uur"""
    return f"{clock_time(moment)} uur"


def range_in_prose(start: time, end: time) -> str:
    """van 13.00 tot 18.00 uur"""
    return f"van {clock_time(start)} tot {time_in_words(end)}"


def range_in_table(start: time, end: time) -> str:
    """13.00-18.00 uur"""
    return f"{clock_time(start)}-{time_in_words(end)}"


def period(starts: datetime, ends: datetime) -> str:
    """From when to when: donderdag 16 april 2020, van 13.00 tot 18.00 uur.

    Over several days: van donderdag 16 april 2020, 13.00 uur, tot en met vrijdag 17 april 2020, 16.00 uur.
    """
    if starts.date() == ends.date():
        return f"{date_in_words(starts)}, {range_in_prose(starts.time(), ends.time())}"
    first = date_without_year(starts) if starts.year == ends.year else date_in_words(starts)
    return (
        f"van {first}, {time_in_words(starts.time())}, tot en met {date_in_words(ends)}, {time_in_words(ends.time())}"
    )


def money(amount: Decimal | int) -> str:
    """€ 13,00: a comma before the cents, a full stop between thousands."""
    euros = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    return f"€ {euros}"


def join_words(words: Sequence[str]) -> str:
    """a, b en c"""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} en {words[-1]}"
