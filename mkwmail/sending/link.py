"""The connection's bytes: replies read with bounds on length and time, data written with a bound on time.

Reading and writing are steps: generators that say what they wait for (:class:`Wait`), so that one thread can see
to many connections. :meth:`Link.through` goes through them for one connection alone.
"""

import contextlib
import re
import select
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

from mkwmail.language import _
from mkwmail.sending.reply import Phase, Reply, plain_text

# RFC 5321 §4.5.3.1.5 allows a reply line of 512 octets; extensions and providers write longer ones.
_LONGEST_LINE = 4096
_MOST_LINES = 128
_LINE = re.compile(rb"([2-5][0-5]\d)(?:([ -])(.*))?", re.DOTALL)
_WRITE = 65536
_JUST_NOW = 0.001  # seconds: what comes in them could as well come a moment after one has looked
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take in whole, in seconds (RFC 5321 §4.5.3.2, the least that it asks for)."""

    connect: float = 30
    greeting: float = 300
    command: float = 300  # EHLO, STARTTLS, AUTH, MAIL, RCPT
    data: float = 120
    block: float = 180  # each piece of the body
    dot: float = 600
    rset: float = 20  # another connection is the quicker way on
    quit: float = 5  # nothing depends on it

    def of(self, phase: Phase) -> float:
        """How long the reply to this step may take."""
        match phase:
            case Phase.GREETING:
                return self.greeting
            case Phase.DATA:
                return self.data
            case Phase.BODY:
                return self.block
            case Phase.DOT:
                return self.dot
            case Phase.RSET:
                return self.rset
            case Phase.QUIT:
                return self.quit
            case _:
                return self.command


class Wait(NamedTuple):
    """Nothing can be done before the network is ready for reading, or ``writing``; ``until`` (of
    ``time.monotonic``) at the longest."""

    writing: bool
    until: float


Steps = Generator[Wait, None, _T]
"""What waits on its way to a value."""


class Link:
    """A connected socket, plain or TLS, and what was read from it but not used yet."""

    def __init__(self, connection: socket.socket, timeouts: Timeouts) -> None:
        self._socket = connection
        self._timeouts = timeouts
        self._lines: deque[bytes] = deque()  # read and not used yet, without their ends
        self._begun = b""  # of a line whose end is to come
        self._heard = 0.0  # when all that had come was read, and nothing was written since
        self._asked = False  # something was written since the last look for a reply
        self.lines: list[bytes] = []  # of the last reply, as they came: what EHLO lists stands in them
        # The final dot is a small write after larger ones: it must not wait for their acknowledgement.
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """The number by which the system knows the connection; -1 where it is closed."""
        return self._socket.fileno()

    def through(self, steps: Steps[_T]) -> _T:
        """Go through the steps to the end, waiting where they wait."""
        while True:
            try:
                wait = next(steps)
            except StopIteration as end:
                value: _T = end.value
                return value
            ready({self.fileno(): wait.writing}, wait.until - time.monotonic())

    def read(self, phase: Phase) -> Steps[Reply]:
        """The next reply; code 0 where none came in time, or what came is no reply (RFC 5321 §4.2)."""
        deadline = 0.0
        code = b""
        lines: list[bytes] = []
        self.lines = lines
        try:
            while len(lines) < _MOST_LINES:
                if not self._lines:
                    # One for the whole reply; what is at hand needs none.
                    deadline = deadline or time.monotonic() + self._timeouts.of(phase)
                    yield from self._fill(deadline)
                line = self._lines.popleft()
                said, last, text = _read_line(line)
                if not said or (code and said != code) or len(line) > _LONGEST_LINE:
                    return Reply(0, _unreadable([line]), phase)
                code = said
                lines.append(text)
                if last:
                    return _reply(code, tuple(lines), phase)
        except TimeoutError:
            return Reply(0, _("the server did not answer in time"), phase)
        except _TooLongError:
            return Reply(0, _unreadable([self._begun[:80]]), phase)
        except (OSError, ValueError):
            return Reply(0, _("the connection was lost"), phase)
        return Reply(0, _unreadable(lines[:1]), phase)

    def write(self, pieces: Iterable[bytes]) -> Steps[int]:
        """Write the pieces one after the other; how many octets the network took in time.

        Fewer than all where the connection failed: what was not taken has certainly not reached the server.
        """
        taken = 0
        try:
            for piece in pieces:
                view = memoryview(piece)
                start = 0
                while start < len(view):
                    part = view[start : start + _WRITE]
                    until = time.monotonic() + self._timeouts.block
                    count = yield from self._done(partial(self._socket.send, part), until, writing=True)
                    start += count
                    taken += count
                    self._asked, self._heard = True, 0.0
        except (OSError, ValueError):
            pass
        return taken

    def has_spoken(self) -> bool:
        """Whether the server has said something unasked, or closed the connection."""
        if self.left_over:
            return True
        # Under TLS one look need not read all that is there.
        if not isinstance(self._socket, ssl.SSLSocket) and time.monotonic() - self._heard < _JUST_NOW:
            return False
        try:
            # Not select(): what is readable under TLS may be a session ticket, which says nothing.
            self._keep(self._at_once(partial(self._socket.recv, _LONGEST_LINE)))
        except _NOT_YET:
            return False
        except (OSError, ValueError):
            pass
        return True

    @property
    def tls(self) -> str:
        """The version of TLS that protects the connection; empty where it is not protected."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    @property
    def our_address(self) -> str:
        """The IP address that the connection has on this side."""
        try:
            return str(self._socket.getsockname()[0])
        except OSError:
            return "127.0.0.1"

    def is_over(self, connection: socket.socket) -> bool:
        """Whether this is the link over that socket."""
        return self._socket is connection

    @property
    def left_over(self) -> bool:
        """Whether more was read than what was asked for."""
        return bool(self._lines or self._begun)

    def cut(self) -> None:
        """End the connection now, also where another thread is reading from it or writing to it."""
        with contextlib.suppress(OSError):
            # The plain socket's method: SSLSocket's own would let the other thread go on without TLS.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _fill(self, deadline: float) -> Steps[None]:
        """Read until a line is there."""
        while not self._lines:
            if len(self._begun) > _LONGEST_LINE:
                raise _TooLongError
            # One deadline for the whole reply: a byte now and then does not prolong it.
            if time.monotonic() >= deadline:
                raise TimeoutError
            if self._asked:
                # The answer to what was written this moment is hardly there yet.
                self._asked = False
                if not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
                    yield Wait(writing=False, until=deadline)
            data = yield from self._done(partial(self._socket.recv, _LONGEST_LINE), deadline, writing=False)
            if not data:
                raise ConnectionResetError
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._heard = time.monotonic()
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._lines += lines

    def _done(self, act: Callable[[], _T], until: float, writing: bool) -> Steps[_T]:
        """What reading or writing gives as soon as the network is ready for it; waits only where it is not."""
        while True:
            try:
                return self._at_once(act)
            except ssl.SSLWantWriteError:
                writing = True
            except ssl.SSLWantReadError:
                writing = False
            except BlockingIOError:
                pass
            if time.monotonic() >= until:
                raise TimeoutError
            yield Wait(writing, until)

    def _at_once(self, act: Callable[[], _T]) -> _T:
        # smtplib sets time-outs of its own while the session is set up.
        if self._socket.gettimeout() != 0:
            self._socket.settimeout(0)
        return act()


def ready(connections: Mapping[int, bool], seconds: float) -> list[int]:
    """Which of these the network is ready for, as soon as it is for one, or after so many seconds none.

    By their numbers, with whether it is for writing. Where there are none, nothing is waited for but the time.
    """
    seconds = max(0.0, seconds)
    if sys.platform == "win32":
        writing = [number for number, write in connections.items() if write]
        reading = [number for number, write in connections.items() if not write]
        return sorted({number for found in select.select(reading, writing, writing, seconds) for number in found})
    watched = select.poll()  # unlike select(), for any number of open files
    for number, write in connections.items():
        watched.register(number, select.POLLOUT if write else select.POLLIN)
    return [number for number, _event in watched.poll(seconds * 1000)]


@lru_cache(maxsize=32)
def _read_line(line: bytes) -> tuple[bytes, bool, bytes]:
    """The code of a reply's line, whether it is the last one, and its text; an empty code where it is none."""
    match = _LINE.fullmatch(line.rstrip(b"\r"))
    return (match[1], match[2] != b"-", match[3] or b"") if match else (b"", True, line)


@lru_cache(maxsize=32)
def _reply(code: bytes, lines: tuple[bytes, ...], phase: Phase) -> Reply:
    """A reply; most say the same as the one before them at that step."""
    return Reply(int(code), plain_text(lines), phase)


class _TooLongError(Exception):
    """A reply line beyond all measure."""


def _unreadable(lines: Iterable[bytes]) -> str:
    return _("the server answered something that is not SMTP: %(text)s") % {"text": plain_text(lines)}
