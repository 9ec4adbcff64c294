"""What the server answered, and what that means for the member and for the run.

This is the only place where reply codes are read (RFC 5321 §4.2, RFC 3463, and the words of the providers).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache

_LONGEST_TEXT = 500
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|:|$)")


class Phase(StrEnum):
    """The step of the session that a reply answers (RFC 5321 §3, RFC 3207, RFC 4954)."""

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

    ``code`` is 0 where there was none that can be understood: the connection was lost, time ran out, or what
    came was no SMTP. ``text`` can be shown: one line, no control characters, not endless.
    """

    code: int
    text: str
    phase: Phase

    @property
    def enhanced(self) -> str:
        """The enhanced status code, as ``5.7.1``; empty where the reply has none (RFC 2034, RFC 3463)."""
        match = _ENHANCED.match(self.text)
        return match[0] if match else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text


class Meaning(StrEnum):
    """What a reply means for the message that it ends."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    RELEASED = "released"  # nothing was taken and nobody is to blame: another connection may try
    RUN = "run"  # the fault is the run's, not the member's: stop


class Why(Enum):
    """What is wrong with a run; :func:`mkwmail.sending.run_fault.run_fault` has the words for it."""

    LOGIN = "login"
    TOKEN = "token"
    TOKEN_SCOPE = "token's scope"
    TOKEN_POLICY = "token policy"
    SMTP_AUTH_OFF = "SMTP AUTH off"
    SEND_AS = "send as"
    APP_PASSWORD = "app password"
    BASIC_LOGIN_OFF = "basic login off"
    QUOTA = "quota"
    SENDER = "sender"
    TOO_LARGE = "too large"
    LATER = "later"
    CONNECTION = "connection"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class _Row:
    """``status`` is matched against the code and the enhanced code ("550 5.7.1", "250"), ``words`` against
    the text; the first row that fits decides."""

    phases: frozenset[Phase]
    status: re.Pattern[str]
    meaning: Meaning
    why: Why | None = None
    words: re.Pattern[str] | None = None


_ANY = frozenset(Phase)
_MESSAGE = frozenset({Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT})
_BEFORE_DOT = _ANY - {Phase.DOT}
_SETTING_UP = frozenset({Phase.GREETING, Phase.EHLO, Phase.STARTTLS})


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
    _row(_BEFORE_DOT, "421.*", Meaning.RELEASED, Why.LATER),
    # The login, also where it is found wanting only at MAIL or RCPT (RFC 4954 §6; learn.microsoft.com,
    # "Fix issues with SMTP AUTH"; support.google.com, "SMTP error reference"). Microsoft 365 answers 5.7.139
    # and 5.7.30 where it no longer lets passwords in, Google 534 5.7.9 where it wants an app password.
    # For the mailbox or the whole organisation SMTP's login can be off, with a password or without.
    _row(_ANY, r"5\d\d 5\.7\.139", Meaning.RUN, Why.SMTP_AUTH_OFF, r"SmtpClientAuthentication is disabled"),
    _row({Phase.TOKEN}, r"5\d\d 5\.7\.(?:139|30)", Meaning.RUN, Why.TOKEN_POLICY),
    _row(_ANY, r"5\d\d 5\.7\.(?:139|30)", Meaning.RUN, Why.BASIC_LOGIN_OFF),
    # A token that the server does not take (RFC 7628 §3.2.2; submission puts the reason of the challenge behind).
    _row({Phase.TOKEN}, r"5\d\d.*", Meaning.RUN, Why.TOKEN_SCOPE, r"\(insufficient_scope\)$"),
    _row({Phase.TOKEN}, r"5\d\d.*", Meaning.RUN, Why.TOKEN),
    _row(_ANY, r"534.*", Meaning.RUN, Why.APP_PASSWORD),
    _row(_ANY, r"53[0358].*|5\d\d 5\.7\.(?:57|8)", Meaning.RUN, Why.LOGIN),
    # Temporary, as Microsoft's 432 4.3.2 for more connections than it allows at once.
    _row({Phase.AUTH, Phase.TOKEN}, r"4\d\d.*", Meaning.RELEASED, Why.LATER),
    _row({Phase.AUTH}, r".*", Meaning.RUN, Why.LOGIN),
    _row({Phase.TOKEN}, r".*", Meaning.RUN, Why.TOKEN),
    # A From that the login may not use: Microsoft 365 SendAsDenied; X.1.7 and X.1.8 are faults of the
    # sender's address (RFC 3463 §3.2); Postfix says it at RCPT (smtpd_delay_reject).
    _row(_MESSAGE, r"554 5\.2\.252|5\d\d 5\.7\.60", Meaning.RUN, Why.SEND_AS),
    _row(_MESSAGE, r"5\d\d.*", Meaning.RUN, Why.SEND_AS, r"send ?as ?denied"),
    _row(_MESSAGE, r"5\d\d 5\.1\.[78]", Meaning.RUN, Why.SENDER),
    _row(_MESSAGE, r"5\d\d.*", Meaning.RUN, Why.SENDER, r"sender address rejected"),
    # More than the account may send: Microsoft 365 (5.2.0, 5.7.232, 5.1.90), Google (5.4.5).
    _row(_MESSAGE, r"554 5\.2\.0|550 5\.4\.5|550 5\.7\.232|550 5\.1\.90", Meaning.RUN, Why.QUOTA),
    # MAIL says nothing about the member, so whatever is wrong there is wrong for all (RFC 5321 §4.1.1.2);
    # 552 and 5.3.4: larger than the server takes (RFC 1870 §6.1).
    _row({Phase.MAIL}, r"552.*|5\d\d 5\.3\.4", Meaning.RUN, Why.TOO_LARGE),
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
    # nothing; at the dot nobody can tell.
    _row({Phase.BODY}, r"2\d\d.*", Meaning.IN_DOUBT),
    _row({Phase.DOT}, r".*", Meaning.IN_DOUBT),
    _row(_ANY, r".*", Meaning.RELEASED),
)

# What lets the session go on with its next step (RFC 5321 §4.3.2). For MAIL 250 alone will do.
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
    """Whether the session goes on with its next step."""
    return reply.code in _GO_ON[reply.phase]


def closes(reply: Reply) -> bool:
    """Whether the connection is of no use after this reply (RFC 5321 §3.8)."""
    if reply.phase is Phase.BODY:
        # In the middle of a body there is no way back to step but a new connection.
        return True
    return not accepted(reply) and (reply.code == 421 or not 400 <= reply.code <= 599)


def meaning(reply: Reply) -> Meaning:
    """What the reply that ended a transaction means: the first failing one, or that to the final dot."""
    return _row_of(reply).meaning


def why(reply: Reply) -> Why:
    """What is wrong with the run, where that is what the reply means."""
    return _row_of(reply).why or Why.SERVER


def same_refusal(one: Reply, other: Reply) -> bool:
    """Whether two members were refused with one code."""
    return (one.code, one.enhanced) == (other.code, other.enhanced)


def _row_of(reply: Reply) -> _Row:
    # Words count in refusals alone; every acceptance has words of its own, which need no looking up.
    return _fitting(reply.phase, f"{reply.code} {reply.enhanced}".strip(), reply.text if reply.code >= 500 else "")


@lru_cache(maxsize=256)
def _fitting(phase: Phase, status: str, text: str) -> _Row:
    return next(
        row
        for row in _TABLE
        if phase in row.phases and row.status.match(status) and (row.words is None or row.words.search(text))
    )


def plain_text(lines: Iterable[bytes]) -> str:
    """A server's words as one line that a terminal can show: UTF-8, no control characters, not endless."""
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
    return joined if len(joined) <= _LONGEST_TEXT else f"{joined[: _LONGEST_TEXT - 1]}…"
