"""Errors of a sign-in, with their causes and remedies.

Only this module reads a provider's error codes: RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5. Microsoft puts its own codes
(AADSTS…) into the description (learn.microsoft.com, "Microsoft Entra authentication and authorization error codes"),
and may change them.
"""

import re
from dataclasses import dataclass
from enum import Enum

from mkwmail.auth.credentials import SignInError
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _

_LONGEST = 200


class SignInStep(Enum):
    """The step of the sign-in that the provider refused."""

    DEVICE = "device"
    BROWSER = "browser"
    RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's error code and, usually, its description."""

    error: str
    description: str = ""


class RefusedError(Exception):
    """The error that the provider refused a request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


class _Why(Enum):
    CONSENT = "consent"
    POLICY = "policy"
    PUBLIC = "public client"
    APPLICATION = "application"
    ACCOUNT = "account"
    ANEW = "anew"
    DENIED = "denied"
    LATE = "late"
    SCOPE = "scope"
    PASSING = "passing"
    UNKNOWN = "unknown"


_TABLE = tuple(
    (re.compile(words, re.IGNORECASE), why)
    for words, why in (
        (r"AADSTS(65\d{3,4}|90094|90008)\b|^consent_required", _Why.CONSENT),
        # Conditional access, which includes rules against device codes; 50199 interrupts a sign-in halfway.
        (r"AADSTS(5300\d{1,2}|50199|50097|50105)\b", _Why.POLICY),
        (r"AADSTS(7000218|7000215|70002)\b|^invalid_client|client_secret", _Why.PUBLIC),
        (r"AADSTS(700016|90002|900023|50194|50059|7000112)\b|^unauthorized_client", _Why.APPLICATION),
        (r"AADSTS(50020|50034|90072|50057|51004)\b", _Why.ACCOUNT),
        (r"^expired_token|AADSTS70020\b", _Why.LATE),
        (r"^(access_denied|authorization_declined)", _Why.DENIED),
        (r"^(invalid_grant|interaction_required|login_required)", _Why.ANEW),
        (r"^invalid_scope", _Why.SCOPE),
        (r"^(temporarily_unavailable|server_error)", _Why.PASSING),
    )
)


def sign_in_fault(place: str, username: str, refused: Refusal, step: SignInStep) -> SignInError:
    """Return the error for a refusal, with its cause and remedy.

    Its exit code is 77 (LOGIN), or 69 (SERVER) if the provider reports a temporary failure.
    """
    text = f"{refused.error} {refused.description}"
    why = next((why for words, why in _TABLE if words.search(text)), _Why.UNKNOWN)
    fault, remedy = _words(why, step)
    words = {"username": username}
    passing = why is _Why.PASSING
    told = Fault(place, f"{fault % words} ({_said(refused, why)})", remedy % words)
    return SignInError(told, ExitCode.SERVER if passing else ExitCode.LOGIN, not passing)


def _words(why: _Why, step: SignInStep) -> tuple[str, str]:
    match why:
        case _Why.CONSENT:
            return (
                _("nobody has agreed yet that this application may send mail for %(username)s"),
                _("ask your administrator to grant consent (docs/microsoft365.md), then run: mkwmail login"),
            )
        case _Why.POLICY:
            return _policy(step)
        case _Why.PUBLIC:
            return (
                _("the provider wants a client secret for this application, or a different one"),
                _(
                    "Microsoft: switch on public client flows for the application (docs/microsoft365.md); "
                    "Google: type mkwmail login, and give the client secret that goes with client_id"
                ),
            )
        case _Why.APPLICATION:
            return (
                _("the provider does not know this application, or not in this organisation"),
                _("compare smtp: client_id and tenant in mkwmail.yaml with what the provider shows"),
            )
        case _Why.ACCOUNT:
            return (
                _("this account does not belong to the organisation"),
                _("type mkwmail login, and sign in as %(username)s"),
            )
        case _Why.ANEW if step is SignInStep.RENEWAL:
            return (
                _("the sign-in of %(username)s has expired or was withdrawn"),
                _("sign in again: mkwmail login"),
            )
        case _Why.LATE | _Why.ANEW:
            return (
                _("nobody approved the sign-in in time"),
                _("type mkwmail login again, and sign in before it expires"),
            )
        case _Why.DENIED:
            return (
                _("the sign-in was refused"),
                _("run mkwmail login again and give consent; if you did, ask your administrator"),
            )
        case _Why.SCOPE:
            return (
                _("the provider does not give this application the right to send mail"),
                _("add the permission to the application at the provider; your own scopes are under smtp: scopes"),
            )
        case _Why.PASSING:
            return (
                _("the provider cannot sign anybody in at the moment"),
                _("run the same command again later"),
            )
        case _Why.UNKNOWN:
            return (
                _("the provider refuses the sign-in of %(username)s"),
                _("run mkwmail login; if it fails again, show this message to your administrator"),
            )


def _policy(step: SignInStep) -> tuple[str, str]:
    match step:
        case SignInStep.DEVICE:
            return (
                _("the organisation does not allow signing in with a code"),
                _("sign in with the browser of this computer: mkwmail login --browser"),
            )
        case SignInStep.BROWSER:
            return (
                _("the organisation's rules do not allow this sign-in"),
                _("try mkwmail login --device, or ask your administrator to allow this application"),
            )
        case SignInStep.RENEWAL:
            return (
                _("the organisation's rules no longer allow the sign-in of %(username)s from here"),
                _("sign in again with mkwmail login, or ask your administrator"),
            )


def _said(refused: Refusal, why: _Why) -> str:
    """Return the provider's codes and, if the cause is unknown, its text.

    Details that differ each time, such as the trace ID, are left out.
    """
    code = re.search(r"AADSTS\d+", refused.description)
    words = [refused.error, code[0] if code else ""]
    if why is _Why.UNKNOWN:
        first = re.split(r"(?i)\s*trace id:|\r|\n", refused.description)[0]
        words = [refused.error, first[:_LONGEST]]
    shown = ", ".join(filter(None, words))
    return "".join(char if char.isprintable() else " " for char in shown)


def unreachable(place: str, reason: str, remedy: str, lasting: bool = False) -> SignInError:
    """Return the error for a provider that cannot be reached.

    It is also the error for a server that answers but is not the provider.
    """
    fault = _("the sign-in cannot be renewed or made: %(reason)s") % {"reason": reason}
    return SignInError(Fault(place, fault, remedy), ExitCode.SERVER, lasting)
