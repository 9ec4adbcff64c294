"""A provider at which people sign in: an authorisation server on loopback, over TLS, with rotating refresh tokens.

    with AuthorizationServer(certificate) as provider:
        provider.pending = 2                       # a device code is approved at the third question
        provider.refuse("refresh_token", "invalid_grant", "AADSTS700082: …")
        …
        assert provider.is_good("kim@example.org", token)

RFC 6749, RFC 7636, RFC 8628. What it answers is what a provider would; a refresh token that is used a second time is
refused, as is a code, or one whose verifier does not fit its challenge.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.delivery.certificates import Certificate

CLIENT = "5d7a-an-application"
SCOPES = "mail.send offline"


class AuthorizationServer:
    """See the module. ``account``: who is signed in with the browser that comes."""

    def __init__(self, certificate: Certificate, account: str = "secretaris@example.org") -> None:
        self.account = account
        self.asked: list[tuple[str, dict[str, str]]] = []  # path and form of each request
        self.scopes = {SCOPES}  # that may be asked for
        self.pending = 0  # questions about a device code before it is approved
        self.slow_down = 0  # of these, so many are answered with slow_down
        self.interval: float = 0
        self.lifetime = 3600  # of access tokens, in seconds, as it says
        self.code_lifetime = 900
        self.client_secret = ""
        self.says_who = False
        self.gives_refresh_tokens = True
        self.issued: set[str] = set()  # every access token there ever was
        self.refreshed: set[str] = set()  # every refresh token there ever was
        self._good: dict[str, str] = {}
        self._refresh: dict[str, str] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._devices: set[str] = set()
        self._refusals: dict[str, tuple[str, str]] = {}
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = certificate.server_context().wrap_socket(self._server.socket, server_side=True)

    # The script

    def refuse(self, what: str, error: str, description: str = "") -> None:
        """Refuse from now on: a grant by its name, ``device`` (the code) or ``authorize`` (the browser)."""
        self._refusals[what] = (error, description)

    def allow(self) -> None:
        """Refuse nothing any more."""
        self._refusals.clear()

    def expire(self) -> None:
        """Let every access token be good no longer."""
        with self._turn:
            self._good.clear()

    def withdraw(self) -> None:
        """Let every token be good no longer."""
        with self._turn:
            self._good.clear()
            self._refresh.clear()

    def is_good(self, name: str, token: str) -> bool:
        """Return whether a mail server that trusts this provider accepts a login."""
        with self._turn:
            return self._good.get(token) == name

    def count(self, grant: str) -> int:
        """How often tokens were asked for so."""
        return sum(form.get("grant_type", "").endswith(grant) for path, form in self.asked if path == "/token")

    # Running

    @property
    def url(self) -> str:
        """Return its address."""
        return f"https://127.0.0.1:{self._server.server_port}"

    def settings(self) -> str:
        """Return the settings below ``smtp:`` for it."""
        return (
            f"auth: oauth, username: {self.account}, client_id: {CLIENT}, scopes: {SCOPES}, "
            f"authorize_url: '{self.url}/authorize?prompt=consent', device_url: '{self.url}/device', "
            f"token_url: '{self.url}/token'"
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # Its actions

    def authorize(self, query: Mapping[str, str]) -> str:
        """Return the address to which the browser is sent back."""
        self.asked.append(("/authorize", dict(query)))
        assert query["response_type"] == "code" and query["client_id"] == CLIENT and query["scope"] in self.scopes
        assert query["code_challenge_method"] == "S256" and len(query["state"]) >= 32
        assert query["login_hint"] == "secretaris@example.org"
        redirect = urlsplit(query["redirect_uri"])
        assert redirect.scheme == "http" and redirect.hostname == "127.0.0.1" and redirect.port
        if "authorize" in self._refusals:
            error, description = self._refusals["authorize"]
            answer = {"error": error, "error_description": description, "state": query["state"]}
        else:
            code = secrets.token_urlsafe(32)
            self._codes[code] = dict(query)
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def device(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """A code for another device."""
        assert form["client_id"] == CLIENT and form["scope"] in self.scopes
        if "device" in self._refusals:
            return self._refusal("device")
        code = secrets.token_urlsafe(32)
        self._devices.add(code)
        return 200, {
            "device_code": code,
            "user_code": "WXYZ-1234",
            "verification_uri": f"{self.url}/apparaat",
            "expires_in": self.code_lifetime,
            "interval": self.interval,
        }

    def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Tokens, for what was brought."""
        grant = form["grant_type"].rpartition(":")[2]
        assert form["client_id"] == CLIENT
        with self._turn:
            if grant in self._refusals:
                return self._refusal(grant)
            if form.get("client_secret", "") != self.client_secret:
                return 400, {"error": "invalid_client", "error_description": "client_secret is missing."}
            if grant == "device_code" and self.slow_down:
                self.slow_down -= 1
                return 400, {"error": "slow_down"}
            if grant == "device_code" and self.pending:
                self.pending -= 1
                return 400, {"error": "authorization_pending"}
            if not self._brought(grant, form):
                return 400, {"error": "invalid_grant", "error_description": "it is not good, or was used"}
            return 200, self._issue()

    def _brought(self, grant: str, form: Mapping[str, str]) -> bool:
        if grant == "authorization_code":
            asked = self._codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            return (
                asked is not None
                and asked["code_challenge"] == challenge
                and asked["redirect_uri"] == form["redirect_uri"]
            )
        if grant == "device_code":
            found = form["device_code"] in self._devices
            self._devices.discard(form["device_code"])
            return found
        return self._refresh.pop(form["refresh_token"], None) is not None

    def _issue(self) -> dict[str, Any]:
        # As long as Microsoft's, which do not fit in one command of SMTP.
        access, refresh = f"at.{secrets.token_urlsafe(1200)}", f"rt.{secrets.token_urlsafe(400)}"
        self._good[access] = self.account
        self.issued.add(access)
        issued: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime}
        if self.gives_refresh_tokens:
            self._refresh[refresh] = self.account
            self.refreshed.add(refresh)
            issued["refresh_token"] = refresh
        if self.says_who:
            claims = base64.urlsafe_b64encode(json.dumps({"preferred_username": self.account}).encode())
            issued["id_token"] = f"e30.{claims.rstrip(b'=').decode()}.c2ln"
        return issued

    def _refusal(self, what: str) -> tuple[int, dict[str, Any]]:
        error, description = self._refusals[what]
        if error.isdigit():
            return int(error), {}
        return 400, {"error": error, "error_description": description}


def _handler(server: AuthorizationServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urlsplit(self.path)
            if target.path != "/authorize":
                server.asked.append((self.path, {}))
                self.send_error(404)
                return
            self.send_response(302)
            self.send_header("Location", server.authorize(_form(target.query)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            form = _form(self.rfile.read(int(self.headers["Content-Length"])).decode())
            server.asked.append((self.path, form))
            status, answer = server.device(form) if self.path == "/device" else server.token(form)
            body = json.dumps(answer).encode() if answer else b"<p>not now</p>"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status == 302:
                self.send_header("Location", f"{server.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test says what went wrong."""

    return Handler


def _form(text: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(text, keep_blank_values=True).items()}
