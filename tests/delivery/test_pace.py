"""Pace: rolling windows over all runs, batches, and the days when clocks change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.config.settings import Pace
from mkwmail.delivery.rate_limit import Limit, SentHistory, Wait, done_at, room, wait

NINE = datetime(2020, 2, 17, 9, tzinfo=ZONE)


def ago(*seconds: float) -> list[datetime]:
    return [NINE.astimezone(UTC) - timedelta(seconds=each) for each in sorted(seconds, reverse=True)]


def test_no_limits_no_wait() -> None:
    pace = Pace(batch=None)
    assert room(pace, SentHistory(ago(1, 2, 3), 3), NINE) is None
    assert wait(pace, SentHistory(ago(1, 2, 3), 3), NINE) is None
    # A batch without a pause does not slow down either.
    assert wait(Pace(batch=3), SentHistory(ago(1, 2, 3), 3), NINE) is None


def test_a_window_rolls() -> None:
    pace = Pace(per_minute=3)
    assert room(pace, SentHistory(ago(70, 50, 10)), NINE) == 1
    assert room(pace, SentHistory(ago(70, 50, 10), under_way=1), NINE) == 0
    assert room(pace, SentHistory(ago(50, 20, 10)), NINE) == 0
    assert wait(pace, SentHistory(ago(50, 20, 10)), NINE) == Wait(NINE + timedelta(seconds=10), Limit.MINUTE)
    # More than the limit went, in a run with other settings: the third last decides.
    assert wait(pace, SentHistory(ago(50, 40, 30, 20, 10)), NINE) == Wait(NINE + timedelta(seconds=30), Limit.MINUTE)
    assert room(pace, SentHistory(ago(60)), NINE) == 3  # exactly a minute ago has left the window


def test_the_longest_wait_decides() -> None:
    pace = Pace(per_minute=1, per_hour=2, per_day=3)
    assert wait(pace, SentHistory(ago(30)), NINE) == Wait(NINE + timedelta(seconds=30), Limit.MINUTE)
    assert wait(pace, SentHistory(ago(600, 30)), NINE) == Wait(NINE + timedelta(seconds=3000), Limit.HOUR)
    day = wait(pace, SentHistory(ago(80_000, 70_000, 60_000)), NINE)
    assert day == Wait(NINE + timedelta(seconds=6_400), Limit.DAY)


def test_what_is_under_way_counts_as_going_now() -> None:
    assert wait(Pace(per_minute=2), SentHistory(under_way=2), NINE) == Wait(NINE + timedelta(minutes=1), Limit.MINUTE)


def test_a_clock_that_was_set_back_does_not_stop_the_mail_for_long() -> None:
    ahead = [NINE + timedelta(days=300)]
    assert wait(Pace(per_minute=1), SentHistory(ahead), NINE) == Wait(NINE + timedelta(minutes=1), Limit.MINUTE)


def test_a_pause_follows_every_whole_batch_of_this_run() -> None:
    pace = Pace(batch=2, pause=timedelta(minutes=10))
    assert room(pace, SentHistory(), NINE) == 2
    assert room(pace, SentHistory(ago(5), 1), NINE) == 1
    assert room(pace, SentHistory(ago(5), 0), NINE) == 2  # of an earlier run
    assert wait(pace, SentHistory(ago(65, 60), 2), NINE) == Wait(NINE + timedelta(minutes=9), Limit.PAUSE)
    assert room(pace, SentHistory(ago(65, 60), 2), NINE) == 0
    assert room(pace, SentHistory(ago(665, 660), 2), NINE) == 2
    assert room(pace, SentHistory(ago(60), 1, under_way=1), NINE) == 0


def test_a_minute_is_a_minute_when_the_clock_changes() -> None:
    # Sunday 25 October 2020, 3.00 becomes 2.00 again.
    before = datetime(2020, 10, 25, 2, 59, 30, tzinfo=ZONE)
    after = datetime(2020, 10, 25, 2, 0, 0, tzinfo=ZONE, fold=1)
    assert after.timestamp() - before.timestamp() == 30
    waiting = wait(Pace(per_minute=1), SentHistory([before]), after)
    assert waiting is not None
    assert waiting.until.timestamp() - before.timestamp() == 60
    assert room(Pace(per_hour=1), SentHistory([datetime(2020, 10, 25, 2, 30, tzinfo=ZONE)]), after) == 0
    spring = datetime(2020, 3, 29, 3, 0, 10, tzinfo=ZONE)
    assert room(Pace(per_minute=1), SentHistory([spring - timedelta(hours=1, seconds=20)]), spring) == 0


@given(
    st.lists(st.integers(0, 5000), max_size=30).map(sorted),
    st.integers(1, 5),
    st.integers(1, 20),
    st.integers(0, 5000),
)
def test_room_and_wait_agree_and_no_window_is_ever_overfull(
    seconds: Sequence[int], per_minute: int, per_hour: int, at: int
) -> None:
    pace = Pace(per_minute=per_minute, per_hour=per_hour)
    now = NINE + timedelta(seconds=at)
    gone = SentHistory([NINE + timedelta(seconds=each) for each in seconds if each <= at])
    free = room(pace, gone, now)
    waiting = wait(pace, gone, now)
    assert (free == 0) == (waiting is not None)
    moment = waiting.until if waiting else now
    assert (room(pace, gone, moment) or 0) > 0
    for window, limit in ((60, per_minute), (3600, per_hour)):
        start = moment - timedelta(seconds=window)
        assert sum(each > start for each in gone.moments) < limit


@pytest.mark.parametrize(
    ("pace", "count", "minutes"),
    [
        (Pace(), 1000, 0),
        (Pace(per_minute=25), 25, 0),
        (Pace(per_minute=25), 26, 1),
        (Pace(per_minute=25), 212, 8),
        (Pace(per_hour=100), 212, 120),
        (Pace(per_minute=25, per_hour=100), 212, 120),
        (Pace(batch=50, pause=timedelta(minutes=10)), 212, 40),
        (Pace(batch=50, pause=timedelta(minutes=10)), 200, 30),
    ],
)
def test_when_so_many_will_have_gone(pace: Pace, count: int, minutes: int) -> None:
    assert done_at(pace, (), count, NINE) == NINE + timedelta(minutes=minutes)
