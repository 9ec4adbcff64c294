"""``login`` and ``logout``: store a login, and remove it.

A login is tried on the server, without sending mail, before it is stored.
"""

import os
import select
import shlex
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from mkwmail.auth.credentials import VARIABLE, Credential, Password, Secret
from mkwmail.auth.oauth import Application, JustIssued, StoredTokens, TokenSet, require_protocol
from mkwmail.auth.store import Store, Values
from mkwmail.commands.check import sender_faults
from mkwmail.commands.context import Invocation, folder_of, server_of
from mkwmail.config.providers import imap_scope
from mkwmail.config.settings import Auth, Settings, Smtp, read_settings
from mkwmail.delivery.smtp_client import probe
from mkwmail.delivery.transport import NoSessionError
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _
from mkwmail.report.terminal import Terminal, duration

_SETTINGS = "mkwmail.yaml: smtp"


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """The way to sign in without a password that the user asks for, if any.

    ``device``: with a code for another device. ``browser``: with a browser on this computer.
    """

    device: bool = False
    browser: bool = False


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A login, to be tried on the server and then stored.

    ``account``: the account that signed in, if the provider names it. ``lasting``: the login can be renewed without
    the user.
    """

    credential: Credential
    values: Values
    account: str = ""
    lasting: bool = True


def login(invocation: Invocation, way: LoginOptions, environment: Mapping[str, str] = os.environ) -> ExitCode:
    """Ask for a login, try it on the server, and store it; send nothing.

    :raises UserError: code LOGIN if it is refused; nothing is stored then.
    """
    terminal = invocation.terminal
    settings = read_settings(folder_of(invocation))
    smtp = _with_login(server_of(settings, invocation.shifted))
    store = Store.of_user()
    if smtp.auth is Auth.OAUTH:
        attempt = _signed_in(terminal, smtp, settings, store, way, environment)
    else:
        attempt = _password(terminal, smtp, way)
    try:
        told = probe(smtp, attempt.credential, settings.sender.email)
    except NoSessionError as error:
        terminal.note(_("Nothing was stored. Fix this first, then run mkwmail login again:"))
        raise _wrong_account(error, smtp, attempt.account) or error from None
    _say_kept(terminal, smtp, store.keep(smtp, attempt.values))
    if not attempt.lasting:
        ends = _(
            "The provider gave no refresh token, so the sign-in expires soon: offline_access may be missing in scopes."
        )
        terminal.note(ends, "warning")
    if smtp.auth is Auth.PASSWORD and environment.get(VARIABLE):
        nearer = _("The environment variable %(variable)s is set, and takes precedence over the stored login.")
        terminal.note(nearer % {"variable": VARIABLE}, "warning")
    faults = sender_faults(told, settings.sender.email)
    if faults:
        raise UserError(*faults, code=ExitCode.LOGIN)
    return ExitCode.OK


def login_mailbox(invocation: Invocation, way: LoginOptions, environment: Mapping[str, str] = os.environ) -> ExitCode:
    """Say what the permission allows, ask for a login, try it on the mailbox, and store it; read no mail.

    :raises UserError: if it is refused; nothing is stored then.
    """
    from mkwmail.commands.inbox import imap_of, mailbox_login, try_mailbox

    terminal = invocation.terminal
    folder = folder_of(invocation)
    settings = read_settings(folder)
    imap = imap_of(settings)
    account = _with_login(imap.login(settings.smtp))
    _say_what_it_allows(terminal)
    store = Store.of_user()
    attempt = None
    if account.auth is Auth.OAUTH:
        scopes = " ".join(filter(None, (imap_scope(settings), account.scopes)))
        attempt = _signed_in(terminal, account.model_copy(update={"scopes": scopes}), settings, store, way, environment)
    elif not (account.password_command or account.password_file):
        attempt = _password(terminal, account, way)
    username = imap.username or account.username or ""
    credential = mailbox_login(settings, folder) if attempt is None else (username, attempt.credential)
    try_mailbox(settings, folder, credential)
    words = {"host": imap.host, "username": username}
    terminal.say(_("Logged in to the mailbox at %(host)s as %(username)s; no mail was read.") % words, "good")
    if attempt is not None:
        terminal.say(_("You do not need to log in again; the login is stored on this computer, in:"))
        terminal.say(f"    {store.keep(account, attempt.values)}")
        terminal.say(_("To remove it: mkwmail logout"))
    terminal.say(_("To read it: mkwmail inbox"))
    return ExitCode.OK


def _say_what_it_allows(terminal: Terminal) -> None:
    terminal.note(
        _("This login allows reading, changing and deleting all mail of the mailbox: a read-only login does not exist.")
    )
    terminal.note(
        _(
            "mkwmail fetches answers to your mailings, and all delivery reports and calendar replies. "
            "It counts only those about your mailings, and changes nothing. "
            "A shared mailbox, or a folder of its own, keeps other mail apart."
        )
    )


def _say_kept(terminal: Terminal, smtp: Smtp, where: str) -> None:
    words = {"host": smtp.host, "username": smtp.username}
    terminal.say(_("Logged in to %(host)s as %(username)s; nothing was sent.") % words, "good")
    terminal.say(_("You do not need to log in again; the login is stored on this computer, in:"))
    terminal.say(f"    {where}")
    terminal.say(_("To remove it: mkwmail logout"))


def logout(invocation: Invocation) -> ExitCode:
    """Remove the stored login.

    :raises UserError: if it cannot be removed.
    """
    terminal = invocation.terminal
    smtp = _with_login(server_of(read_settings(folder_of(invocation)), invocation.shifted))
    words = {"host": smtp.host, "username": smtp.username}
    if not Store.of_user().remove(smtp):
        terminal.say(_("No login of %(username)s at %(host)s is kept on this computer.") % words)
        return ExitCode.OK
    terminal.say(_("The login of %(username)s at %(host)s was removed from this computer.") % words)
    if smtp.auth is Auth.OAUTH:
        terminal.say(_("To withdraw it at the provider too: remove the application in the account's own settings."))
    return ExitCode.OK


def _with_login(smtp: Smtp) -> Smtp:
    if smtp.username is None:
        fault = _("there is no username, so mkwmail does not log in to %(host)s")
        remedy = _("if it needs one, add a line username: … under smtp:")
        raise user_error(_SETTINGS, fault, remedy, code=ExitCode.SETTINGS, host=smtp.host)
    return smtp


# Signing in with a password


def _password(terminal: Terminal, smtp: Smtp, way: LoginOptions) -> _Attempt:
    if way.device or way.browser:
        fault = _("--device and --browser are for signing in without a password")
        raise user_error("", fault, _("write below smtp: a line auth: oauth"), code=ExitCode.USAGE)
    for key in ("password_command", "password_file"):
        if getattr(smtp, key):
            fault = _("%(key)s: already sets where the password comes from")
            remedy = _("to let mkwmail login store it instead, delete this line")
            raise user_error(_SETTINGS, fault, remedy, code=ExitCode.SETTINGS, key=key)
    words = {"username": smtp.username, "host": smtp.host}
    secret = _asked_secret(terminal, _("The password of %(username)s at %(host)s (not shown):") % words)
    if not secret:
        raise user_error("", _("no password was typed; nothing was stored"), code=ExitCode.USAGE)
    return _Attempt(Password(secret), {"password": secret})


def _asked_secret(terminal: Terminal, question: str) -> str:
    _refuse_without_terminal(terminal)
    return terminal.ask_unseen(question)


def _refuse_without_terminal(terminal: Terminal) -> None:
    if not terminal.interactive:
        fault = _("mkwmail login has something to ask, and there is no terminal")
        raise user_error("", fault, _("type it in a terminal yourself"), code=ExitCode.USAGE)


# Signing in without a password


def _signed_in(
    terminal: Terminal, smtp: Smtp, settings: Settings, store: Store, way: LoginOptions, environment: Mapping[str, str]
) -> _Attempt:
    require_protocol()
    device = _by_device(smtp, way, environment)
    application = _application(terminal, smtp, settings, store)
    issued = _by_code(terminal, application) if device else _by_browser(terminal, application, environment)
    kept = StoredTokens(application.client_id, application.client_secret, issued, smtp.scopes or "")
    return _Attempt(JustIssued(issued), kept.values(), issued.account, issued.refresh is not None)


def _by_device(smtp: Smtp, way: LoginOptions, environment: Mapping[str, str]) -> bool:
    """Return whether to sign in with a code for another device. The other way is a browser on this computer."""
    if way.device and not smtp.device_url:
        fault = _("this provider gives no code for another device")
        raise user_error("", fault, "mkwmail login --browser", code=ExitCode.USAGE)
    if way.browser and not smtp.authorize_url:
        fault = _("this provider only signs in with a code for another device")
        raise user_error("", fault, "mkwmail login --device", code=ExitCode.USAGE)
    if way.device or way.browser:
        return way.device
    return bool(smtp.device_url) and not (smtp.authorize_url and _has_browser(environment))


def _has_browser(environment: Mapping[str, str]) -> bool:
    """Return whether a browser can be shown to the user. It cannot over SSH, or without a screen."""
    if environment.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("win32", "darwin") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _application(terminal: Terminal, smtp: Smtp, settings: Settings, store: Store) -> Application:
    """Return the application to sign in as.

    Its id comes from the settings, from the stored login, or from an answer given now.
    """
    before = _kept_before(smtp, store)
    client_id = smtp.client_id or (before.client_id if before else "")
    if not client_id:
        _refuse_without_terminal(terminal)
        terminal.note(_("Your administrator can give you the application's id (client_id)."))
        client_id = terminal.ask(_("Application id:"))
        if not client_id:
            raise user_error("", _("no application id was typed; nothing was stored"), code=ExitCode.USAGE)
    application = Application.of(smtp, client_id, None)
    # Microsoft gives desktop programs no secret; Google does, and asks for it.
    if settings.provider == "microsoft365" or not terminal.interactive:
        known = before.client_secret if before and before.client_id == client_id else None
        return replace(application, client_secret=known)
    return replace(application, client_secret=_client_secret(terminal, before, client_id))


def _kept_before(smtp: Smtp, store: Store) -> StoredTokens | None:
    try:
        return StoredTokens.of(store.load(smtp))
    except UserError:
        return None  # damaged or unreachable: a new one replaces it


def _client_secret(terminal: Terminal, before: StoredTokens | None, client_id: str) -> Secret | None:
    known = before.client_secret if before is not None and before.client_id == client_id else None
    question = (
        _("The application's client secret (not shown; Enter: keep the previous one):")
        if known is not None
        else _("The application's client secret (not shown; Enter: it has none):")
    )
    typed = terminal.ask_unseen(question).strip()
    return Secret(typed) if typed else known


def _by_code(terminal: Terminal, application: Application) -> TokenSet:
    from mkwmail.auth.oauth_protocol import DeviceCode, sign_in_by_device

    def show(code: DeviceCode) -> None:
        terminal.note(_("Open this address, on any computer or telephone:"))
        terminal.note(f"    {code.address}")
        lasts = duration(timedelta(seconds=code.lifetime))
        terminal.note(_("Type this code there; it is valid for %(time)s:") % {"time": lasts})
        terminal.note(f"    {code.user}", "bold")
        _say_who(terminal, application)

    return sign_in_by_device(application, show)


def _by_browser(terminal: Terminal, application: Application, environment: Mapping[str, str]) -> TokenSet:
    from mkwmail.auth.oauth_protocol import sign_in_by_browser

    here = _has_browser(environment)

    def show(url: str) -> None:
        terminal.note(
            _("Your browser opens. If it does not, open this address in it:")
            if here
            else _("Open this address in a browser:")
        )
        terminal.note(f"    {url}")
        _say_who(terminal, application)
        if terminal.interactive and not here:
            ends = _("A browser on another computer ends at an error page: paste the address of that page here.")
            terminal.note(ends)
        if here:
            webbrowser.open(url)

    return sign_in_by_browser(application, show, _typed if terminal.interactive else str)


def _say_who(terminal: Terminal, application: Application) -> None:
    words = {"username": application.username}
    terminal.note(_("Sign in there as %(username)s. Waiting for that; Ctrl-C stops.") % words)


def _typed() -> str:
    """Return a line that was typed meanwhile, or an empty string.

    Always empty on Windows, whose consoles cannot be polled like this.
    """
    if os.name != "posix" or not select.select([sys.stdin], [], [], 0)[0]:
        return ""
    # Bypass Python's own buffer: nothing else waits for this line.
    return os.read(sys.stdin.fileno(), 65536).decode("utf-8", "replace")


def _wrong_account(error: NoSessionError, smtp: Smtp, account: str) -> UserError | None:
    """Return the fault if the provider names another account, else None."""
    if error.code is not ExitCode.LOGIN or account.casefold() in ("", (smtp.username or "").casefold()):
        return None
    words = {"account": account, "username": smtp.username}
    fault = _("you signed in as %(account)s, and smtp: username in mkwmail.yaml is %(username)s") % words
    remedy = _("type mkwmail login, and sign in as %(username)s; or write username: %(quoted)s") % {
        **words,
        "quoted": shlex.quote(account),
    }
    return user_error(f"{smtp.host}:{smtp.port}", fault, remedy, code=ExitCode.LOGIN)
