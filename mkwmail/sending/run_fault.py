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


_LOGIN = frozenset({Why.LOGIN, Why.APP_PASSWORD, Why.BASIC_LOGIN_OFF})


def words_for(kind: Why) -> tuple[str, str]:
    """The sentence that says what is wrong, and the one that says what to do."""
    match kind:
        case Why.LOGIN:
            return (
                _("the server refuses the login"),
                _("check smtp: username in mkwmail.yaml and the password; log in once on the provider's site"),
            )
        case Why.APP_PASSWORD:
            return (
                _("the server wants another kind of password"),
                _("make an app password in the account's security settings, and use that one"),
            )
        case Why.BASIC_LOGIN_OFF:
            return (
                _("the provider no longer lets this account log in with a password"),
                _("ask who manages the account to switch on SMTP AUTH for this mailbox, or use another server"),
            )
        case Why.QUOTA:
            return (
                _("the account has sent as much as it may for now"),
                _("go on tomorrow with the same command; set pace: per_day in mkwmail.yaml to the account's limit"),
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
        case _:
            return phase.value
