"""Credentials for the login to the mail server."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mkwmail.auth.oauth import Tokens, TokenSource
from mkwmail.auth.secret import Secret
from mkwmail.auth.store import Store, closing
from mkwmail.config.settings import Auth, Smtp
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _

VARIABLE = "MKWMAIL_SMTP_PASSWORD"
_COMMAND_SECONDS = 60.0  # a password manager may first ask its owner for a passphrase


class Password(Secret):
    """A password."""


def password_for(
    smtp: Smtp,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    store: Store | None = None,
    seconds: float = _COMMAND_SECONDS,
) -> Password:
    """Return the password for the username in the settings.

    The sources in order: the environment, the command, the file, and the login that ``mkwmail login`` stored. The
    command runs in ``folder``, and the path of the file is relative to it.

    :raises UserError: code SETTINGS if there is no password, or if its source fails or can be read by others.
    """
    if environment.get(VARIABLE):
        return Password(environment[VARIABLE])
    if smtp.password_command:
        return _printed(smtp.password_command, folder, seconds)
    if smtp.password_file:
        return _kept(Path(smtp.password_file).expanduser(), folder)
    kept = (store or Store.of_user()).load(smtp) or {}
    if kept.get("password"):
        return Password(str(kept["password"]))
    raise _fault(
        _("there is no password for %(username)s") % {"username": smtp.username},
        _("give it once: mkwmail login; or set %(variable)s, password_command or password_file")
        % {"variable": VARIABLE},
    )


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
        fault = _("password_command was not done in %(seconds)s seconds: %(command)s") % what
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
    place = folder / path
    what = {"file": path}
    try:
        mode = place.stat().st_mode
        data = place.read_bytes()
    except OSError as error:
        raise _fault(
            _("password_file %(file)s cannot be read: %(reason)s") % {**what, "reason": reason_of(error)},
            _("its path counts from the working folder"),
        ) from None
    remedy = closing(place, mode)
    if remedy:
        raise _fault(_("password_file %(file)s can be read by others on this computer") % what, remedy)
    password = _first_line(data)
    if password is None:
        raise _fault(
            _("password_file %(file)s holds no password") % what,
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
    return UserError(Fault("mkwmail.yaml: smtp", fault, remedy), code=ExitCode.SETTINGS)


Credential = Password | TokenSource


def credential_for(
    smtp: Smtp, folder: Path, environment: Mapping[str, str] = os.environ, store: Store | None = None
) -> Credential | None:
    """Return the password, or the tokens of a sign-in.

    Return None if the settings name no username. ``folder`` is the working folder: a password's command runs there,
    and the path of its file is relative to it.

    :raises UserError: code SETTINGS if there is no credential, or if its source fails or can be read by others; LOGIN
        if there is no sign-in yet.
    """
    if smtp.username is None:
        return None
    if smtp.auth is Auth.OAUTH:
        tokens = Tokens(smtp, store or Store.of_user())
        tokens.check()
        return tokens
    return password_for(smtp, folder, environment, store)
