"""Why a run stopped, and what to do about it."""

from dataclasses import dataclass

from mkwmail.errors import ExitCode, Fault
from mkwmail.language import _
from mkwmail.sending.reply import Phase, Reply, Why, why


@dataclass(frozen=True, slots=True)
class RunFault:
    """What stopped a run: one sentence, what to do in another, and the exit code."""

    reason: str
    remedy: str
    code: ExitCode

    @classmethod
    def of(cls, fault: Fault, code: ExitCode) -> "RunFault":
        """The fault of an exception, as data."""
        return cls(f"{fault.place}: {fault.fault}" if fault.place else fault.fault, fault.remedy, code)


def run_fault(reply: Reply) -> RunFault:
    """The words for a reply that means the run, and its exit code: 77 for the login, else 69."""
    reason, remedy = words_for(why(reply))
    code = ExitCode.LOGIN if why(reply) in _LOGIN else ExitCode.SERVER
    return RunFault(_with_reply(reason, reply), remedy, code)


def all_refused(reply: Reply) -> RunFault:
    """The words for members refused in a row with one code: then it is hardly each of theirs."""
    reason = _with_reply(_("three members in a row were refused with the same code"), reply)
    remedy = _(
        "nobody was noted as refused: if the server does not let you send, check username and sender in "
        "mkwmail.yaml, or ask your provider; if these addresses are wrong, correct them in the member list"
    )
    return RunFault(reason, remedy, ExitCode.SERVER)


_LOGIN = frozenset(
    {
        *(Why.LOGIN, Why.APP_PASSWORD, Why.BASIC_LOGIN_OFF, Why.SMTP_AUTH_OFF),
        *(Why.TOKEN, Why.TOKEN_SCOPE, Why.TOKEN_POLICY, Why.SEND_AS),
    }
)


def words_for(kind: Why) -> tuple[str, str]:
    """The sentence that says what is wrong, and the one that says what to do."""
    match kind:
        case Why.LOGIN:
            return (
                _("the server refuses the login"),
                _("check smtp: username in mkwmail.yaml and the password (mkwmail login asks for it anew)"),
            )
        case Why.TOKEN:
            return (
                _("the server does not take the sign-in for this username"),
                _(
                    "type mkwmail login, and sign in as smtp: username of mkwmail.yaml itself, not with another "
                    "account that the browser remembers"
                ),
            )
        case Why.TOKEN_SCOPE:
            return (
                _("the sign-in does not allow sending mail"),
                _("give the application that permission at the provider, then sign in anew: mkwmail login"),
            )
        case Why.TOKEN_POLICY:
            return (
                _("the organisation's rules do not let this account send through SMTP"),
                _("ask who manages the accounts to allow it for this mailbox (docs/microsoft365.md)"),
            )
        case Why.SMTP_AUTH_OFF:
            return (
                _("SMTP AUTH is switched off for this mailbox"),
                _(
                    "ask who manages Microsoft 365 for: Set-CASMailbox <mailbox> -SmtpClientAuthenticationDisabled "
                    "$false (docs/microsoft365.md); it works after an hour at most"
                ),
            )
        case Why.APP_PASSWORD:
            return (
                _("the server wants another kind of password"),
                _("make an app password in the account's security settings, and use that one"),
            )
        case Why.BASIC_LOGIN_OFF:
            return (
                _("the provider no longer lets this account log in with a password"),
                _("sign in without one: write auth: oauth below smtp: in mkwmail.yaml, and type mkwmail login"),
            )
        case Why.QUOTA:
            return (
                _("the account has sent as much as it may for now"),
                _("go on tomorrow with the same command; set pace: per_day in mkwmail.yaml to the account's limit"),
            )
        case Why.SEND_AS:
            return (
                _("this login may not send as this sender"),
                _(
                    "ask who manages the accounts for the right to send as sender: email (Microsoft 365: Send As, "
                    "docs/microsoft365.md), or write the login's own address there"
                ),
            )
        case Why.SENDER:
            return (
                _("the server does not let this login send as this sender"),
                _("set sender: email in mkwmail.yaml to the login's own address, or ask for the right to send as it"),
            )
        case Why.TOO_LARGE:
            return (
                _("the message is larger than the server takes"),
                _("make the attachments smaller, or put them on the website and link to them"),
            )
        case Why.LATER:
            return (
                _("the server cannot take mail now"),
                _("give the same command again later: nobody is mailed twice"),
            )
        case Why.CONNECTION:
            return (
                _("the connection to the server failed"),
                _("check the network, and smtp: host, port and security in mkwmail.yaml; then give the command again"),
            )
        case Why.SERVER:
            return (
                _("the server refuses the run"),
                _("check smtp and sender in mkwmail.yaml, or show the provider the server's words"),
            )


def _with_reply(reason: str, reply: Reply) -> str:
    words = {"reason": reason, "phase": _step(reply.phase), "reply": str(reply)}
    return _("%(reason)s (%(phase)s: %(reply)s)") % words


def _step(phase: Phase) -> str:
    """A step of the session, in words; the commands keep their names."""
    match phase:
        case Phase.GREETING:
            return _("greeting")
        case Phase.BODY:
            return _("message")
        case Phase.DOT:
            return _("end of the message")
        case Phase.TOKEN:
            return Phase.AUTH.value
        case _:
            return phase.value
