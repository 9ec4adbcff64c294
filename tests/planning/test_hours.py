"""When mail may go: hours, working days, Dutch public holidays, both summer time changes."""

from datetime import date, datetime

import pytest
from pydantic import ValidationError

from mkwmail.clock import ZONE
from mkwmail.config.settings import Days, Hours
from mkwmail.dutch.dates import UnreadableError, read_days
from mkwmail.planning.schedule import closing, day_begins, is_working_day, may_mail, next_opening

WORKING = Hours()
ALWAYS = Hours.model_validate({"from": "0.00", "to": "23.59", "days": "all"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    "day",
    [
        "2020-01-01",  # New Year
        "2020-04-13",  # Easter Monday
        "2020-04-27",  # King's Day
        "2020-05-21",  # Ascension
        "2020-06-01",  # Whit Monday
        "2020-12-25",
        "2025-04-26",  # King's Day, on Saturday for the Sunday
        "2026-02-14",  # a Saturday
        "2026-02-15",
    ],
)
def test_offices_are_closed(day: str) -> None:
    assert not is_working_day(at(day).date())


@pytest.mark.parametrize("day", ["2020-04-14", "2020-04-28", "2025-04-28", "2026-02-16"])
def test_offices_are_open(day: str) -> None:
    assert is_working_day(at(day).date())


def test_the_hours_begin_at_from_and_end_before_to() -> None:
    assert not may_mail(WORKING, at("2020-02-17T07:59:59"))
    assert may_mail(WORKING, at("2020-02-17T08:00"))
    assert may_mail(WORKING, at("2020-02-17T19:59:59"))
    assert not may_mail(WORKING, at("2020-02-17T20:00"))
    assert may_mail(WORKING, closing(WORKING, at("2020-02-17T12:00")))


def test_a_moment_in_another_zone_is_asked_about_in_dutch_time() -> None:
    assert may_mail(WORKING, datetime.fromisoformat("2020-07-17T06:30:00+00:00"))
    assert not may_mail(WORKING, datetime.fromisoformat("2020-02-17T06:30:00+00:00"))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2020-02-17T09:00", "2020-02-17T09:00"),
        ("2020-02-17T06:00", "2020-02-17T08:00"),
        ("2020-02-17T20:00", "2020-02-18T08:00"),
        ("2020-02-21T21:00", "2020-02-24T08:00"),  # Friday evening: Monday
        ("2020-04-10T09:00", "2020-04-14T08:00"),  # Good Friday: Tuesday after Easter
        ("2020-03-29T01:00", "2020-03-30T08:00"),  # the night that loses an hour
    ],
)
def test_the_next_opening(moment: str, opens: str) -> None:
    assert next_opening(WORKING, at(moment)) == at(opens)


def test_an_opening_in_the_hour_that_summer_time_skips_exists() -> None:
    opens = next_opening(Hours.model_validate({"from": "2.30", "to": "23.00", "days": "all"}), at("2020-03-29T00:30"))
    assert opens.isoformat() == "2020-03-29T03:30:00+02:00"
    assert may_mail(ALWAYS, opens)


def test_every_day_is_good_if_the_settings_allow_it() -> None:
    assert may_mail(ALWAYS, at("2020-12-25T03:00"))


def test_words_for_a_person_wait_for_the_morning_but_not_for_monday() -> None:
    assert not day_begins(WORKING, at("2020-02-22T07:30"))
    assert day_begins(WORKING, at("2020-02-22T08:00"))


SUMMER = Hours.model_validate({"closed": ["2020-07-13 - 2020-07-31", "2020-08-04"]})


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2020-07-10T09:00", "2020-07-10T09:00"),
        ("2020-07-10T20:00", "2020-08-03T08:00"),  # Friday evening before, Monday after
        ("2020-07-13T09:00", "2020-08-03T08:00"),
        ("2020-07-31T09:00", "2020-08-03T08:00"),
        ("2020-08-04T09:00", "2020-08-05T08:00"),
    ],
)
def test_closed_days_are_free_from_the_first_to_the_last(moment: str, opens: str) -> None:
    assert next_opening(SUMMER, at(moment)) == at(opens)
    assert may_mail(SUMMER, at(moment)) == (moment == opens)


def test_closed_days_are_free_even_if_every_other_day_is_not() -> None:
    hours = Hours.model_validate({"days": "all", "closed": "2020-12-25"})
    assert not may_mail(hours, at("2020-12-25T12:00"))
    assert may_mail(hours, at("2020-12-26T12:00"))


@pytest.mark.parametrize(
    "text",
    [
        "2020-07-13 - 2020-07-31",
        "2020-07-13 – 2020-07-31",
        "2020-07-13–2020-07-31",
        "13-7-2020 t/m 31-7-2020",
        "13 juli 2020 tot en met 31 juli 2020",
        "13 juli t/m 31 juli 2020",
        "ma 13 t/m vr 31 juli 2020",
    ],
)
def test_days_in_a_row_as_people_write_them(text: str) -> None:
    assert read_days(text) == (date(2020, 7, 13), date(2020, 7, 31))


def test_one_day_is_the_first_and_the_last() -> None:
    assert Hours.model_validate({"closed": ["24 december 2020"]}).closed == (
        Days(date(2020, 12, 24), date(2020, 12, 24)),
    )


def test_days_the_wrong_way_round_are_a_fault_with_the_right_way() -> None:
    with pytest.raises(UnreadableError, match="the last day is before the first") as caught:
        read_days("2020-07-31 - 2020-07-13")
    assert caught.value.remedy == "2020-07-13 - 2020-07-31"


@pytest.mark.parametrize("text", ["2020-07-13 - 2021-07-31", "zomer", "13 t/m juli 2020", ""])
def test_days_that_cannot_be_meant_are_a_fault(text: str) -> None:
    with pytest.raises(ValidationError):
        Hours.model_validate({"closed": [text]})
