"""OAuth sign-ins: the application, its tokens, and the login with one.

A login with an access token is OAUTHBEARER (RFC 7628), or XOAUTH2, the older mechanism of Google and Microsoft
(developers.google.com/gmail/imap/xoauth2-protocol).

Few users need oauthlib, so :mod:`~mkwmail.auth.oauth_protocol` is imported only when it is used.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from importlib.util import find_spec
from urllib.parse import urlsplit

from mkwmail.auth.credentials import Secret, SignInError
from mkwmail.auth.store import Store, Values
from mkwmail.config.settings import Smtp
from mkwmail.errors import ExitCode, Fault, user_error
from mkwmail.i18n import _


@dataclass(frozen=True, slots=True)
class Application:
    """The OAuth application, its endpoints and scopes, and the username.

    The URL of an endpoint is empty if the provider does not have it. ``client_secret`` is set only for providers that
    give desktop programs one, as Google does; it proves nothing (RFC 8252 §8.5).
    """

    client_id: str
    client_secret: Secret | None
    authorize_url: str
    device_url: str
    token_url: str
    scopes: str
    username: str

    @classmethod
    def of(cls, smtp: Smtp, client_id: str, client_secret: Secret | None) -> "Application":
        """Return the application that the settings describe.

        The settings were checked when they were read.
        """
        return cls(
            client_id,
            client_secret,
            smtp.authorize_url or "",
            smtp.device_url or "",
            smtp.token_url or "",
            smtp.scopes or "",
            smtp.username or "",
        )


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens that a provider issued.

    ``expires``: when the access token expires, in seconds since 1970 by this computer's clock. ``refresh``: None if
    the provider gave none. ``account``: the account that signed in, empty if the provider does not say.
    """

    access: Secret
    expires: float
    refresh: Secret | None
    account: str = ""


# A token is renewed this many seconds before it expires: a session that starts with it must still reach its login.
_MARGIN = 300.0


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """A sign-in as it is stored.

    ``scopes``: what was granted, if that is recorded. A renewal may not ask for more (RFC 6749 §6).
    """

    client_id: str
    client_secret: Secret | None
    issued: TokenSet
    scopes: str = ""

    def values(self) -> Values:
        """Return the values for the store."""
        secret, refresh = self.client_secret, self.issued.refresh
        return {
            "client_id": self.client_id,
            **({"client_secret": secret.reveal()} if secret is not None else {}),
            **({"refresh_token": refresh.reveal()} if refresh is not None else {}),
            "access_token": self.issued.access.reveal(),
            "expires": round(self.issued.expires),
            **({"scopes": self.scopes} if self.scopes else {}),
        }

    @classmethod
    def of(cls, values: Values | None) -> "StoredTokens | None":
        """Return the sign-in in stored values, or None if there is none."""
        if values is None or not values.get("client_id"):
            return None
        secret, refresh = values.get("client_secret"), values.get("refresh_token")
        issued = TokenSet(
            Secret(str(values.get("access_token", ""))),
            float(values.get("expires", 0)),
            Secret(str(refresh)) if refresh else None,
        )
        return cls(
            str(values["client_id"]), Secret(str(secret)) if secret else None, issued, str(values.get("scopes", ""))
        )


class JustIssued:
    """The only token of a new sign-in, tested before it is stored."""

    def __init__(self, issued: TokenSet) -> None:
        self._issued = issued

    def current(self) -> Secret:
        """Return the token."""
        return self._issued.access

    def other_than(self, refused: Secret) -> None:
        """Return None: a token this new is not refused for its age."""
        return None


class Tokens:
    """The access tokens of a login.

    Several threads may use one object, and other processes may renew the same login.
    """

    def __init__(self, smtp: Smtp, store: Store, now: Callable[[], float] = time.time, needs: str = "") -> None:
        """:param needs: a scope that only ``mkwmail login --mailbox`` asks for."""
        self._smtp = smtp
        self._needs = needs
        self._store = store
        self._now = now
        self._turn = threading.Lock()

    def check(self) -> None:
        """Check that a sign-in is stored, without connecting.

        :raises UserError: code LOGIN if there is none; SETTINGS if the stored login can be read by others.
        """
        self._kept()

    def current(self) -> Secret:
        """Return a valid access token; renew it first if necessary.

        :raises SignInError: if none is available.
        """
        kept = self._kept()
        return kept.issued.access if self._is_fresh(kept) else self._renewed(self._is_fresh)

    def other_than(self, refused: Secret) -> Secret:
        """Return another token than the refused one.

        A server refuses a token that is valid by this computer's clock if, for example, that clock was set.

        :raises SignInError: if none is available.
        """
        return self._renewed(lambda kept: kept.issued.access != refused and self._is_fresh(kept))

    def _is_fresh(self, kept: StoredTokens) -> bool:
        return bool(kept.issued.access.reveal()) and self._now() < kept.issued.expires - _MARGIN

    def _renewed(self, will_do: Callable[[StoredTokens], bool]) -> Secret:
        with self._turn, self._store.locked(self._smtp):
            # The previous holder of the lock may have renewed the login; only its new refresh token is then valid.
            kept = self._kept()
            if will_do(kept):
                return kept.issued.access
            issued = self._renew(kept)
            self._store.renew(self._smtp, replace(kept, issued=issued).values())
            return issued.access

    def _renew(self, kept: StoredTokens) -> TokenSet:
        application = Application.of(self._smtp, kept.client_id, kept.client_secret)
        application = replace(application, scopes=kept.scopes or application.scopes)
        refresh = kept.issued.refresh
        place = urlsplit(application.token_url).netloc
        if refresh is None:
            fault = _("the sign-in of %(username)s has expired, and the provider does not allow renewing it")
            remedy = _("sign in again: mkwmail login")
            raise SignInError(Fault(place, fault % {"username": application.username}, remedy), ExitCode.LOGIN, True)
        require_protocol()
        from mkwmail.auth.oauth_protocol import renew

        try:
            return renew(application, refresh)
        except RefusedError as error:
            refusal = error.refusal
        # Raised outside the except clause, so that no exception carries frames that hold tokens.
        raise sign_in_fault(place, application.username, refusal, SignInStep.RENEWAL)

    def _kept(self) -> StoredTokens:
        kept = StoredTokens.of(self._store.load(self._smtp))
        words = {"username": self._smtp.username}
        if kept is None:
            fault = _("nobody has signed in as %(username)s on this computer yet")
            raise user_error("", fault, _("sign in: mkwmail login"), code=ExitCode.LOGIN, **words)
        if self._smtp.client_id not in (None, kept.client_id):
            fault = _("%(username)s signed in with another application than the client_id in mkwmail.yaml") % words
            raise user_error("mkwmail.yaml: smtp", fault, _("sign in again: mkwmail login"), code=ExitCode.LOGIN)
        if self._needs and self._needs not in kept.scopes.split():
            fault = _("%(username)s signed in for sending only, not for reading the mailbox")
            raise user_error("", fault, _("sign in for both: mkwmail login --mailbox"), code=ExitCode.LOGIN, **words)
        return kept


def require_protocol() -> None:
    """Check that oauthlib is installed.

    Few users need it, so it is an extra and is imported only when it is used.

    :raises UserError: if it is not installed.
    """
    if find_spec("oauthlib") is None:
        fault = _("signing in without a password needs a package that is not installed")
        remedy = _("install mkwmail with its extra: uv tool install 'mkwmail[oauth]'")
        raise user_error("", fault, remedy, code=ExitCode.SETTINGS)


#: In order of preference: the standard first.
MECHANISMS = ("OAUTHBEARER", "XOAUTH2")

#: The response, in base64, to a challenge that reports an error: empty, or one octet (RFC 7628 §3.2.3).
ANSWERS = {"OAUTHBEARER": "AQ==", "XOAUTH2": ""}


def initial_response(mechanism: str, username: str, host: str, port: int, token: str) -> str:
    """Return the client's initial response.

    >>> initial_response("XOAUTH2", "kim@example.org", "", 0, "t").split("\\1")
    ['user=kim@example.org', 'auth=Bearer t', '', '']
    """
    if mechanism == "XOAUTH2":
        return f"user={username}\1auth=Bearer {token}\1\1"
    # A comma and an equals sign would end the name (RFC 5801 §4).
    name = username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"


def reason_in(challenge: str) -> str:
    """Return the error in the server's JSON, such as ``invalid_token``.

    Return an empty text if the challenge contains none that can be read.
    """
    try:
        read = json.loads(base64.b64decode(challenge.split(" ")[-1], validate=True))
        status = str(read["status"])
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return "".join(char for char in status if char.isprintable())[:40]


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
    AGAIN = "again"
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
        (r"^(invalid_grant|interaction_required|login_required)", _Why.AGAIN),
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
        case _Why.AGAIN if step is SignInStep.RENEWAL:
            return (_("the sign-in of %(username)s has expired or was withdrawn"), _("sign in again: mkwmail login"))
        case _Why.LATE | _Why.AGAIN:
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
            return (_("the provider cannot sign anybody in at the moment"), _("run the same command again later"))
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
