"""A table of a server's faults, and of mkwmail's reaction to each.

Three members are mailed, in this order: Anna, Bart, Chris. A row's fault happens to all of them, or to Bart
alone. ``state`` is Bart's after the run; ``stops``: whether the run ends because of it; ``words`` are in what is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mkwmail.config.settings import Security
from mkwmail.errors import ExitCode
from mkwmail.ledger.models import State
from tests.smtp_server import DROP, SILENCE, Action, Raw, ReplyThenDrop, ReplyThenSilence, ScriptedServer, Slowly

ANNA, BART, CHRIS = (f"{name}@example.org" for name in ("anna", "bart", "chris"))


@dataclass(frozen=True)
class Tls:
    """How the server encrypts: ``certificate`` is the name of one that the tests make."""

    certificate: str = "good"
    oldest: bool = False  # TLS 1.0 only


@dataclass(frozen=True)
class Fault:
    """A row of the table. ``hasty``: the step (of ``smtp_client.Timeouts``) that gets a moment only."""

    name: str
    does: Callable[[ScriptedServer], None]
    state: State
    stops: bool
    code: ExitCode
    words: str = ""
    hasty: str = ""
    extensions: tuple[str, ...] = ()
    login: bool = False
    tls: Tls | None = None
    security: Security = Security.NONE


def _all(step: str, action: Action, times: int | None = None) -> Callable[[ScriptedServer], None]:
    return lambda server: server.on(step, action, times=times)


def _bart(step: str, action: Action) -> Callable[[ScriptedServer], None]:
    return lambda server: server.on(step, action, recipient=BART)


def _second(step: str, action: Action) -> Callable[[ScriptedServer], None]:
    return lambda server: server.on(step, action, skip=1, times=1)


def _each(*scripts: Callable[[ScriptedServer], None]) -> Callable[[ScriptedServer], None]:
    def does(server: ScriptedServer) -> None:
        for script in scripts:
            script(server)

    return does


def _nothing(_server: ScriptedServer) -> None:
    pass


def _forget(server: ScriptedServer) -> None:
    server.forgets = True


def _take_data_anyway(server: ScriptedServer) -> None:
    server.takes_data_anyway = True


# A line that never ends, a reply that never ends: more than anybody reads.
_LINE = Raw(b"250-" + b"x" * 100_000)
_LINES = Raw(b"250-more\r\n" * 5_000)
_EIGHT_BIT = "250 2.0.0 caf\u00e9 \x1b[31m\x07 \u202egeweigerd"
_TWO_MINDS = "250-yes\n550 no"
_BARE_LINES = Raw(b"250-test\n250 SIZE 1000000\n")  # line feeds alone
_HTTP = Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
_RANDOM = Raw(bytes(range(128, 256)) + b"\r\n")

_EXTENSIONS = (
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "ENHANCEDSTATUSCODES",
    "REQUIRETLS",
    "AUTH=LOGIN",
    "VRFY",
)

OK, SERVER, LOGIN, WAITING, REFUSED, IN_DOUBT = (
    ExitCode.OK,
    ExitCode.SERVER,
    ExitCode.LOGIN,
    ExitCode.WAITING,
    ExitCode.REFUSED,
    ExitCode.IN_DOUBT,
)
_SENT, _PLANNED, _DEFERRED = State.SENT, State.PLANNED, State.DEFERRED
_REFUSED, _IN_DOUBT = State.REFUSED, State.IN_DOUBT

GREETING = (
    Fault("greeting of many lines", _all("GREETING", "220-hello\n220-no spam\n220 ready"), _SENT, False, OK),
    Fault("greeting 421", _all("GREETING", "421 4.7.0 too busy"), _PLANNED, True, SERVER, "too busy"),
    Fault("greeting 450", _all("GREETING", "450 4.3.2 later"), _PLANNED, True, SERVER, "later"),
    Fault("greeting 554", _all("GREETING", "554 5.7.1 not for you"), _PLANNED, True, SERVER, "not for you"),
    Fault("greeting 250", _all("GREETING", "250 what"), _PLANNED, True, SERVER, "what"),
    Fault("greeting of another protocol", _all("GREETING", _HTTP), _PLANNED, True, SERVER, "HTTP/1.1 400"),
    Fault("greeting of random bytes", _all("GREETING", _RANDOM), _PLANNED, True, SERVER, "not SMTP"),
    Fault("greeting without an end", _all("GREETING", _LINE), _PLANNED, True, SERVER, "not SMTP"),
    Fault("greeting of two minds", _all("GREETING", "220-here\n554 or not"), _PLANNED, True, SERVER, "554 or not"),
    Fault(
        "greeting of too many lines", _all("GREETING", Raw(b"220-x\r\n" * 5_000)), _PLANNED, True, SERVER, "not SMTP"
    ),
    Fault("drop instead of a greeting", _all("CONNECT", DROP), _PLANNED, True, SERVER, "connection"),
    Fault(
        "silence instead of a greeting", _all("GREETING", SILENCE), _PLANNED, True, SERVER, "in time", hasty="greeting"
    ),
    Fault(
        "greeting byte by byte, too slowly",
        _all("GREETING", Slowly("220 " + "x" * 40, 0.05)),
        *(_PLANNED, True, SERVER, "in time"),
        hasty="greeting",
    ),
    Fault("greeting byte by byte", _all("GREETING", Slowly("220 slow", 0.01)), _SENT, False, OK),
    Fault("one greeting is 421, the next is good", _all("GREETING", "421 4.3.2 one only", 1), _PLANNED, True, SERVER),
)

EHLO = (
    Fault("EHLO 421", _all("EHLO", "421 4.3.2 going down"), _PLANNED, True, SERVER, "going down"),
    Fault("EHLO 450", _all("EHLO", "450 4.3.2 not now"), _PLANNED, True, SERVER, "not now"),
    Fault("EHLO 502: HELO will do", _all("EHLO", "502 5.5.1 never heard of it"), _SENT, False, OK),
    Fault("EHLO 550", _all("EHLO", "550 5.7.1 go away"), _PLANNED, True, SERVER, "go away"),
    Fault("EHLO 354", _all("EHLO", "354 go on"), _PLANNED, True, SERVER, "go on"),
    Fault("EHLO of two minds", _all("EHLO", "250-here\n550 5.7.1 or not"), _PLANNED, True, SERVER, "550 5.7.1 or not"),
    Fault("EHLO without an end", _all("EHLO", _LINES), _PLANNED, True, SERVER, "not SMTP"),
    Fault("EHLO with line feeds alone", _all("EHLO", _BARE_LINES), _SENT, False, OK),
    Fault("EHLO without sense", _all("EHLO", _RANDOM), _PLANNED, True, SERVER, "not SMTP"),
    Fault("EHLO byte by byte", _all("EHLO", Slowly("250 slow", 0.01)), _SENT, False, OK),
    Fault("EHLO in eight bits", _all("EHLO", _EIGHT_BIT), _SENT, False, OK),
    Fault("drop at EHLO", _all("EHLO", DROP), _PLANNED, True, SERVER, "connection"),
    Fault("silence at EHLO", _all("EHLO", SILENCE), _PLANNED, True, SERVER, "in time", hasty="command"),
    Fault("SIZE is no number", _nothing, _SENT, False, OK, extensions=("SIZE many",)),
    Fault("SIZE is beyond all numbers", _nothing, _SENT, False, OK, extensions=(f"SIZE {'9' * 400}",)),
    Fault("SIZE is smaller than the mail", _nothing, _PLANNED, True, SERVER, "larger", extensions=("SIZE 20",)),
    Fault("LIMITS make no sense", _nothing, _SENT, False, OK, extensions=("LIMITS MAILMAX=-1 RCPTMAX= =",)),
    Fault("LIMITS allow one mail", _nothing, _SENT, False, OK, extensions=("LIMITS MAILMAX=1",)),
    Fault(
        "SIZE promises too much", _all("DOT", "552 5.3.4 too big"), _PLANNED, True, SERVER, extensions=("SIZE 99999",)
    ),
    Fault("all extensions at once", _nothing, _SENT, False, OK, extensions=_EXTENSIONS),
    Fault(
        "PIPELINING is offered, and what came ahead is forgotten",
        _forget,
        *(_PLANNED, True, SERVER, "keeps closing|in time"),
        hasty="command",
        extensions=("PIPELINING",),
    ),
    Fault(
        "DSN is offered and refused",
        _all("RCPT", "555 5.5.4 unsupported option NOTIFY"),
        *(_PLANNED, True, SERVER, "unsupported option"),
        extensions=("DSN",),
    ),
)

STARTTLS = tuple(
    Fault(name, does, _PLANNED, True, SERVER, words, hasty, security=Security.STARTTLS, tls=tls)
    for name, does, words, hasty, tls in (
        ("STARTTLS is not offered", _nothing, "does not offer encryption", "", None),
        ("STARTTLS 421", _all("STARTTLS", "421 4.3.2 down"), "421 4.3.2 down", "", Tls()),
        ("STARTTLS of two minds", _all("STARTTLS", "220-go\n454 no"), "no", "", Tls()),
        ("STARTTLS without sense", _all("STARTTLS", _RANDOM), "not SMTP", "", Tls()),
        ("STARTTLS without an end", _all("STARTTLS", _LINES), "not SMTP", "", Tls()),
        ("TLS never begins", _all("STARTTLS", ReplyThenSilence("220 go")), "in time", "connect", Tls()),
        ("words instead of TLS", _all("STARTTLS", ReplyThenDrop("220 go\r\n220 gone")), "", "", Tls()),
        ("STARTTLS 454", _all("STARTTLS", "454 4.7.0 no TLS now"), "no TLS now", "", Tls()),
        ("STARTTLS 501", _all("STARTTLS", "501 5.5.4 no"), "501 5.5.4 no", "", Tls()),
        ("drop at STARTTLS", _all("STARTTLS", DROP), "connection", "", Tls()),
        ("silence at STARTTLS", _all("STARTTLS", SILENCE), "in time", "command", Tls()),
        ("words behind STARTTLS", _all("STARTTLS", Raw(b"220 go\r\n250 AUTH\r\n")), "sent more data after", "", Tls()),
        ("drop before TLS begins", _all("STARTTLS", ReplyThenDrop("220 go")), "connection", "", Tls()),
        ("certificate of nobody", _nothing, "certificate cannot be trusted", "", Tls("unknown")),
        ("certificate of another host", _nothing, "certificate cannot be trusted", "", Tls("other host")),
        ("certificate that has expired", _nothing, "certificate cannot be trusted", "", Tls("expired")),
        ("TLS 1.0 only", _nothing, "no encrypted connection", "", Tls(oldest=True)),
    )
)

FROM_THE_START = tuple(
    Fault(name, does, _PLANNED, True, SERVER, words, hasty, security=Security.TLS, tls=tls)
    for name, does, words, hasty, tls in (
        ("TLS from the start: drop", _all("CONNECT", DROP), "", "", Tls()),
        ("TLS from the start: silence", _all("CONNECT", SILENCE), "in time", "connect", Tls()),
        ("TLS from the start: a greeting", _all("CONNECT", "220 in the clear"), "", "", Tls()),
        ("TLS from the start: greeting 554", _all("GREETING", "554 5.7.1 not you"), "not you", "", Tls()),
        ("TLS from the start: silence then", _all("GREETING", SILENCE), "in time", "greeting", Tls()),
        ("TLS from the start: nobody's", _nothing, "certificate cannot be trusted", "", Tls("unknown")),
        ("TLS from the start: another's", _nothing, "certificate cannot be trusted", "", Tls("other host")),
        ("TLS from the start: expired", _nothing, "certificate cannot be trusted", "", Tls("expired")),
        ("TLS from the start: 1.0 only", _nothing, "no encrypted connection", "", Tls(oldest=True)),
    )
)

AUTH = tuple(
    Fault(name, does, _PLANNED, True, code, words, hasty, login=True, extensions=extensions)
    for name, does, code, words, hasty, extensions in (
        ("AUTH 421", _all("AUTH", "421 4.7.0 too many logins"), SERVER, "too many logins", "", ()),
        ("AUTH 432", _all("AUTH", "432 4.3.2 connections"), SERVER, "connections", "", ()),
        ("AUTH 454", _all("AUTH", "454 4.7.0 temporary"), SERVER, "temporary", "", ()),
        ("AUTH 504", _all("AUTH", "504 5.5.4 mechanism"), LOGIN, "mechanism", "", ()),
        ("AUTH 534", _all("AUTH", "534 5.7.9 application password"), LOGIN, "another kind of password", "", ()),
        ("AUTH 535", _all("AUTH", "535 5.7.8 wrong"), LOGIN, "refuses the login", "", ()),
        ("AUTH 535 5.7.139", _all("AUTH", "535 5.7.139 basic off"), LOGIN, "no longer lets", "", ()),
        ("AUTH 334 without an end", _all("AUTH", "334 VXNlcg=="), LOGIN, "334", "", ()),
        ("AUTH of another protocol", _all("AUTH", _HTTP), SERVER, "not SMTP", "", ()),
        ("AUTH 503", _all("AUTH", "503 5.5.1 not now"), LOGIN, "not now", "", ()),
        ("AUTH of two minds", _all("AUTH", "235-yes\n535 no"), SERVER, "not SMTP", "", ()),
        ("AUTH without an end", _all("AUTH", _LINES), SERVER, "not SMTP", "", ()),
        ("drop at AUTH", _all("AUTH", DROP), SERVER, "connection", "", ()),
        ("silence at AUTH", _all("AUTH", SILENCE), SERVER, "in time", "command", ()),
        ("AUTH offers nothing known", _nothing, LOGIN, "NTLM", "", ("AUTH NTLM GSSAPI",)),
    )
)

LOGGED_IN = (
    Fault("AUTH 235 of many lines", _all("AUTH", "235-2.7.0 wel\n235 2.7.0 come"), _SENT, False, OK, login=True),
    Fault("AUTH 235 byte by byte", _all("AUTH", Slowly("235 2.7.0 welcome", 0.01)), _SENT, False, OK, login=True),
)

MAIL = (
    Fault("MAIL 250 of many lines", _all("MAIL", "250-2.1.0 yes\n250 2.1.0 yes"), _SENT, False, OK),
    Fault("MAIL 250 byte by byte", _all("MAIL", Slowly("250 2.1.0 slow", 0.01)), _SENT, False, OK),
    Fault("MAIL of two minds, once", _second("MAIL", _TWO_MINDS), _SENT, False, OK),
    Fault("MAIL without sense, once", _second("MAIL", _RANDOM), _SENT, False, OK),
    Fault("MAIL 421, once", _second("MAIL", "421 4.4.2 idle"), _SENT, False, OK),
    Fault("MAIL 421, always", _all("MAIL", "421 4.4.2 no"), _PLANNED, True, SERVER, "keeps closing"),
    Fault("MAIL 250 without its text", _all("MAIL", "250"), _SENT, False, OK),
    Fault("MAIL 251", _all("MAIL", "251 hm"), _PLANNED, True, SERVER, "251 hm"),
    Fault("MAIL 354", _all("MAIL", "354 go on"), _PLANNED, True, SERVER, "354 go on"),
    Fault("MAIL 451", _all("MAIL", "451 4.3.0 later"), _PLANNED, True, SERVER, "cannot take mail now"),
    Fault("MAIL 452", _all("MAIL", "452 4.3.1 storage"), _PLANNED, True, SERVER, "storage"),
    Fault("MAIL 501", _all("MAIL", "501 5.1.7 bad sender"), _PLANNED, True, SERVER, "as this sender"),
    Fault("MAIL 530", _all("MAIL", "530 5.7.57 log in"), _PLANNED, True, LOGIN, "refuses the login"),
    Fault("MAIL 550 5.7.30", _all("MAIL", "550 5.7.30 basic"), _PLANNED, True, LOGIN, "no longer lets"),
    Fault("MAIL 552", _all("MAIL", "552 5.3.4 too big"), _PLANNED, True, SERVER, "larger"),
    Fault("MAIL 553", _all("MAIL", "553 5.7.1 not yours"), _PLANNED, True, SERVER, "not yours"),
    Fault("drop at MAIL, once", _second("MAIL", DROP), _SENT, False, OK),
    Fault("silence at MAIL, once", _second("MAIL", SILENCE), _SENT, False, OK, hasty="command"),
    Fault("MAIL without an end, once", _second("MAIL", _LINE), _SENT, False, OK),
)

RCPT = (
    Fault("RCPT 251", _bart("RCPT", "251 2.1.5 will forward"), _SENT, False, OK),
    Fault("RCPT 252", _bart("RCPT", "252 2.1.5 will try"), _SENT, False, OK),
    Fault("RCPT 250 of many lines", _bart("RCPT", "250-2.1.5 yes\n250 2.1.5 yes"), _SENT, False, OK),
    Fault("RCPT 354", _bart("RCPT", "354 go on"), _PLANNED, False, WAITING, "354 go on"),
    Fault("RCPT 421, for Bart always", _bart("RCPT", "421 4.7.0 busy"), _PLANNED, False, WAITING, "busy"),
    Fault("RCPT 450", _bart("RCPT", "450 4.2.0 greylisted"), _DEFERRED, False, WAITING, "greylisted"),
    Fault("RCPT 451", _bart("RCPT", "451 4.7.1 later"), _DEFERRED, False, WAITING, "later"),
    Fault("RCPT 452", _bart("RCPT", "452 4.5.3 too many"), _DEFERRED, False, WAITING, "too many"),
    Fault("RCPT 550", _bart("RCPT", "550 5.1.1 unknown"), _REFUSED, False, REFUSED, "unknown"),
    Fault("RCPT 550 of many lines", _bart("RCPT", "550-5.1.1 un\n550 5.1.1 known"), _REFUSED, False, REFUSED, "known"),
    Fault("RCPT 551", _bart("RCPT", "551 5.1.6 moved"), _REFUSED, False, REFUSED, "moved"),
    Fault("RCPT 552 is for now", _bart("RCPT", "552 5.5.3 too many recipients"), _DEFERRED, False, WAITING, "too many"),
    Fault("RCPT 553", _bart("RCPT", "553 5.1.3 syntax"), _REFUSED, False, REFUSED, "syntax"),
    Fault("RCPT 554 for all: relay", _all("RCPT", "554 5.7.1 Relay denied"), _PLANNED, True, SERVER, "Relay denied"),
    Fault("RCPT 550 for all: quota", _all("RCPT", "550 5.4.5 limit"), _PLANNED, True, SERVER, "as much as it may"),
    Fault("RCPT 550 for all: sender", _all("RCPT", "550 5.1.8 sender"), _PLANNED, True, SERVER, "as this sender"),
    Fault("RCPT 550 for all: blocked", _all("RCPT", "550 5.7.1 blocked, see https"), _PLANNED, True, SERVER, "blocked"),
    Fault("RCPT 530: log in", _all("RCPT", "530 5.7.0 authentication required"), _PLANNED, True, LOGIN, "the login"),
    Fault("RCPT of two minds", _bart("RCPT", "250-yes\n550 no"), _PLANNED, False, WAITING, "not SMTP"),
    Fault("RCPT without sense", _bart("RCPT", Raw(b"9x9 \xff\xfe\x00\r\n")), _PLANNED, False, WAITING, "not SMTP"),
    Fault("drop at RCPT", _bart("RCPT", DROP), _PLANNED, False, WAITING, "connection"),
    Fault("silence at RCPT", _bart("RCPT", SILENCE), _PLANNED, False, WAITING, "in time", hasty="command"),
    Fault("RCPT without an end", _bart("RCPT", _LINES), _PLANNED, False, WAITING, "not SMTP"),
    Fault("RCPT byte by byte", _bart("RCPT", Slowly("250 2.1.5 slow", 0.01)), _SENT, False, OK),
)

DATA = (
    Fault("DATA 354 of many lines", _bart("DATA", "354-go\n354 ahead"), _SENT, False, OK),
    Fault("DATA 354 byte by byte", _bart("DATA", Slowly("354 slow", 0.01)), _SENT, False, OK),
    Fault("DATA of two minds", _bart("DATA", "354-go\n554 no"), _PLANNED, False, WAITING, "not SMTP|554 no"),
    Fault("DATA without an end", _bart("DATA", _LINES), _PLANNED, False, WAITING, "not SMTP"),
    Fault(
        "DATA 354 for nobody",
        _each(_bart("RCPT", "550 5.1.1 unknown"), _take_data_anyway),
        *(_REFUSED, False, REFUSED, "unknown"),
    ),
    Fault("drop within the body", _bart("BODY", DROP), _IN_DOUBT, False, IN_DOUBT, "connection"),
    Fault("silence within the body", _bart("BODY", SILENCE), _IN_DOUBT, False, IN_DOUBT, "in time", hasty="dot"),
    Fault("552 within the body", _bart("BODY", ReplyThenDrop("552 5.3.4 too big")), _PLANNED, True, SERVER, "larger"),
    Fault("DATA 250", _bart("DATA", "250 what"), _PLANNED, False, WAITING, "250 what"),
    Fault("DATA 421", _bart("DATA", ReplyThenDrop("421 4.3.2 down")), _PLANNED, False, WAITING, "down"),
    Fault("DATA 451", _bart("DATA", "451 4.3.0 later"), _DEFERRED, False, WAITING, "later"),
    Fault("DATA 503", _bart("DATA", "503 5.5.1 order"), _REFUSED, False, REFUSED, "order"),
    Fault("DATA 554", _bart("DATA", "554 5.7.1 no"), _REFUSED, False, REFUSED, "no"),
    Fault("DATA 554 for all", _all("DATA", "554 5.7.1 policy"), _PLANNED, True, SERVER, "policy"),
    Fault("drop at DATA", _bart("DATA", DROP), _PLANNED, False, WAITING, "connection"),
    Fault("silence at DATA", _bart("DATA", SILENCE), _PLANNED, False, WAITING, "in time", hasty="data"),
    Fault("DATA without sense", _bart("DATA", _RANDOM), _PLANNED, False, WAITING, "not SMTP"),
)

DOT = (
    Fault("dot 250 of many lines", _bart("DOT", "250-2.0.0 yes\n250 2.0.0 queued"), _SENT, False, OK),
    Fault("dot 250 byte by byte", _bart("DOT", Slowly("250 2.0.0 queued", 0.01)), _SENT, False, OK),
    Fault("dot 250 in eight bits", _bart("DOT", _EIGHT_BIT), _SENT, False, OK),
    Fault("dot 250 and gone", _bart("DOT", ReplyThenDrop("250 2.0.0 queued")), _SENT, False, OK),
    Fault("dot 354", _bart("DOT", "354 go on"), _IN_DOUBT, False, IN_DOUBT, "354 go on"),
    Fault("dot 421", _bart("DOT", ReplyThenDrop("421 4.3.2 down")), _DEFERRED, False, WAITING, "down"),
    Fault("dot 451", _bart("DOT", "451 4.7.1 greylisted"), _DEFERRED, False, WAITING, "greylisted"),
    Fault("dot 452", _bart("DOT", "452 4.3.1 disk"), _DEFERRED, False, WAITING, "disk"),
    Fault("dot 550", _bart("DOT", "550 5.7.1 spam"), _REFUSED, False, REFUSED, "spam"),
    Fault("dot 552", _bart("DOT", "552 5.2.2 mailbox full"), _REFUSED, False, REFUSED, "mailbox full"),
    Fault("dot 554 for all", _all("DOT", "554 5.7.1 spam"), _PLANNED, True, SERVER, "spam"),
    Fault("dot 554 for all: quota", _all("DOT", "554 5.2.0 quota"), _PLANNED, True, SERVER, "as much as it may"),
    Fault("dot 554: SendAs", _all("DOT", "554 5.2.252 SendAsDenied"), _PLANNED, True, LOGIN, "as this sender"),
    Fault("drop at the dot", _bart("DOT", DROP), _IN_DOUBT, False, IN_DOUBT, "connection"),
    Fault(
        "half a reply to the dot", _bart("DOT", Raw(b"25")), _IN_DOUBT, False, IN_DOUBT, "time|not SMTP", hasty="dot"
    ),
    Fault("silence at the dot", _bart("DOT", SILENCE), _IN_DOUBT, False, IN_DOUBT, "in time", hasty="dot"),
    Fault("dot without sense", _bart("DOT", _RANDOM), _IN_DOUBT, False, IN_DOUBT, "not SMTP"),
    Fault("dot of two minds", _bart("DOT", "250-yes\n550 no"), _IN_DOUBT, False, IN_DOUBT, "not SMTP"),
    Fault("dot without an end", _bart("DOT", _LINES), _IN_DOUBT, False, IN_DOUBT, "not SMTP"),
    Fault("drops at every dot", _all("DOT", DROP), _IN_DOUBT, True, SERVER, "keeps closing"),
)

AFTER = (
    Fault(
        "RSET 421",
        _each(_bart("RCPT", "550 5.1.1 no"), _all("RSET", "421 4.3.2 bye")),
        *(_REFUSED, False, REFUSED, "5.1.1 no"),
    ),
    Fault(
        "RSET 500",
        _each(_bart("RCPT", "550 5.1.1 no"), _all("RSET", "500 5.5.1 what")),
        *(_REFUSED, False, REFUSED, "5.1.1 no"),
    ),
    Fault(
        "drop at RSET",
        _each(_bart("RCPT", "451 4.2.0 no"), _all("RSET", DROP)),
        *(_DEFERRED, False, WAITING, "4.2.0 no"),
    ),
    Fault(
        "silence at RSET",
        _each(_bart("RCPT", "451 4.2.0 no"), _all("RSET", SILENCE)),
        *(_DEFERRED, False, WAITING, "4.2.0 no"),
        hasty="rset",
    ),
    Fault(
        "RSET without sense",
        _each(_bart("RCPT", "550 5.1.1 no"), _all("RSET", _RANDOM)),
        *(_REFUSED, False, REFUSED, "5.1.1 no"),
    ),
    Fault(
        "RSET without an end",
        _each(_bart("RCPT", "550 5.1.1 no"), _all("RSET", _LINES)),
        *(_REFUSED, False, REFUSED, "5.1.1 no"),
    ),
    Fault("QUIT 421", _all("QUIT", "421 4.3.2 down"), _SENT, False, OK),
    Fault("QUIT without sense", _all("QUIT", _RANDOM), _SENT, False, OK),
    Fault("QUIT without an end", _all("QUIT", _LINES), _SENT, False, OK),
    Fault("QUIT 500", _all("QUIT", "500 5.5.1 what"), _SENT, False, OK),
    Fault("drop at QUIT", _all("QUIT", DROP), _SENT, False, OK),
    Fault("silence at QUIT", _all("QUIT", SILENCE), _SENT, False, OK, hasty="quit"),
)

# Before the first message, and with messages, if it matters whether they are pipelined.
SETTING_UP = (*GREETING, *EHLO, *STARTTLS, *FROM_THE_START, *AUTH, *LOGGED_IN)
MESSAGES = (*MAIL, *RCPT, *DATA, *DOT, *AFTER)
FAULTS = (
    *SETTING_UP,
    *MESSAGES,
    *(replace(each, extensions=("PIPELINING",), name=f"{each.name}, pipelined") for each in MESSAGES),
)
