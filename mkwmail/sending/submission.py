"""Opening a session with the server: connect, encrypt, greet, log in (RFC 6409, RFC 3207, RFC 8314, RFC 4954).

smtplib does what it does well, over :class:`~mkwmail.sending.link.Link`, so that its replies are bounded too.
"""

import base64
import smtplib
import socket
import ssl
from dataclasses import dataclass

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.sending import bearer
from mkwmail.sending.link import Link, Timeouts
from mkwmail.sending.reply import Meaning, Phase, Reply, Why, meaning, plain_text, why
from mkwmail.sending.run_fault import run_fault, words_for
from mkwmail.sending.session import Extensions, Session
from mkwmail.signin.credential import Credential
from mkwmail.signin.faults import SignInError
from mkwmail.signin.password import Password
from mkwmail.signin.secret import Secret
from mkwmail.sources.settings import Security, Smtp
from mkwmail.system import reason_of

_TIMEOUTS = Timeouts()
_LONGEST_INITIAL = 480  # characters of a response that goes along with AUTH
_OUR_NAME = "[127.0.0.1]"  # until the connection is there and its own address known (RFC 5321 §4.1.4)


class NoSessionError(UserError):
    """No session could be opened; ``lasting``: trying again without mending something is of no use."""

    def __init__(self, fault: Fault, code: ExitCode, lasting: bool) -> None:
        super().__init__(fault, code=code)
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself to somebody who logs in.

    ``tls`` is the version of TLS, empty without; ``size`` the largest message in octets, None without a fixed
    limit; ``most_messages`` how many one session may carry; ``sender`` its word about the sender's address.
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
    """Connect, log in, ask what the server can do and whether this sender may mail, and leave without sending.

    :raises NoSessionError: as :func:`open_session`.
    """
    session = open_session(smtp, credential, timeouts)
    word = session.reply_to_sender(sender)
    session.close()
    offered = session.extensions
    return ServerFacts(
        smtp.host,
        smtp.port,
        session.tls,
        smtp.username is not None,
        tuple(sorted(offered.offered)),
        offered.size,
        offered.most_messages,
        word,
    )


def open_session(smtp: Smtp, credential: Credential | None, timeouts: Timeouts = _TIMEOUTS) -> Session:
    """A session that is ready for messages: encrypted, with a verified certificate, and logged in.

    :raises NoSessionError: code SERVER where the server cannot be reached, cannot be trusted or refuses;
        LOGIN where it refuses the login; SETTINGS where the settings would send mail unencrypted.
    """
    if smtp.security is Security.NONE and not smtp.on_loopback:
        fault = _("security: none is for a server on this computer only: mail and password would go readable")
        remedy = _("write security: starttls (port 587) or security: tls (port 465)")
        raise NoSessionError(Fault("mkwmail.yaml", fault, remedy), ExitCode.SETTINGS, True)
    place = f"{smtp.host}:{smtp.port}"
    kind = _EncryptedConnection if smtp.security is Security.TLS else _Connection
    try:
        connection = kind(smtp, timeouts)
        try:
            return _set_up(connection, smtp, credential)
        except BaseException:
            connection.close()
            raise
    except _RefusedError as error:
        problem = _refusal(place, error.reply)
    except _LackingError as error:
        problem = NoSessionError(Fault(place, error.fault, error.remedy), error.code, True)
    except smtplib.SMTPConnectError as error:
        text = plain_text(_octets(error.smtp_error).split(b"\n"))
        problem = _refusal(place, Reply(error.smtp_code, text, Phase.GREETING))
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
    """The server lacks what the settings ask for."""

    def __init__(self, fault: str, remedy: str, code: ExitCode) -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy
        self.code = code


class _Connection(smtplib.SMTP):
    """smtplib's client, with replies and writes through our link."""

    def __init__(self, smtp: Smtp, timeouts: Timeouts) -> None:
        self._begin(timeouts)
        super().__init__(smtp.host, smtp.port, _OUR_NAME, timeouts.connect)

    def _begin(self, timeouts: Timeouts) -> None:
        # Before smtplib's constructor, which connects and reads the greeting.
        self.phase = Phase.GREETING
        self._timeouts = timeouts
        self._link: Link | None = None

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, bounded; as smtplib's own, whose callers it serves."""
        link = self.linked()
        reply = link.through(link.read(self.phase))
        if reply.code == 0:
            self.close()
            raise _RefusedError(reply)
        if self.phase is Phase.STARTTLS and link.left_over:
            # Words before encryption that would be taken for words after it (RFC 3207 §6, CVE-2011-0411).
            self.close()
            raise _RefusedError(Reply(0, _("the server went on talking after STARTTLS"), self.phase))
        if self.sock is not None:
            self.sock.settimeout(self._timeouts.connect)  # for the TLS handshake that may follow
        return reply.code, b"\n".join(link.lines)

    def send(self, s: object) -> None:
        """Write a command. Where that fails, the server's last words may still be there to be read."""
        link = self.linked()
        link.through(link.write([s if isinstance(s, bytes) else str(s).encode("ascii")]))

    def linked(self) -> Link:
        """The link over the socket as it is now."""
        if self.sock is None:
            raise _RefusedError(Reply(0, _("the connection was lost"), self.phase))
        # smtplib puts another socket in place when TLS begins: nothing read before it is used after it.
        if self._link is None or not self._link.is_over(self.sock):
            self._link = Link(self.sock, self._timeouts)
        return self._link

    def step(self, phase: Phase, command: str, arguments: str = "") -> Reply:
        """One command and its reply."""
        self.phase = phase
        code, text = self.docmd(command, arguments)
        return Reply(code, plain_text(text.split(b"\n")), phase)


class _EncryptedConnection(_Connection, smtplib.SMTP_SSL):
    """The same with TLS from the first byte (RFC 8314 §3.3)."""

    def __init__(self, smtp: Smtp, timeouts: Timeouts) -> None:
        self._begin(timeouts)
        smtplib.SMTP_SSL.__init__(self, smtp.host, smtp.port, _OUR_NAME, timeout=timeouts.connect, context=_context())


def _context() -> ssl.SSLContext:
    """TLS with a verified certificate and host name; nothing older than TLS 1.2 (RFC 8996)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _set_up(connection: _Connection, smtp: Smtp, credential: Credential | None) -> Session:
    connection.local_hostname = _literal(connection.linked().our_address)
    _greet(connection)
    if smtp.security is Security.STARTTLS:
        _encrypt(connection)
    if smtp.username is not None:
        _log_in(connection, smtp, credential if credential is not None else Password(""))
    offered = {keyword.upper(): str(value) for keyword, value in connection.esmtp_features.items()}
    return Session(connection.linked(), Extensions(offered))


def _literal(address: str) -> str:
    """An IP address as EHLO gives it (RFC 5321 §4.1.3).

    >>> _literal("192.0.2.1"), _literal("fe80::1%eth0")
    ('[192.0.2.1]', '[IPv6:fe80::1]')
    """
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _greet(connection: _Connection) -> None:
    connection.phase = Phase.EHLO
    code, text = connection.ehlo()
    if code in (500, 502):
        # An old server without extensions (RFC 5321 §3.2): no login and no encryption with it.
        code, text = connection.helo()
    if code != 250:
        raise _RefusedError(Reply(code, plain_text(text.split(b"\n")), Phase.EHLO))


def _encrypt(connection: _Connection) -> None:
    """STARTTLS, or nothing: whoever strikes the offer out of the server's words gains nothing by it."""
    connection.phase = Phase.STARTTLS
    if not connection.has_extn("starttls"):
        raise _LackingError(
            _("the server does not offer encryption (STARTTLS)"),
            _("use port 587, or security: tls with port 465; if both fail, something on the way strikes it out"),
            ExitCode.SERVER,
        )
    try:
        connection.starttls(context=_context())
    except smtplib.SMTPResponseException as error:
        reply = Reply(error.smtp_code, plain_text(_octets(error.smtp_error).split(b"\n")), Phase.STARTTLS)
        raise _RefusedError(reply) from None
    # What was said before encryption may be anybody's words (RFC 3207 §4.2).
    _greet(connection)


def _log_in(connection: _Connection, smtp: Smtp, credential: Credential) -> None:
    """One mechanism, tried once: a wrong password tried three times locks accounts.

    A token that was refused is replaced once: by this computer's clock it may look good for longer than it is.
    """
    offered = str(connection.esmtp_features.get("auth", "")).upper().split()
    said: list[str] = []
    if isinstance(credential, Password):
        reply = _by_password(connection, offered, smtp.username or "", credential, said)
    else:
        token = credential.current()
        reply = _by_token(connection, offered, smtp, token, said)
        if reply.code == 535 and why(reply) is Why.TOKEN:
            other = credential.other_than(token)
            reply = _by_token(connection, offered, smtp, other, said) if other is not None else reply
    if reply.code != 235:
        text = reply.text
        # Some servers repeat what they were given.
        for hidden in said:
            text = text.replace(hidden, "***")
        raise _RefusedError(Reply(reply.code, text, reply.phase))


def _by_password(
    connection: _Connection, offered: list[str], username: str, password: Password, said: list[str]
) -> Reply:
    """The server's last word to username and password in UTF-8 (RFC 4616 §2). ``said`` gets what is not to be shown."""
    secret = password.reveal()
    if "PLAIN" in offered:
        answers = [f"\0{username}\0{secret}"]
        reply = connection.step(Phase.AUTH, "AUTH", f"PLAIN {_base64(answers[0])}")
    elif "LOGIN" in offered:
        answers = [username, secret]
        reply = connection.step(Phase.AUTH, "AUTH", "LOGIN")
        for answer in answers:
            if reply.code == 334:
                reply = connection.step(Phase.AUTH, _base64(answer))
    else:
        raise _no_mechanism(offered)
    said += [*map(_base64, answers), *([secret] if len(secret) > 3 else [])]
    return reply


def _by_token(connection: _Connection, offered: list[str], smtp: Smtp, token: Secret, said: list[str]) -> Reply:
    """The server's last word to an access token. ``said`` gets what is not to be shown."""
    mechanism = next((each for each in bearer.MECHANISMS if each in offered), None)
    if mechanism is None:
        raise _no_token_mechanism(offered)
    first = bearer.initial(mechanism, smtp.username or "", smtp.host, smtp.port, token.reveal())
    said += [token.reveal(), _base64(first)]
    # A command is at most 512 octets long (RFC 4954 §4): a longer token waits to be asked for.
    if len(_base64(first)) < _LONGEST_INITIAL:
        reply = connection.step(Phase.TOKEN, "AUTH", f"{mechanism} {_base64(first)}")
    else:
        reply = connection.step(Phase.TOKEN, "AUTH", mechanism)
        if reply.code == 334:
            reply = connection.step(Phase.TOKEN, _base64(first))
    if reply.code != 334:
        return reply
    # What is wrong comes as a challenge; the server's own word comes when that is answered (RFC 7628 §3.2.3).
    why = bearer.reason(reply.text)
    last = connection.step(Phase.TOKEN, bearer.ANSWERS[mechanism])
    return Reply(last.code, f"{last.text} ({why})" if why else last.text, Phase.TOKEN)


def _no_mechanism(offered: list[str]) -> _LackingError:
    if offered:
        reason, remedy = words_for(Why.BASIC_LOGIN_OFF)
        how = _("%(reason)s (it offers: %(mechanisms)s)")
        return _LackingError(how % {"reason": reason, "mechanisms": " ".join(offered)}, remedy, ExitCode.LOGIN)
    remedy = _("use the provider's port for sending, 587 or 465; or leave out username if it needs no login")
    return _LackingError(_("the server does not offer a login"), remedy, ExitCode.LOGIN)


def _no_token_mechanism(offered: list[str]) -> _LackingError:
    fault = _("the server does not let anybody sign in without a password (it offers: %(mechanisms)s)")
    remedy = _("write auth: password below smtp: in mkwmail.yaml, or the host of the server that does")
    return _LackingError(fault % {"mechanisms": " ".join(offered) or "-"}, remedy, ExitCode.LOGIN)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _refusal(place: str, reply: Reply) -> NoSessionError:
    fault = run_fault(reply)
    # Silence and 4yz pass; what the server refuses for good stays refused.
    lasting = meaning(reply) is Meaning.RUN
    return NoSessionError(Fault(place, fault.reason, fault.remedy), fault.code, lasting)


def _unreachable(place: str, smtp: Smtp, error: OSError) -> NoSessionError:
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _("the server's certificate cannot be trusted: %(reason)s") % {"reason": error.verify_message}
        remedy = _("write smtp: host as the provider gives it; nothing was sent, for it may be another server")
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
