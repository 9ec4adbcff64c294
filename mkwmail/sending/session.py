"""One session with the server, in which messages are submitted (RFC 6409, RFC 5321 §3.3).

Where the server offers PIPELINING (RFC 2920), the commands of a message go out together, behind the body of the one
before it: a message then costs one round trip. Its body always waits for the server's word.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mkwmail.language import _
from mkwmail.letters.message import Message
from mkwmail.sending.link import Link, Steps, Wait, ready
from mkwmail.sending.reply import Phase, Reply, accepted, closes

Begin = Callable[[Message], bool]

_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_DOT = b".\r\n"
_TOGETHER = 65536  # octets of a body that goes out in one write with its dot and what follows


class Idle(Enum):
    """A session has nothing to do."""

    IDLE = "idle"


Step = Wait | Idle | tuple[Message, Reply]
"""What a session waits for before it can go on, or a message with its reply."""


class Submission(Protocol):
    """A way to hand messages to a server. All that delivery knows of SMTP."""

    @property
    def most(self) -> int | None:
        """How many messages one session may carry, where the server says so (LIMITS MAILMAX, RFC 9422)."""
        ...

    def fileno(self) -> int:
        """The number by which the system knows the connection."""
        ...

    def steps(self, messages: Iterator[Message | None], begin: Begin) -> Iterator[Step]:
        """Submit messages, step by step; each message comes with the reply that ended it: the first failing one,
        or that to its dot.

        ``messages`` is asked for the next one whenever there is room for it. It answers None where there is
        nothing right now: what is under way is then finished, and after a step IDLE it is asked again.
        ``begin`` is called just before the first byte of a body is written. Where it says False, or raises, the
        session ends without that body.

        It ends early where the connection is of no use any more; a message taken from ``messages`` always
        has its reply.
        """
        ...

    def cut(self) -> None:
        """End the connection at once. May be called from another thread."""
        ...

    def close(self) -> None:
        """Take leave of the server (QUIT) and end the connection. May be called more than once."""
        ...


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the server said it can do (RFC 5321 §4.1.1.1): keyword → parameters, keywords in upper case."""

    offered: dict[str, str]

    @property
    def size(self) -> int | None:
        """The largest message in octets; None where the server sets no fixed limit (RFC 1870 §4)."""
        return _positive(self.offered.get("SIZE", ""))

    @property
    def most_messages(self) -> int | None:
        """How many messages a session may carry (LIMITS MAILMAX, RFC 9422 §4.1).

        RCPTMAX is at least one, and there is never more than one recipient.
        """
        for limit in self.offered.get("LIMITS", "").split():
            name, _equals, value = limit.partition("=")
            if name.upper() == "MAILMAX":
                return _positive(value)
        return None

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.offered


class Session:
    """A session that is set up: connected, encrypted, logged in."""

    def __init__(self, link: Link, extensions: Extensions) -> None:
        self._link = link
        self.extensions = extensions
        self._pipelines = "PIPELINING" in extensions
        self._dsn = "DSN" in extensions
        self._limit = extensions.size
        self.tls = link.tls
        self._usable = True
        self._closed = False

    @property
    def most(self) -> int | None:
        """How many messages this session may carry."""
        return self.extensions.most_messages

    def fileno(self) -> int:
        """The number by which the system knows the connection; -1 where it is closed."""
        return self._link.fileno()

    def submit(self, messages: Iterator[Message | None], begin: Begin) -> Iterator[tuple[Message, Reply]]:
        """Submit messages over this session alone (:meth:`Submission.steps`), waiting for the network."""
        for step in self.steps(messages, begin):
            if isinstance(step, Wait):
                ready({self.fileno(): step.writing}, step.until - time.monotonic())
            elif step is not Idle.IDLE:
                yield step

    def steps(self, messages: Iterator[Message | None], begin: Begin) -> Iterator[Step]:
        """See :class:`Submission`."""
        for message in messages:
            asked = False
            if message is None:
                yield Idle.IDLE
            while message is not None:
                following, ahead = None, False
                reply = yield from self._envelope(message, asked)
                if reply is None:
                    reply, following, ahead = yield from self._body(message, messages, begin)
                self._usable = self._usable and not closes(reply)
                yield message, reply
                if self._usable and reply.phase in (Phase.RCPT, Phase.DATA):
                    # The transaction is still open; after a refused dot it is not (RFC 5321 §4.1.1.5, §4.1.1.4).
                    self._usable = accepted((yield from self._command("RSET", Phase.RSET)))
                if not self._usable:
                    if following is not None:
                        yield following, Reply(0, _("the connection was lost"), Phase.MAIL)
                    return
                message, asked = following, ahead

    def reply_to_sender(self, sender: str) -> Reply:
        """What the server says of mail from a sender, to itself; nothing is sent.

        The first failing reply, or that to RCPT: many servers judge the sender only there.
        """
        reply = self._said(f"MAIL FROM:<{_mailbox(sender)}>", Phase.MAIL)
        if accepted(reply):
            reply = self._said(f"RCPT TO:<{_mailbox(sender)}>", Phase.RCPT)
        self._usable = self._usable and not closes(reply) and accepted(self._said("RSET", Phase.RSET))
        return reply

    def cut(self) -> None:
        """End the connection at once. May be called from another thread."""
        self._link.cut()

    def close(self) -> None:
        """QUIT, and end the connection. May be called more than once."""
        if self._closed:
            return
        self._closed = True
        if self._usable:
            self._said("QUIT", Phase.QUIT)
        self._usable = False
        self._link.close()

    def _envelope(self, message: Message, asked: bool) -> Steps[Reply | None]:
        """MAIL, RCPT and DATA; the first failing reply, None where the server waits for the body.

        ``asked``: they are on the wire already.
        """
        if self._too_large(message):
            return _too_large(message.size, self._limit or 0)
        # After a long wait for the pace the server may have taken leave.
        if not asked and self._link.has_spoken():
            return (yield from self._link.read(Phase.MAIL))
        if self._pipelines and not asked:
            yield from self._link.write([self._together(message)])
        commands = () if self._pipelines else self._commands(message)
        failing, anybody = None, False
        for step, phase in enumerate(_ENVELOPE):
            if self._pipelines:
                reply = yield from self._link.read(phase)
            else:
                reply = yield from self._command(commands[step], phase)
            if not accepted(reply):
                failing = failing or reply
                self._usable = not closes(reply)
                if not (self._usable and self._pipelines):
                    break
            elif phase is Phase.RCPT:
                anybody = True
            elif phase is Phase.DATA and failing is not None:
                self._usable = not anybody and (yield from self._end_without_body())
        return failing

    def _end_without_body(self) -> Steps[bool]:
        """End a body that the server waits for and nobody would get: a dot alone (RFC 2920 §3.1).

        Only where no recipient was accepted: else somebody would get an empty mail.
        """
        yield from self._link.write([_DOT])
        return not closes((yield from self._link.read(Phase.DOT)))

    def _body(
        self, message: Message, messages: Iterator[Message | None], begin: Begin
    ) -> Steps[tuple[Reply, Message | None, bool]]:
        """The body and its dot; the reply, the message that comes next, and whether its envelope went along."""
        # What the server says before the dot, it says of a message that it cannot have taken.
        if self._link.has_spoken():
            return (yield from self._link.read(Phase.BODY)), None, False
        if not self._may_begin(message, begin):
            return Reply(0, _("the run was stopped"), Phase.DATA), None, False
        body = message.chunks if message.dotless else tuple(stuffed(message.chunks))
        if message.size > _TOGETHER:
            # Long enough for the server to change its mind on the way.
            if (yield from self._link.write(body)) < sum(map(len, body)) or self._link.has_spoken():
                return (yield from self._link.read(Phase.BODY)), None, False
            body = ()
        following = next(messages, None) if self._pipelines else None
        ahead = following is not None and not self._too_large(following)
        more = self._together(following) if following is not None and ahead else b""
        whole = sum(map(len, body)) + len(_DOT)
        if (yield from self._link.write([b"".join((*body, _DOT, more))])) < whole:
            # Without its whole dot it is nothing (RFC 5321 §3.3).
            return (yield from self._link.read(Phase.BODY)), following, False
        return (yield from self._link.read(Phase.DOT)), following, ahead

    def _may_begin(self, message: Message, begin: Begin) -> bool:
        # Where it may not, the server waits for a body that must not come: nothing more can be said to it.
        self._usable = False
        self._usable = begin(message)
        return self._usable

    def _too_large(self, message: Message) -> bool:
        return self._limit is not None and message.size > self._limit

    def _commands(self, message: Message) -> tuple[str, ...]:
        """One for each phase of the envelope."""
        return self._mail(message), self._rcpt(message), "DATA"

    def _together(self, message: Message) -> bytes:
        return "\r\n".join((*self._commands(message), "")).encode("ascii")

    def _said(self, command: str, phase: Phase) -> Reply:
        return self._link.through(self._command(command, phase))

    def _command(self, command: str, phase: Phase) -> Steps[Reply]:
        # Where the write fails, the server's last words may still be there to be read.
        yield from self._link.write([f"{command}\r\n".encode("ascii")])
        return (yield from self._link.read(phase))

    def _mail(self, message: Message) -> str:
        command = f"MAIL FROM:<{_mailbox(message.sender)}>"
        if "SIZE" in self.extensions:
            command += f" SIZE={message.size}"
        if self._dsn:
            command += f" RET=HDRS ENVID={envelope_id(message.message_id)}"
        return command

    def _rcpt(self, message: Message) -> str:
        command = f"RCPT TO:<{_mailbox(message.recipient)}>"
        if self._dsn:
            # ORCPT comes back as Original-Recipient, through every forwarding (RFC 3461 §4.2).
            command += f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{_xtext(message.recipient)}"
        return command


def envelope_id(message_id: str) -> str:
    """The ENVID of a message, by which a report about it is matched (RFC 3461 §4.4).

    Its Message-ID without the brackets: that is opaque already, and known to the ledger.
    """
    return _xtext(message_id.strip("<> "))[:100]


def stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The body as it goes over the wire, without its final dot: dots doubled at line starts, wherever the
    chunks are cut, CRLF at its end (RFC 5321 §4.5.2)."""
    last = b"\n"
    before = b"\r"
    for chunk in chunks:
        if not chunk:
            continue
        if last == b"\n" and chunk.startswith(b"."):
            yield b"."
        # Where there is nothing to double, replace() gives the chunk itself: attachments are not copied.
        yield chunk.replace(b"\n.", b"\n..")
        before = chunk[-2:-1] or last
        last = chunk[-1:]
    if before + last != b"\r\n":
        yield b"\r\n"


_NOT_IN_XTEXT = re.compile(r"[^!-*,-<>-~]")
_IN_A_PATH = re.compile(r"[!-;=?-~]+")


def _too_large(size: int, limit: int) -> Reply:
    text = _("5.3.4 the message has %(size)d bytes, and the server takes %(limit)d") % {"size": size, "limit": limit}
    return Reply(552, text, Phase.MAIL)


def _xtext(text: str) -> str:
    """Text as SMTP parameters carry it (RFC 3461 §4)."""
    return _NOT_IN_XTEXT.sub(_in_hex, text)


def _in_hex(found: re.Match[str]) -> str:
    return f"+{ord(found[0]) & 0xFF:02X}"


def _mailbox(address: str) -> str:
    """The address, which must not be able to say anything else to the server."""
    if not _IN_A_PATH.fullmatch(address):
        raise ValueError(f"not an address that SMTP can carry: {address!r}")
    return address


def _positive(text: str) -> int | None:
    digits = text.strip().partition(" ")[0]
    return (int(digits) or None) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
