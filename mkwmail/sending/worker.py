"""A worker: one connection, over which it submits what delivery hands it, and reports back."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mkwmail.clock import Clock
from mkwmail.language import _
from mkwmail.ledger.records import Result, State, next_try
from mkwmail.ledger.wire import Wire
from mkwmail.letters.message import Message
from mkwmail.sending.link import Wait
from mkwmail.sending.reply import Meaning, Phase, Reply, meaning
from mkwmail.sending.session import Idle, Step, Submission
from mkwmail.sending.stop import Stop

Connect = Callable[[], Submission]


class Task(NamedTuple):
    """A message whose claim is durable. ``tries``: which try it is."""

    attempt: int
    tries: int
    message: Message


@dataclass(frozen=True, slots=True)
class Opened:
    """The worker has a session."""

    worker: "Worker"
    session: Submission


class Ready(NamedTuple):
    """The worker has a session and nothing to do. ``left``: how many messages the session may still carry."""

    worker: "Worker"
    left: int | None = None


class Replied(NamedTuple):
    """A message has its reply, which is in the wire journal."""

    worker: "Worker"
    task: Task
    reply: Reply
    means: Meaning
    result: Result


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; ``error``: why none could be opened, or what went wrong. The worker waits for a
    word to connect again. ``spent``: it carried all the messages that it may."""

    worker: "Worker"
    error: Exception | None = None
    spent: bool = False


Event = Opened | Ready | Replied | Ended


class Worker:
    """One connection. One thread calls its methods, and hears through ``tell`` what happens.

    Opening a session and taking leave of a server are done in a thread of their own, for both wait.
    """

    def __init__(
        self,
        connect: Connect,
        wire: Wire,
        clock: Clock,
        tell: Callable[[Event], None],
        per_connection: int | None,
        stop: Stop,
    ) -> None:
        self._connect = connect
        self._wire = wire
        self._clock = clock
        self._tell = tell
        self._per_connection = per_connection
        self._stop = stop
        self._handed: deque[Task] = deque()
        self._begun: dict[str, Task] = {}  # by Message-ID
        self._body: Task | None = None  # the last whose body was begun
        self._session: Submission | None = None
        self._steps: Iterator[Step] = iter(())
        self._left: int | None = None
        self._recalled = False
        self._leaving = False
        self._lost = False
        self._thread: threading.Thread | None = None
        self.idle = False  # has a session and nothing to do
        self.wait: Wait | None = None  # what it waits for, where that is the network

    def connect(self) -> None:
        """Open a session; Opened or Ended tells how that went."""
        self._apart(self._open)

    def begin(self, session: Submission) -> None:
        """Submit over this session from now on."""
        self._session = session
        self._left = _least(self._per_connection, session.most)
        self._lost = False
        self._steps = session.steps(self._feed(), self._may_begin)
        self.go_on()

    def hand(self, task: Task) -> None:
        """Submit this message when those before it are under way; Replied tells how it went."""
        if self._session is None:
            # The session ended meanwhile.
            self._note(task, Reply(0, _("the connection was lost"), Phase.MAIL))
            return
        self._handed.append(task)
        if self.idle:
            self.go_on()

    def fileno(self) -> int:
        """The number of the connection that it waits for; -1 where it has none."""
        return self._session.fileno() if self._session else -1

    def go_on(self) -> None:
        """Go on as far as the network lets it."""
        self.idle, self.wait = False, None
        try:
            for step in self._steps:
                if isinstance(step, Wait):
                    self.wait = step
                    return
                if isinstance(step, Idle):
                    self.idle = True
                    self._tell(Ready(self, self._left))
                    return
                message, reply = step
                means = self._note(self._begun.pop(message.message_id), reply)
                self._lost = means in (Meaning.RELEASED, Meaning.IN_DOUBT)
                if means is Meaning.RUN:
                    self._recalled = True
        except Exception as error:
            self._end(error)
        else:
            self._end(None)

    def recall(self) -> None:
        """Begin no more bodies: what was handed over and not begun comes back, as released."""
        self._recalled = True

    def leave(self) -> None:
        """Take leave of the server."""
        self._leaving = True
        if self.idle:
            self.go_on()

    def cut(self) -> None:
        """End the connection without waiting for the server."""
        if self._session is not None:
            self._session.cut()
            if self.wait:
                self.go_on()

    def join(self, seconds: float) -> None:
        """Wait until the session is opened or closed, so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _apart(self, act: Callable[[], None]) -> None:
        # A daemon: a server that says nothing for ten minutes must not keep the process from ending.
        self._thread = threading.Thread(target=act, name="mkwmail-connection", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            session = self._connect()
        except Exception as error:
            self._tell(Ended(self, error))
            return
        if self._leaving:
            session.close()
        else:
            self._tell(Opened(self, session))

    def _end(self, error: Exception | None) -> None:
        """The session is over: give back what was handed over, and take leave."""
        session, self._session = self._session, None
        if session is None:
            return
        for task in (*self._begun.values(), *self._handed):
            # What broke off within a body may have arrived.
            phase = Phase.DOT if task is self._body else Phase.MAIL
            try:
                self._note(task, Reply(0, _("the connection was lost"), phase))
            except Exception as problem:
                error = error or problem
        self._begun.clear()
        self._handed.clear()
        ended = Ended(self, error, spent=self._left == 0 and not self._lost)

        def close() -> None:
            session.close()
            self._tell(ended)

        self._apart(close)

    def _feed(self) -> Iterator[Message | None]:
        """The messages of a session, as it asks for them; None while there are none."""
        while self._left != 0 and not self._leaving and not self._halted:
            if not self._handed:
                yield None
                continue
            task = self._handed.popleft()
            if self._left is not None:
                self._left -= 1
            self._begun[task.message.message_id] = task
            yield task.message

    @property
    def _halted(self) -> bool:
        # Ctrl-C at once, and not only when delivery has looked at it.
        return self._recalled or self._stop.asked.is_set()

    def _may_begin(self, message: Message) -> bool:
        if self._halted:
            return False
        task = self._begun[message.message_id]
        self._wire.body(task.attempt)
        self._body = task
        return True

    def _note(self, task: Task, reply: Reply) -> Meaning:
        means = meaning(reply)
        result = _result_of(task, reply, means, self._clock)
        try:
            self._wire.reply(result)
        finally:
            self._tell(Replied(self, task, reply, means, result))
        return means


def _result_of(task: Task, reply: Reply, means: Meaning, clock: Clock) -> Result:
    """How an attempt ended, as far as its own reply tells.

    A refusal counts as planned until delivery knows that it is the member's (:mod:`~mkwmail.sending.refusals`).
    """
    match means:
        case Meaning.SENT:
            state = State.SENT
        case Meaning.IN_DOUBT:
            state = State.IN_DOUBT
        case Meaning.DEFERRED:
            again = next_try(task.tries, clock.now())
            return Result(task.attempt, State.DEFERRED, reply.code or None, str(reply), again)
        case _:
            state = State.PLANNED
    return Result(task.attempt, state, reply.code or None, str(reply))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
