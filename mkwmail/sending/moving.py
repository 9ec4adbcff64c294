"""Dates that move along with an event. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from mkwmail.sending.hours import is_working_day

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Move:
    """An event that goes from one day to another, and its dates with it.

    They keep their weekday: a Monday's mail stays a Monday's. So all of them move by the same number of whole weeks,
    which keeps the distances between them; that to the event itself changes by three days at most.
    """

    before: date
    after: date

    @property
    def weeks(self) -> timedelta:
        """By how much the dates around the event move."""
        return round((self.after - self.before) / _WEEK) * _WEEK

    def day(self, old: date) -> date:
        """A date around the event: a deadline, a latest moment. What was before the event stays before it."""
        new = old + self.weeks
        if old < self.before and new >= self.after:
            return new - _WEEK
        if old > self.before and new <= self.after:
            return new + _WEEK
        return self.after if old == self.before else new

    def mailing_day(self, old: date) -> date:
        """A mailing's date; one on a working day is not moved to a public holiday, but to the next working day."""
        new = self.day(old)
        if not is_working_day(old) or old == self.before:
            return new
        later = new
        while not is_working_day(later):
            later += timedelta(days=1)
        if old > self.before or later < self.after:
            return later
        while not is_working_day(new):
            new -= timedelta(days=1)
        return new
