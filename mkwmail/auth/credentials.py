"""Credentials for the mail server: a password, or a source of tokens.

Few users sign in with OAuth, and a password may come from elsewhere than the store. Therefore
:mod:`~mkwmail.auth.oauth` and :mod:`~mkwmail.auth.store` are imported only when they are used.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mkwmail.config.settings import Auth, Smtp
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _

if TYPE_CHECKING:
    import ssl

    from mkwmail.auth.store import Store

VARIABLE = "MKWMAIL_SMTP_PASSWORD"
_COMMAND_SECONDS = 60.0  # a password manager may first ask its owner for a passphrase


# X509_V_ERR_…: self-signed, self-signed in the chain, issuer not known, not verified (openssl-verify, DIAGNOSTICS).
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})


def tls_context(ca_file: str | None = None) -> "ssl.SSLContext":
    """Return TLS with a verified certificate and host name.

    It uses nothing older than TLS 1.2 (RFC 8996).

    :param ca_file: authorities to trust besides the system's.
    :raises UserError: code SETTINGS if that file has no certificate.
    """
    import ssl

    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (ssl.SSLError, OSError):
            fault = _("ca_file: %(file)s has no certificate that can be read")
            remedy = _("ask your administrator for the certificate of the organisation's own authority, as a PEM file")
            raise user_error("mkwmail.yaml", fault, remedy, code=ExitCode.SETTINGS, file=ca_file) from None
    return context


def unknown_authority(error: "ssl.SSLCertVerificationError", section: str) -> tuple[str, str] | None:
    """Return the fault and the remedy of a certificate whose authority this computer does not know, else None.

    :param section: the key of mkwmail.yaml with the server: ``smtp`` or ``mailbox``.
    """
    if error.verify_code not in _UNKNOWN_AUTHORITY:
        return None
    fault = _("the server's certificate cannot be trusted: this computer does not know who issued it (%(reason)s)")
    remedy = _(
        "if it is your organisation's own server, ask your administrator for the authority's certificate (a PEM "
        "file), and write below %(section)s: a line ca_file: NAME.pem; otherwise it may be another server"
    )
    return fault % {"reason": error.verify_message}, remedy % {"section": section}


class Secret:
    """A password or a token; printing or logging the object hides it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """Return the secret itself, only for the server or the store."""
        return self._secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._secret == other._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Password(Secret):
    """A password."""


def password_for(
    smtp: Smtp,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    store: "Store | None" = None,
    seconds: float = _COMMAND_SECONDS,
    *,
    for_mailbox: bool = False,
) -> Password:
    """Return the password for the username in the settings.

    The sources in order: the environment, the command, the file, and the login that ``mkwmail login`` stored. The
    command runs in ``folder``, and the path of the file is relative to it. ``for_mailbox``: it is the password of an
    account that only reads the mailbox.

    :raises UserError: code SETTINGS if there is no password, or if its source fails or can be read by others.
    """
    if environment.get(VARIABLE):
        return Password(environment[VARIABLE])
    if smtp.password_command:
        return _printed(smtp.password_command, folder, seconds)
    if smtp.password_file:
        return _kept(Path(smtp.password_file).expanduser(), folder)
    kept = (store or _store()).load(smtp) or {}
    if kept.get("password"):
        return Password(str(kept["password"]))
    remedy = _("store it once with mkwmail login, or set %(variable)s, password_command or password_file")
    if for_mailbox:
        remedy = _("store it once with mkwmail login --mailbox, or set password_command or password_file")
    raise _fault(
        _("there is no password for %(username)s") % {"username": smtp.username}, remedy % {"variable": VARIABLE}
    )


def _store() -> "Store":
    from mkwmail.auth.store import Store

    return Store.of_user()


def _printed(command: str, folder: Path, seconds: float) -> Password:
    """Return the first line that the command prints.

    Its standard error is not captured, so the user sees it in the terminal.
    """
    what = {"command": command, "seconds": f"{seconds:g}"}
    fault = output = None
    try:
        words = shlex.split(command)
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, timeout=seconds, check=False)
        output = done.stdout
        if done.returncode:
            fault = _("password_command failed with status %(status)d: %(command)s") % {
                **what,
                "status": done.returncode,
            }
    except subprocess.TimeoutExpired:
        fault = _("password_command did not finish within %(seconds)s seconds: %(command)s") % what
    except (OSError, ValueError, IndexError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else error
        fault = _("password_command cannot be run: %(command)s (%(reason)s)") % {**what, "reason": reason}
    remedy = _("type the command in a terminal, in the working folder: its first line must be the password")
    # Raised outside the except clauses: TimeoutExpired holds the output so far, which may contain the password.
    if fault:
        raise _fault(fault, remedy)
    password = _first_line(output or b"")
    if password is None:
        raise _fault(_("password_command prints no password: %(command)s") % what, remedy)
    return password


def _kept(path: Path, folder: Path) -> Password:
    from mkwmail.auth.store import closing

    place = folder / path
    what = {"file": path}
    try:
        mode = place.stat().st_mode
        data = place.read_bytes()
    except OSError as error:
        raise _fault(
            _("password_file %(file)s cannot be read: %(reason)s") % {**what, "reason": reason_of(error)},
            _("its path is relative to the working folder"),
        ) from None
    remedy = closing(place, mode)
    if remedy:
        raise _fault(_("password_file %(file)s can be read by others on this computer") % what, remedy)
    password = _first_line(data)
    if password is None:
        raise _fault(
            _("password_file %(file)s contains no password") % what,
            _("write the password on its first line, and nothing else"),
        )
    return password


def _first_line(data: bytes) -> Password | None:
    line = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Password(text) if text.strip() and "\0" not in text else None


def _fault(fault: str, remedy: str) -> UserError:
    return user_error("mkwmail.yaml: smtp", fault, remedy, code=ExitCode.SETTINGS)


class TokenSource(Protocol):
    """A source of access tokens for a login."""

    def current(self) -> Secret:
        """Return a valid access token.

        :raises UserError: if none is available.
        """
        ...

    def other_than(self, refused: Secret) -> Secret | None:
        """Return another token than the refused one, or None.

        :raises UserError: as :meth:`current`.
        """
        ...


class SignInError(UserError):
    """The error that no access token is available.

    ``lasting``: trying again does not help until a person has done something.
    """

    def __init__(self, fault: Fault, code: ExitCode, lasting: bool) -> None:
        super().__init__(fault, code=code)
        self.lasting = lasting


Credential = Password | TokenSource


def credential_for(
    smtp: Smtp,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    store: "Store | None" = None,
    needs: str = "",
    *,
    for_mailbox: bool = False,
) -> Credential | None:
    """Return the password, or the tokens of a sign-in.

    Return None if the settings name no username. ``folder`` is the working folder: a password's command runs there,
    and the path of its file is relative to it. ``needs``: a scope that a sign-in must have.
    ``for_mailbox``: as for :func:`password_for`.

    :raises UserError: code SETTINGS if there is no credential, or if its source fails or can be read by others; LOGIN
        if there is no sign-in yet.
    """
    if smtp.username is None:
        return None
    if smtp.auth is Auth.OAUTH:
        from mkwmail.auth.oauth import Tokens

        tokens = Tokens(smtp, store or _store(), needs=needs)
        tokens.check()
        return tokens
    return password_for(smtp, folder, environment, store, for_mailbox=for_mailbox)
