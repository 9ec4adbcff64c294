"""Dates that move along with an event keep their weekday, their side of the event, and off public holidays."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mkwmail.planning.schedule import Move, is_working_day

EVENT = date(2020, 4, 16)
days = st.dates(date(2019, 1, 1), date(2035, 1, 1))
AROUND = st.integers(-200, 60).map(lambda number: EVENT + timedelta(days=number))


def test_a_year_later() -> None:
    move = Move(EVENT, date(2021, 4, 15))
    assert move.mailing_day(date(2020, 2, 17)) == date(2021, 2, 15)
    assert move.day(date(2020, 4, 2)) == date(2021, 4, 1)


def test_a_mailing_leaves_easter_monday_for_the_day_after() -> None:
    move = Move(EVENT, date(2022, 5, 12))
    assert move.day(date(2020, 3, 23)) == date(2022, 4, 18)  # Easter Monday
    assert move.mailing_day(date(2020, 3, 23)) == date(2022, 4, 19)


@given(days, AROUND)
def test_whatever_the_day(after: date, old: date) -> None:
    move = Move(EVENT, after)
    new = move.day(old)
    assert (old < EVENT) == (new < after) and (old > EVENT) == (new > after)
    if old != EVENT:
        assert new.weekday() == old.weekday()
        assert abs((new - after) - (old - EVENT)) < timedelta(days=7)
    mailing = move.mailing_day(old)
    assert (old < EVENT) == (mailing < after) and (old > EVENT) == (mailing > after)
    if is_working_day(old) and old != EVENT:
        assert is_working_day(mailing)


@given(days, AROUND, AROUND)
def test_the_order_stays(after: date, first: date, second: date) -> None:
    move = Move(EVENT, after)
    if first < second:
        assert move.day(first) <= move.day(second)
