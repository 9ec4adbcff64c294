"""Reading what people type: tables of spellings and of faults, and round trips with how we write."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from babel.dates import format_date
from hypothesis import assume, given
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.dutch.dates import (
    Dated,
    UnreadableError,
    clock_time,
    date_in_words,
    date_without_year,
    dated_words,
    period,
    read_date,
    read_duration,
    read_moment,
    read_months,
    read_time,
    read_time_on,
    time_in_words,
)

DAY = date(2020, 4, 16)
DATES = st.dates(min_value=date(1000, 1, 1))
MINUTES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))

DAY_SPELLINGS = [
    "2020-04-16",
    "2020-4-16",
    "2020/04/16",
    "16-4-2020",
    "16-04-2020",
    "16/4/2020",
    "16.4.2020",
    "16–4–2020",
    "16 april 2020",
    "16 April 2020",
    "16 apr. 2020",
    "16 apr 2020",
    "16-apr-2020",
    "do 16 april 2020",
    "do. 16 apr. 2020",
    "Donderdag 16 april 2020",
    "donderdag, 16 april 2020",
    "do 16-4-2020",
    "donderdag 2020-04-16",
    " 16\u00a0april  2020 ",
]
HOUR_SPELLINGS = ["13:00", "13.00", "13 uur", "13uur", "13.00 uur", "13:00 uur", "13:00u", "13u00", "13h00", "13 u."]


@pytest.mark.parametrize("text", DAY_SPELLINGS)
def test_every_spelling_of_a_date(text: str) -> None:
    assert read_date(text) == DAY
    moment = read_moment(text)
    assert moment == DAY and not isinstance(moment, datetime)


@pytest.mark.parametrize("text", [*HOUR_SPELLINGS, "13:00:00", " 13.00  uur "])
def test_every_spelling_of_a_time(text: str) -> None:
    assert read_time(text) == time(13)


@pytest.mark.parametrize("hour", HOUR_SPELLINGS)
@pytest.mark.parametrize("between", [" ", ", ", " om ", ", om "])
@pytest.mark.parametrize("day", DAY_SPELLINGS)
def test_any_date_with_any_time_is_a_moment(day: str, between: str, hour: str) -> None:
    moment = read_moment(f"{day.strip()}{between}{hour}")
    assert moment == datetime(2020, 4, 16, 13, tzinfo=ZONE)
    assert isinstance(moment, datetime) and moment.tzinfo is ZONE


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-04-16T13:00", "2020-04-16T13:00+02:00"),
        ("2020-04-16T13:00:30", "2020-04-16T13:00:30+02:00"),
        ("2020-04-16T13:00Z", "2020-04-16T15:00+02:00"),
        ("2020-04-16 13:00+02:00", "2020-04-16T13:00+02:00"),
        ("9-11-2022 12.00", "2022-11-09T12:00+01:00"),
        ("9/11/2022 9:05", "2022-11-09T09:05+01:00"),
        ("31-12-2020 24.00", "2021-01-01T00:00+01:00"),
        ("2020-03-29 01:59", "2020-03-29T01:59+01:00"),
        ("2020-03-29 03:00", "2020-03-29T03:00+02:00"),
        # Twice in October: the first one, in summer time.
        ("2020-10-25 02:30", "2020-10-25T02:30+02:00"),
        ("2020-10-25 03:00", "2020-10-25T03:00+01:00"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    read = read_moment(text)
    assert isinstance(read, datetime)
    # Compared in UTC: two moments in one zone would be compared by their clocks alone.
    assert read.astimezone(UTC) == datetime.fromisoformat(moment)
    assert read.tzinfo is ZONE


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("31 april 2020", "30 days", ""),
        ("29-2-2021", "28 days", ""),
        ("2020-02-30", "29 days", ""),
        ("0-4-2020", "30 days", ""),
        ("4/16/2020", "no month 16, and the day comes before the month", "16-4-2020"),
        ("2020-13-13", "no month 13", ""),
        ("16 april", "has no year", ""),
        ("16-4-20", "year in four digits", "16-4-2020"),
        ("16 april 20", "year in four digits", "16-4-2020"),
        ("16-4-20200", "year in four digits", ""),
        ("16-4-0020", "year in four digits", ""),
        ("vrijdag 16 april 2020", "is a donderdag, not a vrijdag", "donderdag 16 april 2020"),
        ("vr 16-4-2020", "is a donderdag, not a vrijdag", "donderdag 16 april 2020"),
        ("medio april", "is not a date", ""),
        ("april 2020", "is not a date", ""),
        ("2020", "is not a date", ""),
        ("", "is not a date", ""),
        ("16 april 2020 13", "is not a date", ""),
        ("16-4-2020 25.00", "a day ends at 24.00", ""),
        ("16 april 2020 half één", '"half één" is not a time: write it like 13.00', ""),
        ("do 16-4-2020, één uur", '"één uur" is not a time', ""),
        ("vr 16-4-2020 12.30 uur", "is a donderdag, not a vrijdag", "donderdag 16 april 2020 12.30 uur"),
        ("16-4-20 13:00", "year in four digits", "16-4-2020 13:00"),
        ("16-4-2020 24.01", "a day ends at 24.00", ""),
        ("16-4-2020 13.60", "60 minutes", ""),
        ("16-4-2020 13.00-18.00", "is a range", ""),
        ("16 april 2020, 13.00 tot 18.00 uur", "is a range", ""),
        ("31 april 2020 13.00", "30 days", ""),
        ("2020-03-29 02:30", "2.30 does not exist on zondag 29 maart 2020", "2020-03-29 03:30"),
        ("2020-04-16T25:00+02:00", "does not exist", ""),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str, remedy: str) -> None:
    with pytest.raises(UnreadableError, match=words) as caught:
        read_moment(text)
    assert caught.value.remedy == remedy
    if remedy:
        read_moment(remedy)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("13", "13.00"), ("half twee", ""), ("13,00", ""), ("1300", ""), ("", ""), ("25", ""), ("1:5", "")],
)
def test_no_times(text: str, remedy: str) -> None:
    with pytest.raises(UnreadableError, match="is not a time") as caught:
        read_time(text)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("text", ["24.30", "25.00", "13.75 uur", "13:00:61", "30 uur"])
def test_impossible_times(text: str) -> None:
    with pytest.raises(UnreadableError, match="does not exist"):
        read_time(text)


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    assert read_time_on("24.00", date(2020, 12, 31)) == datetime(2021, 1, 1, tzinfo=ZONE)
    assert read_time_on("18.00 uur", DAY) == datetime(2020, 4, 16, 18, tzinfo=ZONE)
    assert read_time("24.00") == time(0)
    with pytest.raises(UnreadableError, match="summer time begins"):
        read_time_on("2.30", date(2020, 3, 29))


@given(DATES)
def test_dates_are_read_as_we_write_them(day: date) -> None:
    assert read_date(date_in_words(day)) == day
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day.day}-{day.month}-{day.year}") == day


@given(DATES, st.sampled_from(["short", "medium", "long", "full"]))
def test_dates_are_read_as_babel_writes_them(day: date, style: str) -> None:
    written = format_date(day, style, locale="nl")
    assert read_date(written) == day


@given(MINUTES)
def test_times_are_read_as_we_write_them(moment: time) -> None:
    assert read_time(time_in_words(moment)) == moment
    assert read_time(clock_time(moment)) == moment
    assert read_time(f"{moment:%H:%M}") == moment


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))
def test_moments_are_read_unless_the_clock_skips_them(naive: datetime) -> None:
    naive = naive.replace(second=0, microsecond=0)
    moment = naive.replace(tzinfo=ZONE)
    text = f"{date_in_words(naive)} {time_in_words(naive.time())}"
    if moment.astimezone(UTC).astimezone(ZONE).replace(tzinfo=None) == naive:
        assert read_moment(text) == moment
        assert read_moment(naive.isoformat()) == moment
    else:
        with pytest.raises(UnreadableError):
            read_moment(text)


@given(st.text(alphabet="0123456789-/.: uTtomaprildjen\u00a0–", max_size=25) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_date, read_time, read_moment, read_duration, read_months):
        try:
            read(text)
        except UnreadableError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1 dag", timedelta(days=1)),
        ("1 day", timedelta(days=1)),
        ("2 uur", timedelta(hours=2)),
        ("2 Hours", timedelta(hours=2)),
        ("30 min", timedelta(minutes=30)),
        ("30 min.", timedelta(minutes=30)),
        ("30min", timedelta(minutes=30)),
        ("0 s", timedelta(0)),
        ("90 seconden", timedelta(seconds=90)),
        ("1,5 uur", timedelta(minutes=90)),
        ("1.5 h", timedelta(minutes=90)),
        ("1 uur en 30 minuten", timedelta(minutes=90)),
        ("1 uur 30 min", timedelta(minutes=90)),
        ("2 weken", timedelta(days=14)),
    ],
)
def test_lengths_of_time(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


@pytest.mark.parametrize(
    ("text", "remedy"), [("30", "30 min"), ("12 months", ""), ("", ""), ("-1 dag", ""), ("1 dag x", "")]
)
def test_no_lengths_of_time(text: str, remedy: str) -> None:
    with pytest.raises(UnreadableError, match="not a length of time") as caught:
        read_duration(text)
    assert caught.value.remedy == remedy


def test_months() -> None:
    assert [read_months(text) for text in ("12 months", "1 maand", "2 jaar", "1 Year")] == [12, 1, 24, 12]
    with pytest.raises(UnreadableError, match="number of months"):
        read_months("a while")


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Kom donderdag 16 april 2020!", [Dated("donderdag 16 april 2020", 3, 16, 4, 2020)]),
        ("Op donderdag 16 april, van 13.00-18.00 uur.", [Dated("donderdag 16 april", 3, 16, 4, None)]),
        (
            "do 16-4-2020 en vr. 17 apr. 2020",
            [Dated("do 16-4-2020", 3, 16, 4, 2020), Dated("vr. 17 apr. 2020", 4, 17, 4, 2020)],
        ),
        ("do 16/4 om 13.00", [Dated("do 16/4", 3, 16, 4, None)]),
        (
            "donderdag 16 en vrijdag 17 april 2020",
            [Dated("donderdag 16", 3, 16, 4, 2020), Dated("vrijdag 17 april 2020", 4, 17, 4, 2020)],
        ),
        (
            "donderdag 16 t/m zaterdag 18 april",
            [Dated("donderdag 16", 3, 16, 4, None), Dated("zaterdag 18 april", 5, 18, 4, None)],
        ),
        ("donderdag de 16e april", [Dated("donderdag de 16e april", 3, 16, 4, None)]),
        ("aanmelden tot 2 april.", [Dated("2 april", None, 2, 4, None)]),
        ("donderdag\n16 april", [Dated("donderdag 16 april", 3, 16, 4, None)]),
        ("vrijdag 31 april", [Dated("vrijdag 31 april", 4, 31, 4, None)]),
        ("16 april 2020.", [Dated("16 april 2020", None, 16, 4, 2020)]),
        # No dates: fractions, times, numbers, links, words that begin alike.
        ("3/4 van de leden, 13.00 uur, 16 maal, 1 meisje, € 13,00, 4 decimalen, versie 1.2", []),
        ("https://example.org/2020-04-16/programma", []),
        ("donderdag 13.00 uur", []),
    ],
)
def test_dates_in_prose(text: str, dates: list[Dated]) -> None:
    assert dated_words(text) == dates


@given(DATES)
def test_dates_as_we_write_them_are_found_in_prose(day: date) -> None:
    for words, year in ((date_in_words(day), day.year), (date_without_year(day), None)):
        assert dated_words(f"Welkom op {words}, om 13.00 uur.") == [
            Dated(words, day.weekday(), day.day, day.month, year)
        ]


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.timedeltas(timedelta(0), timedelta(days=800)))
def test_the_dates_of_a_period_carry_their_right_weekdays(naive: datetime, length: timedelta) -> None:
    assume(naive.year + 3 < 2100)
    starts = naive.replace(tzinfo=ZONE)
    found = dated_words(period(starts, starts + length))
    assert found
    years = [dated.year or found[-1].year for dated in found]
    for dated, year in zip(found, years, strict=True):
        assert year is not None
        assert date(year, dated.month, dated.day).weekday() == dated.weekday
