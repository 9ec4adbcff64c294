"""A scripted SMTP server on loopback: its answers are scripted step by step, and what it received is kept.

    with ScriptedServer() as server:
        server.on("RCPT", "451 4.2.0 later", recipient="b@example.org", times=1)
        server.on("DOT", DROP)
        …
        assert server.bodies_of("a@example.org") == 1

Steps: CONNECT (before the greeting), GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, BODY (within the body,
after its first line), DOT, RSET, QUIT. Without a rule, it behaves as a server should.
"""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import NoReturn, Self

from mkwmail.config.settings import Security, Smtp


@dataclass(frozen=True)
class Drop:
    """Close the connection."""


@dataclass(frozen=True)
class Silence:
    """Say nothing until the client goes away."""


@dataclass(frozen=True)
class Stall:
    """Say nothing, and read nothing either, until the server is stopped."""


@dataclass(frozen=True)
class Raw:
    """Answer with just these bytes, and go on as if nothing were wrong."""

    data: bytes


@dataclass(frozen=True)
class Slowly:
    """Answer byte by byte, with so many seconds between them."""

    reply: str
    seconds: float


@dataclass(frozen=True)
class ReplyThenDrop:
    """Answer, and close the connection."""

    reply: str


@dataclass(frozen=True)
class ReplyThenSilence:
    """Answer, and say nothing more until the client goes away."""

    reply: str


@dataclass(frozen=True)
class Call:
    """Call this, then behave as usual."""

    function: Callable[[], object]


Action = str | Drop | Silence | Stall | Raw | Slowly | ReplyThenDrop | ReplyThenSilence | Call
DROP = Drop()
SILENCE = Silence()
STALL = Stall()


@dataclass
class Rule:
    """An action at a step, for one recipient or any, so many times or always; after ``skip`` of them."""

    step: str
    action: Action
    recipient: str | None
    times: int | None
    skip: int


@dataclass(frozen=True)
class Taken:
    """A message whose final dot came, accepted or not."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    connection: int
    reply: str


@dataclass
class _State:
    """One connection's."""

    connection: int
    socket: socket.socket
    buffer: bytes = b""
    encrypted: bool = False
    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class _ClosedError(Exception):
    """The conversation is over."""


class ScriptedServer:
    """See the module. ``users``: name → password, if a login is required; ``takes_token``: whether a login with an
    access token is good, told name and token, by the ``mechanisms`` that are then offered."""

    def __init__(
        self,
        extensions: tuple[str, ...] = (),
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        users: dict[str, str] | None = None,
        takes_token: Callable[[str, str], bool] | None = None,
        mechanisms: str = "XOAUTH2",
    ) -> None:
        self.extensions = extensions
        self.commands: list[str] = []
        self.taken: list[Taken] = []
        self.connections = 0
        self.behind: list[tuple[str, int]] = []  # each command, and how many whole lines had come behind it
        self.takes_data_anyway = False  # answers 354 even if every recipient was refused
        self.forgets = False  # drops what was said before it answered, as some that offer PIPELINING do
        self._tls = tls
        if tls:
            tls.sslsocket_class = _Encrypted
        self._implicit = implicit_tls
        self._users = users
        self._takes_token = takes_token
        self._mechanisms = mechanisms
        self._rules: list[Rule] = []
        self._turn = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._changed = threading.Condition(self._turn)

    # The script

    def on(
        self, step: str, action: Action, *, recipient: str | None = None, times: int | None = None, skip: int = 0
    ) -> None:
        """Do this at that step. Of several rules that fit, the first told decides."""
        self._rules.append(Rule(step, action, recipient, times, skip))

    def off(self, step: str) -> None:
        """Do as usual again at that step."""
        self._rules = [rule for rule in self._rules if rule.step != step]

    # Received mail and commands

    def bodies_of(self, address: str) -> int:
        """How many messages with their final dot came for an address."""
        return sum(address in taken.recipients for taken in self.taken)

    def said(self, start: str) -> list[str]:
        """The commands that begin so."""
        return [command for command in self.commands if command.upper().startswith(start.upper())]

    def wait_for(self, start: str, seconds: float = 10) -> None:
        """Return when a command that begins so has come, or a message if ``start`` is ``.``."""
        with self._changed:
            came = self._changed.wait_for(lambda: bool(self.taken) if start == "." else bool(self.said(start)), seconds)
        assert came, f"no {start} within {seconds} s"

    # Running

    @property
    def port(self) -> int:
        """The free port that it got."""
        return int(self._listening.getsockname()[1])

    def smtp(self, **settings: object) -> Smtp:
        """Settings to reach it: without encryption, unless told otherwise."""
        return Smtp.model_validate({"host": "127.0.0.1", "port": self.port, "security": Security.NONE, **settings})

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        # Closing alone does not wake up accept().
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._turn:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _address = self._listening.accept()
                # Several short replies in a row: none must wait until the client has acknowledged those before it.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return
            with self._turn:
                self.connections += 1
                self._open.add(connection)
                number = self.connections
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        state = _State(number, connection)
        try:
            self._act(state, "CONNECT", "")
            if self._implicit:
                self._encrypt(state)
            self._act(state, "GREETING", "220 test.localhost ESMTP")
            while True:
                self._command(state, self._line(state))
        except (_ClosedError, OSError):
            pass
        finally:
            with self._turn:
                self._open.discard(connection)
                self._open.discard(state.socket)
            with contextlib.suppress(OSError):
                state.socket.close()

    # The conversation

    def _command(self, state: _State, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        if self.forgets:
            state.buffer = b""
        with self._changed:
            self.commands.append(line)
            self.behind.append((line, state.buffer.count(b"\r\n")))
            self._changed.notify_all()
        match verb:
            case "EHLO":
                self._act(state, "EHLO", self._hello(state))
            case "HELO":
                self._act(state, "HELO", "250 scripted.example.org")
            case "STARTTLS":
                self._act(state, "STARTTLS", "220 go ahead")
                self._encrypt(state)
            case "AUTH" if self._takes_token is not None and "PLAIN" not in line:
                self._act(state, "AUTH", self._token_login(state, line))
            case "AUTH":
                self._act(state, "AUTH", self._login(line))
            case "MAIL":
                state.sender, state.recipients = _path(line), []
                self._act(state, "MAIL", "250 2.1.0 ok")
            case "RCPT":
                reply = self._act(state, "RCPT", "250 2.1.5 ok", _path(line))
                if reply.startswith("25"):
                    state.recipients.append(_path(line))
            case "DATA":
                self._data(state)
            case "RSET":
                state.recipients = []
                self._act(state, "RSET", "250 2.0.0 ok")
            case "QUIT":
                self._act(state, "QUIT", "221 2.0.0 bye")
                raise _ClosedError
            case _:
                self._send(state, b"500 5.5.2 unknown command\r\n")

    def _data(self, state: _State) -> None:
        if not state.recipients and not self.takes_data_anyway:
            self._send(state, b"503 5.5.1 RCPT first\r\n")
            return
        recipient = state.recipients[0] if state.recipients else ""
        reply = self._act(state, "DATA", "354 go ahead", recipient)
        if not reply.startswith("354"):
            return
        lines: list[bytes] = []
        while (line := self._octets(state)) != b".":
            lines.append(line.removeprefix(b".") if line.startswith(b".") else line)
            if len(lines) == 1:
                self._act(state, "BODY", "", recipient)
        data = b"".join(line + b"\r\n" for line in lines)
        action = self._action("DOT", "250 2.0.0 queued" if recipient else "554 5.5.1 nobody", recipient)
        with self._changed:
            self.taken.append(Taken(state.sender, tuple(state.recipients), data, state.connection, _shown(action)))
            self._changed.notify_all()
        state.recipients = []
        self._do(state, action)

    def _hello(self, state: _State) -> str:
        offered = list(self.extensions)
        if self._tls and not state.encrypted and not self._implicit:
            offered.append("STARTTLS")
        if self._users is not None and not any(each.startswith("AUTH") for each in offered):
            offered.append("AUTH PLAIN LOGIN")
        if self._takes_token is not None:
            offered.append(f"AUTH {self._mechanisms}")
        lines = ["test.localhost", *offered]
        return "\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines)

    def _login(self, line: str) -> str:
        words = line.split()
        if self._users is None or len(words) < 3 or words[1].upper() != "PLAIN":
            return "504 5.5.4 PLAIN only"
        _empty, user, password = base64.b64decode(words[2]).decode("utf-8").split("\0")
        return "235 2.7.0 welcome" if self._users.get(user) == password else "535 5.7.8 wrong password"

    def _token_login(self, state: _State, line: str) -> str:
        """Return the reply to a login with a token; for a wrong token, the challenge that says why comes before it."""
        _verb, mechanism, *given = line.split(" ")
        if not given:
            self._send(state, b"334 \r\n")
            given = [self._line(state)]
        fields = base64.b64decode(given[0]).decode("utf-8").split("\1")
        if mechanism == "OAUTHBEARER":
            assert fields[1:3] == ["host=127.0.0.1", f"port={self.port}"], fields
        name = fields[0].removeprefix("n,a=").removeprefix("user=").rstrip(",").replace("=2C", ",").replace("=3D", "=")
        token = next(field for field in fields if field.startswith("auth=")).removeprefix("auth=Bearer ")
        assert fields[-2:] == ["", ""] and self._takes_token is not None
        if self._takes_token(name, token):
            return "235 2.7.0 welcome"
        self._send(state, b"334 " + base64.b64encode(b'{"status":"invalid_token","schemes":"bearer"}') + b"\r\n")
        assert self._line(state) == {"XOAUTH2": "", "OAUTHBEARER": "AQ=="}[mechanism]
        action = self._action("TOKEN", "535 5.7.8 token not taken", "")
        return action if isinstance(action, str) else "535 5.7.8 token not taken"

    def _encrypt(self, state: _State) -> None:
        if self._tls is None:
            raise _ClosedError
        plain = state.socket
        state.socket = self._tls.wrap_socket(plain, server_side=True)
        state.encrypted = True
        with self._turn:
            self._open.discard(plain)
            self._open.add(state.socket)

    # Acting

    def _rule(self, step: str, recipient: str) -> Rule | None:
        with self._turn:
            for rule in self._rules:
                if rule.step != step or rule.recipient not in (None, recipient) or rule.times == 0:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None

    def _act(self, state: _State, step: str, usual: str, recipient: str = "") -> str:
        return self._do(state, self._action(step, usual, recipient))

    def _action(self, step: str, usual: str, recipient: str) -> Action:
        rule = self._rule(step, recipient)
        if rule and isinstance(rule.action, Call):
            rule.action.function()
            return usual
        return rule.action if rule else usual

    def _do(self, state: _State, action: Action) -> str:
        match action:
            case Drop():
                raise _ClosedError
            case Silence():
                self._say_nothing(state)
            case ReplyThenSilence(reply):
                self._send(state, f"{reply}\r\n".encode())
                self._say_nothing(state)
            case Call(function):
                function()
                return ""
            case Stall():
                self._over.wait()
                raise _ClosedError
            case Raw(data):
                self._send(state, data)
                return ""
            case Slowly(reply, seconds):
                for octet in f"{reply}\r\n".encode():
                    time.sleep(seconds)
                    self._send(state, bytes([octet]))
                return reply
            case ReplyThenDrop(reply):
                self._send(state, f"{reply}\r\n".encode())
                raise _ClosedError
            case str():
                if action:
                    self._send(state, ("\r\n".join(action.split("\n")) + "\r\n").encode())
                return action

    def _say_nothing(self, state: _State) -> NoReturn:
        while state.socket.recv(4096):
            pass
        raise _ClosedError

    def _send(self, state: _State, data: bytes) -> None:
        state.socket.sendall(data)

    def _line(self, state: _State) -> str:
        return self._octets(state).decode("latin-1")

    def _octets(self, state: _State) -> bytes:
        while b"\r\n" not in state.buffer:
            data = state.socket.recv(65536)
            if not data:
                raise _ClosedError
            state.buffer += data
        line, state.buffer = state.buffer.split(b"\r\n", 1)
        return line


class _Encrypted(ssl.SSLSocket):
    """Closed with its last reference: Python leaves one open that its peer resets just before the handshake."""

    def __del__(self) -> None:
        self.close()


def _shown(action: Action) -> str:
    match action:
        case str():
            return action
        case ReplyThenDrop(reply) | ReplyThenSilence(reply) | Slowly(reply):
            return reply
        case _:
            return type(action).__name__


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
