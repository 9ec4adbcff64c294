"""A run of delivery: what its connections share, who waits, and what a reply means for the members and the run."""

import heapq
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from mkwmail.clock import Clock
from mkwmail.config.settings import Pace
from mkwmail.delivery import rate_limit
from mkwmail.delivery.outcome import Ending, Outcome, outcome_of
from mkwmail.delivery.rate_limit import Limit, SentHistory, Wait
from mkwmail.delivery.smtp_replies import Meaning, RunFault, all_refused, run_fault, same_refusal
from mkwmail.delivery.transport import Phase, Reply, Stop
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _
from mkwmail.ledger import deliveries
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Result, Round, State
from mkwmail.mail.letter import Message
from mkwmail.planning.audience import Recipient

MOST_UNRECORDED = 128  # messages of a run that are claimed and not yet recorded: a power cut leaves them in doubt
LONGEST_WAIT = timedelta(minutes=5)  # a longer wait for the rate limit is for a later run; a chosen pause is not
GLANCE = 0.25  # seconds of real time between two looks at Ctrl-C and at other connections
_SILENCE = 0.1  # seconds without a reply after which another connection is opened
_ENOUGH = 3  # refusals with one code, and no acceptance between them, are the run's fault
_LOSSES = 2  # connections that one message may lose before it is left for a later run
_FRESH = 0.01  # seconds of real time that a look at who is left out stays true

T = TypeVar("T")


class Job(NamedTuple):
    """One recipient to be mailed.

    ``prepare`` makes the message as it leaves at a moment, and its claim. It must not fail: everything was composed
    before. ``tries``: which try this is, 1 for the first.
    """

    recipient: Recipient
    prepare: Callable[[datetime], tuple[Message, Claim]]
    tries: int = 1


class Step(NamedTuple):
    """Progress: it ended so for one member, the ``done``-th of ``total``."""

    ending: Ending
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Progress: nothing leaves until then, for a reason; ``left`` wait."""

    until: datetime
    reason: str
    left: int


Progress = Callable[[Step | Pause], None]
LeftOut = Callable[[], Mapping[str, str]]
"""Person (key) → why a person's word leaves them out of the mailing, as it is now."""


class Refusals(Generic[T]):
    """Refusals with one code, held until it is clear whom they concern.

    Three of them are the run's fault: a server that answers "relay access denied" to everybody means nobody in
    particular. A refusal that is held is still under way in the ledger, and planned in the journal: after a crash it
    is tried again, which is safe, for a refused message has reached nobody.
    """

    def __init__(self) -> None:
        self._held: list[tuple[T, Reply]] = []

    @property
    def enough(self) -> bool:
        """Return whether they are so many that it is the run's fault."""
        return len(self._held) >= _ENOUGH

    def refused(self, item: T, reply: Reply) -> list[tuple[T, Reply]]:
        """Hold one more; return the earlier ones if its code is another."""
        certain = self.accepted() if self._held and not same_refusal(self._held[-1][1], reply) else []
        self._held.append((item, reply))
        return certain

    def accepted(self) -> list[tuple[T, Reply]]:
        """Return those held: the members' own, unless they are enough already."""
        return [] if self.enough else self.rest()

    def rest(self) -> list[tuple[T, Reply]]:
        """Return all that are held still; nothing more comes."""
        held, self._held = self._held, []
        return held


class Claimed(NamedTuple):
    """A durable claim, its message, and its job's number among all."""

    number: int
    job: Job
    attempt: int
    message: Message


@dataclass
class Run:
    """The state that threads share; each public method takes the lock."""

    jobs: Sequence[Job]
    of: Round
    ledger: Ledger
    pace: Pace
    clock: Clock
    stop: Stop
    progress: Progress
    latest: datetime | None
    left_out: LeftOut
    ended: threading.Event = field(default_factory=threading.Event)  # no thread needs to wait any more
    problem: RunFault | None = None  # why the last connection could not be opened
    served: bool = False  # a connection could be opened
    quick: bool = True  # the last group took no time
    open: int = 0  # sessions that are open
    ledger_failed: bool = False  # the journal has the replies that the ledger has not
    crashed: BaseException | None = None
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _heard: float = field(default_factory=time.monotonic)  # when the last reply came
    _under_way: int = 0  # taken, and not decided
    _unrecorded: int = 0  # taken, and not in the ledger with their end
    _this_run: int = 0  # taken by the server, or refused, in this run
    _losses: Counter[str] = field(default_factory=Counter)  # connections lost over one person's message
    _refusals: Refusals[Claimed] = field(default_factory=Refusals)
    _endings: list[Ending] = field(default_factory=list)
    _left_out: list[Ending] = field(default_factory=list)
    _stopped: RunFault | None = None
    _paced: Wait | None = None  # what ends the run here and lets a later one go on
    _told: Wait | None = None
    _skips: tuple[float, Mapping[str, str]] = (-math.inf, field(default_factory=dict))  # when looked, and what it said

    def __post_init__(self) -> None:
        # A heap: a job that comes back waits in its place again, or behind all, under a number so much higher.
        self._waiting = list(range(len(self.jobs)))
        self._limited = rate_limit.is_limited(self.pace)
        since = self.clock.now().astimezone(UTC) - rate_limit.LONGEST_WINDOW
        sent = deliveries.sent_times(self.ledger.database, since) if self._limited else ()
        self._moments = [moment.astimezone(UTC) for moment in sent]

    # The end

    def outcome(self) -> Outcome:
        """Decide what is open still, and return what became of everybody."""
        if self._waiting and not self.is_over():
            # No connection is left.
            self._stopped = self.problem or _lost_too_often()
        self._decide_held()
        reason = self._why_not_begun()
        jobs = (self.jobs[number % len(self.jobs)] for number in sorted(self._waiting))
        left = [Ending(job.recipient, State.PLANNED, reason) for job in jobs]
        endings = [*self._endings, *left]
        done = all(ending.state not in (State.PLANNED, State.IN_DOUBT) for ending in endings)
        interrupted = self.stop.asked.is_set() and not done
        until = self._paced.until if self._paced else None
        return outcome_of(endings, self._stopped, until, interrupted, self._left_out)

    def _decide_held(self) -> None:
        """Settle open refusals: the members', unless the run failed or was cut."""
        cut_short = self._stopped is not None or self.stop.asked.is_set()
        results = self._end_refused(self._refusals.rest(), State.PLANNED if cut_short else State.REFUSED)
        if results and not self.ledger_failed:
            try:
                deliveries.record(self.ledger.database, results, self.clock.now())
            except UserError as error:
                self.stop_for(error)

    def _why_not_begun(self) -> str:
        if self._stopped:
            return self._stopped.reason
        if self._paced:
            return self._paced.limit.in_words
        if self.stop.asked.is_set():
            return _("the run was stopped")
        return _("the mailing's latest moment has passed")

    # Work that is left

    def is_over(self) -> bool:
        """Return whether nothing more may be begun."""
        return self.is_stopping() or (self.latest is not None and self.clock.now() > self.latest)

    def is_stopping(self) -> bool:
        """Return whether a fault, the rate limit or a person ends the run."""
        return bool(self._stopped or self._paced) or self.stop.asked.is_set()

    def why_left_out(self, person: str) -> str | None:
        """Return why a person's word, of now too, leaves them out; or None."""
        looked, skips = self._skips
        if time.monotonic() - looked > _FRESH:
            skips = self.look()
        return skips.get(person)

    def look(self) -> Mapping[str, str]:
        """Look who is left out by a person's word now."""
        skips = self.left_out()
        self._skips = (time.monotonic(), skips)
        return skips

    def stop_for(self, error: UserError) -> None:
        """Begin nothing more because of a fault; the first one is told."""
        self.ledger_failed = self.ledger_failed or error.code is ExitCode.LEDGER_FAULT
        self._stopped = self._stopped or RunFault.of(error.faults[0], error.code)

    def crash(self, error: BaseException) -> None:
        """Begin nothing more because of a fault of the program."""
        self.crashed = self.crashed or error
        self._stopped = self._stopped or RunFault(str(error), "", ExitCode.LEDGER_FAULT)

    def has_work(self, wait: bool) -> bool:
        """Return whether somebody waits; ``wait`` until that is certain."""
        with self._turn:
            while not self.is_over():
                if self._waiting:
                    return True
                if not self._under_way:
                    break
                if not wait:
                    return False
                # A message that is under way over another connection may come back.
                self._turn.wait(GLANCE)
            self.ended.set()
            return False

    def connected(self, change: int) -> None:
        """Note that so many sessions more are open."""
        with self._turn:
            self.open += change

    def wait_until_needed(self) -> None:
        """Wait until the connections that are open do not keep up with the server."""
        with self._turn:
            while self.quick and time.monotonic() - self._heard < _SILENCE and self._waiting and not self.is_over():
                self._turn.wait(_SILENCE)

    def take(self, most: int, recorded_with: int, wait: bool) -> list[int]:
        """Return the numbers of the next jobs, as the rate limit allows.

        They are at most ``most``. ``recorded_with``: how many results are recorded together with their claims. ``wait``
        for the rate limit, and for others to record theirs; the room is reserved until these are decided, and recorded.
        """
        with self._turn:
            while not self.is_over() and self._waiting:
                now = self.clock.now()
                room = rate_limit.room(self.pace, SentHistory(self._moments, self._this_run, self._under_way), now)
                unrecorded = MOST_UNRECORDED - self._unrecorded + recorded_with
                count = min(most, len(self._waiting), unrecorded, *([] if room is None else [room]))
                if count > 0:
                    self._under_way += count
                    self._unrecorded += count
                    return [heapq.heappop(self._waiting) for _each in range(count)]
                if not wait:
                    break
                if self._under_way or unrecorded <= 0:
                    self._turn.wait(GLANCE)
                else:
                    # Nobody can do anything meanwhile, so the lock is kept.
                    self._wait_for_room(now)
            return []

    def _wait_for_room(self, now: datetime) -> None:
        wait = rate_limit.wait(self.pace, SentHistory(self._moments, self._this_run), now)
        if wait is None:
            return
        if wait.limit is not Limit.PAUSE and wait.until - now > LONGEST_WAIT:
            self._paced = wait
            return
        if wait != self._told and wait.until - now > timedelta(seconds=1):
            self._told = wait
            self.progress(Pause(wait.until, wait.limit.in_words, len(self._waiting)))
        self.clock.wait((wait.until - now).total_seconds(), self.ended)

    # How it ended

    def recorded(self, count: int) -> None:
        """Note that so many are in the ledger with their end, or were not claimed."""
        if count:
            with self._turn:
                self._unrecorded -= count
                self._turn.notify_all()

    def give_back(self, numbers: Sequence[int]) -> None:
        """Let jobs wait again, in their place: nothing of them was begun."""
        with self._turn:
            self._under_way -= len(numbers)
            for number in numbers:
                heapq.heappush(self._waiting, number)
            self._turn.notify_all()

    def leave_out(self, claimed: Claimed, reason: str) -> None:
        """Note that a person's word keeps somebody out; no body was begun."""
        with self._turn:
            self._under_way -= 1
            self._skip(claimed.job, reason)
            self._turn.notify_all()

    def decide(self, claimed: Claimed, reply: Reply, means: Meaning, result: Result, now: datetime) -> list[Result]:
        """Decide by a reply's meaning; return what the ledger is to record."""
        with self._turn:
            self._under_way -= 1
            self._heard = time.monotonic()
            if means is Meaning.RELEASED or not self._under_way:
                self._turn.notify_all()
            if means is Meaning.RELEASED:
                self._return(claimed, reply)
                return [result]
            if means is Meaning.RUN:
                self._stopped = self._stopped or run_fault(reply)
                self._end(claimed.job, State.PLANNED, str(reply), reply.code)
                return [result]
            if self._limited:
                self._moments.append(now.astimezone(UTC))
            self._this_run += 1
            if means is Meaning.REFUSED:
                certain = self._refusals.refused(claimed, reply)
                if self._refusals.enough:
                    self._stopped = self._stopped or all_refused(reply)
                return self._end_refused(certain, State.REFUSED)
            # The words of a hundred thousand acceptances are in the ledger; they need not be in memory too.
            reason = "" if means is Meaning.SENT else result.reason
            self._end(claimed.job, result.state, reason, reply.code, result.not_before)
            certain = self._refusals.accepted() if means is Meaning.SENT else []
            return [result, *self._end_refused(certain, State.REFUSED)]

    def _return(self, claimed: Claimed, reply: Reply) -> None:
        """Let another connection try, unless this message has lost too many."""
        reason = self.why_left_out(claimed.job.recipient.person)
        if reason is not None:
            self._skip(claimed.job, reason)
            return
        if reply.phase is Phase.MAIL or self.is_over():
            # Nothing was said of this message yet: most often a connection that was idle for too long.
            heapq.heappush(self._waiting, claimed.number)
            return
        self._losses[claimed.job.recipient.person] += 1
        if self._losses[claimed.job.recipient.person] >= _LOSSES:
            self._end(claimed.job, State.PLANNED, str(reply), reply.code)
        else:
            # To the end: if it is the message that makes the server hang up, the others are served first.
            heapq.heappush(self._waiting, claimed.number + len(self.jobs))

    def _end_refused(self, refusals: Sequence[tuple[Claimed, Reply]], state: State) -> list[Result]:
        for claimed, reply in refusals:
            self._end(claimed.job, state, str(reply), reply.code)
        return [Result(claimed.attempt, state, reply.code or None, str(reply)) for claimed, reply in refusals]

    def _skip(self, job: Job, reason: str) -> None:
        self._left_out.append(Ending(job.recipient, State.PLANNED, reason))

    def _end(self, job: Job, state: State, reason: str, code: int, not_before: datetime | None = None) -> None:
        ending = Ending(job.recipient, state, reason, code or None, not_before)
        self._endings.append(ending)
        self.progress(Step(ending, len(self._endings), len(self.jobs)))


def _lost_too_often() -> RunFault:
    return RunFault(
        _("the server keeps closing the connection"),
        _("run the same command again later: nobody is mailed twice"),
        ExitCode.SERVER,
    )
