"""The clock: it enters at the command line, and everything else is given it."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
VARIABLE = "MKWMAIL_NOW"


class Clock(Protocol):
    """What time it is, and a way to let time pass."""

    def now(self) -> datetime:
        """This moment, in Europe/Amsterdam."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Return after ``seconds``, or as soon as ``stop`` is set."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(ZONE)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)


class ShiftedClock(SystemClock):
    """A clock set to another moment at the start, running on from there (``MKWMAIL_NOW``, rehearsals)."""

    def __init__(self, start: datetime) -> None:
        # In UTC: local arithmetic would repeat or skip the hour of a summer time change.
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return (self._start + timedelta(seconds=time.monotonic() - self._began)).astimezone(ZONE)


def clock_of_environment() -> Clock:
    """The system's clock, or the one that ``MKWMAIL_NOW`` sets.

    :raises ValueError: where ``MKWMAIL_NOW`` is not a moment like ``2020-02-17T09:00``.
    """
    moment = os.environ.get(VARIABLE)
    if not moment:
        return SystemClock()
    start = datetime.fromisoformat(moment)
    return ShiftedClock(start if start.tzinfo else start.replace(tzinfo=ZONE))
