"""A server's reply: its meaning for the member and the run, and words.

Reply codes are read here and nowhere else (RFC 5321 §4.2, RFC 3463, and the words of the providers).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache

from mkwmail.delivery.transport import Phase, Reply
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _

_LONGEST_TEXT = 500
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|:|$)")


class Meaning(StrEnum):
    """The meaning of a reply for the message that it ends."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    RELEASED = "released"  # nothing was taken and no fault is known: another connection may try
    RUN = "run"  # the fault is the run's, not the member's: stop


class Why(Enum):
    """The cause of a fault of the run; :func:`words_for` has the words for it."""

    LOGIN = "login"
    TOKEN = "token"
    TOKEN_SCOPE = "token's scope"
    TOKEN_POLICY = "token policy"
    SMTP_AUTH_OFF = "SMTP AUTH off"
    SMTP_AUTH_OFF_EVERYWHERE = "SMTP AUTH off for the organisation"
    SECURITY_DEFAULTS = "security defaults"
    SEND_AS = "send as"
    APP_PASSWORD = "app password"
    BASIC_LOGIN_OFF = "basic login off"
    QUOTA = "quota"
    SENDER = "sender"
    ENCRYPTION = "encryption"
    HELLO = "hello"
    TOO_LARGE = "too large"
    LATER = "later"
    CONNECTION = "connection"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the table; the first row that fits decides.

    ``status`` is matched against the code and the enhanced code ("550 5.7.1", "250"), ``words`` against the text.
    """

    phases: frozenset[Phase]
    status: re.Pattern[str]
    meaning: Meaning
    why: Why | None = None
    words: re.Pattern[str] | None = None


_ANY = frozenset(Phase)
_MESSAGE = frozenset({Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT})
_BEFORE_DOT = _ANY - {Phase.DOT}
_SETTING_UP = frozenset({Phase.GREETING, Phase.EHLO, Phase.STARTTLS})
_FIRST = _SETTING_UP | {Phase.AUTH, Phase.TOKEN, Phase.MAIL}
_ENCRYPT_FIRST = (
    r"\bSTARTTLS\b|\b(?:TLS|SSL|encryption|encrypted connection|secure connection) (?:is )?(?:required|needed)"
    r"|\b(?:requires?|must|needs?)\b.*\b(?:TLS|SSL|encrypt\w*)\b"
)


def _row(
    phases: Iterable[Phase], status: str, meaning: Meaning, why: Why | None = None, words: str | None = None
) -> _Row:
    pattern = re.compile(words, re.IGNORECASE) if words else None
    return _Row(frozenset(phases), re.compile(rf"(?:{status})(?:\s|$)"), meaning, why, pattern)


_TABLE = (
    # No reply. After the dot the server may have the message (RFC 1047); before it, it cannot.
    _row({Phase.DOT}, "0", Meaning.IN_DOUBT),
    _row(_BEFORE_DOT, "0", Meaning.RELEASED, Why.CONNECTION),
    # 421 means that the server closes the connection, for reasons of its own (RFC 5321 §3.8). After the dot
    # it is a clear refusal for now: the message was not taken (§4.2.5).
    _row({Phase.DOT}, "421.*", Meaning.DEFERRED),
    # Some relays want the full name of a computer at EHLO, and say so at once or only at RCPT (smtpd_delay_reject).
    _row({Phase.EHLO}, "421.*", Meaning.RUN, Why.HELLO, r"\b(?:EHLO|HELO)\b"),
    _row(
        _BEFORE_DOT,
        r"[45]\d\d.*",
        Meaning.RUN,
        Why.HELLO,
        r"\b(?:helo|ehlo)\b.*\b(?:rejected|invalid|bad|hostname|name)\b",
    ),
    _row(_BEFORE_DOT, "421.*", Meaning.RELEASED, Why.LATER),
    # The login, also if the server refuses it only at MAIL or RCPT (RFC 4954 §6; learn.microsoft.com,
    # "Fix issues with SMTP AUTH"; support.google.com, "SMTP error reference"). Microsoft 365 answers 5.7.139
    # and 5.7.30 if it no longer accepts passwords, Google 534 5.7.9 if it wants an app password.
    # For the mailbox or the whole organisation SMTP's login can be off, with a password or without.
    _row(
        *(_ANY, r"5\d\d 5\.7\.139", Meaning.RUN, Why.SMTP_AUTH_OFF_EVERYWHERE),
        r"SmtpClientAuthentication is disabled for the tenant",
    ),
    _row(_ANY, r"5\d\d 5\.7\.139", Meaning.RUN, Why.SMTP_AUTH_OFF, r"SmtpClientAuthentication is disabled"),
    _row(_ANY, r"5\d\d 5\.7\.139", Meaning.RUN, Why.SECURITY_DEFAULTS, r"security defaults"),
    _row({Phase.AUTH}, r"5\d\d 5\.7\.139", Meaning.RUN, Why.LOGIN, r"credentials were incorrect"),
    _row({Phase.TOKEN}, r"5\d\d 5\.7\.(?:139|30)", Meaning.RUN, Why.TOKEN_POLICY),
    _row(_ANY, r"5\d\d 5\.7\.(?:139|30)", Meaning.RUN, Why.BASIC_LOGIN_OFF),
    # A token that the server does not take (RFC 7628 §3.2.2; submission puts the reason of the challenge behind).
    _row({Phase.TOKEN}, r"5\d\d.*", Meaning.RUN, Why.TOKEN_SCOPE, r"\(insufficient_scope\)$"),
    _row({Phase.TOKEN}, r"5\d\d.*", Meaning.RUN, Why.TOKEN),
    _row(_ANY, r"534.*", Meaning.RUN, Why.APP_PASSWORD),
    # The connection has to be encrypted first (RFC 3207 §4; 538 and X.7.11 for the login, RFC 4954 §6). At RCPT and
    # later only codes of this meaning count: the words may be about the way to the member's server.
    _row(_ANY, r"538.*|5\d\d 5\.7\.1[01]", Meaning.RUN, Why.ENCRYPTION),
    _row(_ANY, r"530.*", Meaning.RUN, Why.ENCRYPTION, _ENCRYPT_FIRST),
    _row(_FIRST - {Phase.STARTTLS}, r"5\d\d.*", Meaning.RUN, Why.ENCRYPTION, _ENCRYPT_FIRST),
    _row(_ANY, r"53[035].*|5\d\d 5\.7\.(?:57|8)", Meaning.RUN, Why.LOGIN),
    # Temporary, as Microsoft's 432 4.3.2 for more connections than it allows at once.
    _row({Phase.AUTH, Phase.TOKEN}, r"4\d\d.*", Meaning.RELEASED, Why.LATER),
    _row({Phase.AUTH}, r".*", Meaning.RUN, Why.LOGIN),
    _row({Phase.TOKEN}, r".*", Meaning.RUN, Why.TOKEN),
    # More than the account may send, as hosters say it; a limit a minute is over when the member is tried again. What a
    # recipient may receive is about the member.
    _row(
        *(_MESSAGE, r"[45]\d\d.*", Meaning.RUN, Why.QUOTA),
        r"^(?!.*\b(?:recipient|receiv)).*(?:\b(?:sending|rate|hourly|daily)(?: \w+)? (?:limit|quota)|"
        r"\b(?:max|exceeded|too many)\b.*\b(?:e-?mails|mails|messages|failures)\b.*\b(?:per (?:hour|day)|today))",
    ),
    # No login, at servers that say so with another code than 530. RESOLVER: the member is a group of Exchange.
    _row(
        *(_MESSAGE, r"5\d\d.*", Meaning.RUN, Why.LOGIN),
        r"^(?!.*RESOLVER).*(?:\bauth(?:entication)?(?: is)? required|"
        r"must authenticate|not (?:authenticated|logged in))",
    ),
    # A From that the login may not use: Microsoft 365 SendAsDenied; X.1.7 and X.1.8 are faults of the
    # sender's address (RFC 3463 §3.2); Postfix says it at RCPT (smtpd_delay_reject).
    _row(_MESSAGE, r"554 5\.2\.252|5\d\d 5\.7\.60", Meaning.RUN, Why.SEND_AS),
    _row(_MESSAGE, r"5\d\d.*", Meaning.RUN, Why.SEND_AS, r"send ?as ?denied"),
    _row(_MESSAGE, r"5\d\d 5\.1\.[78]", Meaning.RUN, Why.SENDER),
    _row(
        *(_MESSAGE, r"[45]\d\d.*", Meaning.RUN, Why.SENDER),
        r"sender address rejected|\bfrom:? (?:header|address)\b.{0,40}\bnot (?:allowed|permitted|match)",
    ),
    # More than the account may send: Microsoft 365 (5.2.0, 5.7.232, 5.1.90), Google (5.4.5).
    _row(_MESSAGE, r"554 5\.2\.0|550 5\.4\.5|550 5\.7\.232|550 5\.1\.90", Meaning.RUN, Why.QUOTA),
    # Larger than the server takes (RFC 1870 §6.1, RFC 3463 §3.3 and §3.4): all of a mailing are about as large. 552
    # without these words is a full mailbox, or at RCPT too many recipients.
    _row(_MESSAGE, r"5\d\d 5\.(?:3\.4|2\.3)", Meaning.RUN, Why.TOO_LARGE),
    _row(_MESSAGE, r"552.*", Meaning.RUN, Why.TOO_LARGE, r"message(?: file| is| size)* (?:too (?:big|large)|exceeds)"),
    # MAIL says nothing about the member, so a fault there is a fault for all (RFC 5321 §4.1.1.2).
    _row({Phase.MAIL}, r"552.*", Meaning.RUN, Why.TOO_LARGE),
    _row({Phase.MAIL}, r"4\d\d.*", Meaning.RUN, Why.LATER),
    _row({Phase.MAIL}, r".*", Meaning.RUN, Why.SERVER),
    # Setting up: there is no member yet.
    _row(_SETTING_UP, r"4\d\d.*", Meaning.RELEASED, Why.LATER),
    _row(_SETTING_UP, r".*", Meaning.RUN, Why.SERVER),
    # "Too many recipients" is temporary, whatever its first digit says (RFC 5321 §4.5.3.1.10).
    _row({Phase.RCPT}, r"552.*", Meaning.DEFERRED),
    _row({Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT}, r"4\d\d.*", Meaning.DEFERRED),
    _row({Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT}, r"5\d\d.*", Meaning.REFUSED),
    _row({Phase.DOT}, r"2\d\d.*", Meaning.SENT),
    # Replies out of step. Who says "accepted" before the end may mean it; anything else before the dot took
    # nothing; at the dot it cannot be known.
    _row({Phase.BODY}, r"2\d\d.*", Meaning.IN_DOUBT),
    _row({Phase.DOT}, r".*", Meaning.IN_DOUBT),
    _row(_ANY, r".*", Meaning.RELEASED),
)

# The replies that let the session go on with its next step (RFC 5321 §4.3.2). For MAIL 250 alone will do.
_GO_ON = {
    **dict.fromkeys(Phase, frozenset({250})),
    Phase.GREETING: frozenset({220}),
    Phase.STARTTLS: frozenset({220}),
    Phase.AUTH: frozenset({235, 334}),
    Phase.TOKEN: frozenset({235, 334}),
    Phase.RCPT: frozenset({250, 251, 252}),
    Phase.DATA: frozenset({354}),
    Phase.QUIT: frozenset({221}),
}


def accepted(reply: Reply) -> bool:
    """Return whether the session goes on with its next step."""
    return reply.code in _GO_ON[reply.phase]


def closes(reply: Reply) -> bool:
    """Return whether the connection is of no use after this (RFC 5321 §3.8)."""
    if reply.phase is Phase.BODY:
        # In the middle of a body there is no way back to step but a new connection.
        return True
    return not accepted(reply) and (reply.code == 421 or not 400 <= reply.code <= 599)


def meaning(reply: Reply, personal: bool = False) -> Meaning:
    """Return the meaning of the reply that ended a transaction.

    It is the first failing reply, or the one to the final dot. ``personal``: the message has files of one person, so
    that a size that is too large says nothing about the others.
    """
    row = _row_of(reply)
    return Meaning.REFUSED if personal and row.why is Why.TOO_LARGE else row.meaning


def why(reply: Reply) -> Why:
    """Return what is wrong with the run, for a reply that means the run."""
    return _row_of(reply).why or Why.SERVER


def same_refusal(one: Reply, other: Reply) -> bool:
    """Return whether two members were refused with the same code."""
    return (one.code, one.enhanced) == (other.code, other.enhanced)


def _row_of(reply: Reply) -> _Row:
    # Words count in refusals alone; every acceptance has words of its own, which need no looking up.
    return _fitting(reply.phase, f"{reply.code} {reply.enhanced}".strip(), reply.text if reply.code >= 400 else "")


@lru_cache(maxsize=256)
def _fitting(phase: Phase, status: str, text: str) -> _Row:
    return next(
        row
        for row in _TABLE
        if phase in row.phases and row.status.match(status) and (row.words is None or row.words.search(text))
    )


def plain_text(lines: Iterable[bytes], hidden: Iterable[re.Pattern[str]] = ()) -> str:
    """Return a server's words as one line for a terminal, bounded.

    ``hidden`` are secrets that it may repeat: they are masked.
    """
    words: list[str] = []
    first = ""
    for line in lines:
        text = line.decode("utf-8", "replace")
        if not text.isprintable():
            text = "".join(char if char.isprintable() else " " for char in text)
        text = text.strip()
        match = _ENHANCED.match(text)
        # Every line of a reply repeats the enhanced code (RFC 2034 §4).
        if match and match[0] == first:
            text = text[match.end() :]
        elif match and not words:
            first = match[0]
        words.extend(text.split())
    joined = " ".join(words)
    for secret in hidden:
        joined = secret.sub("***", joined)
    return joined if len(joined) <= _LONGEST_TEXT else f"{joined[: _LONGEST_TEXT - 1]}…"


@dataclass(frozen=True, slots=True)
class RunFault:
    """Why a run was stopped: a sentence, the remedy, and the exit code."""

    reason: str
    remedy: str
    code: ExitCode

    @classmethod
    def of(cls, fault: Fault, code: ExitCode) -> "RunFault":
        """Return the fault of an exception as data."""
        return cls(f"{fault.place}: {fault.fault}" if fault.place else fault.fault, fault.remedy, code)


def run_fault(reply: Reply) -> RunFault:
    """Return the fault of a run: exit code 77 for the login, else 69."""
    reason, remedy = words_for(why(reply))
    code = ExitCode.LOGIN if why(reply) in _LOGIN else ExitCode.SERVER
    return RunFault(_with_reply(reason, reply), remedy, code)


def all_refused(reply: Reply) -> RunFault:
    """Return the fault for three refusals in a row, hardly the members'."""
    reason = _with_reply(_("three members in a row were refused with the same code"), reply)
    remedy = _(
        "nobody was noted as refused: if the server does not let you send, check username and sender in "
        "mkwmail.yaml, or ask your provider; if these addresses are wrong, correct them in the member list"
    )
    return RunFault(reason, remedy, ExitCode.SERVER)


_SMTP_AUTH = frozenset({Why.SMTP_AUTH_OFF, Why.SMTP_AUTH_OFF_EVERYWHERE, Why.SECURITY_DEFAULTS})
_LOGIN = frozenset(
    {
        *_SMTP_AUTH,
        *(Why.LOGIN, Why.APP_PASSWORD, Why.BASIC_LOGIN_OFF),
        *(Why.TOKEN, Why.TOKEN_SCOPE, Why.TOKEN_POLICY, Why.SEND_AS),
    }
)


def words_for(kind: Why) -> tuple[str, str]:
    """Return the sentence with the fault, and the one with the remedy."""
    if kind in _SMTP_AUTH:
        return _words_about_smtp_auth(kind)
    return _words_about_login(kind) if kind in _LOGIN else _words_about_server(kind)


def _words_about_login(kind: Why) -> tuple[str, str]:
    match kind:
        case Why.TOKEN:
            fault = _("the server does not accept the sign-in for this username")
            remedy = _(
                "type mkwmail login, and sign in as smtp: username of mkwmail.yaml itself, not with another "
                "account that the browser remembers"
            )
        case Why.TOKEN_SCOPE:
            fault = _("the sign-in does not allow sending mail")
            remedy = _("give the application that permission at the provider, then sign in again: mkwmail login")
        case Why.TOKEN_POLICY:
            fault = _("the organisation's rules do not let this account send through SMTP")
            remedy = _("ask your administrator to allow it for this mailbox (docs/microsoft365.md)")
        case Why.APP_PASSWORD:
            fault = _("the server wants another kind of password")
            remedy = _("make an app password in the account's security settings, and use that one")
        case Why.BASIC_LOGIN_OFF:
            fault = _("the provider no longer lets this account log in with a password")
            remedy = _("sign in without one: write auth: oauth below smtp: in mkwmail.yaml, and type mkwmail login")
        case Why.SEND_AS:
            fault = _("this login may not send as this sender")
            remedy = _(
                "ask your administrator for the right to send as sender: email (Microsoft 365: Send As, "
                "docs/microsoft365.md), or write the login's own address there"
            )
        case _:
            fault = _("the server refuses the login")
            remedy = _("check smtp: username in mkwmail.yaml and the password (mkwmail login asks for it again)")
    return fault, remedy


def _words_about_smtp_auth(kind: Why) -> tuple[str, str]:
    match kind:
        case Why.SMTP_AUTH_OFF:
            fault = _("SMTP AUTH is switched off for this mailbox")
            remedy = _(
                "ask your Microsoft 365 administrator for: Set-CASMailbox <mailbox> "
                "-SmtpClientAuthenticationDisabled $false (docs/microsoft365.md); it works after an hour at most"
            )
        case Why.SMTP_AUTH_OFF_EVERYWHERE:
            fault = _("SMTP AUTH is switched off for the whole organisation")
            remedy = _(
                "ask your Microsoft 365 administrator for: Set-TransportConfig "
                "-SmtpClientAuthenticationDisabled $false, or for this mailbox alone: "
                "Set-CASMailbox <mailbox> -SmtpClientAuthenticationDisabled $false "
                "(docs/microsoft365.md has a text to forward)"
            )
        case _:
            fault = _("the organisation's security defaults switch SMTP AUTH off, also with auth: oauth")
            remedy = _(
                "ask your Microsoft 365 administrator to replace the security defaults with conditional access, "
                "and for: Set-CASMailbox <mailbox> -SmtpClientAuthenticationDisabled $false "
                "(docs/microsoft365.md has a text to forward)"
            )
    return fault, remedy


def _words_about_server(kind: Why) -> tuple[str, str]:
    match kind:
        case Why.QUOTA:
            fault = _("the account has sent as much as it may for now")
            remedy = _(
                "continue later, or tomorrow, with the same command; set pace: per_hour or per_day in mkwmail.yaml to "
                "the account's limit"
            )
        case Why.SENDER:
            fault = _("the server does not let this login send as this sender")
            remedy = _(
                "set sender: email in mkwmail.yaml to the login's own address, or ask for the right to send as it"
            )
        case Why.ENCRYPTION:
            fault = _("the server takes mail over an encrypted connection only")
            remedy = _(
                "write below smtp: in mkwmail.yaml security: starttls with port: 587, or security: tls with port: 465"
            )
        case Why.HELLO:
            fault = _("the server does not accept the name by which this computer introduces itself (EHLO)")
            remedy = _(
                "write below smtp: in mkwmail.yaml a line hello: with a full name, such as hello: mail.example.org"
            )
        case Why.TOO_LARGE:
            fault = _("the message is larger than the server accepts")
            remedy = _("make the attachments smaller, or put them on the website and link to them")
        case Why.LATER:
            fault = _("the server cannot take mail now")
            remedy = _("run the same command again later: nobody is mailed twice")
        case Why.CONNECTION:
            fault = _("the connection to the server failed")
            remedy = _(
                "check the network, and smtp: host, port and security in mkwmail.yaml; then run the command again"
            )
        case _:
            fault = _("the server refuses the run")
            remedy = _("check smtp and sender in mkwmail.yaml, or show your provider the server's message")
    return fault, remedy


def _with_reply(reason: str, reply: Reply) -> str:
    words = {"reason": reason, "phase": _step(reply.phase), "reply": str(reply)}
    return _("%(reason)s (%(phase)s: %(reply)s)") % words


def _step(phase: Phase) -> str:
    """Return a step of the session in words; commands keep their names."""
    words = {Phase.GREETING: _("greeting"), Phase.BODY: _("message"), Phase.DOT: _("end of the message")}
    return words.get(phase, Phase.AUTH.value if phase is Phase.TOKEN else phase.value)
