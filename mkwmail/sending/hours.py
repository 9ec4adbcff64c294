"""When `due` may mail: the hours of the settings, on working days that are no public holiday. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from holidays import country_holidays

from mkwmail.clock import ZONE
from mkwmail.sources.settings import Hours

_SATURDAY = 5


@cache
def _holidays(year: int) -> frozenset[date]:
    """The public holidays of the Netherlands in a year (Algemene termijnenwet, art. 3)."""
    return frozenset(country_holidays("NL", years=year))


def is_working_day(day: date) -> bool:
    """Whether offices are open on a day in the Netherlands: Monday to Friday, no public holiday."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year)


def may_mail(hours: Hours, now: datetime) -> bool:
    """Whether this moment lies within the hours; the last minute before ``to`` does, ``to`` itself does not."""
    local = now.astimezone(ZONE)
    return _is_open(hours, local.date()) and hours.start <= local.time() < hours.end


def closing(hours: Hours, now: datetime) -> datetime:
    """The last moment of this day at which mail may go."""
    return _at(now.astimezone(ZONE).date(), hours.end) - timedelta(microseconds=1)


def next_opening(hours: Hours, moment: datetime) -> datetime:
    """The first moment from this one on at which mail may go."""
    local = moment.astimezone(ZONE)
    if may_mail(hours, local):
        return local
    day = local.date()
    if not _is_open(hours, day) or local.time() >= hours.start:
        day += timedelta(days=1)
        while not _is_open(hours, day):
            day += timedelta(days=1)
    return _at(day, hours.start)


def day_begins(hours: Hours, now: datetime) -> bool:
    """Whether the day's hours have begun, working day or not: when words for a person are not early."""
    return now.astimezone(ZONE).time() >= hours.start


def _is_open(hours: Hours, day: date) -> bool:
    return hours.days == "all" or is_working_day(day)


def _at(day: date, clock: time) -> datetime:
    # By way of UTC: an hour that a summer time change skips becomes the one after it.
    return datetime.combine(day, clock, ZONE).astimezone(UTC).astimezone(ZONE)
