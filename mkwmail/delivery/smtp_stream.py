"""The bytes of an SMTP connection, plain or TLS: replies read and data written, bounded in length and time."""

import contextlib
import re
import select
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from mkwmail.auth.credentials import tls_context
from mkwmail.delivery.smtp_replies import plain_text
from mkwmail.delivery.transport import Phase, Reply
from mkwmail.i18n import _

# RFC 5321 §4.5.3.1.5 allows a reply line of 512 octets; extensions and providers write longer ones.
_LONGEST_LINE = 4096
_MOST_LINES = 128
_LONGEST_QUOTE = 80  # characters of an answer that is not SMTP
_LINE = re.compile(rb"([2-5][0-5]\d)(?:([ -])(.*))?", re.DOTALL)
_WRITE = 65536
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step as a whole, at least (RFC 5321 §4.5.3.2)."""

    connect: float = 30
    greeting: float = 300
    command: float = 300  # EHLO, STARTTLS, AUTH, MAIL, RCPT
    data: float = 120
    block: float = 180  # each piece of the body
    dot: float = 600
    rset: float = 20  # another connection is the quicker way on
    quit: float = 5  # nothing depends on it

    def of(self, phase: Phase) -> float:
        """Return how long the reply to this step may take."""
        own = {Phase.GREETING: self.greeting, Phase.DATA: self.data, Phase.BODY: self.block, Phase.DOT: self.dot}
        return (own | {Phase.RSET: self.rset, Phase.QUIT: self.quit}).get(phase, self.command)


class Stream:
    """A connected socket, plain or TLS, and its unused input.

    ``lines`` are the lines of the last reply as they came: EHLO's list is in them. ``hide`` makes the stream mask
    secrets that the server repeats, in every reply from then on.
    """

    def __init__(self, connection: socket.socket, timeouts: Timeouts) -> None:
        self._socket = connection
        self._timeouts = timeouts
        self._seconds = {phase: timeouts.of(phase) for phase in Phase}  # once: a message has four replies
        self._lines: deque[bytes] = deque()  # read and not used yet, without their ends
        self._rest = b""  # the beginning of a line of which the end is to come
        self._awaits = False  # something was written since the last look for a reply
        self._hidden: tuple[re.Pattern[str], ...] = ()
        self.lines: list[bytes] = []
        # The final dot is a small write after larger ones: it must not wait for their acknowledgement.
        connection.settimeout(0)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these in later replies, also if spread over lines or spaces."""
        # In a reply that is shown, white space and control characters are single spaces or gone.
        shown = ("".join(letter for letter in secret if letter.isprintable()).split() for secret in secrets)
        self._hidden += tuple(_mask("".join(words)) for words in shown if words)

    def read(self, phase: Phase) -> Reply:
        """Return the next reply; code 0: none in time, or it is not SMTP."""
        # One deadline for the whole reply: a byte now and then does not prolong it.
        deadline = time.monotonic() + self._seconds[phase]
        code = b""
        lines: list[bytes] = []
        self.lines = lines
        try:
            while len(lines) < _MOST_LINES:
                line = self._next_line(deadline)
                said, last, text = _read_line(line)
                if not said or (code and said != code) or len(line) > _LONGEST_LINE:
                    return self._unreadable(line, phase)
                code = said
                lines.append(text)
                if last:
                    return _reply(code, tuple(lines), phase, self._hidden)
        except TimeoutError:
            return Reply(0, _("the server did not answer in time"), phase)
        except _TooLongError:
            return self._unreadable(self._rest, phase)
        except (OSError, ValueError):
            return Reply(0, _("the connection was lost"), phase)
        return self._unreadable(lines[0], phase)

    def write(self, data: bytes) -> int:
        """Write, and return how many octets the network took in time.

        Fewer than all if the connection failed: the octets that were not taken have not reached the server.
        """
        taken = 0
        view = memoryview(data)
        try:
            while taken < len(view):
                send = partial(self._socket.send, view[taken : taken + _WRITE])
                taken += self._done(send, time.monotonic() + self._timeouts.block, writing=True)
                self._awaits = True
        except (OSError, ValueError):
            pass
        return taken

    def has_pending_input(self) -> bool:
        """Return whether the server has sent something unasked, or closed."""
        if self.left_over:
            return True
        try:
            # Not poll(): what is readable under TLS may be a session ticket, which says nothing.
            self._keep(self._socket.recv(_LONGEST_LINE))
        except _NOT_YET:
            return False
        except (OSError, ValueError):
            pass
        return True

    @property
    def tls(self) -> str:
        """The version of TLS that protects the connection; empty without."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    @property
    def our_address(self) -> str:
        """The IP address that the connection has on this side."""
        try:
            return str(self._socket.getsockname()[0])
        except OSError:
            return "127.0.0.1"

    @property
    def left_over(self) -> bool:
        """Return whether more was read than was asked for."""
        return bool(self._lines or self._rest)

    def command(self, command: str, phase: Phase) -> Reply:
        """Say something, and return the reply."""
        # If the write fails, the server's last words may still be there to be read.
        self.write(f"{command}\r\n".encode("ascii"))
        return self.read(phase)

    def encrypted(self, host: str, ca_file: str | None = None) -> "Stream":
        """Return a stream over the same connection, in TLS from now on.

        What was read before is not used. ``ca_file``: authorities to trust besides the system's. Raises ssl.SSLError
        or OSError.
        """
        self._socket.settimeout(self._timeouts.connect)
        return Stream(tls_context(ca_file).wrap_socket(self._socket, server_hostname=host), self._timeouts)

    def cut(self) -> None:
        """End the connection now, also while another thread uses it."""
        with contextlib.suppress(OSError):
            # The plain socket's method: SSLSocket's own would let the other thread go on without TLS.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _next_line(self, deadline: float) -> bytes:
        while not self._lines:
            if len(self._rest) > _LONGEST_LINE:
                raise _TooLongError
            if self._awaits and not self._tls_pending():
                # The answer to what was written this moment is hardly there yet.
                _wait(self._socket, deadline, writing=False)
            self._awaits = False
            data = self._done(partial(self._socket.recv, _LONGEST_LINE), deadline, writing=False)
            if not data:
                raise ConnectionResetError
            self._keep(data)
        return self._lines.popleft()

    def _done(self, act: Callable[[], T], deadline: float, writing: bool) -> T:
        """Read or write once the network is ready; TimeoutError if too late."""
        while True:
            try:
                return act()
            except ssl.SSLWantWriteError:
                writing = True
            except ssl.SSLWantReadError:
                writing = False
            except BlockingIOError:
                pass
            _wait(self._socket, deadline, writing)

    def _tls_pending(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _keep(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += lines

    def _unreadable(self, line: bytes, phase: Phase) -> Reply:
        text = plain_text([line], self._hidden)[:_LONGEST_QUOTE]
        return Reply(0, _("the server answered something that is not SMTP: %(text)s") % {"text": text}, phase)


def _wait(connection: socket.socket, deadline: float, writing: bool) -> None:
    """Wait until the network is ready; raise TimeoutError if too late."""
    left = max(0.0, deadline - time.monotonic())
    if sys.platform == "win32":
        wanted = ([], [connection], [connection]) if writing else ([connection], [], [])
        ready = any(select.select(*wanted, left))
    else:
        # Unlike select(), for any number of open files.
        poll = select.poll()
        poll.register(connection, select.POLLOUT if writing else select.POLLIN)
        ready = bool(poll.poll(left * 1000))
    if not ready:
        raise TimeoutError


class _TooLongError(Exception):
    """A reply line beyond all bounds."""


def _mask(secret: str) -> re.Pattern[str]:
    pattern = r"\s*".join(map(re.escape, secret))
    # A short one is masked only as a word of its own: else half of every sentence would be gone.
    return re.compile(pattern if len(secret) > 3 else rf"(?<!\w){pattern}(?!\w)")


@lru_cache(maxsize=32)
def _read_line(line: bytes) -> tuple[bytes, bool, bytes]:
    """Return a line's code (empty: no reply), if it is the last, its text."""
    match = _LINE.fullmatch(line.rstrip(b"\r"))
    return (match[1], match[2] != b"-", match[3] or b"") if match else (b"", True, line)


@lru_cache(maxsize=32)
def _reply(code: bytes, lines: tuple[bytes, ...], phase: Phase, hidden: tuple[re.Pattern[str], ...]) -> Reply:
    # Most replies say the same as the one before them at that step.
    return Reply(int(code), plain_text(lines, hidden), phase)
