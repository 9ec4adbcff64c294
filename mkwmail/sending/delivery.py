"""Delivery: claim → submit → record, at the server's pace, until everybody is served or the run must stop.

One thread has the pace, takes every decision and sees to all connections; a scribe beside it writes into the
ledger. A claim is durable before its message is handed over, so whatever dies at whatever moment, the ledger and
the wire journal know whom not to mail again. While one transaction is made durable, the connections go on with
what they were handed before: the next one takes everything that has come meanwhile.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from mkwmail.clock import Clock
from mkwmail.errors import ExitCode, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import Claim, Facts, Result, Round, State
from mkwmail.letters.message import Message
from mkwmail.sending import pace as pacing
from mkwmail.sending.crew import Crew
from mkwmail.sending.news import News
from mkwmail.sending.outcome import Ending, Outcome, outcome_of
from mkwmail.sending.pace import Gone, Limit, Wait
from mkwmail.sending.refusals import Refusals
from mkwmail.sending.reply import Meaning, Phase, Reply
from mkwmail.sending.run_fault import RunFault, all_refused, run_fault
from mkwmail.sending.scribe import Entry, Scribe, Unwritten, Written
from mkwmail.sending.stop import Stop
from mkwmail.sending.submission import NoSessionError
from mkwmail.sending.turns import Turns
from mkwmail.sending.worker import Connect, Ended, Event, Opened, Ready, Replied, Task, Worker
from mkwmail.sources.settings import Pace

LONGEST_WAIT = timedelta(minutes=5)  # a longer wait for the pace is for a later run; a chosen pause is not
_LOSSES = 2  # connections that one message may lose before it is left for a later run
_GATHERING = 0.25  # seconds of real time that the ledger is waited with at most, for more to gather
_GLANCE = 0.25  # seconds of real time between two looks at Ctrl-C and the clock


class Prepared(NamedTuple):
    """A message that is ready, with what the ledger keeps of it: the letter's name, the values, the Date."""

    message: Message
    letter: str
    values: Mapping[str, str]
    date: datetime


class Job(NamedTuple):
    """One member to be mailed. ``prepare`` makes the message as it goes at a moment, and must not fail:
    everything was composed before. ``tries``: which try this is, 1 for the first. ``facts``: the version of the
    event's facts that the message carries."""

    person: str
    address: str
    name: str
    prepare: Callable[[datetime], Prepared]
    tries: int = 1
    facts: Facts | None = None


class Step(NamedTuple):
    """Progress: it ended so for one member, the ``done``-th of ``total``."""

    ending: Ending
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Progress: nothing goes until then, ``left`` messages wait; ``reason`` is a sentence without its end."""

    until: datetime
    reason: str
    left: int


Progress = Callable[[Step | Pause], None]

_News = Event | Written | Unwritten
"""What the connections and the ledger report."""


class _Following(NamedTuple):
    """A message that goes next, and the worker that will have it."""

    worker: Worker
    job: Job
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class _Pending:
    """What the scribe was given: the messages to hand out then, and how many endings are durable with it."""

    following: Sequence[_Following]
    endings: int


def deliver(
    jobs: Sequence[Job],
    of: Round,
    ledger: Ledger,
    connect: Connect,
    pace: Pace,
    clock: Clock,
    stop: Stop,
    progress: Progress,
    latest: datetime | None = None,
) -> Outcome:
    """Mail everybody, in this order, once. The ledger must be held and settled.

    ``connect`` opens a session (:func:`mkwmail.sending.submission.open_session`), and is called from other
    threads. Nothing goes after ``latest``. What stops the run is in the outcome, a failing ledger or login
    included; an exception is a fault of the program.
    """
    news: News[_News] = News()
    crew = Crew(partial(Worker, connect, ledger.wire, clock, news.tell, pace.per_connection, stop))
    scribe = Scribe(ledger, of, news.tell)
    gone = [moment.astimezone(UTC) for moment in ledger.sent_times(_day_before(clock.now()))]
    return _Run(jobs, crew, scribe, news, _Flow(gone), pace, clock, stop, progress, latest).outcome()


@dataclass
class _Flow:
    """What went, for the pace; moments in UTC."""

    moments: list[datetime]
    this_run: int = 0

    def gone(self, under_way: int) -> Gone:
        return Gone(self.moments, self.this_run, under_way)

    def went(self, now: datetime) -> None:
        self.moments.append(now.astimezone(UTC))
        self.this_run += 1


class _Run:
    """One call of :func:`deliver`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        crew: Crew,
        scribe: Scribe,
        news: News[_News],
        flow: _Flow,
        pace: Pace,
        clock: Clock,
        stop: Stop,
        progress: Progress,
        latest: datetime | None,
    ) -> None:
        self._waiting = Turns(jobs)
        self._total = len(jobs)
        self._crew = crew
        self._scribe = scribe
        self._news = news
        self._pace = pace
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._latest = latest
        self._now = clock.now()  # when this turn began
        self._flow = flow
        self._under_way: dict[int, tuple[Job, Worker]] = {}
        self._refusals: Refusals[tuple[int, Job]] = Refusals()
        self._losses: Counter[str] = Counter()  # connections lost over one person's message, in this run
        self._endings: list[Ending] = []
        self._stopped: RunFault | None = None
        self._paced: Wait | None = None  # what ends the run here and lets a later one go on
        self._told: Wait | None = None
        self._results: list[Result] = []  # what the scribe is to write next
        self._gathered: list[_Following] = []  # what it is to claim with them
        self._pending: _Pending | None = None  # what it is writing
        self._wrote = 0.0  # when it was last given something, of time.monotonic()
        self._shown = 0  # endings that progress was told of
        self._ledger_failed = False
        self._cut = False

    def outcome(self) -> Outcome:
        """Run, and say what became of everybody."""
        try:
            if self._waiting and not self._too_late():
                self._scribe.start()
                self._crew.start(min(self._pace.connections, len(self._waiting)))
                self._loop()
                self._decide_held()
        except UserError as error:
            self._stop_for(error)
            self._finish_under_way()
        finally:
            self._scribe.leave()
            self._crew.leave(self._news.wait)
            for late in self._news.take():
                if isinstance(late, Opened):
                    late.session.close()
            self._news.close()
        return self._summary()

    def _loop(self) -> None:
        while not self._over():
            if self._stopping():
                self._crew.recall()
            if self._waiting:
                self._crew.reconnect(self._now)
            self._take_turn(self._events())

    def _over(self) -> bool:
        if self._pending or self._results or self._gathered or self._under_way:
            return False
        return self._stopping() or not self._waiting

    def _stopping(self) -> bool:
        if self._crew.gone and not self._stopped:
            self._stopped = self._crew.problem or _lost_too_often()
        return bool(self._stopped or self._paced) or self._stop.asked.is_set() or self._too_late()

    def _too_late(self) -> bool:
        return self._latest is not None and self._now > self._latest

    # Out

    def _take_turn(self, events: Sequence[_News]) -> None:
        """Decide about what was reported, and let it be written together with what goes next."""
        self._now = self._clock.now()
        results, problem = self._decide(events)
        self._results += results
        self._gathered += [] if problem else self._following()
        self._write()
        if problem:
            raise problem

    def _following(self) -> list[_Following]:
        """What the workers want and the pace lets go now."""
        workers = self._crew.wants
        if not workers or not self._waiting or self._stopping():
            return []
        room = pacing.room(self._pace, self._flow.gone(self._begun), self._now)
        count = min(len(workers), len(self._waiting), *([] if room is None else [room]))
        jobs = [self._waiting.take() for _each in range(count)]
        following = [
            _Following(worker, job, job.prepare(self._now)) for worker, job in zip(workers, jobs, strict=False)
        ]
        for each in following:
            self._crew.reserve(each.worker)
        return following

    @property
    def _begun(self) -> int:
        """How many are with the server, or will be as soon as their claims are durable."""
        return len(self._under_way) + len(self._gathered) + len(self._pending.following if self._pending else ())

    def _write(self) -> None:
        """Give the scribe all that has gathered while it wrote."""
        if self._ledger_failed:
            # What was replied stands in the wire journal.
            self._results = []
        gathered = len(self._results) + len(self._gathered)
        if self._pending or not gathered:
            return
        if gathered < len(self._under_way) and time.monotonic() - self._wrote < _GATHERING:
            # More is under way than waits: a larger group costs the ledger less, and nobody stands still for it.
            return
        self._wrote = time.monotonic()
        self._pending = _Pending(self._gathered, len(self._endings))
        self._scribe.write(Entry(self._results, _claims(self._gathered), self._now))
        self._results, self._gathered = [], []

    def _written(self, pending: _Pending, attempts: Sequence[int]) -> list[Result]:
        """Hand out what is claimed; where nothing goes any more, it is released."""
        self._show(pending.endings)
        if self._stopping():
            self._put_back(pending.following)
            return [Result(attempt, State.PLANNED) for attempt in attempts]
        for each, attempt in zip(pending.following, attempts, strict=True):
            self._under_way[attempt] = (each.job, each.worker)
            each.worker.hand(Task(attempt, each.job.tries, each.prepared.message))
        return []

    # In

    def _events(self) -> list[_News]:
        """What the workers report; waits for it, for the pace or for the next connection."""
        found = self._news.take()
        if found:
            return found
        if self._stop.at_once.is_set() and not self._cut:
            self._cut = True
            self._crew.cut()
        elif self._crew.active or self._pending:
            # Not for ever: a second Ctrl-C and the pace of other connections want to be looked at.
            self._crew.go_on(self._news.wait, _GLANCE)
        else:
            self._sleep()
        return self._news.take()

    def _sleep(self) -> None:
        """Nobody has anything to say: wait for the pace or for the next connection, or end the run."""
        now = self._clock.now()
        moments = [self._crew.again] if self._crew.again else []
        if self._crew.idle:
            wait = pacing.wait(self._pace, self._flow.gone(0), now)
            if wait and wait.limit is not Limit.PAUSE and wait.until - now > LONGEST_WAIT:
                self._paced = wait
                return
            if wait:
                self._tell(wait, now)
                moments.append(wait.until)
        if moments:
            self._clock.wait((min(moments) - now).total_seconds(), self._stop.asked)

    def _tell(self, wait: Wait, now: datetime) -> None:
        if wait != self._told and wait.until - now > timedelta(seconds=1):
            self._told = wait
            self._progress(Pause(wait.until, wait.limit.in_words, len(self._waiting)))

    def _decide(self, events: Sequence[_News]) -> tuple[list[Result], Exception | None]:
        """What is to be recorded of what was reported, and what must be raised then."""
        results: list[Result] = []
        problem: Exception | None = None
        for event in events:
            match event:
                case Written(attempts) if self._pending:
                    pending, self._pending = self._pending, None
                    results += self._written(pending, attempts)
                case Unwritten(error) if self._pending:
                    self._put_back(self._pending.following)
                    self._pending = None
                    problem = problem or error
                case Opened() | Ready() | Replied() | Ended():
                    self._crew.take(event, self._now)
            if isinstance(event, Replied):
                results += self._replied(event)
            elif isinstance(event, Ended):
                problem = self._ended(event) or problem
        return results, problem

    def _show(self, until: int) -> None:
        for done in range(self._shown, until):
            self._progress(Step(self._endings[done], done + 1, self._total))
        self._shown = until

    def _ended(self, event: Ended) -> Exception | None:
        """Look at why a session ended. Returns what must be raised."""
        if isinstance(event.error, NoSessionError):
            if event.error.lasting and not self._stopped:
                self._stopped = RunFault.of(event.error.faults[0], event.error.code)
            return None
        return event.error

    def _replied(self, event: Replied) -> list[Result]:
        """What is to be recorded because of a reply."""
        attempt, reply = event.task.attempt, event.reply
        job, worker = self._under_way.pop(attempt)
        means = event.means
        if means in (Meaning.RELEASED, Meaning.RUN):
            if means is Meaning.RUN:
                self._crew.progressed(worker)
                self._stopped = self._stopped or run_fault(reply)
                self._end(job, State.PLANNED, reply)
            else:
                self._give_back(job, reply)
            return [event.result]
        self._flow.went(self._now)
        if means is Meaning.IN_DOUBT:
            self._crew.faltered(worker)
        else:
            self._crew.progressed(worker)
        if means is Meaning.REFUSED:
            return self._refused(attempt, job, reply)
        self._end(job, event.result.state, reply, event.result.not_before)
        if means is Meaning.SENT:
            self._crew.accepted(worker)
        certain = self._refusals.accepted() if means is Meaning.SENT else []
        return [event.result, *self._end_refused(certain, State.REFUSED)]

    def _refused(self, attempt: int, job: Job, reply: Reply) -> list[Result]:
        certain = self._refusals.refused((attempt, job), reply)
        if self._refusals.enough:
            self._stopped = self._stopped or all_refused(reply)
        return self._end_refused(certain, State.REFUSED)

    def _end_refused(self, refusals: Iterable[tuple[tuple[int, Job], Reply]], state: State) -> list[Result]:
        results = []
        for (attempt, job), reply in refusals:
            self._end(job, state, reply)
            results.append(Result(attempt, state, reply.code or None, str(reply)))
        return results

    def _give_back(self, job: Job, reply: Reply) -> None:
        """No body was taken: another connection may try, unless this one message has lost too many."""
        if reply.phase is Phase.MAIL:
            # Nothing was said of this message yet: most often a connection that was idle for too long.
            self._waiting.put_back(job)
            return
        self._losses[job.person] += 1
        if self._losses[job.person] >= _LOSSES:
            self._end(job, State.PLANNED, reply)
        else:
            # To the end: if it is the message that makes the server hang up, the others go first.
            self._waiting.put_last(job)

    def _put_back(self, following: Iterable[_Following]) -> None:
        """What was to follow, and does not."""
        for each in following:
            self._crew.unreserve(each.worker)
            self._waiting.put_back(each.job)

    def _end(self, job: Job, state: State, reply: Reply, not_before: datetime | None = None) -> None:
        self._waiting.done(job)
        self._endings.append(
            Ending(job.person, job.name, job.address, state, str(reply), reply.code or None, not_before)
        )

    # The end

    def _decide_held(self) -> None:
        """Refusals that are still open: the members', unless the run itself is at fault or was cut short."""
        cut_short = self._stopped is not None or self._stop.asked.is_set()
        state = State.PLANNED if cut_short else State.REFUSED
        self._results += self._end_refused(self._refusals.rest(), state)
        self._write()
        while self._pending:
            self._take_turn(self._events())
        self._show(len(self._endings))

    def _stop_for(self, error: UserError) -> None:
        self._ledger_failed = self._ledger_failed or error.code is ExitCode.LEDGER_FAULT
        self._stopped = RunFault.of(error.faults[0], error.code)

    def _finish_under_way(self) -> None:
        """Begin nothing more, but hear what the server says of the messages under way.

        Where the ledger fails, their replies stand in the wire journal, and the next run settles by that.
        """
        self._crew.recall()
        while not self._over():
            self._even_so(lambda: self._take_turn(self._events()))
        self._even_so(self._decide_held)

    def _even_so(self, act: Callable[[], None]) -> None:
        try:
            act()
        except UserError as error:
            self._stop_for(error)

    def _summary(self) -> Outcome:
        reason = self._reason()
        left = [Ending(job.person, job.name, job.address, State.PLANNED, reason) for job in self._waiting]
        endings = [*self._endings, *left]
        done = all(ending.state not in (State.PLANNED, State.IN_DOUBT) for ending in endings)
        interrupted = self._stop.asked.is_set() and not done
        return outcome_of(endings, self._stopped, self._paced.until if self._paced else None, interrupted)

    def _reason(self) -> str:
        """Why those who were not begun were not."""
        if self._stopped:
            return self._stopped.reason
        if self._paced:
            return self._paced.limit.in_words
        if self._stop.asked.is_set():
            return _("the run was stopped")
        return _("the mailing's latest moment has passed")


def _claims(following: Sequence[_Following]) -> list[Claim]:
    return [
        Claim(
            each.job.person,
            each.job.address,
            each.prepared.letter,
            each.prepared.values,
            each.prepared.message.message_id,
            each.prepared.date,
            each.prepared.message.digest,
            each.job.tries,
            each.job.facts,
        )
        for each in following
    ]


def _lost_too_often() -> RunFault:
    return RunFault(
        _("the server closed the connection again and again"),
        _("give the same command again later: nobody is mailed twice"),
        ExitCode.SERVER,
    )


def _day_before(now: datetime) -> datetime:
    return now.astimezone(UTC) - pacing.LONGEST_WINDOW
