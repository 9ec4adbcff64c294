"""Moments as form services write them.

A column of moments is read as a whole: only all of its cells together tell whether the day or the month comes first.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise

from mkwmail.clock import ZONE
from mkwmail.dutch.dates import read_moment

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS = {
    **dict.fromkeys(("z", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "bst", "west", "met"), 1),
    **dict.fromkeys(("cest", "eet", "mest"), 2),
    **{"eest": 3, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8},
}
_TIME = (
    r"(?:(?:,|T|\bat\b|\bom\b|\s)+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?(?:\s*\(?(?P<zone>(?:[A-Za-z]{1,5})?\s?(?:[+-]\d{1,2}(?::?\d{2})?)?)\)?)?)?"
)
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[/.-])(?P<second_>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[/.-](?P<month>\d{{1,2}})[/.-](?P<day>\d{{1,2}}){_TIME}", re.IGNORECASE)
_ENGLISH = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(?:(?P<name>[a-z]{{3}})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?|"
    rf"(?P<day_>\d{{1,2}})\s+(?P<name_>[a-z]{{3}})[a-z]*\.?),?\s+(?P<year>\d{{4}}){_TIME}",
    re.IGNORECASE,
)


def month_first(texts: Iterable[str]) -> bool | None:
    """Return whether the dates of a column put the month first; None if it cannot be told.

    A number above 12 is a day. Otherwise dates with a dash or full stop are Dutch; those with a slash are what makes
    the rows follow one another, because forms add new rows at the end.
    """
    found = [match for match in (_NUMERIC.fullmatch(text.strip()) for text in texts) if match]
    day_first = any(int(each["first"]) > 12 for each in found)
    american = any(int(each["second_"]) > 12 for each in found)
    if day_first and american:
        return None
    if day_first or american or not found:
        return american
    if all(each["mark"] != "/" for each in found):
        return False
    fits = [order for order in (False, True) if _is_rising([_numeric(each, order) for each in found])]
    return fits[0] if len(fits) == 1 else None


def _is_rising(moments: list[datetime | None]) -> bool:
    known = [each for each in moments if each is not None]
    return len(known) == len(moments) and all(a <= b for a, b in pairwise(known))


def read_form_moment(text: str, american: bool | None = False) -> datetime | None:
    """Return a moment that a form service wrote; None if it is unreadable.

    A day without a time is the end of that day. A moment without a zone is in Europe/Amsterdam.

    :param american: what :func:`month_first` said of the column; if None, no date of numbers can be read.
    """
    plain = " ".join(text.replace("\u202f", " ").split())
    numeric = _NUMERIC.fullmatch(plain)
    if numeric:
        return None if american is None else _numeric(numeric, american)
    iso = _YEAR_FIRST.fullmatch(plain)
    if iso:
        return _moment(iso, iso["year"], int(iso["month"]), int(iso["day"]))
    english = _ENGLISH.fullmatch(plain)
    name = (english["name"] or english["name_"]).casefold() if english else ""
    if english and name in _MONTHS:
        return _moment(english, english["year"], _MONTHS.index(name) + 1, int(english["day"] or english["day_"]))
    try:
        read = read_moment(plain)
    except (ValueError, OverflowError):
        return None
    if isinstance(read, datetime):
        return read
    return datetime.combine(date(read.year, read.month, read.day), time(23, 59), tzinfo=ZONE)


def _numeric(found: re.Match[str], american: bool) -> datetime | None:
    first, second = int(found["first"]), int(found["second_"])
    month, day = (first, second) if american else (second, first)
    return _moment(found, found["year"], month, day)


def _moment(found: re.Match[str], year: str, month: int, day: int) -> datetime | None:
    full = int(year) + (2000 if len(year) == 2 else 0)
    hour, minute = found["hour"], int(found["minute"] or 0)
    zone = _zone(found["zone"] or "")
    if zone is None:
        return None
    try:
        if hour is None:
            return datetime(full, month, day, 23, 59, tzinfo=ZONE)
        clock = int(hour)
        if found["half"]:
            if not 1 <= clock <= 12:
                return None
            clock = clock % 12 + (12 if found["half"] in "pP" else 0)
        seconds = int(found["second"] or 0)
        fraction = re.search(r"[:.]\d{2}[:.]\d{2}[.,](\d{1,6})", found[0])
        part = int(fraction[1].ljust(6, "0")) if fraction else 0
        return datetime(full, month, day, clock, minute, seconds, part, tzinfo=zone).astimezone(ZONE)
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> tzinfo | None:
    """Return the zone that a text names; None if it is not known."""
    words = text.strip().casefold()
    if not words:
        return ZONE
    found = re.fullmatch(r"([a-z]*)\s?(?:([+-])(\d{1,2}):?(\d{2})?)?", words)
    if found is None or (found[1] and found[1] not in _HOURS):
        return None
    offset = timedelta(hours=_HOURS.get(found[1], 0))
    if found[2]:
        shift = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
        offset += shift if found[2] == "+" else -shift
    return timezone(offset) if abs(offset) < timedelta(hours=24) else None
