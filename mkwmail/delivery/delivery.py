"""Delivery: claim a group, submit it, record how it ended.

It ends when everybody is served or the run must stop (:class:`~mkwmail.delivery.run.Run` decides that). There is one
thread for each connection, and each does the same thing over and over: in one durable transaction it records how its
messages ended and claims the next group, then it submits that group.

Why nobody is mailed twice:

- a claim is durable in the ledger before its message is submitted, and the ledger refuses a second claim for anybody
  whose message was sent, may have been sent, or is under way;
- a line is in the journal before the first byte of each body, and another after its reply. If the process is killed,
  the next run reads there which claims had no body begun: those are planned again, and no others;
- a message whose body was begun and that got no final reply is in doubt, and is never planned again without a
  person's word.

Why nobody is forgotten: every job ends in exactly one place of the outcome, and a claim that was not used is released.
"""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta
from inspect import GEN_CLOSED, getgeneratorstate

from mkwmail.clock import Clock
from mkwmail.config.settings import Pace
from mkwmail.delivery.outcome import Outcome
from mkwmail.delivery.run import GLANCE, MOST_UNRECORDED, Claimed, Job, LeftOut, Progress, Run
from mkwmail.delivery.smtp_replies import Meaning, RunFault, meaning
from mkwmail.delivery.transport import NoSessionError, Open, Phase, Reply, Stop, Transport
from mkwmail.errors import UserError
from mkwmail.i18n import _
from mkwmail.ledger import deliveries
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Result, Round, State, next_try
from mkwmail.mail.letter import Message

_LARGEST_GROUP = 64
_LARGEST_OCTETS = 16 * 1024 * 1024
_LONGEST_GROUP = 1.0  # seconds that a group should take, by the last one's time
_QUICK = 0.005  # seconds a message in which a server answers that two connections keep busy
_RECONNECT = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))

_STATES = {Meaning.SENT: State.SENT, Meaning.DEFERRED: State.DEFERRED, Meaning.IN_DOUBT: State.IN_DOUBT}


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
    run = Run(jobs, of, ledger, pace, clock, stop, progress, latest, left_out)
    count = min(pace.connections, len(jobs))
    if count and not run.is_over():
        _watch(run, [_Connection(run, open_transport, reserve=number > 1) for number in range(count)])
    return run.outcome()


def _watch(run: Run, connections: Sequence["_Connection"]) -> None:
    """Let the connections serve until the run is over, and look at Ctrl-C meanwhile."""
    threads = [threading.Thread(target=each.serve, name="mkwmail-connection", daemon=True) for each in connections]
    for thread in threads:
        thread.start()
    for thread, connection in zip(threads, connections, strict=True):
        # One that is still connecting when all is over has nothing to lose.
        while thread.is_alive() and not (connection.opening and run.ended.is_set()):
            thread.join(GLANCE)
            if run.stop.asked.is_set():
                run.ended.set()
            if run.stop.at_once.is_set():
                for each in connections:
                    each.cut()
    run.ended.set()
    if run.crashed is not None:
        raise run.crashed


class _Connection:
    """One connection and the thread that uses it."""

    def __init__(self, run: Run, open_transport: Open, reserve: bool) -> None:
        self._run = run
        self._open = open_transport
        self._reserve = reserve  # to be opened only if it is needed
        self._transport: Transport | None = None
        self._left: int | None = None  # messages that the session may still carry
        self._size = 1  # of the next group
        self._accepts = False  # the server took a message of this session: before that, it may not
        self._failures = 0  # connections lost in a row, without a reply that shows progress
        self._still_open: dict[str, Claimed] = {}  # claimed and not decided, by Message-ID
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
            # Finished messages must not wait for those that others have under way.
            self._record()
        return self._run.has_work(wait=True)

    def _claim(self, wait: bool) -> list[Claimed]:
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
        results, self._results = self._results, []
        try:
            attempts = run.ledger.record_and_claim(run.of, results, [claim for _message, claim in prepared], now)
        except BaseException:
            run.give_back(numbers)
            run.recorded(len(numbers))
            raise
        finally:
            run.recorded(len(results))
        messages = [message for message, _claim in prepared]
        return [Claimed(*each) for each in zip(numbers, jobs, attempts, messages, strict=False)]

    def _record(self) -> None:
        results, self._results = self._results, []
        if results and not self._run.ledger_failed:
            deliveries.record(self._run.ledger.database, results, self._run.clock.now())
        self._run.recorded(len(results))

    def _leave(self) -> None:
        """Record the last results and end the session, however the work ended."""
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
            if run.is_over() or run.why_left_out(claimed.job.recipient.person) is not None:
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
            self._failures += not declined
            self._close()

    def _offers(self) -> Generator[Message, None, None]:
        """Yield the messages that may be begun, as the transport asks for them.

        A transport that pipelines asks for the next message while the body of this one is under way: the next group is
        claimed then, so that a group costs no round trip. If the claim fails, that body is finished first.
        """
        group: Sequence[Claimed] = ()
        try:
            while self._left != 0 and (group := self._claim(wait=not group)):
                started = time.monotonic()
                self._still_open |= {each.message.message_id: each for each in group}
                for each in group:
                    if self._run.is_stopping():
                        return
                    # Before its commands: a server that waits for a body should get one.
                    self._run.ledger.lock_must_be_in_place()
                    if self._run.why_left_out(each.job.recipient.person) is None:
                        if self._left is not None:
                            self._left -= 1
                        yield each.message
                self._grow((time.monotonic() - started) / len(group))
        except UserError as error:
            self._problem = error

    def _conclude(self, claimed: Claimed, reply: Reply) -> bool:
        """Journal a reply, then decide; return whether the connection is lost."""
        run, now = self._run, self._run.clock.now()
        means = meaning(reply, claimed.message.personal)
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
            reason = self._run.why_left_out(each.job.recipient.person)
            if reason is None:
                waiting.append(each.number)
            else:
                self._run.leave_out(each, reason)
        self._run.give_back(waiting)
        return bool(waiting)

    def _grow(self, seconds: float) -> None:
        """Take twice as many next time, if a group takes a second at most.

        The open connections share what may be unrecorded: one that took more would leave the others groups of a few.
        """
        self._run.quick = seconds < _QUICK
        if self._accepts:
            share = MOST_UNRECORDED // self._run.open
            fitting = int(_LONGEST_GROUP / max(seconds, 0.001))
            self._size = max(1, min(2 * self._size, _LARGEST_GROUP, share, fitting))

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
                run.connected(1)
                limits = (run.pace.per_connection, self._transport.most)
                self._left = min((limit for limit in limits if limit is not None), default=None)
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

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        self._size, self._accepts, self._left = 1, False, None
        if transport is not None:
            self._run.connected(-1)
            transport.close()


def _up_to(octets: int, prepared: Iterator[tuple[Message, Claim]]) -> Iterator[tuple[Message, Claim]]:
    """Yield messages until they are so large together; at least one."""
    total = 0
    for message, claim in prepared:
        total += message.size
        if total > octets and total > message.size:
            return
        yield message, claim
