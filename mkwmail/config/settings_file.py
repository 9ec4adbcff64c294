"""Settings file: read, completed with the provider's preset, checked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from mkwmail.addresses import is_example
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.providers import PRESETS, Preset, with_preset
from mkwmail.config.settings import Auth, Security, Settings, is_loopback
from mkwmail.config.validation import faults_of
from mkwmail.config.yaml_document import Document, Loc, Plain, in_file_order, read_document
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.members.headings import COLUMN_NAMES, meaning_of
from mkwmail.text import nearest, suggestion

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
        fault = _("username: with auth: oauth it says who signs in; it is mostly the mail address")
        yield Fault(document.place(("smtp",)), fault, _("write below smtp: a line username: …"))
    yield from _address_faults(document, written)


def _address_faults(document: Document, written: dict[str, str]) -> Iterator[Fault]:
    if not {"token_url", "scopes"} <= written.keys() or not {"authorize_url", "device_url"} & written.keys():
        fault = _("auth: oauth: it is not known where to sign in")
        remedy = _(
            "write provider: microsoft365 or google; for another provider token_url, scopes, and authorize_url "
            "or device_url below smtp:"
        )
        yield Fault(document.place(("smtp", "auth")), fault, remedy)
    for key in _ADDRESSES:
        # Anyone on the network could use a token that is sent unencrypted (RFC 6749 §1.6).
        if key in written and not written[key].casefold().startswith("https://"):
            fault = _('%(key)s: "%(url)s" is no address that begins with https://')
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
    filled = with_preset(fields, preset) if preset is not None else fields
    settings = None
    try:
        settings = Settings.model_validate(filled)
    except ValidationError as error:
        faults += faults_of(error, document, Settings)
    faults += _server_faults(document, filled, preset)
    faults += sign_in_faults(document, filled)
    faults += _hours_faults(document, settings)
    faults += _file_faults(document, fields, folder)
    faults += _column_faults(document, fields)
    if faults or settings is None:
        hushed = (_hushed(fault, secrets) for fault in faults)
        raise UserError(*in_file_order(hushed), code=ExitCode.SETTINGS)
    return settings


def _parts(fields: dict[str, Plain]) -> list[tuple[Loc, dict[str, Plain]]]:
    """Return the mappings of the file: the top level and one level below."""
    return [((), fields), *(((name,), part) for name, part in fields.items() if isinstance(part, dict))]


def _secret_values(fields: dict[str, Plain]) -> list[str]:
    pairs = [pair for _loc, part in _parts(fields) for pair in part.items()]
    return [value for key, value in pairs if key.casefold() in _SECRETS and isinstance(value, str) and value]


def _hushed(fault: Fault, secrets: list[str]) -> Fault:
    """Return the fault; omit a repaired line that shows a password."""
    said = any(secret in fault.remedy for secret in secrets)
    return Fault(fault.place, fault.fault) if said else fault


def _secrets(document: Document, fields: dict[str, Plain]) -> list[Fault]:
    """Return the faults of passwords in the file, and remove the passwords.

    They are removed so that no other check sees them; their text is never shown.
    """
    faults: list[Fault] = []
    for loc, part in _parts(fields):
        for key in [key for key in part if key.casefold() in _SECRETS]:
            fault = _("%(key)s: a secret does not belong in this file, which is copied and shared")
            remedy = _("delete it, and type: mkwmail login (it asks for it, and keeps it elsewhere)")
            faults.append(Fault(document.key_place((*loc, key)), fault % {"key": key}, remedy))
            del part[key]
    return faults


def _preset(document: Document, fields: dict[str, Plain]) -> tuple[Preset | None, list[Fault]]:
    written = fields.get("provider")
    if not isinstance(written, str) or not written.strip():
        return None, []
    name = written.strip().casefold()
    if name in PRESETS:
        return PRESETS[name], []
    fault = _('provider: "%(name)s" is not known') % {"name": written}
    near = nearest(written, PRESETS)
    unknown = _("leave it out and write smtp: and pace: yourself; known are: %(names)s")
    remedy = f"provider: {near}" if near else unknown % {"names": ", ".join(PRESETS)}
    return None, [Fault(document.place(("provider",)), fault, remedy)]


def _server_faults(document: Document, filled: dict[str, Plain], preset: Preset | None) -> Iterator[Fault]:
    """Return the contradictions in ``smtp``.

    The texts are checked, so that faults elsewhere do not hide them.
    """
    smtp = filled.get("smtp")
    if not isinstance(smtp, dict):
        return
    host = smtp.get("host")
    loopback = isinstance(host, str) and is_loopback(host.strip())
    security = smtp.get("security")
    if isinstance(security, str) and security.strip().casefold() == Security.NONE and host and not loopback:
        fault = _("security: without it everyone on the way can read mails and password; only this computer may go so")
        remedy = document.repaired(("smtp", "security"), security, "starttls") or "security: starttls"
        yield Fault(document.place(("smtp", "security")), fault, remedy)
    if smtp.get("password_command") and smtp.get("password_file"):
        fault = _("password_file: the password comes from password_command already")
        yield Fault(document.key_place(("smtp", "password_file")), fault, _("keep one of the two"))
    if isinstance(host, str) and ("://" in host or "/" in host or "@" in host or " " in host.strip()):
        fault = _('host: "%(host)s" is no name of a server') % {"host": host}
        yield Fault(document.place(("smtp", "host")), fault, "host: smtp.example.org")
    if preset is not None and preset.host and host == preset.host and not smtp.get("username"):
        fault = _("username: %(host)s sends for nobody who does not log in; it is mostly the mail address")
        remedy = _("write below smtp: a line username: …")
        yield Fault(document.place(("smtp",)), fault % {"host": preset.host}, remedy)


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
        fault = _('logo: "%(name)s" is no picture that mail programs show: take a PNG, JPEG or GIF')
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
    lines, node = list(document.lines), document.node(("columns",))
    while lines and not lines[-1].strip():
        lines.pop()
    entry = f"{name}: {json.dumps(heading, ensure_ascii=False)}"
    if node is None:
        return "\n".join((*lines, "", "columns:", f"  {entry}", ""))
    if not isinstance(node.content, dict) or not node.keys:
        number = document.root.keys["columns"].line - 1
        lines[number] = re.sub(r":\s*(?:\{\s*\})?", lambda _found: f": {{{entry}}} ", lines[number], count=1).rstrip()
        return "\n".join((*lines, ""))
    first = min(node.keys.values(), key=lambda each: (each.line, each.column))
    line = lines[first.line - 1]
    # Before the first one: the end of a mapping is harder to find, behind comments and brackets.
    if line[: first.column - 1].strip():
        lines[first.line - 1] = f"{line[: first.column - 1]}{entry}, {line[first.column - 1 :]}"
    else:
        lines.insert(first.line - 1, f"{line[: first.column - 1]}{entry}")
    return "\n".join((*lines, ""))


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
        ("report_to", settings.report_to),
    )
    fault = _("%(key)s: %(address)s is an address for examples, and nobody reads what comes back to it")
    return tuple(
        Fault("mkwmail.yaml", fault % {"key": key, "address": address}, _("write the real address"))
        for key, address in named
        if address is not None and is_example(address.rpartition("@")[2])
    )
