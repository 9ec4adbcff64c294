"""The known providers: their servers, pace and sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mkwmail.config.settings import Auth, Settings
from mkwmail.config.yaml_document import Plain


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of a provider, as texts of a settings file.

    ``host`` is empty if every customer has a different server name. ``sign_in``: the addresses and scopes for
    ``auth: oauth``, if known. ``imap``: the server of the mailbox;
    ``imap_scope``: the permission to read it, if it is another than that to send.
    """

    host: str = ""
    port: str = "587"
    security: str = "starttls"
    pace: Mapping[str, str] = field(default_factory=dict)
    sign_in: Mapping[str, str] = field(default_factory=dict)
    imap: str = ""
    imap_scope: str = ""

    def complete(self, fields: Mapping[str, Plain]) -> dict[str, Plain]:
        """Return the settings' fields, completed with a provider's self.

        A field in the file takes precedence.
        """
        filled = dict(fields)
        smtp = fields.get("smtp")
        if smtp is None and self.host:
            filled["smtp"] = {"host": self.host, "port": self.port, "security": self.security}
        elif isinstance(smtp, dict) and (self.host or "host" in smtp):
            own_host = "host" in smtp and smtp["host"] != self.host
            known: dict[str, Plain] = {} if own_host else {"host": self.host, "port": self.port}
            # Implicit TLS has its own port (RFC 8314 §7.3), so port and security come from the same source.
            if smtp.get("security") == "tls" or "port" in smtp:
                known.pop("port", None)
            filled["smtp"] = {**known, **_sign_in(smtp, self), **smtp}
        mailbox = fields.get("mailbox")
        if isinstance(mailbox, dict) and self.imap:
            filled["mailbox"] = {"host": self.imap, **mailbox}
        pace = fields.get("pace")
        if pace is None or isinstance(pace, dict):
            filled["pace"] = {**self.pace, **(pace or {})}
        return filled


# Any of its domains may name the tenant. learn.microsoft.com, "OAuth 2.0 device authorization grant flow" and
# "Authenticate an IMAP, POP or SMTP connection using OAuth". Without a prompt, the browser's own account is used.
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_MICROSOFT_SIGN_IN = {
    "authorize_url": f"{_MICROSOFT}/authorize?prompt=select_account",
    "device_url": f"{_MICROSOFT}/devicecode",
    "token_url": f"{_MICROSOFT}/token",
    "scopes": "https://outlook.office.com/SMTP.Send offline_access",
}
# Google gives no code for another device if the scope is mail, and a refresh token only if it is requested and consent
# is given again. developers.google.com/identity/protocols/oauth2/native-app
_GOOGLE_SIGN_IN = {
    "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
    "token_url": "https://oauth2.googleapis.com/token",
    "scopes": "https://mail.google.com/",
}

PRESETS: Mapping[str, Preset] = {
    # 3 connections and 30 messages a minute, 10,000 recipients a day; the preset is a little lower, so that the
    # secretary can also send other mail meanwhile. learn.microsoft.com, "Exchange Online limits"
    "microsoft365": Preset(
        host="smtp.office365.com",
        pace={"connections": "1", "per_minute": "25", "per_day": "9500"},
        sign_in=_MICROSOFT_SIGN_IN,
        imap="outlook.office365.com",
        imap_scope="https://outlook.office.com/IMAP.AccessAsUser.All",
    ),
    # Recipients in 24 hours, for all programs together. support.google.com/a/answer/166852
    "google": Preset(
        host="smtp.gmail.com",
        pace={"connections": "1", "per_day": "1900"},
        sign_in=_GOOGLE_SIGN_IN,
        imap="imap.gmail.com",
    ),
    # A mailbox at gmail.com. support.google.com/mail/answer/22839
    "gmail": Preset(
        host="smtp.gmail.com",
        pace={"connections": "1", "per_day": "450"},
        sign_in=_GOOGLE_SIGN_IN,
        imap="imap.gmail.com",
    ),
    # 50 messages per connection, 200 connections an hour. previder.com, "Limits outgoing mail server Previder"
    "previder": Preset(host="smtp.previder.nl", pace={"connections": "1", "per_connection": "50"}),
    # 250 messages an hour. myhostingpartner.com, "Email limits and restrictions"
    "mijnhostingpartner": Preset(pace={"connections": "1", "per_hour": "240"}),
    # Fair use of 2,500 messages a day. hosting.nl, "de uitgaande verbindingslimieten"
    "hosting.nl": Preset(pace={"connections": "1", "per_day": "2400"}),
    # 300 messages a day.
    "weboke": Preset(pace={"connections": "1", "per_day": "280"}),
}

# Names that people use for a provider, by the beginning of the word.
_CALLED = {
    "outlook": "microsoft365",
    "office": "microsoft365",
    "microsoft": "microsoft365",
    "exchange": "microsoft365",
    "m365": "microsoft365",
    "o365": "microsoft365",
    "google": "google",
    "workspace": "google",
}


def preset_named(word: str, email: str = "") -> str | None:
    """Return the name of the provider that people mean by a word, or None.

    An address at gmail.com has other limits than Google's for organisations.

    >>> preset_named("Outlook"), preset_named("Gmail", "bureau@example.org"), preset_named("smtp.example.org")
    ('microsoft365', 'google', None)
    """
    plain = word.strip().casefold()
    private = email.casefold().endswith(("@gmail.com", "@googlemail.com"))
    if plain in {"google", "gmail"}:
        return "gmail" if private or not email else "google"
    if plain in PRESETS:
        return plain
    return next((name for called, name in _CALLED.items() if "." not in plain and plain.startswith(called)), None)


def imap_scope(settings: Settings) -> str:
    """Return the scope that a sign-in needs to read the mailbox, besides those to send; empty if it needs no other."""
    preset = PRESETS.get((settings.provider or "").strip().casefold())
    return preset.imap_scope if preset else ""


def _sign_in(smtp: Mapping[str, Plain], preset: Preset) -> dict[str, Plain]:
    """Return the addresses for signing in with OAuth.

    The domain of the username names the organisation, unless the file gives a tenant.
    """
    auth, username, tenant = (smtp.get(key) for key in ("auth", "username", "tenant"))
    if not isinstance(auth, str) or auth.strip().casefold() != Auth.OAUTH:
        return {}
    domain = username.rpartition("@")[2] if isinstance(username, str) else ""
    organisation = tenant if isinstance(tenant, str) and tenant.strip() else domain
    return {key: value.replace("{tenant}", organisation.strip()) for key, value in preset.sign_in.items()}
