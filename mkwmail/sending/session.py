"""One session with the server, in which messages are submitted step by step (RFC 6409, RFC 5321 §3.3)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mkwmail.language import _
from mkwmail.letters.message import Message
from mkwmail.sending.link import Link
from mkwmail.sending.reply import Phase, Reply, accepted, closes

Begin = Callable[[Message], None]


class Submission(Protocol):
    """A way to hand messages to a server. All that delivery knows of SMTP."""

    @property
    def most(self) -> int | None:
        """How many messages one session may carry, where the server says so (LIMITS MAILMAX, RFC 9422)."""
        ...

    def submit(self, messages: Iterator[Message | None], begin: Begin) -> Iterator[tuple[Message, Reply]]:
        """Submit messages; each with the reply that ended it: the first failing one, or that to its dot.

        ``messages`` is asked for the next one whenever there is room for it. It answers None where there is
        nothing right now: what is under way is then to be finished before it is asked again, which waits.
        ``begin`` is called just before the first byte of a body is written; what it raises ends the session
        without that body.

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
        self.tls = link.tls
        self._usable = True
        self._closed = False

    @property
    def most(self) -> int | None:
        """How many messages this session may carry."""
        return self.extensions.most_messages

    def submit(self, messages: Iterator[Message | None], begin: Begin) -> Iterator[tuple[Message, Reply]]:
        """See :class:`Submission`. One step at a time: each waits for its reply."""
        for message in messages:
            if message is None:
                continue
            reply = self._transaction(message, begin)
            self._usable = self._usable and not closes(reply)
            yield message, reply
            if self._usable and reply.phase in (Phase.RCPT, Phase.DATA):
                # The transaction is still open; after a refused dot it is not (RFC 5321 §4.1.1.5, §4.1.1.4).
                self._usable = accepted(self._command("RSET", Phase.RSET))
            if not self._usable:
                return

    def reply_to_sender(self, sender: str) -> Reply:
        """What the server says of mail from a sender, to itself; nothing is sent.

        The first failing reply, or that to RCPT: many servers judge the sender only there.
        """
        reply = self._command(f"MAIL FROM:<{_mailbox(sender)}>", Phase.MAIL)
        if accepted(reply):
            reply = self._command(f"RCPT TO:<{_mailbox(sender)}>", Phase.RCPT)
        self._usable = self._usable and not closes(reply) and accepted(self._command("RSET", Phase.RSET))
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
            self._command("QUIT", Phase.QUIT)
        self._usable = False
        self._link.close()

    def _transaction(self, message: Message, begin: Begin) -> Reply:
        limit = self.extensions.size
        if limit is not None and message.size > limit:
            return _too_large(message.size, limit)
        # After a long wait for the pace the server may have taken leave.
        if self._link.has_spoken():
            return self._link.read(Phase.MAIL)
        for command, phase in (
            (self._mail(message), Phase.MAIL),
            (self._rcpt(message), Phase.RCPT),
            ("DATA", Phase.DATA),
        ):
            reply = self._command(command, phase)
            if not accepted(reply):
                return reply
        return self._body(message, begin)

    def _body(self, message: Message, begin: Begin) -> Reply:
        try:
            begin(message)
        except BaseException:
            # The server waits for a body that must not come. Without its dot it is nothing (RFC 5321 §3.3).
            self._usable = False
            raise
        written = self._link.write(stuffed(message.chunks))
        # What the server says before the dot, it says of a message that it cannot have taken.
        if not written or self._link.has_spoken():
            return self._link.read(Phase.BODY)
        if not self._link.write([b".\r\n"]):
            # It cannot be known how far the dot came.
            return Reply(0, _("the connection was lost"), Phase.DOT)
        return self._link.read(Phase.DOT)

    def _command(self, command: str, phase: Phase) -> Reply:
        # Where the write fails, the server's last words may still be there to be read.
        self._link.write([f"{command}\r\n".encode("ascii")])
        return self._link.read(phase)

    def _mail(self, message: Message) -> str:
        command = f"MAIL FROM:<{_mailbox(message.sender)}>"
        if "SIZE" in self.extensions:
            command += f" SIZE={message.size}"
        if "DSN" in self.extensions:
            command += f" RET=HDRS ENVID={envelope_id(message.message_id)}"
        return command

    def _rcpt(self, message: Message) -> str:
        command = f"RCPT TO:<{_mailbox(message.recipient)}>"
        if "DSN" in self.extensions:
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


def _too_large(size: int, limit: int) -> Reply:
    text = _("5.3.4 the message has %(size)d bytes, and the server takes %(limit)d") % {"size": size, "limit": limit}
    return Reply(552, text, Phase.MAIL)


def _xtext(text: str) -> str:
    """Text as SMTP parameters carry it (RFC 3461 §4)."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c) & 0xFF:02X}" for c in text)


def _mailbox(address: str) -> str:
    """The address, which must not be able to say anything else to the server."""
    if not address or any(not "!" <= char <= "~" or char in "<>" for char in address):
        raise ValueError(f"not an address that SMTP can carry: {address!r}")
    return address


def _positive(text: str) -> int | None:
    digits = text.strip().partition(" ")[0]
    return (int(digits) or None) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
