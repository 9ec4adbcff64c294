"""Settings of the working folder, read from mkwmail.yaml.

They contain no secret. They are completed with the preset of the provider: server, sending limits and sign-in. The
limits are set by the providers and change; each has its source. A setting in the file always takes precedence.
"""

import calendar
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError

from mkwmail.addresses import is_example
from mkwmail.config.fields import (
    Address,
    Addresses,
    ClockTime,
    Count,
    Duration,
    Folded,
    Line,
    Lines,
    Markdown,
    OptionalAddress,
    OptionalCount,
    OptionalLine,
    StrictModel,
    UnusableError,
    Word,
    YesNo,
    from_text,
    nothing_is,
    or_nothing,
    several,
)
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.yaml_document import Document, Loc, Plain, read_document, with_key
from mkwmail.dutch.dates import read_days, read_duration, read_months
from mkwmail.errors import ExitCode, Fault, UserError, fault_at
from mkwmail.i18n import _, nearest, suggestion
from mkwmail.members.headings import COLUMN_NAMES, meaning_of

if TYPE_CHECKING:
    from mkwmail.config.providers import Preset


class Mailbox(StrictModel):
    """Name and mail address, with what members may know besides."""

    name: Line = Field(examples=["Lilian van Zandbrink"])
    email: Address = Field(examples=["secretaris@example.org"])
    role: OptionalLine = Field(default=None, examples=["secretaris"])
    phone: OptionalLine = Field(default=None, examples=["030 000 00 00"])


class Security(StrEnum):
    """Protection of the connection to the server (RFC 8314)."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # loopback only


class Auth(StrEnum):
    """Authentication to the server (RFC 4954)."""

    PASSWORD = "password"
    OAUTH = "oauth"  # RFC 6749: an access token takes the place of the password (RFC 7628)


class Smtp(StrictModel):
    """Server that accepts the mail (RFC 6409).

    ``hello``: the name given at EHLO, instead of the computer's address (RFC 5321 §4.1.1.1). ``ca_file``: certificates
    of authorities (PEM) that are trusted besides those of the system; read from a file, it is an absolute path.
    """

    host: Line = Field(examples=["smtp.example.org"])
    port: Annotated[Count, Field(le=65535)] = Field(default=587, examples=["587"])
    security: Annotated[Security, Folded] = Field(default=Security.STARTTLS, examples=["starttls"])
    username: OptionalLine = None
    password_command: OptionalLine = None
    password_file: OptionalLine = None
    hello: OptionalLine = None
    ca_file: OptionalLine = None
    auth: Annotated[Auth, Folded] = Field(default=Auth.PASSWORD, examples=["oauth"])
    client_id: OptionalLine = None
    tenant: OptionalLine = None
    authorize_url: OptionalLine = None
    device_url: OptionalLine = None
    token_url: OptionalLine = None
    scopes: OptionalLine = None

    @property
    def on_loopback(self) -> bool:
        """True if the server is this computer, so that no mail leaves it."""
        return is_loopback(self.host)


class Imap(StrictModel):
    """Mailbox that gets the answers and reports (RFC 9051).

    ``username``: that of the mail server if it is not given; then its login is used too. ``ca_file``: as in
    :class:`Smtp`.
    """

    host: Line = Field(examples=["imap.example.org"])
    port: Annotated[Count, Field(le=65535)] = Field(default=993, examples=["993"])
    security: Annotated[Security, Folded] = Field(default=Security.TLS, examples=["tls"])
    folders: Lines = ("INBOX",)
    username: OptionalLine = None
    password_command: OptionalLine = None
    password_file: OptionalLine = None
    ca_file: OptionalLine = None

    def login(self, smtp: Smtp | None) -> Smtp:
        """Return the account that reads the mailbox, as one of the mail server.

        Without a username of its own it is the account that sends, whose login is kept under the mail server's name.
        """
        # People who sign in with OAuth read a shared mailbox with their own token.
        same = smtp is not None and (self.username in (None, smtp.username) or smtp.auth is Auth.OAUTH)
        if smtp is not None and same and not (self.password_command or self.password_file):
            return smtp
        return Smtp(
            host=self.host,
            port=self.port,
            username=self.username or (smtp.username if smtp else None),
            password_command=self.password_command,
            password_file=self.password_file,
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer.

    That is ``localhost`` or a loopback address (RFC 6761 §6.3, RFC 5735 §3).

    >>> is_loopback("127.0.0.1"), is_loopback("smtp.example.org")
    (True, False)
    """
    name = host.casefold().rstrip(".").removeprefix("[").removesuffix("]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class Pace(StrictModel):
    """Sending limits of the server; None means no limit.

    Mails are counted across runs.
    """

    connections: Count = 1
    per_connection: OptionalCount = None
    per_minute: OptionalCount = None
    per_hour: OptionalCount = None
    per_day: OptionalCount = None
    batch: OptionalCount = 50
    pause: Duration = Field(default=timedelta(0), examples=["0 s"])


@dataclass(frozen=True, slots=True)
class Days:
    """Days in a row, from the first to the last, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return self.first <= day <= self.last


_LONGEST = timedelta(days=366)


def _days_in_a_row(text: str) -> Days:
    first, last = read_days(text)
    if last - first > _LONGEST:
        fault = _('"%(text)s" is more than a year, and nothing would be mailed in all that time')
        raise UnusableError(fault % {"text": text})
    return Days(first, last)


class Hours(StrictModel):
    """Hours in which ``due`` may send mail.

    ``closed``: days on which it sends nothing, such as the summer holiday.
    """

    start: ClockTime = Field(default=time(8), alias="from", examples=["8.00"])
    end: ClockTime = Field(default=time(20), alias="to", examples=["20.00"])
    days: Annotated[Literal["working", "all"], Folded] = Field(default="working", examples=["working"])
    closed: Annotated[tuple[Annotated[Days, from_text(_days_in_a_row)], ...], BeforeValidator(several)] = ()


class Backups(StrictModel):
    """Copies of the ledger that are made after each run that mailed.

    ``to``: their folder, relative to the working folder; without it ``backups/``.
    """

    keep: Count = 10
    to: OptionalLine = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Time for which an event's personal data are kept.

    It is in whole months or in days.
    """

    months: int = 0
    days: int = 0

    @classmethod
    def default(cls) -> "Keep":
        """Return the default: a year."""
        return cls(months=12)

    def until(self, moment: datetime) -> datetime:
        """Return the moment after which a purge is proposed.

        If its month has no such day, it is the last day of that month.
        """
        month = moment.month - 1 + self.months
        year, month = moment.year + month // 12, month % 12 + 1
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day) + timedelta(days=self.days)


def _keep(text: str) -> Keep:
    for unit, read in (("months", read_months), ("days", lambda text: read_duration(text).days)):
        try:
            number = read(text)
        except ValueError:
            continue
        if number > 0:
            return Keep(**{unit: number})
    raise UnusableError(_('"%(text)s" is not a number of months, years or days') % {"text": text}, "12 maanden")


class Settings(StrictModel):
    """Settings of the association, its sender and its server."""

    sender: Mailbox
    association: Annotated[str, nothing_is(str), from_text(str)] = ""
    language: Annotated[Literal["nl", "en"] | None, or_nothing(str.casefold)] = Field(default=None, examples=["nl"])
    reply_to: OptionalAddress = None
    # Those who hear from `mkwmail due`; empty: the sender.
    report_to: Addresses = ()
    members: Line = "leden.csv"
    form: Annotated[Literal["je", "u"], Folded] = Field(default="u", examples=["je"])
    logo: OptionalLine = None
    footer: Markdown = None
    # The name of a column of the member list → its heading in that list.
    columns: Annotated[Mapping[str, Line], nothing_is(dict)] = Field(default_factory=dict)
    provider: Word = None
    smtp: Smtp | None = None
    mailbox: Imap | None = None
    pace: Annotated[Pace, nothing_is(Pace)] = Pace()
    hours: Annotated[Hours, nothing_is(Hours)] = Hours()
    backup: Annotated[Backups, nothing_is(Backups)] = Backups()
    # Several people use the folder on this computer: its files are for its group too.
    shared: YesNo = False
    keep: Annotated[Keep, from_text(_keep)] = Field(default=Keep.default(), examples=["12 maanden"])


_ADDRESSES = ("authorize_url", "device_url", "token_url")
_ONLY_THEN = ("client_id", "tenant", "scopes", *_ADDRESSES)
_TENANT = re.compile(r"[A-Za-z0-9.-]+")


def sign_in_faults(document: Document, filled: dict[str, Plain]) -> Iterator[Fault]:
    """Return the faults of ``smtp:`` that concern ``auth: oauth``.

    The texts are checked, so that faults elsewhere do not hide them.

    :param filled: the file's fields, completed with the provider's.
    """
    smtp = filled.get("smtp")
    if not isinstance(smtp, dict):
        return
    written = {key: value.strip() for key, value in smtp.items() if isinstance(value, str) and value.strip()}
    if written.get("auth", "").casefold() != Auth.OAUTH:
        for key in _ONLY_THEN:
            if key in written:
                fault = _("%(key)s: it is for signing in without a password") % {"key": key}
                yield Fault(document.key_place(("smtp", key)), fault, _("write below smtp: a line auth: oauth"))
        return
    for key in ("password_command", "password_file"):
        if key in written:
            fault = _("%(key)s: with auth: oauth there is no password") % {"key": key}
            yield Fault(document.key_place(("smtp", key)), fault, _("delete it, and type: mkwmail login"))
    if "username" not in written:
        fault = _("username: with auth: oauth it names who signs in; usually the mail address")
        yield Fault(document.place(("smtp",)), fault, _("write below smtp: a line username: …"))
    yield from _address_faults(document, written)


def _address_faults(document: Document, written: dict[str, str]) -> Iterator[Fault]:
    if not {"token_url", "scopes"} <= written.keys() or not {"authorize_url", "device_url"} & written.keys():
        fault = _("auth: oauth: no address to sign in at is known")
        remedy = _(
            "write provider: microsoft365 or google; for another provider token_url, scopes, and authorize_url "
            "or device_url below smtp:"
        )
        yield Fault(document.place(("smtp", "auth")), fault, remedy)
    for key in _ADDRESSES:
        # Anyone on the network could use a token that is sent unencrypted (RFC 6749 §1.6).
        if key in written and not written[key].casefold().startswith("https://"):
            fault = _('%(key)s: "%(url)s" is not an address that begins with https://')
            yield Fault(document.place(("smtp", key)), fault % {"key": key, "url": written[key]})
    if "tenant" in written and not _TENANT.fullmatch(written["tenant"]):
        fault = _('tenant: "%(tenant)s" is neither a domain nor an id') % {"tenant": written["tenant"]}
        yield Fault(document.place(("smtp", "tenant")), fault, "tenant: mkw.nl")


# Keys that people use for a password; `password_command` and `password_file` only tell how to find it.
_SECRETS = (
    *("password", "passwd", "pass", "passwort", "wachtwoord", "smtp_password"),
    *("secret", "client_secret", "token", "access_token", "refresh_token"),
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif")


def read_settings(folder: WorkingFolder) -> Settings:
    """Read the working folder's settings.

    :raises UserError: code SETTINGS with every fault of the file.
    """
    document = read_document(folder.settings_path, folder.shown(folder.settings_path), ExitCode.SETTINGS)
    tree = document.plain()
    fields = tree if isinstance(tree, dict) else {}
    secrets = _secret_values(fields)
    faults = [*document.faults, *_secrets(document, fields)]
    preset, unknown = _preset(document, fields)
    faults += unknown
    filled = preset.complete(fields) if preset is not None else fields
    settings = None
    try:
        settings = Settings.model_validate(filled)
    except ValidationError as error:
        from mkwmail.config.validation import faults_of

        faults += faults_of(error, document, Settings)
    faults += _server_faults(document, filled, preset)
    faults += sign_in_faults(document, filled)
    faults += _hours_faults(document, settings)
    faults += _file_faults(document, fields, folder)
    faults += _connection_faults(document, filled, folder)
    faults += _column_faults(document, fields)
    if faults or settings is None:
        hushed = (_hushed(fault, secrets) for fault in document.in_order(faults))
        raise UserError(*hushed, code=ExitCode.SETTINGS)
    servers = {"smtp": settings.smtp, "mailbox": settings.mailbox}
    absolute = {
        name: server.model_copy(update={"ca_file": str(_in_folder(folder, server.ca_file))})
        for name, server in servers.items()
        if server is not None and server.ca_file is not None
    }
    return settings.model_copy(update=absolute) if absolute else settings


def _in_folder(folder: WorkingFolder, name: str) -> Path:
    return folder.path / Path(name.strip()).expanduser()


def _parts(fields: dict[str, Plain]) -> list[tuple[Loc, dict[str, Plain]]]:
    """Return the mappings of the file: the top level and one level below."""
    return [((), fields), *(((name,), part) for name, part in fields.items() if isinstance(part, dict))]


def _secret_values(fields: dict[str, Plain]) -> list[str]:
    pairs = [pair for _loc, part in _parts(fields) for pair in part.items()]
    return [value for key, value in pairs if key.casefold() in _SECRETS and isinstance(value, str) and value]


def _hushed(fault: Fault, secrets: list[str]) -> Fault:
    """Return the fault; omit a line of the file, or a repaired one, that shows a password."""
    said = any(secret in f"{fault.remedy}\n{fault.line}" for secret in secrets)
    return Fault(fault.place, fault.fault) if said else fault


def _secrets(document: Document, fields: dict[str, Plain]) -> list[Fault]:
    """Return the faults of passwords in the file, and remove the passwords.

    They are removed so that no other check sees them; their text is never shown.
    """
    faults: list[Fault] = []
    for loc, part in _parts(fields):
        for key in [key for key in part if key.casefold() in _SECRETS]:
            fault = _("%(key)s: a secret does not belong in this file, which is copied and shared")
            remedy = _("delete it, and type: mkwmail login (which asks for it and stores it elsewhere)")
            faults.append(Fault(document.key_place((*loc, key)), fault % {"key": key}, remedy))
            del part[key]
    return faults


def _preset(document: Document, fields: dict[str, Plain]) -> tuple["Preset | None", list[Fault]]:
    written = fields.get("provider")
    if not isinstance(written, str) or not written.strip():
        return None, []
    # Most settings name no provider.
    from mkwmail.config.providers import PRESETS

    name = written.strip().casefold()
    if name in PRESETS:
        return PRESETS[name], []
    fault = _('provider: "%(name)s" is not known') % {"name": written}
    near = nearest(written, PRESETS)
    unknown = _("leave it out and write smtp: and pace: yourself; known are: %(names)s")
    remedy = f"provider: {near}" if near else unknown % {"names": ", ".join(PRESETS)}
    return None, [Fault(document.place(("provider",)), fault, remedy)]


def _server_faults(document: Document, filled: dict[str, Plain], preset: "Preset | None") -> Iterator[Fault]:
    """Return the contradictions in ``smtp`` and ``mailbox``.

    The texts are checked, so that faults elsewhere do not hide them.
    """
    for name in ("smtp", "mailbox"):
        server = filled.get(name)
        if isinstance(server, dict):
            yield from _login_faults(document, name, server)
    smtp = filled.get("smtp")
    host = smtp.get("host") if isinstance(smtp, dict) else None
    if (
        isinstance(smtp, dict)
        and preset is not None
        and preset.host
        and host == preset.host
        and not smtp.get("username")
    ):
        fault = _("username: %(host)s requires a login; the username is usually the mail address")
        yield fault_at(document.place(("smtp",)), fault, _("write below smtp: a line username: …"), host=preset.host)


def _login_faults(document: Document, name: str, smtp: dict[str, Plain]) -> Iterator[Fault]:
    """Return the faults of a server's name, security and password."""
    host = smtp.get("host")
    loopback = isinstance(host, str) and is_loopback(host.strip())
    security = smtp.get("security")
    if isinstance(security, str) and security.strip().casefold() == Security.NONE and host and not loopback:
        fault = _("security: without it everyone on the way can read mails and password; allowed on this computer only")
        remedy = document.repaired((name, "security"), security, "starttls") or "security: starttls"
        yield Fault(document.place((name, "security")), fault, remedy)
    if smtp.get("password_command") and smtp.get("password_file"):
        fault = _("password_file: the password comes from password_command already")
        yield Fault(document.key_place((name, "password_file")), fault, _("keep one of the two"))
    if isinstance(host, str) and ("://" in host or "/" in host or "@" in host or " " in host.strip()):
        fault = _('host: "%(host)s" is not the name of a server') % {"host": host}
        yield Fault(document.place((name, "host")), fault, f"host: {'smtp' if name == 'smtp' else 'imap'}.example.org")


_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f.:IPv]+\]")


def _connection_faults(document: Document, filled: dict[str, Plain], folder: WorkingFolder) -> Iterator[Fault]:
    """Return the faults of the name at EHLO and of the certificates that are trusted."""
    for section in ("smtp", "mailbox"):
        server = filled.get(section)
        if not isinstance(server, dict):
            continue
        hello, ca_file = server.get("hello"), server.get("ca_file")
        if section == "smtp" and isinstance(hello, str) and hello.strip() and not _HOST_NAME.fullmatch(hello.strip()):
            fault = _('hello: "%(name)s" is not a full name of a computer') % {"name": hello}
            yield Fault(document.place((section, "hello")), fault, "hello: mail.example.org")
        if isinstance(ca_file, str) and ca_file.strip() and not _in_folder(folder, ca_file).is_file():
            fault = _('ca_file: there is no file "%(name)s"') % {"name": ca_file}
            remedy = _("ask your administrator for the certificate of the organisation's own authority, as a PEM file")
            yield Fault(document.place((section, "ca_file")), fault, remedy)


def _hours_faults(document: Document, settings: Settings | None) -> Iterator[Fault]:
    if settings is not None and settings.hours.end <= settings.hours.start:
        fault = _("hours: they end before they begin, so nothing would ever be mailed")
        yield Fault(document.place(("hours",)), fault, "hours: {from: 8.00, to: 20.00}")


def _file_faults(document: Document, fields: dict[str, Plain], folder: WorkingFolder) -> Iterator[Fault]:
    logo = fields.get("logo")
    if not isinstance(logo, str) or not logo.strip():
        return
    path = folder.path / logo.strip()
    place = document.place(("logo",))
    if path.suffix.casefold() not in _PICTURES:
        fault = _('logo: "%(name)s" is not a picture that mail programs show: use a PNG, JPEG or GIF')
        yield Fault(place, fault % {"name": logo})
    elif not folder.holds(path):
        yield Fault(place, _('logo: "%(name)s" lies outside the working folder') % {"name": logo})
    elif not path.is_file():
        fault = _('logo: there is no file "%(name)s" in the working folder') % {"name": logo}
        yield Fault(place, fault, suggestion(logo, _pictures(path.parent)))


def _column_faults(document: Document, fields: dict[str, Plain]) -> Iterator[Fault]:
    columns = fields.get("columns")
    for name in columns if isinstance(columns, dict) else ():
        if meaning_of(name) is None:
            fault = _('columns: "%(name)s" is not a column that mkwmail knows') % {"name": name}
            yield Fault(document.key_place(("columns", name)), fault, suggestion(name, COLUMN_NAMES.values()))


def with_column(folder: WorkingFolder, name: str, heading: str) -> str:
    """Return the text of the settings file with one more heading of the member list.

    The file's comments and lines stay as they are.

    :param name: the name of the column, such as ``naam``.
    :raises UserError: code SETTINGS if the file cannot be read.
    """
    document = read_document(folder.settings_path, folder.shown(folder.settings_path), ExitCode.SETTINGS)
    return with_key(document, ("columns", name), json.dumps(heading, ensure_ascii=False))


def _pictures(place: Path) -> list[str]:
    if not place.is_dir():
        return []
    return sorted(path.name for path in place.iterdir() if path.suffix.casefold() in _PICTURES)


def example_senders(settings: Settings) -> tuple[Fault, ...]:
    """Return a fault for each own address at a domain for examples.

    Such addresses are refused if mail really leaves this computer (RFC 2606).
    """
    named = (
        ("sender", settings.sender.email),
        ("reply_to", settings.reply_to),
        *(("report_to", address) for address in settings.report_to),
    )
    fault = _("%(key)s: %(address)s is an address for examples, and nobody reads what comes back to it")
    return tuple(
        Fault("mkwmail.yaml", fault % {"key": key, "address": address}, _("write the real address"))
        for key, address in named
        if address is not None and is_example(address.rpartition("@")[2])
    )
