"""Dates, times and amounts: babel as the reference for words, tables for what Dutch does its own way."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from babel.dates import format_date
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.dutch.dates import (
    clock_time,
    date_in_words,
    date_without_year,
    join_words,
    number,
    period,
    public_holidays,
    range_in_prose,
    range_in_table,
    time_in_words,
)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_are_babels(day: date) -> None:
    assert date_in_words(day) == format_date(day, "EEEE d MMMM y", locale="nl")
    assert date_without_year(day) == format_date(day, "EEEE d MMMM", locale="nl")


@pytest.mark.parametrize("year", range(1982, 2101))
def test_the_public_holidays_are_those_of_the_package_holidays(year: int) -> None:
    # It names both if two fall on one day, as in 2005: Ascension Day is also Liberation Day.
    names = {day: name.split("; ")[-1] for day, name in country_holidays("NL", years=year, language="nl").items()}
    assert public_holidays(year) == names


@pytest.mark.parametrize(
    ("moment", "clock"),
    [
        (time(13), "13.00"),
        (time(9, 5), "9.05"),
        (time(0), "0.00"),
        (time(23, 59, 59), "23.59"),
        (time(12, 30), "12.30"),
    ],
)
def test_times(moment: time, clock: str) -> None:
    assert clock_time(moment) == clock
    assert time_in_words(moment) == f"{clock} uur"


def test_ranges() -> None:
    assert range_in_prose(time(13), time(18)) == "van 13.00 tot 18.00 uur"
    assert range_in_table(time(13), time(18)) == "13.00-18.00 uur"
    assert range_in_prose(time(20), time(0)) == "van 20.00 tot 24.00 uur"
    assert range_in_table(time(0), time(0)) == "0.00-24.00 uur"


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        ("2020-04-16T13:00", "2020-04-16T18:00", "donderdag 16 april 2020, van 13.00 tot 18.00 uur"),
        ("2020-04-16T13:00", "2020-04-16T13:00", "donderdag 16 april 2020, 13.00 uur"),
        ("2020-04-16T20:00", "2020-04-17T00:00", "donderdag 16 april 2020, van 20.00 tot 24.00 uur"),
        (
            "2020-04-16T13:00",
            "2020-04-17T18:00",
            "van donderdag 16 april, 13.00 uur, tot vrijdag 17 april 2020, 18.00 uur",
        ),
        (
            "2020-04-30T20:00",
            "2020-05-01T01:30",
            "van donderdag 30 april, 20.00 uur, tot vrijdag 1 mei 2020, 1.30 uur",
        ),
        (
            "2020-12-31T20:00",
            "2021-01-01T02:00",
            "van donderdag 31 december 2020, 20.00 uur, tot vrijdag 1 januari 2021, 2.00 uur",
        ),
        (
            "2020-12-30T20:00",
            "2021-01-01T00:00",
            "van woensdag 30 december, 20.00 uur, tot donderdag 31 december 2020, 24.00 uur",
        ),
        ("2020-04-16T00:00", "2020-04-17T00:00", "donderdag 16 april 2020"),
        ("2020-04-16T00:00", "2020-04-18T00:00", "donderdag 16 april tot en met vrijdag 17 april 2020"),
        ("2020-12-31T00:00", "2021-01-02T00:00", "donderdag 31 december 2020 tot en met vrijdag 1 januari 2021"),
    ],
)
def test_periods(starts: str, ends: str, words: str) -> None:
    first, last = (datetime.fromisoformat(moment).replace(tzinfo=ZONE) for moment in (starts, ends))
    assert period(first, last) == words


@pytest.mark.parametrize(("value", "words"), [(4, "4"), (2.5, "2,5"), (4.0, "4"), (Decimal("1.50"), "1,5"), (10, "10")])
def test_numbers(value: Decimal | int | float, words: str) -> None:
    assert number(value) == words


def test_enumerations() -> None:
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b"]) == "a en b"
    assert join_words(["a", "b", "c"]) == "a, b en c"
    assert join_words(["a", "b", "c"], "of") == "a, b of c"
