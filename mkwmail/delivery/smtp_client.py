"""SMTP submission: sessions and their messages (RFC 6409, RFC 5321 §3.3).

Setting up: connect, TLS or STARTTLS, EHLO, AUTH (RFC 8314, RFC 3207, RFC 4954). If the server offers PIPELINING
(RFC 2920), the commands of a message leave together behind the body of the one before it: a message then costs one
round trip. Its body always waits for the server's 354.

Not smtplib: it cannot pipeline, puts no bound on a reply's length or total time, and raises the same exception for a
connection that is lost before the final dot and after it.
"""

import base64
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mkwmail.auth.credentials import Credential, Password, Secret, SignInError, unknown_authority
from mkwmail.config.settings import Security, Smtp
from mkwmail.delivery.smtp_replies import Meaning, Why, accepted, closes, meaning, run_fault, why, words_for
from mkwmail.delivery.smtp_stream import Stream, Timeouts
from mkwmail.delivery.transport import NoSessionError, Phase, Reply
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _
from mkwmail.mail.letter import Message

_TOGETHER = 65536  # octets of a body that leaves in one write with its dot and what follows
_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_DOT = b".\r\n"
_LONGEST_INITIAL = 480  # characters of a response that leaves with AUTH
_EXTENSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)[ =]?(.*)")
_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Extensions:
    """The extensions that the server offers (RFC 5321 §4.1.1.1).

    They are keyword, in upper case → parameters.
    """

    offered: dict[str, str]

    @property
    def size(self) -> int | None:
        """The largest message in octets.

        None if the server sets no fixed limit (RFC 1870 §4).
        """
        return _positive(self.offered.get("SIZE", ""))

    @property
    def most_messages(self) -> int | None:
        """The number of messages that a session may carry (RFC 9422 §4.1).

        The keyword is LIMITS MAILMAX.

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
    """A session that is set up: connected, encrypted, logged in.

    A :class:`~mkwmail.delivery.transport.Transport`.
    """

    def __init__(self, stream: Stream, extensions: Extensions) -> None:
        self._stream = stream
        self.extensions = extensions
        self._pipelines = "PIPELINING" in extensions
        self._dsn = "DSN" in extensions
        self._limit = extensions.size
        self.tls = stream.tls
        self._usable = True
        self._closed = False

    @property
    def most(self) -> int | None:
        """The number of messages that this session may carry."""
        return self.extensions.most_messages

    def submit(self, messages: Iterable[Message], begin: Callable[[Message], bool]) -> Iterator[tuple[Message, Reply]]:
        """Submit messages (:meth:`mkwmail.delivery.transport.Transport.submit`)."""
        waiting = iter(messages)
        message, asked = next(waiting, None) if self._usable else None, False
        while message is not None:
            following, ahead = None, False
            reply = self._envelope(message, asked)
            if reply is None:
                reply, following, ahead = self._body(message, waiting, begin)
            self._usable = self._usable and not closes(reply)
            yield message, reply
            if self._usable and reply.phase in (Phase.RCPT, Phase.DATA):
                # The transaction is still open; after a refused dot it is not (RFC 5321 §4.1.1.5, §4.1.1.4).
                self._usable = accepted(self._stream.command("RSET", Phase.RSET))
            if not self._usable:
                if following is not None:
                    yield following, Reply(0, _("the connection was lost"), Phase.MAIL)
                return
            message, asked = (following, ahead) if following is not None else (next(waiting, None), False)

    def reply_to_sender(self, sender: str) -> Reply:
        """Return the server's word about mail from a sender, to itself.

        Nothing is sent.

        It is the first failing reply, or that to RCPT: many servers judge the sender only there.
        """
        reply = self._stream.command(f"MAIL FROM:<{_mailbox(sender)}>", Phase.MAIL)
        if accepted(reply):
            reply = self._stream.command(f"RCPT TO:<{_mailbox(sender)}>", Phase.RCPT)
        self._usable = self._usable and not closes(reply) and accepted(self._stream.command("RSET", Phase.RSET))
        return reply

    def cut(self) -> None:
        """End the connection at once, from any thread."""
        self._stream.cut()

    def close(self) -> None:
        """Say QUIT and end the connection. May be called more than once."""
        if self._closed:
            return
        self._closed = True
        if self._usable:
            self._stream.command("QUIT", Phase.QUIT)
        self._usable = False
        self._stream.close()

    def _envelope(self, message: Message, asked: bool) -> Reply | None:
        """Say MAIL, RCPT and DATA.

        Return the first failing reply, None if the server waits for the body.

        ``asked``: they are on the wire already.
        """
        if self._too_large(message):
            return _too_large(message.size, self._limit or 0)
        # After a long wait for the rate limit the server may have closed the connection.
        if not asked and self._stream.has_pending_input():
            return self._stream.read(Phase.MAIL)
        if self._pipelines and not asked:
            self._stream.write(self._together(message))
        commands = () if self._pipelines else self._commands(message)
        failing, anybody = None, False
        for step, phase in enumerate(_ENVELOPE):
            reply = self._stream.read(phase) if self._pipelines else self._stream.command(commands[step], phase)
            if not accepted(reply):
                failing = failing or reply
                self._usable = not closes(reply)
                if not (self._usable and self._pipelines):
                    break
            elif phase is Phase.RCPT:
                anybody = True
            elif phase is Phase.DATA and failing is not None:
                self._usable = not anybody and self._end_without_body()
        return failing

    def _end_without_body(self) -> bool:
        """End a body that the server waits for and that must not be delivered.

        It is ended with a dot alone (RFC 2920 §3.1).

        Only if no recipient was accepted: else somebody would get an empty mail.
        """
        self._stream.write(_DOT)
        return not closes(self._stream.read(Phase.DOT))

    def _body(
        self, message: Message, waiting: Iterator[Message], begin: Callable[[Message], bool]
    ) -> tuple[Reply, Message | None, bool]:
        """Write the body and its dot.

        Return the reply, the next message, and whether its envelope left with it.
        """
        # A reply before the dot is about a message that the server cannot have taken.
        if self._stream.has_pending_input():
            return self._stream.read(Phase.BODY), None, False
        if not self._may_begin(message, begin):
            return Reply(0, _("the run was stopped"), Phase.DATA), None, False
        body = b"".join(message.chunks if message.dotless else stuffed(message.chunks))
        if message.size > _TOGETHER:
            # Long enough for the server to change its mind on the way.
            if self._stream.write(body) < len(body) or self._stream.has_pending_input():
                return self._stream.read(Phase.BODY), None, False
            body = b""
        following = next(waiting, None) if self._pipelines else None
        ahead = following is not None and not self._too_large(following)
        more = self._together(following) if following is not None and ahead else b""
        if self._stream.write(b"".join((body, _DOT, more))) < len(body) + len(_DOT):
            # Without its whole dot it is nothing (RFC 5321 §3.3).
            return self._stream.read(Phase.BODY), following, False
        return self._stream.read(Phase.DOT), following, ahead

    def _may_begin(self, message: Message, begin: Callable[[Message], bool]) -> bool:
        # If it may not, the server waits for a body that must not come: nothing more can be said to it.
        self._usable = False
        self._usable = begin(message)
        return self._usable

    def _too_large(self, message: Message) -> bool:
        return self._limit is not None and message.size > self._limit

    def _commands(self, message: Message) -> tuple[str, ...]:
        """Return one command for each phase of the envelope."""
        mail, rcpt = f"MAIL FROM:<{_mailbox(message.sender)}>", f"RCPT TO:<{_mailbox(message.recipient)}>"
        if "SIZE" in self.extensions:
            mail += f" SIZE={message.size}"
        if self._dsn:
            # ORCPT comes back as Original-Recipient, through every forwarding (RFC 3461 §4.2).
            mail += f" RET=HDRS ENVID={envelope_id(message.message_id)}"
            rcpt += f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{_xtext(message.recipient)}"
        return mail, rcpt, "DATA"

    def _together(self, message: Message) -> bytes:
        return "\r\n".join((*self._commands(message), "")).encode("ascii")


def envelope_id(message_id: str) -> str:
    """Return the ENVID of a message (RFC 3461 §4.4).

    A report about the message is matched by it.

    It is the Message-ID without its brackets: opaque already, and known to the ledger.
    """
    return _xtext(message_id.strip("<> "))[:100]


def stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the body as it leaves, without its final dot.

    Dots are doubled at line starts, wherever the chunks are cut, and CRLF is at its end (RFC 5321 §4.5.2).
    """
    last = b"\n"
    before = b"\r"
    for chunk in chunks:
        if not chunk:
            continue
        if last == b"\n" and chunk.startswith(b"."):
            yield b"."
        # If there is nothing to double, replace() returns the chunk itself: attachments are not copied.
        yield chunk.replace(b"\n.", b"\n..")
        before = chunk[-2:-1] or last
        last = chunk[-1:]
    if before + last != b"\r\n":
        yield b"\r\n"


_NOT_IN_XTEXT = re.compile(r"[^!-*,-<>-~]")
_IN_A_PATH = re.compile(r"[!-;=?-~]+")


def _too_large(size: int, limit: int) -> Reply:
    text = _("5.3.4 the message is %(size)d bytes, and the server takes %(limit)d") % {"size": size, "limit": limit}
    return Reply(552, text, Phase.MAIL)


def _xtext(text: str) -> str:
    """Return text as SMTP parameters carry it (RFC 3461 §4)."""
    return _NOT_IN_XTEXT.sub(_in_hex, text)


def _in_hex(found: re.Match[str]) -> str:
    return f"+{ord(found[0]) & 0xFF:02X}"


def _mailbox(address: str) -> str:
    """Return the address, checked so that it is no other SMTP command."""
    if not _IN_A_PATH.fullmatch(address):
        raise ValueError(f"not an address that SMTP can carry: {address!r}")
    return address


def _positive(text: str) -> int | None:
    digits = text.strip().partition(" ")[0]
    return (int(digits) or None) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server's answers about itself to somebody who logs in.

    ``tls`` is the version of TLS, empty without; ``size`` the largest message in octets, None without a fixed
    limit; ``most_messages`` how many one session may carry; ``sender`` its reply about the sender's address.
    """

    host: str
    port: int
    tls: str
    logged_in: bool
    extensions: tuple[str, ...]
    size: int | None
    most_messages: int | None
    sender: Reply


def probe(smtp: Smtp, credential: Credential | None, sender: str, timeouts: Timeouts = _TIMEOUTS) -> ServerFacts:
    """Connect, log in, ask what the server can do, and leave.

    Nothing is sent; the server is also asked whether this sender may mail.

    Raises NoSessionError, as :func:`open_session` does.
    """
    session = open_session(smtp, credential, timeouts)
    reply = session.reply_to_sender(sender)
    session.close()
    offered = session.extensions
    names, logged_in = tuple(sorted(offered.offered)), smtp.username is not None
    return ServerFacts(smtp.host, smtp.port, session.tls, logged_in, names, offered.size, offered.most_messages, reply)


def open_session(smtp: Smtp, credential: Credential | None, timeouts: Timeouts = _TIMEOUTS) -> Session:
    """Return a session that is ready for messages.

    It is encrypted, with a verified certificate, and logged in.

    Raises NoSessionError: code SERVER if the server cannot be reached, cannot be trusted or refuses; LOGIN if it
    refuses the login; SETTINGS if the settings would send mail unencrypted.
    """
    if smtp.security is Security.NONE and not smtp.on_loopback:
        fault = _("security: none is for a server on this computer only: mail and password would be sent unencrypted")
        remedy = _("write security: starttls (port 587) or security: tls (port 465)")
        raise NoSessionError(Fault("mkwmail.yaml", fault, remedy), ExitCode.SETTINGS, True)
    place = f"{smtp.host}:{smtp.port}"
    connection = None
    try:
        connection = socket.create_connection((smtp.host, smtp.port), timeouts.connect)
        return _set_up(connection, smtp, credential, timeouts)
    except _RefusedError as error:
        problem = _refusal(place, error.reply)
    except _LackingError as error:
        problem = NoSessionError(Fault(place, error.fault, error.remedy), error.code, True)
    except OSError as error:
        problem = _unreachable(place, smtp, error)
    except SignInError as error:
        problem = NoSessionError(error.faults[0], error.code, error.lasting)
    except UserError as error:
        problem = NoSessionError(error.faults[0], error.code, True)
    # Raised here and not within: no exception carries frames in which the password was at hand.
    raise problem


class _RefusedError(Exception):
    """The server refused a step of setting up."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class _LackingError(Exception):
    """The server lacks something that the settings ask for."""

    def __init__(self, fault: str, remedy: str, code: ExitCode) -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy
        self.code = code


def _set_up(connection: socket.socket, smtp: Smtp, credential: Credential | None, timeouts: Timeouts) -> Session:
    stream = Stream(connection, timeouts)
    try:
        if smtp.security is Security.TLS:
            stream = stream.encrypted(smtp.host, smtp.ca_file)
        _expected(stream.read(Phase.GREETING))
        extensions = _greet(stream, smtp.hello)
        if smtp.security is Security.STARTTLS:
            stream = _encrypt(stream, extensions, smtp)
            # Anybody can have written the replies before encryption (RFC 3207 §4.2).
            extensions = _greet(stream, smtp.hello)
        if smtp.username is not None:
            _log_in(stream, extensions, smtp, credential if credential is not None else Password(""))
    except BaseException:
        stream.close()
        raise
    return Session(stream, extensions)


def _expected(reply: Reply) -> Reply:
    if not accepted(reply):
        raise _RefusedError(reply)
    return reply


def _literal(address: str) -> str:
    """Return an IP address as EHLO gives it (RFC 5321 §4.1.3).

    >>> _literal("192.0.2.1"), _literal("fe80::1%eth0")
    ('[192.0.2.1]', '[IPv6:fe80::1]')
    """
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _greet(stream: Stream, hello: str | None) -> Extensions:
    name = hello or _literal(stream.our_address)
    reply = stream.command(f"ehlo {name}", Phase.EHLO)
    if reply.code in (500, 502):
        # An old server without extensions (RFC 5321 §3.2): no login and no encryption with it.
        _expected(stream.command(f"helo {name}", Phase.EHLO))
        return Extensions({})
    _expected(reply)
    offered: dict[str, str] = {}
    for line in stream.lines[1:]:
        # "AUTH=LOGIN" is how some servers said it before RFC 2554.
        if match := _EXTENSION.match(line.decode("ascii", "replace").strip()):
            keyword = match[1].upper()
            offered[keyword] = f"{offered.get(keyword, '')} {match[2]}".strip()
    return Extensions(offered)


def _encrypt(stream: Stream, extensions: Extensions, smtp: Smtp) -> Stream:
    """STARTTLS, or nothing.

    An attacker who strikes the offer out of the server's words gains nothing by it.
    """
    if "STARTTLS" not in extensions:
        raise _LackingError(
            _("the server does not offer encryption (STARTTLS)"),
            _("use port 587, or security: tls with port 465; if both fail, something on the way removes it"),
            ExitCode.SERVER,
        )
    _expected(stream.command("STARTTLS", Phase.STARTTLS))
    if stream.left_over:
        # Words before encryption that would be taken for words after it (RFC 3207 §6, CVE-2011-0411).
        raise _RefusedError(Reply(0, _("the server sent more data after STARTTLS"), Phase.STARTTLS))
    return stream.encrypted(smtp.host, smtp.ca_file)


def _log_in(stream: Stream, extensions: Extensions, smtp: Smtp, credential: Credential) -> None:
    """Try one mechanism once.

    A wrong password tried three times locks accounts.

    A token that was refused is replaced once: by this computer's clock it may look good for longer than it is.
    """
    offered = extensions.offered.get("AUTH", "").upper().split()
    if isinstance(credential, Password):
        reply = _by_password(stream, offered, smtp.username or "", credential)
    else:
        token = credential.current()
        reply = _by_token(stream, offered, smtp, token)
        if reply.code == 535 and why(reply) is Why.TOKEN:
            other = credential.other_than(token)
            reply = _by_token(stream, offered, smtp, other) if other is not None else reply
    if reply.code != 235:
        raise _RefusedError(reply)


def _by_password(stream: Stream, offered: Sequence[str], username: str, password: Password) -> Reply:
    """Return the last reply to username and password (RFC 4616 §2).

    They are sent in UTF-8.
    """
    secret = password.reveal()
    initial = _base64(f"\0{username}\0{secret}")
    stream.hide((initial, _base64(username), _base64(secret), secret))
    if "PLAIN" in offered:
        return stream.command(f"AUTH PLAIN {initial}", Phase.AUTH)
    if "LOGIN" not in offered:
        raise _no_mechanism(offered)
    reply = stream.command("AUTH LOGIN", Phase.AUTH)
    for answer in (username, secret):
        if reply.code == 334:
            reply = stream.command(_base64(answer), Phase.AUTH)
    return reply


def _by_token(stream: Stream, offered: Sequence[str], smtp: Smtp, token: Secret) -> Reply:
    """Return the server's last reply to an access token."""
    from mkwmail.auth.oauth import ANSWERS, MECHANISMS, initial_response, reason_in

    mechanism = next((each for each in MECHANISMS if each in offered), None)
    if mechanism is None:
        raise _no_token_mechanism(offered)
    initial = _base64(initial_response(mechanism, smtp.username or "", smtp.host, smtp.port, token.reveal()))
    stream.hide((initial, token.reveal()))
    # A command is at most 512 octets long (RFC 4954 §4): a longer token waits to be asked for.
    if len(initial) < _LONGEST_INITIAL:
        reply = stream.command(f"AUTH {mechanism} {initial}", Phase.TOKEN)
    else:
        reply = stream.command(f"AUTH {mechanism}", Phase.TOKEN)
        if reply.code == 334:
            reply = stream.command(initial, Phase.TOKEN)
    if reply.code != 334:
        return reply
    # The fault comes as a challenge; the server's reply follows when that is answered (RFC 7628 §3.2.3).
    reason = reason_in(reply.text)
    last = stream.command(ANSWERS[mechanism], Phase.TOKEN)
    return Reply(last.code, f"{last.text} ({reason})" if reason else last.text, Phase.TOKEN)


def _no_mechanism(offered: Sequence[str]) -> _LackingError:
    if offered:
        reason, remedy = words_for(Why.BASIC_LOGIN_OFF)
        how = _("%(reason)s (it offers: %(mechanisms)s)")
        return _LackingError(how % {"reason": reason, "mechanisms": " ".join(offered)}, remedy, ExitCode.LOGIN)
    remedy = _("use the provider's port for sending, 587 or 465; or leave out username if it needs no login")
    return _LackingError(_("the server does not offer a login"), remedy, ExitCode.LOGIN)


def _no_token_mechanism(offered: Sequence[str]) -> _LackingError:
    fault = _("the server does not let anybody sign in without a password (it offers: %(mechanisms)s)")
    remedy = _("write auth: password below smtp: in mkwmail.yaml, or the host of the server that does")
    return _LackingError(fault % {"mechanisms": " ".join(offered) or "-"}, remedy, ExitCode.LOGIN)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _refusal(place: str, reply: Reply) -> NoSessionError:
    fault = run_fault(reply)
    # Silence and 4yz pass; what the server refuses for good stays refused.
    lasting = meaning(reply) is Meaning.RUN
    return NoSessionError(Fault(place, fault.reason, fault.remedy), fault.code, lasting)


def _unreachable(place: str, smtp: Smtp, error: OSError) -> NoSessionError:
    if isinstance(error, ssl.SSLCertVerificationError) and (unknown := unknown_authority(error, "smtp")):
        return NoSessionError(Fault(place, *unknown), ExitCode.SERVER, True)
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _("the server's certificate cannot be trusted: %(reason)s") % {"reason": error.verify_message}
        remedy = _("write smtp: host as the provider gives it; nothing was sent, because it may be another server")
        return NoSessionError(Fault(place, fault, remedy), ExitCode.SERVER, True)
    if isinstance(error, ssl.SSLError):
        fault = _("no encrypted connection could be made: %(reason)s") % {"reason": error.reason or error}
        remedy = _("security: tls goes with port 465, security: starttls with port 587")
    elif isinstance(error, socket.gaierror):
        fault = _("the server %(host)s is not known") % {"host": smtp.host}
        remedy = _("check smtp: host in mkwmail.yaml, and the network")
    elif isinstance(error, TimeoutError):
        fault = _("the server did not answer in time")
        remedy = _("check smtp: host and port in mkwmail.yaml; some networks block port 25 and 587")
    else:
        fault = _("the server cannot be reached: %(reason)s") % {"reason": reason_of(error)}
        remedy = _("check smtp: host and port in mkwmail.yaml, and the network")
    return NoSessionError(Fault(place, fault, remedy), ExitCode.SERVER, False)
