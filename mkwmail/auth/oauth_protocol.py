"""The OAuth 2.0 requests of a native program.

The standards are RFC 6749, RFC 7636, RFC 8252 and RFC 8628. oauthlib implements the protocol, and :func:`post` sends
the requests. oauthlib was chosen after trying the alternatives. msal accepts providers other than Microsoft only by
their discovery document, and tells each provider which system it runs on. authlib supports the device code for servers
only, google-auth-oauthlib not at all. They install 10, 12 and 14 packages of about 20 MB, with cryptography for
signatures that mkwmail does not check, and take 0.2 to 0.3 seconds to import. oauthlib, which google-auth-oauthlib
itself uses, is one package of 1 MB (0.06 seconds), accepts any endpoint, and never connects itself.
"""

import base64
import json
import queue
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from oauthlib.oauth2 import DeviceClient, OAuth2Error, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import MismatchingStateError

from mkwmail.auth.credentials import Secret, SignInError, tls_context
from mkwmail.auth.oauth import Application, Refusal, RefusedError, SignInStep, TokenSet, sign_in_fault, unreachable
from mkwmail.files import reason_of
from mkwmail.i18n import _

_HTTPS_SECONDS = 30.0
_MOST = 1_000_000  # octets that are read of a response at most


class _NoRedirect(HTTPRedirectHandler):
    """A handler that follows no redirect: a token request contains secrets."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def post(url: str, body: str) -> tuple[int, bytes]:
    """Send a form (RFC 6749 §4.1.3); return the response's status and body.

    An HTTP error status is returned, not raised.

    :raises SignInError: code SERVER if there is no response, or if the server's certificate cannot be trusted.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = Request(url, body.encode("ascii"), headers)
    problem: OSError | HTTPException | None = None
    try:
        with _opener().open(request, timeout=_HTTPS_SECONDS) as answer:
            return answer.status, answer.read(_MOST)
    except HTTPError as error:
        with error:
            return error.code, error.read(_MOST)
    except (OSError, HTTPException) as error:
        problem = error
    # Raised outside the except clauses, so that no exception carries frames that hold the request.
    raise _unreachable(urlsplit(url).netloc, problem)


def _opener() -> OpenerDirector:
    return build_opener(HTTPSHandler(context=tls_context()), _NoRedirect())


def _unreachable(place: str, error: OSError | HTTPException) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        fault = _("its certificate cannot be trusted: %(reason)s") % {"reason": reason.verify_message}
        remedy = _(
            "if your organisation uses its own proxy, set SSL_CERT_FILE to a file with its certificate authority"
        )
        return unreachable(place, fault, remedy, lasting=True)
    words = reason_of(reason) if isinstance(reason, OSError) else str(reason)
    return unreachable(place, words, _("check the network and run the command again"))


_LIFETIME = 3600.0  # seconds that a token is valid if the provider does not say
_POLLING = 5.0  # seconds between two requests about a device code if the provider does not say (RFC 8628 §3.2)
_CODE_LIFETIME = 900.0
_VERIFIER_LENGTH = 64


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """A sign-in with the browser that has started.

    ``url``: the address that the browser must open.
    """

    url: str
    redirect: str
    state: str
    verifier: Secret


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that the user types on another device.

    ``interval`` and ``lifetime`` are in seconds.
    """

    device: Secret
    user: str
    address: str
    interval: float
    lifetime: float


def ask_browser(application: Application, redirect: str) -> StartedSignIn:
    """Start a sign-in with the browser, with PKCE (RFC 7636: S256)."""
    client = WebApplicationClient(application.client_id)
    verifier = client.create_code_verifier(_VERIFIER_LENGTH)
    state = client.create_code_verifier(43)
    url = client.prepare_request_uri(
        application.authorize_url,
        redirect_uri=redirect,
        scope=application.scopes,
        state=state,
        code_challenge=client.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
        login_hint=application.username,
    )
    return StartedSignIn(url, redirect, state, Secret(verifier))


def code_of(asked: StartedSignIn, query: str) -> Secret | None:
    """Return the authorization code in the query of the browser's request.

    Return None if the query does not answer the sign-in that was started.

    :raises RefusedError: if the query contains a refusal.
    """
    client = WebApplicationClient("")
    try:
        # oauthlib requires https, but the redirect never leaves this computer (RFC 8252 §8.3).
        read = client.parse_request_uri_response(f"https://localhost/?{query}", state=asked.state)
    except MismatchingStateError:
        return None
    except OAuth2Error as error:
        # A request without a code or an error is another one, such as the browser's request for an icon.
        if not error.description and error.error in ("missing_code", "mismatching_state"):
            return None
        raise RefusedError(Refusal(str(error.error), str(error.description or ""))) from None
    code = read.get("code")
    return Secret(str(code)) if code else None


def redeem(application: Application, asked: StartedSignIn, code: Secret) -> TokenSet:
    """Exchange the browser's code for tokens.

    :raises RefusedError: if the provider gives none; SignInError if it cannot be reached.
    """
    client = WebApplicationClient(application.client_id)
    body = client.prepare_request_body(
        code=code.reveal(),
        redirect_uri=asked.redirect,
        code_verifier=asked.verifier.reveal(),
        **_own_secret(application),
    )
    return _issued(application, client, body)


def ask_device(application: Application) -> DeviceCode:
    """Request a code for another device (RFC 8628 §3.1).

    :raises RefusedError: if the provider gives none; SignInError if it cannot be reached.
    """
    body = urlencode({"client_id": application.client_id, "scope": application.scopes})
    status, answer = post(application.device_url, body)
    read = _read(application.device_url, status, answer)
    if "error" in read:
        raise RefusedError(Refusal(str(read["error"]), str(read.get("error_description") or "")))
    address = read.get("verification_uri") or read.get("verification_url")  # Google's older spelling
    if not (read.get("device_code") and read.get("user_code") and address):
        raise _no_provider(application.device_url)
    return DeviceCode(
        Secret(str(read["device_code"])),
        str(read["user_code"]),
        str(address),
        _seconds(read.get("interval"), _POLLING),
        _seconds(read.get("expires_in"), _CODE_LIFETIME),
    )


def redeem_device(application: Application, code: DeviceCode) -> TokenSet:
    """Exchange a device code for tokens.

    :raises RefusedError: until the user has approved the code (``authorization_pending``, ``slow_down``), or if the
        user refused.
    """
    client = DeviceClient(application.client_id)
    body = client.prepare_request_body(
        code.device.reveal(), include_client_id=True, scope=None, **_own_secret(application)
    )
    return _issued(application, client, body)


def renew(application: Application, refresh: Secret) -> TokenSet:
    """Exchange a refresh token for new tokens (RFC 6749 §6).

    The result contains the same refresh token if the provider sends no new one.

    :raises RefusedError: if the refresh token has expired or was withdrawn.
    """
    client = WebApplicationClient(application.client_id)
    body = client.prepare_refresh_body(
        refresh_token=refresh.reveal(),
        scope=application.scopes,
        client_id=application.client_id,
        **_own_secret(application),
    )
    return _issued(application, client, body, refresh)


def _own_secret(application: Application) -> dict[str, str]:
    secret = application.client_secret
    return {"client_secret": secret.reveal()} if secret is not None else {}


def _issued(application: Application, client: Any, body: str, refresh: Secret | None = None) -> TokenSet:
    status, answer = post(application.token_url, body)
    read = _read(application.token_url, status, answer)
    refusal = None
    try:
        token = client.parse_request_body_response(json.dumps(read))
    except OAuth2Error as error:
        refusal = Refusal(str(error.error), str(error.description or ""))
    except ValueError:
        refusal = Refusal("invalid_response")
    # Raised outside the except clauses, so that no exception carries frames that hold tokens.
    if refusal is not None:
        raise RefusedError(refusal)
    kept = str(token["refresh_token"]) if token.get("refresh_token") else None
    return TokenSet(
        Secret(str(token["access_token"])),
        time.time() + _seconds(token.get("expires_in"), _LIFETIME),
        Secret(kept) if kept else refresh,
        _account(token.get("id_token")),
    )


def _read(url: str, status: int, answer: bytes) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except ValueError:
        read = None
    if isinstance(read, dict) and (status == 200 or "error" in read):
        return read
    if status >= 500:
        raise RefusedError(Refusal("temporarily_unavailable", f"HTTP {status}"))
    raise _no_provider(url)


def _no_provider(url: str) -> Exception:
    reason = _("the server at this address does not support OAuth")
    remedy = _(
        "check the addresses below smtp: in mkwmail.yaml, tenant too; some networks require you to sign in first"
    )
    return unreachable(urlsplit(url).netloc, reason, remedy, lasting=True)


def _account(id_token: object) -> str:
    """Return the account in an ID token, or an empty text.

    Use it only in messages to people. The signature is not checked: the token came from the provider itself over TLS
    (OpenID Connect Core §3.1.3.7).
    """
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("email") or claims.get("preferred_username") or "")
    except (ValueError, IndexError, AttributeError):
        return ""


def _seconds(value: object, otherwise: float) -> float:
    try:
        return max(0.0, float(str(value)))
    except ValueError:
        return otherwise


_SECONDS = 600.0  # enough time to find a password and a telephone
_POLL_SECONDS = 0.2  # seconds between two checks of the keyboard
_REQUEST_SECONDS = 10.0


def sign_in_by_browser(
    application: Application, show: Callable[[str], object], typed: Callable[[], str] = str, seconds: float = _SECONDS
) -> TokenSet:
    """Send the user to the provider, and wait until the browser returns.

    ``show`` receives the address to open. ``typed`` returns the text that was typed meanwhile, if any: a browser on
    another computer cannot return to this one, so the user pastes the address at which it ended.

    :raises SignInError: if the browser does not return in time, or the provider refuses.
    """
    answers: queue.SimpleQueue[Secret | Refusal] = queue.SimpleQueue()
    refusal = Refusal("expired_token")
    with _Listener(("127.0.0.1", 0), _Returning) as listener:
        asked = ask_browser(application, f"http://{_our_name(application)}:{listener.server_port}")
        listener.expect(asked, answers)
        Thread(target=listener.serve_forever, daemon=True).start()
        try:
            show(asked.url)
            answer = _awaited(asked, answers, typed, time.monotonic() + seconds)
        finally:
            listener.shutdown()
    if isinstance(answer, Secret):
        try:
            return redeem(application, asked, answer)
        except RefusedError as error:
            answer = error.refusal
    refusal = answer or refusal
    raise sign_in_fault(urlsplit(application.token_url).netloc, application.username, refusal, SignInStep.BROWSER)


def _our_name(application: Application) -> str:
    # Microsoft allows another port only for localhost (learn.microsoft.com, "Redirect URI best practices"); for other
    # providers the address is more reliable than the name (RFC 8252 §8.3).
    is_microsoft = (urlsplit(application.authorize_url).hostname or "").endswith("microsoftonline.com")
    return "localhost" if is_microsoft else "127.0.0.1"


def _awaited(
    asked: StartedSignIn, answers: "queue.SimpleQueue[Secret | Refusal]", typed: Callable[[], str], ends: float
) -> Secret | Refusal | None:
    while time.monotonic() < ends:
        with suppress(queue.Empty):
            return answers.get(timeout=_POLL_SECONDS)
        pasted = urlsplit(typed().strip()).query
        if pasted:
            answer = _answer_in(asked, pasted)
            if answer is not None:
                return answer
    return None


def _answer_in(asked: StartedSignIn, query: str) -> Secret | Refusal | None:
    try:
        return code_of(asked, query)
    except RefusedError as error:
        return error.refusal


class _Listener(ThreadingHTTPServer):
    """A server that waits for the browser and rejects other requests."""

    daemon_threads = True

    def expect(self, asked: StartedSignIn, answers: "queue.SimpleQueue[Secret | Refusal]") -> None:
        self.asked = asked
        self.answers = answers


class _Returning(BaseHTTPRequestHandler):
    """A handler for the browser that returns with a code or a refusal."""

    server: _Listener
    timeout = _REQUEST_SECONDS  # browsers open connections in advance, and send nothing on them
    server_version = "mkwmail"
    sys_version = ""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        # A request answers this sign-in only if it has the state that was sent (RFC 6749 §10.12).
        answer = _answer_in(self.server.asked, target.query) if target.path == "/" and target.query else None
        if answer is None:
            self._page(HTTPStatus.NOT_FOUND, _("There is no such page."))
            return
        done = isinstance(answer, Secret)
        self._page(
            HTTPStatus.OK,
            _("mkwmail continues in the terminal. You can close this window.")
            if done
            else _("You are not signed in. The terminal says why. You can close this window."),
        )
        self.server.answers.put(answer)

    def _page(self, status: HTTPStatus, words: str) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>mkwmail</title><p>{escape(words)}</p>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        # The address contains the code: keep it out of the Referer header and out of caches.
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a log line would contain the code."""


_SLOWER = 5.0  # seconds added to the interval if the provider says slow_down (RFC 8628 §3.5)


@dataclass(frozen=True, slots=True)
class Patience:
    """The clock while the user approves a code; both are in seconds.

    ``wait`` sleeps, ``now`` returns the time.
    """

    wait: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.monotonic


def sign_in_by_device(
    application: Application, show: Callable[[DeviceCode], object], patience: Patience | None = None
) -> TokenSet:
    """Show a code, and wait until the user has approved it elsewhere.

    :raises SignInError: if the code is not approved in time, or the provider refuses.
    """
    given = patience or Patience()
    try:
        code = ask_device(application)
    except RefusedError as error:
        refusal = error.refusal
    else:
        show(code)
        answer = _approved(application, code, given)
        if isinstance(answer, TokenSet):
            return answer
        refusal = answer
    raise sign_in_fault(urlsplit(application.token_url).netloc, application.username, refusal, SignInStep.DEVICE)


def _approved(application: Application, code: DeviceCode, patience: Patience) -> TokenSet | Refusal:
    interval, ends = code.interval, patience.now() + code.lifetime
    while patience.now() < ends:
        patience.wait(interval)
        try:
            return redeem_device(application, code)
        except RefusedError as error:
            if error.refusal.error == "slow_down":
                interval += _SLOWER
            elif error.refusal.error not in ("authorization_pending", "temporarily_unavailable"):
                return error.refusal
        except SignInError as error:
            # The network may come back before the code has expired (RFC 8628 §3.5).
            if error.lasting:
                raise
            interval += _SLOWER
    return Refusal("expired_token")
