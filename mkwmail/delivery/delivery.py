"""Delivery: claim a group, submit it, record how it ended.

It goes on until everybody is served or the run must stop.

There is one thread for each connection, and each does the same thing over and over: in one durable transaction it
records how its messages ended and claims the next group, then it submits that group.

Why nobody is mailed twice:

- a claim is durable in the ledger before its message is submitted, and the ledger refuses a second claim for anybody
  whose message was sent, may have been sent, or is under way;
- a line is in the journal before the first byte of each body, and another after its reply. If the process is killed,
  the next run reads there which claims had no body begun: those are planned again, and no others;
- a message whose body was begun and that got no final reply is in doubt, and is never planned again without a
  person's word.

Why nobody is forgotten: every job ends in exactly one place of the outcome, and a claim that was not used is released.
"""

import heapq
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Generic, NamedTuple, TypeVar

from mkwmail.clock import Clock
from mkwmail.config.settings import Pace
from mkwmail.delivery import rate_limit
from mkwmail.delivery.interrupts import Stop
from mkwmail.delivery.outcome import Ending, Outcome, outcome_of
from mkwmail.delivery.rate_limit import Gone, Limit, Wait
from mkwmail.delivery.smtp_replies import Meaning, RunFault, all_refused, meaning, run_fault, same_refusal
from mkwmail.delivery.transport import NoSessionError, Open, Phase, Reply, Transport
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Facts, Result, Round, State, next_try
from mkwmail.mail.letter import Message

MOST_UNRECORDED = 128  # messages of a run that are claimed and not yet recorded: a power cut leaves them in doubt
LONGEST_WAIT = timedelta(minutes=5)  # a longer wait for the rate limit is for a later run; a chosen pause is not
_LARGEST_GROUP = 64
_LARGEST_OCTETS = 16 * 1024 * 1024
_LONGEST_GROUP = 1.0  # seconds that a group should take, by the last one's time
_QUICK = 0.005  # seconds a message in which a server answers that two connections keep busy
_SILENCE = 0.1  # seconds without a reply after which another connection is opened
_ENOUGH = 3  # refusals with one code, and no acceptance between them, are the run's fault
_LOSSES = 2  # connections that one message may lose before it is left for a later run
_RECONNECT = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))
_GLANCE = 0.25  # seconds of real time between two looks at Ctrl-C and at other connections
_FRESH = 0.01  # seconds of real time that a look at who is left out stays true

_STATES = {Meaning.SENT: State.SENT, Meaning.DEFERRED: State.DEFERRED, Meaning.IN_DOUBT: State.IN_DOUBT}

T = TypeVar("T")


class Prepared(NamedTuple):
    """A message that is ready, with what the ledger keeps of it.

    The ledger keeps the letter's name, the values and the Date.
    """

    message: Message
    letter: str
    values: Mapping[str, str]
    date: datetime


class Job(NamedTuple):
    """One member to be mailed.

    ``prepare`` makes the message as it leaves at a moment, and must not fail: everything was composed before.
    ``tries``: which try this is, 1 for the first. ``facts``: the version of the event's facts in the message.
    """

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
    """Progress: nothing is sent until then, ``left`` messages wait.

    ``reason`` is a sentence without its end.
    """

    until: datetime
    reason: str
    left: int


Progress = Callable[[Step | Pause], None]
LeftOut = Callable[[], Mapping[str, str]]
"""Person (key) → why a person's word leaves them out of the mailing, as it is now."""


def deliver(
    jobs: Sequence[Job],
    of: Round,
    ledger: Ledger,
    open_transport: Open,
    pace: Pace,
    clock: Clock,
    stop: Stop,
    progress: Progress,
    latest: datetime | None = None,
    left_out: LeftOut = dict,
) -> Outcome:
    """Mail everybody, in this order, once.

    The ledger must be held and settled.

    ``open_transport`` is called from other threads, and so is ``progress``, one call at a time. No body is begun
    after ``latest``, nor for anybody in ``left_out``. The outcome says what stopped the run, a failing ledger or
    login included; an exception is a fault of the program.
    """
    run = _Run(jobs, of, ledger, pace, clock, stop, progress, latest, left_out)
    count = min(pace.connections, len(jobs))
    if count and not run.is_over():
        share = min(_LARGEST_GROUP, max(1, MOST_UNRECORDED // count))
        run.watch([_Connection(run, open_transport, share, reserve=number > 1) for number in range(count)])
    return run.outcome()


class Refusals(Generic[T]):
    """Refusals with one code and no acceptance between them.

    They are held until it is clear whom they concern.

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
        """Hold one more; return those that now certainly concern their members.

        They do if the code is another one.
        """
        certain = self.accepted() if self._held and not same_refusal(self._held[-1][1], reply) else []
        self._held.append((item, reply))
        return certain

    def accepted(self) -> list[tuple[T, Reply]]:
        """Return those that concern their members, now that a message was taken.

        There are none of them if they were enough already.
        """
        return [] if self.enough else self.rest()

    def rest(self) -> list[tuple[T, Reply]]:
        """Return all that are held still; nothing more comes."""
        held, self._held = self._held, []
        return held


class _Claimed(NamedTuple):
    """A message whose claim is durable.

    ``number`` is the place of its job among those who wait.
    """

    number: int
    job: Job
    attempt: int
    message: Message


@dataclass
class _Run:
    """The state that the threads of a run share.

    Each public method takes the lock.
    """

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
    ledger_failed: bool = False  # the journal has the replies that the ledger has not
    crashed: BaseException | None = None
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _heard: float = field(default_factory=time.monotonic)  # when the last reply came
    _under_way: int = 0  # taken, and not decided
    _unrecorded: int = 0  # taken, and not in the ledger with their end
    _this_run: int = 0  # taken by the server, or refused, in this run
    _losses: Counter[str] = field(default_factory=Counter)  # connections lost over one person's message
    _refusals: Refusals[_Claimed] = field(default_factory=Refusals)
    _endings: list[Ending] = field(default_factory=list)
    _left_out: list[Ending] = field(default_factory=list)
    _stopped: RunFault | None = None
    _paced: Wait | None = None  # what ends the run here and lets a later one go on
    _told: Wait | None = None
    _skips: tuple[float, Mapping[str, str]] = (-math.inf, field(default_factory=dict))  # when looked, and what it said

    def __post_init__(self) -> None:
        # A heap: a job that comes back waits in its place again, or behind all, under a number so much higher.
        self._waiting = list(range(len(self.jobs)))
        since = self.clock.now().astimezone(UTC) - rate_limit.LONGEST_WINDOW
        self._moments = [moment.astimezone(UTC) for moment in self.ledger.sent_times(since)]

    # The main thread

    def watch(self, connections: Sequence["_Connection"]) -> None:
        """Let the connections serve until the run is over.

        Look at Ctrl-C meanwhile.
        """
        threads = [threading.Thread(target=each.serve, name="mkwmail-connection", daemon=True) for each in connections]
        for thread in threads:
            thread.start()
        for thread, connection in zip(threads, connections, strict=True):
            # One that is still connecting when all is over has nothing to lose.
            while thread.is_alive() and not (connection.opening and self.ended.is_set()):
                thread.join(_GLANCE)
                if self.stop.asked.is_set():
                    self.ended.set()
                if self.stop.at_once.is_set():
                    for each in connections:
                        each.cut()
        self.ended.set()
        if self.crashed is not None:
            raise self.crashed

    def outcome(self) -> Outcome:
        """Decide what is open still, and return what became of everybody."""
        if self._waiting and not self.is_over():
            # No connection is left.
            self._stopped = self.problem or _lost_too_often()
        self._decide_held()
        reason = self._why_not_begun()
        jobs = (self.jobs[number % len(self.jobs)] for number in sorted(self._waiting))
        left = [Ending(job.person, job.name, job.address, State.PLANNED, reason) for job in jobs]
        endings = [*self._endings, *left]
        done = all(ending.state not in (State.PLANNED, State.IN_DOUBT) for ending in endings)
        interrupted = self.stop.asked.is_set() and not done
        until = self._paced.until if self._paced else None
        return outcome_of(endings, self._stopped, until, interrupted, self._left_out)

    def _decide_held(self) -> None:
        """Settle the refusals that are open.

        They are the members', unless the run is at fault or was cut short.
        """
        cut_short = self._stopped is not None or self.stop.asked.is_set()
        results = self._end_refused(self._refusals.rest(), State.PLANNED if cut_short else State.REFUSED)
        if results and not self.ledger_failed:
            try:
                self.ledger.record(results, self.clock.now())
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

    # Whether anything is to be done

    def is_over(self) -> bool:
        """Return whether nothing more may be begun."""
        return self.is_stopping() or (self.latest is not None and self.clock.now() > self.latest)

    def is_stopping(self) -> bool:
        """Return whether a fault, the rate limit or a person ends the run."""
        return bool(self._stopped or self._paced) or self.stop.asked.is_set()

    def why_left_out(self, person: str) -> str | None:
        """Return why a person's word leaves somebody out, or None.

        A word that was given just now counts too.
        """
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
        """Return whether somebody waits for a message.

        ``wait`` until that is certain.
        """
        with self._turn:
            while not self.is_over():
                if self._waiting:
                    return True
                if not self._under_way:
                    break
                if not wait:
                    return False
                # What is under way over another connection may come back.
                self._turn.wait(_GLANCE)
            self.ended.set()
            return False

    def wait_until_needed(self) -> None:
        """Wait until the connections that are open do not keep up with the server."""
        with self._turn:
            while self.quick and time.monotonic() - self._heard < _SILENCE and self._waiting and not self.is_over():
                self._turn.wait(_SILENCE)

    def take(self, most: int, recorded_with: int, wait: bool) -> list[int]:
        """Return the numbers of the next jobs, as the rate limit allows.

        They are at most so many; empty if there are none.

        ``recorded_with``: how many results are recorded together with their claims. ``wait`` for the rate limit, and
        for others to record theirs; the room is reserved until these are decided, and recorded.
        """
        with self._turn:
            while not self.is_over() and self._waiting:
                now = self.clock.now()
                room = rate_limit.room(self.pace, Gone(self._moments, self._this_run, self._under_way), now)
                unrecorded = MOST_UNRECORDED - self._unrecorded + recorded_with
                count = min(most, len(self._waiting), unrecorded, *([] if room is None else [room]))
                if count > 0:
                    self._under_way += count
                    self._unrecorded += count
                    return [heapq.heappop(self._waiting) for _each in range(count)]
                if not wait:
                    break
                if self._under_way or unrecorded <= 0:
                    self._turn.wait(_GLANCE)
                else:
                    # Nobody can do anything meanwhile, so the lock is kept.
                    self._wait_for_room(now)
            return []

    def _wait_for_room(self, now: datetime) -> None:
        wait = rate_limit.wait(self.pace, Gone(self._moments, self._this_run), now)
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

    def leave_out(self, claimed: _Claimed, reason: str) -> None:
        """Note that a person's word keeps somebody from being mailed.

        Nothing of the message was begun.
        """
        with self._turn:
            self._under_way -= 1
            self._skip(claimed.job, reason)
            self._turn.notify_all()

    def decide(self, claimed: _Claimed, reply: Reply, means: Meaning, result: Result, now: datetime) -> list[Result]:
        """Decide about the member and the run by the meaning of a reply.

        Return what the ledger is to record.
        """
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
            self._moments.append(now.astimezone(UTC))
            self._this_run += 1
            if means is Meaning.REFUSED:
                certain = self._refusals.refused(claimed, reply)
                if self._refusals.enough:
                    self._stopped = self._stopped or all_refused(reply)
                return self._end_refused(certain, State.REFUSED)
            self._end(claimed.job, result.state, result.reason, reply.code, result.not_before)
            certain = self._refusals.accepted() if means is Meaning.SENT else []
            return [result, *self._end_refused(certain, State.REFUSED)]

    def _return(self, claimed: _Claimed, reply: Reply) -> None:
        """No body was taken.

        Another connection may try, unless this one message has lost too many.
        """
        reason = self.why_left_out(claimed.job.person)
        if reason is not None:
            self._skip(claimed.job, reason)
            return
        if reply.phase is Phase.MAIL or self.is_over():
            # Nothing was said of this message yet: most often a connection that was idle for too long.
            heapq.heappush(self._waiting, claimed.number)
            return
        self._losses[claimed.job.person] += 1
        if self._losses[claimed.job.person] >= _LOSSES:
            self._end(claimed.job, State.PLANNED, str(reply), reply.code)
        else:
            # To the end: if it is the message that makes the server hang up, the others are served first.
            heapq.heappush(self._waiting, claimed.number + len(self.jobs))

    def _end_refused(self, refusals: Sequence[tuple[_Claimed, Reply]], state: State) -> list[Result]:
        for claimed, reply in refusals:
            self._end(claimed.job, state, str(reply), reply.code)
        return [Result(claimed.attempt, state, reply.code or None, str(reply)) for claimed, reply in refusals]

    def _skip(self, job: Job, reason: str) -> None:
        self._left_out.append(Ending(job.person, job.name, job.address, State.PLANNED, reason))

    def _end(self, job: Job, state: State, reason: str, code: int, not_before: datetime | None = None) -> None:
        ending = Ending(job.person, job.name, job.address, state, reason, code or None, not_before)
        self._endings.append(ending)
        self.progress(Step(ending, len(self._endings), len(self.jobs)))


class _Connection:
    """One connection and the thread that uses it."""

    def __init__(self, run: _Run, open_transport: Open, share: int, reserve: bool) -> None:
        self._run = run
        self._open = open_transport
        self._share = share
        self._reserve = reserve  # to be opened only if it is needed
        self._transport: Transport | None = None
        self._left: int | None = None  # messages that the session may still carry
        self._size = 1  # of the next group
        self._accepts = False  # the server took a message of this session: before that, it may not
        self._failures = 0  # connections lost in a row, without a reply that shows progress
        self._still_open: dict[str, _Claimed] = {}  # claimed and not decided, by Message-ID
        self._results: list[Result] = []  # decided, and not yet in the ledger
        self._problem: Exception | None = None
        self.opening = False

    def serve(self) -> None:
        """Serve the run until there is nothing more to do."""
        run = self._run
        try:
            while self._has_work() and self._is_connected():
                self._submit()
        except UserError as error:
            run.stop_for(error)
        except BaseException as error:
            run.crash(error)
        finally:
            self._leave()

    def cut(self) -> None:
        """End the connection without waiting for the server."""
        if self._transport is not None:
            self._transport.cut()

    # Claiming and recording

    def _has_work(self) -> bool:
        if not self._run.has_work(wait=False):
            # What is done must not wait for what others have under way.
            self._record()
        return self._run.has_work(wait=True)

    def _claim(self, wait: bool) -> list[_Claimed]:
        """Record how messages ended and claim the next group, in one durable transaction.

        ``wait`` until the rate limit allows one; else the group may be empty although somebody waits.
        """
        run = self._run
        most = self._size if self._left is None else min(self._size, self._left)
        numbers = run.take(most, len(self._results), wait=False)
        if not numbers and wait:
            self._record()
            numbers = run.take(most, 0, wait=True)
        if not numbers:
            return []
        run.look()
        now = run.clock.now()
        jobs = [run.jobs[number % len(run.jobs)] for number in numbers]
        prepared = list(_up_to(_LARGEST_OCTETS, (job.prepare(now) for job in jobs)))
        if len(prepared) < len(numbers):
            run.give_back(numbers[len(prepared) :])
            run.recorded(len(numbers) - len(prepared))
            del numbers[len(prepared) :]
        claims = [_claim_of(job, each) for job, each in zip(jobs, prepared, strict=False)]
        results, self._results = self._results, []
        try:
            attempts = run.ledger.record_and_claim(run.of, results, claims, now)
        except BaseException:
            run.give_back(numbers)
            run.recorded(len(numbers))
            raise
        finally:
            run.recorded(len(results))
        messages = [each.message for each in prepared]
        return [_Claimed(*each) for each in zip(numbers, jobs, attempts, messages, strict=False)]

    def _record(self) -> None:
        results, self._results = self._results, []
        if results and not self._run.ledger_failed:
            self._run.ledger.record(results, self._run.clock.now())
        self._run.recorded(len(results))

    def _leave(self) -> None:
        """Record the last results and end the session, whatever ended the work."""
        try:
            self._record()
        except UserError as error:
            self._run.stop_for(error)
        finally:
            self._close()

    # Submitting

    def _submit(self) -> None:
        """Submit group after group, and decide about every message, however the transport ends."""
        run, transport = self._run, self._transport
        assert transport is not None
        begun = ""  # the Message-ID of the body that is under way
        declined = lost = False

        def begin(message: Message) -> bool:
            nonlocal begun, declined
            claimed = self._still_open[message.message_id]
            if run.is_over() or run.why_left_out(claimed.job.person) is not None:
                declined = True
                return False
            run.ledger.begin(claimed.attempt)
            begun = message.message_id
            return True

        offers = self._offers()
        try:
            for message, reply in transport.submit(offers, begin):
                lost = self._conclude(self._still_open.pop(message.message_id), reply)
        except Exception as error:
            self._problem = self._problem or error
        if begun in self._still_open:
            # It broke off within the body, which may have arrived.
            lost = self._conclude(self._still_open.pop(begun), Reply(0, _("the connection was lost"), Phase.DOT))
        # A transport that stops asking before there is nothing more to offer is of no further use.
        lost = self._release() or lost or getgeneratorstate(offers) != GEN_CLOSED
        if self._problem is not None:
            raise self._problem
        if lost:
            self._lose(failed=not declined)

    def _offers(self) -> Generator[Message, None, None]:
        """Yield the messages that may be begun, as the transport asks for them.

        A transport that pipelines asks for the next message while the body of this one is under way: the next group is
        claimed then, so that a group costs no round trip. If the claim fails, that body is finished first.
        """
        group: Sequence[_Claimed] = ()
        try:
            while self._left != 0 and (group := self._claim(wait=not group)):
                started = time.monotonic()
                self._still_open |= {each.message.message_id: each for each in group}
                for each in group:
                    if self._run.is_stopping():
                        return
                    if self._run.why_left_out(each.job.person) is None:
                        # Before its commands: a server that waits for a body should get one.
                        self._run.ledger.must_be_in_place()
                        if self._left is not None:
                            self._left -= 1
                        yield each.message
                self._grow((time.monotonic() - started) / len(group))
        except UserError as error:
            self._problem = error

    def _conclude(self, claimed: _Claimed, reply: Reply) -> bool:
        """Write a reply into the journal, then decide about it.

        Return whether the connection is lost with it.
        """
        run, means, now = self._run, meaning(reply), self._run.clock.now()
        # A refusal counts as planned until it is clear that it is the member's (Refusals).
        state = _STATES.get(means, State.PLANNED)
        again = next_try(claimed.job.tries, now) if state is State.DEFERRED else None
        result = Result(claimed.attempt, state, reply.code or None, str(reply), again)
        if means is Meaning.IN_DOUBT:
            # Each loss of this kind leaves one in doubt: it counts twice.
            self._failures += 1
        elif means is not Meaning.RELEASED:
            self._failures = 0
        self._accepts = self._accepts or means is Meaning.SENT
        try:
            run.ledger.wire.reply(result)
        finally:
            self._results += run.decide(claimed, reply, means, result, now)
        return means in (Meaning.RELEASED, Meaning.IN_DOUBT)

    def _release(self) -> bool:
        """Give back the claims of which no body was begun; return whether any of them should have been submitted."""
        still_open, self._still_open = self._still_open, {}
        self._results += [Result(each.attempt, State.PLANNED) for each in still_open.values()]
        waiting = []
        for each in still_open.values():
            reason = self._run.why_left_out(each.job.person)
            if reason is None:
                waiting.append(each.number)
            else:
                self._run.leave_out(each, reason)
        self._run.give_back(waiting)
        return bool(waiting)

    def _grow(self, seconds: float) -> None:
        """Take twice as many next time, if a group takes a second at most.

        If the server is quick, two connections with large groups are faster than many with small ones.
        """
        self._run.quick = seconds < _QUICK
        if self._accepts:
            largest = _LARGEST_GROUP if self._run.quick else self._share
            fitting = int(_LONGEST_GROUP / max(seconds, 0.001))
            self._size = max(1, min(2 * self._size, largest, fitting))

    # The session

    def _is_connected(self) -> bool:
        """Open a session if there is none; return whether there is one."""
        run = self._run
        if self._left == 0:
            self._close()
        while self._transport is None:
            self._record()
            if self._failures > len(_RECONNECT):
                return False
            if self._failures:
                run.clock.wait(_RECONNECT[self._failures - 1].total_seconds(), run.ended)
            if self._reserve:
                run.wait_until_needed()
                self._reserve = False
            if not run.has_work(wait=True):
                return False
            try:
                self.opening = True
                self._transport = self._open()
                self._left = _least(run.pace.per_connection, self._transport.most)
                run.served, run.problem = True, None
            except NoSessionError as error:
                # If no connection was ever made, the settings or the network are wrong: waiting helps neither.
                run.problem = RunFault.of(error.faults[0], error.code)
                self._failures += 1
                if error.lasting:
                    run.stop_for(error)
                if error.lasting or not run.served:
                    return False
            finally:
                self.opening = False
        return True

    def _lose(self, failed: bool) -> None:
        self._failures += failed
        self._close()

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        self._size, self._accepts, self._left = 1, False, None
        if transport is not None:
            transport.close()


def _up_to(octets: int, prepared: Iterator[Prepared]) -> Iterator[Prepared]:
    """Yield messages until they are so large together; at least one."""
    total = 0
    for each in prepared:
        total += each.message.size
        if total > octets and total > each.message.size:
            return
        yield each


def _claim_of(job: Job, prepared: Prepared) -> Claim:
    message = prepared.message
    return Claim(
        job.person,
        job.address,
        prepared.letter,
        prepared.values,
        message.message_id,
        prepared.date,
        message.digest,
        job.tries,
        job.facts,
    )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _lost_too_often() -> RunFault:
    return RunFault(
        _("the server closed the connection again and again"),
        _("give the same command again later: nobody is mailed twice"),
        ExitCode.SERVER,
    )
