"""Dates, times, numbers and enumerations in Dutch, written and typed.

Written: days and months are in lower case, a full stop separates hours and minutes, and the hour has no leading zero
(9.30 uur).

Typed: accepted texts are unambiguous: the day comes before the month, and the year has four digits. Any other text is
refused with one sentence that names the fault and, if it can be derived, the text to write instead.

Sources: https://onzetaal.nl/taalloket ("Tijdsaanduiding", "Datum", "Eurobedragen"), https://taaladvies.net
("8h30 / 8u.30 / 8.30 u. / 8.30 uur"). The names of days and months are those of Unicode CLDR, the holidays those of the
package holidays, which has a module for each country and takes a tenth of a second; the tests compare them.
"""

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from dateutil.easter import easter

from mkwmail.clock import ZONE
from mkwmail.dutch.names import Form
from mkwmail.i18n import _

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


def date_in_short(day: date) -> str:
    """Return a date as a subject has it: do 16 april."""
    return f"{WEEKDAYS[day.weekday()][:2]} {day.day} {MONTHS[day.month - 1]}"


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


@cache
def public_holidays(year: int) -> Mapping[date, str]:
    """Return the Dutch public holidays of a year, with their names (Algemene termijnenwet, art. 3).

    Liberation Day is among them every five years, as in most collective labour agreements.
    """
    sunday = easter(year)
    birthday = date(year, 4, 27 if year >= 2014 else 30)
    birthday -= timedelta(days=birthday.weekday() == 6)  # on a Sunday it is celebrated a day earlier
    liberation = {date(year, 5, 5): "Bevrijdingsdag"} if year % 5 == 0 else {}
    return {
        date(year, 1, 1): "Nieuwjaarsdag",
        sunday - timedelta(days=2): "Goede vrijdag",
        sunday: "Eerste paasdag",
        sunday + timedelta(days=1): "Tweede paasdag",
        birthday: "Koningsdag" if year >= 2014 else "Koninginnedag",
        **liberation,
        sunday + timedelta(days=39): "Hemelvaartsdag",
        sunday + timedelta(days=49): "Eerste pinksterdag",
        sunday + timedelta(days=50): "Tweede pinksterdag",
        date(year, 12, 25): "Eerste kerstdag",
        date(year, 12, 26): "Tweede kerstdag",
    }


class UnreadableError(ValueError):
    """A text that is not such a date, time or duration.

    ``remedy`` is the text to write instead; empty if unknown.
    """

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(fault)
        self.remedy = remedy


_MONTH_NUMBERS = {
    **{name: number for number, name in enumerate(MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(MONTHS, 1)},
    **{"mrt": 3, "sept": 9},
}
_WEEKDAY_NUMBERS = {
    **{name: number for number, name in enumerate(WEEKDAYS)},
    **{name[:2]: number for number, name in enumerate(WEEKDAYS)},
}


def _any_of(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


# The hyphens that word processors make: hyphen, non-breaking hyphen, en dash.
_DASH = "[-\u2010\u2011\u2013]"
_WEEKDAY = rf"(?P<weekday>{_any_of(_WEEKDAY_NUMBERS)})\b\.?,?"
_MONTH = rf"(?P<name>{_any_of(_MONTH_NUMBERS)})\b\.?"
_DATE_FORMS = tuple(
    re.compile(rf"(?:{_WEEKDAY}\s+)?{form}", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})".replace("[-/]", f"(?:{_DASH}|/)"),
        rf"(?P<day>\d{{1,2}})(?:{_DASH}|/|\.)(?P<month>\d{{1,2}})(?:{_DASH}|/|\.)(?P<year>\d+)",
        rf"(?P<day>\d{{1,2}})(?:\s+|{_DASH}){_MONTH}(?:(?:\s+|{_DASH})(?P<year>\d+))?",
    )
)
_TIME = r"(?P<hour>\d{1,2})(?:\s?[:.uUh]\s?(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?(?P<unit>\s?(?:uur|u\.?|h))?"
_TIME_FORM = re.compile(_TIME, re.IGNORECASE)
_MOMENT_FORM = re.compile(rf"(?P<date>.*?\d)(?:T|,?\s+(?:om\s+)?)(?P<time>{_TIME})", re.IGNORECASE)
_OFFSET_FORM = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)")
_RANGE_END = re.compile(rf"\d[:.]\d\d(?:\s?uur)?\s*(?:{_DASH}|tot)\s*\d{{1,2}}[:.]", re.IGNORECASE)


def _spaced(text: str) -> str:
    """Return the text trimmed, with single plain spaces inside."""
    return " ".join(text.split())


def read_date(text: str) -> date:
    """Read a date.

    ``2020-04-16``, ``16-4-2020``, ``16/4/2020``, ``do 16 april 2020``, ``16 apr. 2020``.

    :raises UnreadableError: if the text is not a date, the date does not exist, its year is missing, or it falls on a
        different weekday from the one written with it.
    """
    text = _spaced(text)
    for form in _DATE_FORMS:
        found = form.fullmatch(text)
        if found:
            return _existing_date(found)
    raise UnreadableError(_('"%(text)s" is not a date: write it like 2020-04-16 or 16 april 2020') % {"text": text})


_RANGE = re.compile(r"\s+(?:-|t/?m|tot en met)\s+|\s*[\u2010\u2011\u2013]\s*", re.IGNORECASE)


def read_days(text: str) -> tuple[date, date]:
    """Read a day, or the first and the last of several days.

    ``2020-07-13``, ``2020-07-13 - 2020-07-31``, ``13 juli t/m 31 juli 2020``, ``13 t/m 31 juli 2020``.

    :raises UnreadableError: if a part is not a date, or the last day is before the first.
    """
    first, *rest = _RANGE.split(_spaced(text), maxsplit=1)
    if not rest:
        day = read_date(first)
        return day, day
    last = read_date(rest[0])
    # The month and the year may be written once, at the end.
    for ending in ("", f" {last.year}", f" {MONTHS[last.month - 1]} {last.year}"):
        try:
            begins = read_date(first + ending)
        except UnreadableError:
            if ending.count(" ") == 2:
                raise
            continue
        break
    if last < begins:
        fault = _('"%(text)s": the last day is before the first')
        raise UnreadableError(fault % {"text": text}, f"{last.isoformat()} - {begins.isoformat()}")
    return begins, last


def _existing_date(found: re.Match[str]) -> date:
    parts = found.groupdict()
    day = int(parts["day"])
    month = _MONTH_NUMBERS[parts["name"].casefold()] if parts.get("name") else int(parts["month"])
    year = _year(parts["year"], found[0], day, month)
    if not 1 <= month <= 12:
        remedy = f"{month}-{day}-{year}" if 1 <= day <= 12 else ""
        fault = _('"%(text)s" does not exist: there is no month %(month)s, and the day comes before the month')
        raise UnreadableError(fault % {"text": found[0], "month": month}, remedy)
    days = calendar.monthrange(year, month)[1]
    if not 1 <= day <= days:
        fault = _('"%(text)s" does not exist: that month has %(days)s days')
        raise UnreadableError(fault % {"text": found[0], "days": days})
    read = date(year, month, day)
    if parts["weekday"]:
        _check_weekday(read, parts["weekday"], found[0])
    return read


def _year(digits: str | None, text: str, day: int, month: int) -> int:
    if digits is None:
        raise UnreadableError(_('"%(text)s" has no year') % {"text": text})
    if len(digits) == 4 and digits[0] != "0":
        return int(digits)
    remedy = f"{day}-{month}-20{digits}" if len(digits) == 2 else ""
    raise UnreadableError(_('"%(text)s": write the year in four digits') % {"text": text}, remedy)


def _check_weekday(day: date, written: str, text: str) -> None:
    right = WEEKDAYS[day.weekday()]
    if _WEEKDAY_NUMBERS[written.casefold()] == day.weekday():
        return
    fault = _('"%(text)s": that day is a %(right)s, not a %(written)s')
    names = {"text": text, "right": right, "written": WEEKDAYS[_WEEKDAY_NUMBERS[written.casefold()]]}
    raise UnreadableError(fault % names, date_in_words(day))


def read_time(text: str) -> time:
    """Read a time of day.

    ``13:00``, ``13.00``, ``13.00 uur``, ``13 uur``, ``13u30``, ``13:00:00``. ``24.00`` is read as 0.00; if the day
    matters, use :func:`read_time_on`, which takes it as the end of that day.

    :raises UnreadableError: if the text is not a time.
    """
    return _clock(_spaced(text))[0]


def is_time(text: str) -> bool:
    """Return whether :func:`read_time` can read a text."""
    try:
        read_time(text)
    except ValueError:
        return False
    return True


def read_time_on(text: str, day: date) -> datetime:
    """Read a time on a given day, in Europe/Amsterdam.

    ``24.00`` is the beginning of the next day.

    :raises UnreadableError: if the text is not a time, or the clock skips that hour (see :func:`read_moment`).
    """
    moment, next_day = _clock(_spaced(text))
    return _moment(day + timedelta(days=next_day), moment)


def _clock(text: str) -> tuple[time, int]:
    """Return the time, and the number of days to add to its date."""
    found = _TIME_FORM.fullmatch(text)
    if not found or not (found["minute"] or found["unit"]):
        remedy = f"{int(text)}.00" if re.fullmatch(r"\d{1,2}", text) and int(text) < 24 else ""
        raise UnreadableError(_('"%(text)s" is not a time: write it like 13.00') % {"text": text}, remedy)
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if (hour, minute, second) == (24, 0, 0):
        return time(0), 1
    if hour > 23 or minute > 59 or second > 59:
        fault = _('"%(text)s" does not exist: a day ends at 24.00, an hour has 60 minutes')
        raise UnreadableError(fault % {"text": text})
    return time(hour, minute, second), 0


def read_moment(text: str) -> datetime | date:
    """Read a date with a time, in Europe/Amsterdam, or a date alone.

    ``9-11-2022 12.00``, ``2020-04-16T13:00``, ``do 16 april 2020, 13.00 uur``, ``16 april 2020 om 13 uur``: any date
    of :func:`read_date` with any time of :func:`read_time`. ``24.00`` is the beginning of the next day. A moment with
    an offset (``2020-04-16T13:00+02:00``) is converted to Amsterdam time.

    In October the hour from 2.00 to 3.00 occurs twice: the first one is meant (summer time, ``fold=0``).

    :raises UnreadableError: if the text is not a moment, or the clock skips that hour in March.
    """
    text = _spaced(text).removesuffix(".")
    if _OFFSET_FORM.fullmatch(text):
        return _with_offset(text)
    found = _MOMENT_FORM.fullmatch(text)
    # "16-4-2020" does not end in a time, but "16 april 20" could: a time in a moment needs its minutes or "uur".
    if found and (found["minute"] or found["unit"]):
        try:
            day = read_date(found["date"])
        except UnreadableError as wrong:
            raise UnreadableError(str(wrong), f"{wrong.remedy} {found['time']}" if wrong.remedy else "") from None
        return read_time_on(found["time"], day)
    if _RANGE_END.search(text):
        fault = _('"%(text)s" is a range: write its beginning and its end under their own keys')
        raise UnreadableError(fault % {"text": text})
    try:
        return read_date(text)
    except UnreadableError:
        if (rest := _behind_a_date(text)) and not any(map(str.isdigit, rest)):
            fault = _('"%(text)s" is not a time: write it like 13.00')
            raise UnreadableError(fault % {"text": rest}) from None
        raise


def _behind_a_date(text: str) -> str:
    """Return what is behind the date with which a text begins; empty if it begins with none."""
    words = text.split()
    for count in range(len(words) - 1, 0, -1):
        try:
            read_date(" ".join(words[:count]).rstrip(","))
        except UnreadableError:
            continue
        return " ".join(words[count:])
    return ""


def _with_offset(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(ZONE)
    except ValueError:
        raise UnreadableError(_('"%(text)s" does not exist') % {"text": text}) from None


def _moment(day: date, clock: time) -> datetime:
    moment = datetime.combine(day, clock, tzinfo=ZONE)
    # An hour that the clock skips becomes another hour on the way to UTC and back (PEP 495).
    after = moment.astimezone(UTC).astimezone(ZONE)
    if after.replace(tzinfo=None) == moment.replace(tzinfo=None):
        return moment
    fault = _("%(time)s does not exist on %(day)s: the clock skips it, summer time begins")
    names = {"time": f"{clock.hour}.{clock.minute:02}", "day": date_in_words(day)}
    raise UnreadableError(fault % names, f"{after:%Y-%m-%d %H:%M}")


_SECONDS = {
    **dict.fromkeys(("s", "sec", "seconde", "seconden", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minuut", "minuten", "minute", "minutes"), 60),
    **dict.fromkeys(("u", "uur", "uren", "h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "dag", "dagen", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weken", "weeks"), 7 * 86400),
}
_AMOUNT = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s?([a-z]+)\.?(?:(?:,| en| and)?\s|$)?")
_MONTHS_FORM = re.compile(r"(\d{1,4})\s?(maand|maanden|month|months|jaar|jaren|year|years)")


def read_duration(text: str) -> timedelta:
    """Read a length of time.

    ``1 dag``, ``2 hours``, ``30 min``, ``1 uur en 30 minuten``, ``1,5 uur``, ``0 s``.

    :raises UnreadableError: if the text is not a length of time. Months and years are refused as well, because their
        lengths differ (:func:`read_months`).
    """
    rest = _spaced(text).casefold()
    seconds = 0.0
    while found := _AMOUNT.match(rest):
        if found[2] not in _SECONDS:
            break
        seconds += float(found[1].replace(",", ".")) * _SECONDS[found[2]]
        rest = rest[found.end() :]
    if rest or not text.strip():
        example = _('"%(text)s" is not a length of time: write it like 1 day, 2 hours or 30 min') % {"text": text}
        raise UnreadableError(example, f"{rest} min" if rest.isdecimal() else "")
    return timedelta(seconds=seconds)


def read_months(text: str) -> int:
    """Read a number of months: ``12 months``, ``1 jaar``.

    :raises UnreadableError: if the text is not a number of months or years.
    """
    found = _MONTHS_FORM.fullmatch(_spaced(text).casefold())
    if not found:
        raise UnreadableError(_('"%(text)s" is not a number of months: write it like 12 months') % {"text": text})
    return int(found[1]) * (1 if found[2].startswith("m") else 12)


class Dated(NamedTuple):
    """A date in a text: its words and the values they give.

    ``weekday``: 0 for Monday; None if not written.
    """

    words: str
    weekday: int | None
    day: int
    month: int
    year: int | None


_IN_PROSE = re.compile(
    rf"""
    (?<![\w.:/-])
    (?:(?P<weekday>{_any_of(_WEEKDAY_NUMBERS)})\b\.?,?\s+(?:de\s+)?)?
    (?P<day>\d{{1,2}})(?:e|de|ste)?
    (?:
        (?:\s+|-)(?P<name>{_any_of(_MONTH_NUMBERS)})\b(?:\.(?=\s+\d))?(?:(?:\s+|-)(?P<year>\d{{4}})(?![\w.:]\d|\d))?
      | [-/](?P<month>\d{{1,2}})(?:[-/](?P<full>\d{{4}}))?(?![\w/-])
      | # "donderdag 16 en vrijdag 17 april 2020": month and year come later
        (?=(?:(?:,|\s+en|\s+of|\s+tot(?:\s+en\s+met)?|\s+t/m|\s*[-–])\s*(?:(?:{_any_of(_WEEKDAY_NUMBERS)})\s+)?\d{{1,2}}){{1,6}}
        \s+(?P<later>{_any_of(_MONTH_NUMBERS)})\b(?:\.(?=\s+\d))?(?:\s+(?P<lateryear>\d{{4}})(?!\d))?)
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)


def dated_words(text: str) -> list[Dated]:
    """Return every date in a Dutch text, in order.

    They are for the check of the weekday against the date. "donderdag 16 april [2020]", "do 16-4-2020", "donderdag 16
    en vrijdag 17 april". A day and a month in digits without a year count only after a weekday, because 3/4 is
    ambiguous. The date itself may not exist: that is not checked here.
    """
    dates = []
    for found in _IN_PROSE.finditer(text):
        if found["month"] and not (found["full"] or found["weekday"]):
            continue
        name = found["name"] or found["later"]
        month = _MONTH_NUMBERS[name.casefold()] if name else int(found["month"])
        year = found["year"] or found["full"] or found["lateryear"]
        weekday = _WEEKDAY_NUMBERS[found["weekday"].casefold()] if found["weekday"] else None
        dates.append(Dated(_spaced(found[0]), weekday, int(found["day"]), month, int(year) if year else None))
    return dates


_FORMS: dict[str, Form] = {
    **dict.fromkeys(("je", "jij", "jou", "jouw", "jouwe", "jezelf", "jouzelf", "jullie"), "je"),
    **dict.fromkeys(("u", "uw", "uwe", "uzelf"), "u"),
}
# Links and addresses are not prose.
_LINK = re.compile(r"\b(?:https?://|www\.|mailto:)\S+|(?<!\S)[^\s@]+@\S+", re.IGNORECASE)
_WORD = re.compile(r"\b[^\W\d_]+(?:['’-][^\W\d_]+)*\b")
# "13.00 u" is an hour, not a person.
_HOUR = re.compile(r"\d\s?u\b", re.IGNORECASE)


def forms_in(text: str) -> Mapping[Form, tuple[str, ...]]:
    """Return the forms of address in a text, with the words that show them.

    Each word is listed once, in lower case. The text mixes the forms if both keys are present. "je" may also mean
    people in general ("zoals je vaak ziet"), which no program can distinguish: a mixture deserves a warning, not a
    refusal.
    """
    prose = _HOUR.sub(" ", _LINK.sub(" ", text))
    found: dict[Form, dict[str, None]] = {}
    for word in _WORD.findall(prose):
        form = _FORMS.get(word.casefold())
        if form:
            found.setdefault(form, {})[word.casefold()] = None
    return {form: tuple(words) for form, words in found.items()}
