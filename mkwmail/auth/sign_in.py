"""Signing in with the browser of this computer, or with a device code.

The browser returns to this computer through the loopback interface (RFC 8252 §7.3). A device code is approved on
another device (RFC 8628).
"""

import queue
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from mkwmail.auth.credentials import Secret, SignInError
from mkwmail.auth.oauth import Application, Refusal, RefusedError, SignInStep, TokenSet, sign_in_fault
from mkwmail.auth.oauth_protocol import (
    DeviceCode,
    StartedSignIn,
    ask_browser,
    ask_device,
    code_of,
    redeem,
    redeem_device,
)
from mkwmail.i18n import _

_SECONDS = 600.0  # enough time to find a password and a telephone
_POLL_SECONDS = 0.2  # seconds between two checks of the keyboard
_REQUEST_SECONDS = 10.0


def sign_in_by_browser(
    application: Application,
    show: Callable[[str], object],
    typed: Callable[[], str] = str,
    seconds: float = _SECONDS,
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
