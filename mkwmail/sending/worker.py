"""A worker: one connection in a thread of its own, that submits what delivery hands it and reports back."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from mkwmail.clock import Clock
from mkwmail.language import _
from mkwmail.ledger.records import Result, State, next_try
from mkwmail.ledger.wire import Wire
from mkwmail.letters.message import Message
from mkwmail.sending.reply import Meaning, Phase, Reply, meaning
from mkwmail.sending.session import Submission
from mkwmail.sending.stop import Stop

Connect = Callable[[], Submission]


@dataclass(frozen=True, slots=True)
class Task:
    """A message whose claim is durable. ``tries``: which try it is."""

    attempt: int
    tries: int
    message: Message


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has a session and nothing to do. ``left``: how many messages the session may still carry."""

    worker: "Worker"
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Replied:
    """A message has its reply, which is in the wire journal."""

    worker: "Worker"
    task: Task
    reply: Reply
    result: Result


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; ``error``: why none could be opened, or what went wrong. The worker waits for a
    word to connect again. ``spent``: it carried all the messages that it may."""

    worker: "Worker"
    error: Exception | None = None
    spent: bool = False


Event = Ready | Replied | Ended

_LEAVE = None
_CONNECT = object()
_NOTHING = object()
_STOPPED = object()


class Worker:
    """One connection. Delivery's thread calls its methods; what happens comes back through ``events``."""

    def __init__(
        self,
        connect: Connect,
        wire: Wire,
        clock: Clock,
        events: "queue.SimpleQueue[Event]",
        per_connection: int | None,
        stop: Stop,
    ) -> None:
        self._connect = connect
        self._wire = wire
        self._clock = clock
        self._events = events
        self._per_connection = per_connection
        self._inbox: queue.SimpleQueue[Task | object | None] = queue.SimpleQueue()
        self._tasks: dict[str, Task] = {}
        self._session: Submission | None = None
        self._recalled = False
        self._stop = stop
        # A daemon: a server that says nothing for ten minutes must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="mkwmail-connection", daemon=True)

    def start(self) -> None:
        """Begin, by connecting."""
        self._thread.start()
        self.connect()

    def connect(self) -> None:
        """Open a session; Ready or Ended tells how that went."""
        self._inbox.put(_CONNECT)

    def hand(self, task: Task) -> None:
        """Submit this message when those before it are under way; Replied tells how it went."""
        self._tasks[task.message.message_id] = task
        self._inbox.put(task)

    def recall(self) -> None:
        """Begin no more bodies: what was handed over and not begun comes back, as released."""
        self._recalled = True

    def leave(self) -> None:
        """Take leave of the server, and end."""
        self._inbox.put(_LEAVE)

    def cut(self) -> None:
        """End the connection without waiting for the server."""
        session = self._session
        if session is not None:
            session.cut()

    def join(self, seconds: float) -> None:
        """Wait for the end, so long at most."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while (asked := self._inbox.get()) is not _LEAVE:
            try:
                if isinstance(asked, Task):
                    # It was handed over when the session was ending.
                    self._release(asked)
                    continue
                spent = self._serve()
            except Exception as error:
                self._events.put(Ended(self, error))
                continue
            if spent is None:
                return
            self._events.put(Ended(self, spent=spent))

    def _serve(self) -> bool | None:
        """One session. None: told to leave; else whether it ended because it was spent."""
        session = self._connect()
        self._session = session
        feed = _Feed(self._next, _least(self._per_connection, session.most))
        lost = False
        try:
            for message, reply in session.submit(iter(feed), self._begin):
                self._note(self._tasks.pop(message.message_id), reply)
                lost = meaning(reply) in (Meaning.RELEASED, Meaning.IN_DOUBT)
                if meaning(reply) is Meaning.RUN:
                    self._recalled = True
        finally:
            session.close()
            self._session = None
            self._give_back()
        return None if feed.told_to_leave else feed.left == 0 and not lost

    def _give_back(self) -> None:
        """Release what was handed over and not begun."""
        with suppress(queue.Empty):
            while isinstance(asked := self._inbox.get_nowait(), Task):
                self._release(asked)
            # A word to leave or to connect, behind which nothing comes.
            self._inbox.put(asked)

    def _release(self, task: Task) -> None:
        self._tasks.pop(task.message.message_id, None)
        self._note(task, Reply(0, _("the connection was lost"), Phase.MAIL))

    def _next(self, wait: bool, left: int | None) -> Task | object | None:
        """What is in the inbox; ``_NOTHING`` where it is empty and is not to be waited for."""
        if self._halted:
            return _STOPPED
        try:
            return self._inbox.get_nowait()
        except queue.Empty:
            if not wait:
                return _NOTHING
        # Only now, when the session asks: a task that is handed over is sure to be taken.
        self._events.put(Ready(self, left))
        return self._inbox.get()

    @property
    def _halted(self) -> bool:
        # Ctrl-C at once, and not only when delivery has looked at it.
        return self._recalled or self._stop.asked.is_set()

    def _begin(self, message: Message) -> bool:
        if self._halted:
            return False
        self._wire.body(self._tasks[message.message_id].attempt)
        return True

    def _note(self, task: Task, reply: Reply) -> None:
        result = result_of(task, reply, self._clock)
        try:
            self._wire.reply(result)
        finally:
            self._events.put(Replied(self, task, reply, result))


class _Feed:
    """The messages of one session, as the session asks for them."""

    def __init__(self, take: Callable[[bool, int | None], Task | object | None], most: int | None) -> None:
        self._take = take
        self.left = most
        self.told_to_leave = False

    def __iter__(self) -> Iterator[Message | None]:
        while self.left != 0:
            task = self._take(False, self.left)
            if task is _NOTHING:
                # Nothing right now: whatever is under way comes first.
                yield None
                task = self._take(True, self.left)
            if not isinstance(task, Task):
                self.told_to_leave = task is _LEAVE
                return
            if self.left is not None:
                self.left -= 1
            yield task.message


def result_of(task: Task, reply: Reply, clock: Clock) -> Result:
    """How an attempt ended, as far as its own reply tells.

    A refusal counts as planned until delivery knows that it is the member's (:mod:`~mkwmail.sending.refusals`).
    """
    match meaning(reply):
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
