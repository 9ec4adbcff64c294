"""The seam between delivery and the way a message travels, or stops.

Delivery knows nothing else about SMTP, nor about Ctrl-C: the first finishes the message under way, the second does not.
"""

import queue
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import Protocol

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.mail.letter import Message

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|:|$)")


class Phase(StrEnum):
    """The step that a reply answers (RFC 5321 §3, RFC 3207, RFC 4954)."""

    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    TOKEN = "AUTH, token"  # the login with an access token instead of a password
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "body"  # the body is under way, its final dot is not written
    DOT = "final dot"  # the final dot is written, or may be
    RSET = "RSET"
    QUIT = "QUIT"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the server, or its absence.

    ``code`` is the reply code (RFC 5321 §4.2), or 0 if there was none that can be understood: the connection was
    lost, time ran out, or the answer was not SMTP. ``text`` can be shown: one line, no control characters, bounded.
    """

    code: int
    text: str
    phase: Phase

    @property
    def enhanced(self) -> str:
        """The enhanced status code, as ``5.7.1``; empty if there is none."""
        match = _ENHANCED.match(self.text)
        return match[0] if match else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text


class Transport(Protocol):
    """A way to hand messages over, used by one thread at a time.

    The contract, which tests/delivery/test_transport.py checks: ``begin`` is called before the first byte of each
    body leaves, and a body that it declines (or for which it raises) does not leave. Every message of which the body
    was begun is yielded with its reply, at most one at a time is without one, and nothing is yielded twice.
    """

    @property
    def most(self) -> int | None:
        """How many messages one session may carry; None without a limit."""
        ...

    def submit(self, messages: Iterable[Message], begin: Callable[[Message], bool]) -> Iterator[tuple[Message, Reply]]:
        """Submit in order; yield each with the reply that decided about it.

        That is the first failing reply of its transaction, or the reply to its end. It ends early if the connection
        is of no further use: messages that were not yielded then were not begun, unless the connection was lost
        while the body of the last of them was under way.
        """
        ...

    def cut(self) -> None:
        """End it at once, from any thread; a message under way gets code 0."""
        ...

    def close(self) -> None:
        """Say goodbye and end the connection; it may be called again."""
        ...


Open = Callable[[], Transport]
"""Opens a session; raises :class:`NoSessionError`."""


class NoSessionError(UserError):
    """No session; if ``lasting``, trying again is of no use."""

    def __init__(self, fault: Fault, code: ExitCode, lasting: bool) -> None:
        super().__init__(fault, code=code)
        self.lasting = lasting


class Stop:
    """A request to begin nothing new, and ``at_once`` to await no reply."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.at_once = threading.Event()

    def ask(self) -> None:
        """Ask to stop; asking again means at once."""
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Let Ctrl-C and SIGTERM ask a run to stop; in the main thread only."""
    stop = Stop()
    signals: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def listen() -> None:
        while signals.get():
            stop.ask()

    def handle(_number: int, _frame: FrameType | None) -> None:
        # Setting an Event here could deadlock: the main thread may be inside that Event's own lock.
        # SimpleQueue.put() may be called from a handler (docs.python.org, queue).
        signals.put(True)

    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in wanted}
    listener = threading.Thread(target=listen, name="mkwmail-stop", daemon=True)
    listener.start()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.put(False)
        listener.join()
