"""Pace: how many messages may be sent now, and when the next one. Pure.

Limits are counted over rolling windows, as providers count them (Google: any 24 hours), over all runs: the
moments of earlier runs come from the ledger.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import itemgetter

from mkwmail.config.settings import Pace
from mkwmail.i18n import _

LONGEST_WINDOW = timedelta(hours=24)


class Limit(Enum):
    """The limit for which a message waits."""

    PAUSE = "pause"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def in_words(self) -> str:
        """The reason, as a sentence without its end."""
        match self:
            case Limit.PAUSE:
                return _("the pause between batches")
            case Limit.MINUTE:
                return _("the limit of the last minute is reached (pace: per_minute)")
            case Limit.HOUR:
                return _("the limit of the last hour is reached (pace: per_hour)")
            case Limit.DAY:
                return _("the limit of the last 24 hours is reached (pace: per_day)")


@dataclass(frozen=True, slots=True)
class Wait:
    """The moment before which no message may be sent, and the limit."""

    until: datetime
    limit: Limit


@dataclass(frozen=True, slots=True)
class SentHistory:
    """The messages that were sent so far.

    ``moments``: when they were sent, in all runs, oldest first, at least for the last 24 hours. ``this_run``: how many
    of them in this run. ``under_way``: messages that are with the server now; they have no moment yet.
    """

    moments: Sequence[datetime] = ()
    this_run: int = 0
    under_way: int = 0


def is_limited(pace: Pace) -> bool:
    """Check whether the pace may ever delay a message."""
    return bool(_windows(pace) or (pace.batch and pace.pause))


def room(pace: Pace, history: SentHistory, now: datetime) -> int | None:
    """Return how many messages may be sent now; None: no limit."""
    now = now.astimezone(UTC)
    rooms = [limit - _taken(history, window, now) for limit, window, _which in _windows(pace)]
    if pace.batch and pace.pause:
        begun = history.this_run + history.under_way
        full = begun > 0 and begun % pace.batch == 0 and _pause_end(pace, history, now) > now
        rooms.append(0 if full else pace.batch - begun % pace.batch)
    return max(0, min(rooms)) if rooms else None


def wait(pace: Pace, history: SentHistory, now: datetime) -> Wait | None:
    """Return the longest wait of the next message.

    None if it may be sent now.
    """
    # In UTC: moments of one local zone are compared by their wall clocks, an hour off around summer time.
    local, now = now.tzinfo, now.astimezone(UTC)
    waits = [
        (_free_at(history, limit, window, now), which)
        for limit, window, which in _windows(pace)
        if _taken(history, window, now) >= limit
    ]
    begun = history.this_run + history.under_way
    if pace.batch and pace.pause and begun and begun % pace.batch == 0:
        waits.append((_pause_end(pace, history, now), Limit.PAUSE))
    until, limit = max(waits, key=itemgetter(0), default=(now, Limit.PAUSE))
    return Wait(until.astimezone(local), limit) if until > now else None


def done_at(pace: Pace, moments: Sequence[datetime], count: int, now: datetime) -> datetime:
    """Return when so many messages are sent if only the pace delays them."""
    went, begun, moment = list(moments), 0, now
    while begun < count:
        history = SentHistory(went, begun)
        free = room(pace, history, moment)
        held = wait(pace, history, moment)
        if held:
            moment = held.until
            continue
        some = count - begun if free is None else min(free, count - begun)
        went += [moment.astimezone(UTC)] * some
        begun += some
    return moment


def time_needed(pace: Pace, count: int) -> timedelta | None:
    """Return how long so many mails take at this pace.

    None if it is less than a minute.
    """
    minutes = [0.0]
    if pace.per_minute:
        minutes.append((count - 1) / pace.per_minute)
    if pace.per_hour:
        minutes.append(60 * ((count - 1) // pace.per_hour))
    if pace.batch:
        minutes.append((count - 1) // pace.batch * pace.pause.total_seconds() / 60)
    longest = max(minutes)
    return timedelta(minutes=longest) if longest >= 1 else None


def _windows(pace: Pace) -> list[tuple[int, timedelta, Limit]]:
    limits = (
        (pace.per_minute, timedelta(minutes=1), Limit.MINUTE),
        (pace.per_hour, timedelta(hours=1), Limit.HOUR),
        (pace.per_day, LONGEST_WINDOW, Limit.DAY),
    )
    return [(limit, window, which) for limit, window, which in limits if limit is not None]


def _taken(history: SentHistory, window: timedelta, now: datetime) -> int:
    """Return how many were sent within the window.

    A message that was sent exactly its length ago is outside it.
    """
    return len(history.moments) - bisect_right(history.moments, now - window) + history.under_way


def _free_at(history: SentHistory, limit: int, window: timedelta, now: datetime) -> datetime:
    """Return when there is room for one; those under way count as sent now."""
    leaving = len(history.moments) + history.under_way - limit
    # The clock may have been set back: a message with a moment in the future was sent now at the latest.
    went = min(history.moments[leaving], now) if leaving < len(history.moments) else now
    return went.astimezone(UTC) + window


def _pause_end(pace: Pace, history: SentHistory, now: datetime) -> datetime:
    """Return when the pause after the last batch is over.

    It begins when the batch's last message was sent.
    """
    last = now if history.under_way or not history.moments else min(history.moments[-1], now)
    return last.astimezone(UTC) + pace.pause
