"""``init``: a new working folder, with commented examples to start from."""

import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from mkwmail.addresses import mailable
from mkwmail.commands.invocation import Invocation
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.computer import this_computer
from mkwmail.ledger.ledger import Ledger
from mkwmail.report.terminal import Terminal
from mkwmail.shipped import shipped
from mkwmail.sources.folder import SETTINGS, WorkingFolder, is_synchronised
from mkwmail.sources.providers import PRESETS
from mkwmail.system import reason_of, write_private

EXAMPLE_EVENT = "2020-04-16-directeurendag.yaml"
EXAMPLE_ID = "directeurendag-2020"
EXAMPLE_MEMBERS = "leden-voorbeeld.csv"
MEMBERS = "leden.csv"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the five questions bring. ``server`` is a provider's name or a host."""

    association: str = ""
    name: str = ""
    email: str = ""
    server: str = ""
    form: str = ""


def init(invocation: Invocation, folder: Path) -> ExitCode:
    """Make a working folder in ``folder``; whatever exists there already stays as it is.

    :raises UserError: code USAGE where it is a working folder already, or lies in a file's place.
    """
    terminal = invocation.terminal
    place = WorkingFolder(folder.expanduser().absolute())
    _refuse_existing(place)
    synchronised = is_synchronised(place.path)
    if synchronised:
        terminal.note(
            _("This folder is kept by %(service)s, which can spoil the ledger: a folder beside it is safer.")
            % {"service": synchronised},
            "yellow",
        )
    answers = _asked(terminal) if terminal.interactive else Answers()
    made = _write(place, settings_text(answers))
    with Ledger.open(place.ledger_path(), place.id_path(), invocation.clock.now(), this_computer()):
        pass
    _say_what_is_next(terminal, place, made, answers)
    return ExitCode.OK


def _refuse_existing(place: WorkingFolder) -> None:
    if place.settings_path.exists():
        remedy = _("to see what is in it, type there: mkwmail")
        fault = Fault(str(place.settings_path), _("this is a working folder already"), remedy)
        raise UserError(fault, code=ExitCode.USAGE)
    if place.path.exists() and not place.path.is_dir():
        fault = Fault(str(place.path), _("this is a file"), _("name a folder that does not exist yet"))
        raise UserError(fault, code=ExitCode.USAGE)


def _asked(terminal: Terminal) -> Answers:
    terminal.note(_("Five questions; Enter leaves one open, and every answer can be changed later."))
    association = terminal.ask(_("1. The association's name:"))
    name = terminal.ask(_("2. The sender's name, as members see it:"))
    email = terminal.ask(_("3. The sender's address:"))
    while email and (wrong := _unmailable(email)):
        terminal.note(f"   {wrong}", "yellow")
        email = terminal.ask(_("3. The sender's address:"))
    known = ", ".join(PRESETS)
    terminal.note(_("   Known mail servers: %(known)s") % {"known": known})
    server = terminal.ask(_("4. The mail server: one of these, or its host name:"))
    form = terminal.ask(_("5. Are members addressed with je or u? [u]")).casefold()
    while form not in ("", "je", "u"):
        form = terminal.ask(_("5. Type je or u:")).casefold()
    return Answers(association, name, email, server, form)


def _unmailable(email: str) -> str:
    try:
        mailable(email)
    except ValueError as error:
        return str(error)
    return ""


def settings_text(answers: Answers) -> str:
    """``mkwmail.yaml`` with the answers in it, and placeholders at example domains for the open ones."""
    email = answers.email or "secretaris@example.org"
    provider = answers.server.casefold() in PRESETS
    host = "smtp.example.org" if provider or not answers.server else answers.server
    server = _SMTP % {"host": json.dumps(host), "username": json.dumps(email)}
    if provider:
        server = f"provider: {answers.server.casefold()}\nsmtp:\n  username: {json.dumps(email)}\n"
    values = {
        "association": json.dumps(answers.association or "MKW Platform", ensure_ascii=False),
        "name": json.dumps(answers.name or "Secretaris", ensure_ascii=False),
        "email": json.dumps(email),
        "members": MEMBERS,
        "form": answers.form or "u",
        "server": server,
        "providers": ", ".join(PRESETS),
    }
    return _SETTINGS % values


# Dutch, as the example event: these files are the secretary's, not the program's words.
_SMTP = """\
smtp:
  host: %(host)s
  port: 587
  security: starttls            # starttls (poort 587) of tls (poort 465)
  username: %(username)s
"""

_SETTINGS = """\
# Instellingen van mkwmail. Wat achter een hekje staat, is uitleg. Een wachtwoord hoort hier niet in.

association: %(association)s

# De taal waarin mkwmail zelf spreekt: nl of en. De mails zijn altijd Nederlands.
language: nl

# Van wie de mails komen, zoals de leden het zien.
sender:
  name: %(name)s
  email: %(email)s
# reply_to: bureau@example.org    # waar antwoorden heen gaan, als dat niet de afzender is

# De ledenlijst, zoals Excel die bewaart: .xlsx of .csv.
members: %(members)s

# Hoe de mails de leden aanspreken: je of u.
form: %(form)s

# De mailserver. Een provider vult host, poort en tempo zelf in. Bekend zijn:
#   %(providers)s
%(server)s# Typ daarna: mkwmail login. Dat vraagt het wachtwoord, en bewaart het buiten deze map.
# Laat Microsoft 365 of Google geen wachtwoord toe? Vraag de beheerder om de id van de app, en zet onder username
# (met twee spaties ervoor, zonder hekje):
#   auth: oauth
#   client_id: 00000000-0000-0000-0000-000000000000

# Hoe snel de server het toestaat, als de provider hierboven niet staat.
# pace:
#   per_minute: 25
#   per_hour: 250
"""


def _write(place: WorkingFolder, settings: str) -> list[str]:
    """Write what is not there yet; the paths that were made."""
    examples = shipped("events")
    copies = {
        place.events_dir / EXAMPLE_EVENT: examples / EXAMPLE_EVENT,
        place.path / MEMBERS: examples / EXAMPLE_MEMBERS,
        place.templates_dir / "signature.md": shipped("templates") / "signature.md",
    }
    made = []
    try:
        place.events_dir.mkdir(parents=True, exist_ok=True)
        place.templates_dir.mkdir(exist_ok=True)
        for target, source in copies.items():
            if not target.exists():
                if target.name == MEMBERS:
                    # The members' names and addresses will be in it.
                    write_private(target, source.read_bytes())
                else:
                    shutil.copyfile(source, target)
                made.append(place.shown(target))
        # Last: a folder without it is not yet a working folder, so `init` can be repeated after a full disk.
        place.settings_path.write_text(settings, encoding="utf-8", newline="\n")
    except OSError as error:
        fault = Fault(str(place.path), _("cannot be written: %(why)s") % {"why": reason_of(error)})
        raise UserError(fault, code=ExitCode.LEDGER_FAULT) from None
    return [SETTINGS, *made]


def _say_what_is_next(terminal: Terminal, place: WorkingFolder, made: list[str], answers: Answers) -> None:
    event = EXAMPLE_ID
    terminal.say(_("Made the working folder %(folder)s") % {"folder": place.path}, "bold")
    meaning = {
        SETTINGS: _("settings: sender, mail server"),
        f"events/{EXAMPLE_EVENT}": _("an example event; your own go beside it"),
        MEMBERS: _("an invented member list; save your own in its place"),
        "templates/signature.md": _("the words below every mail"),
    }
    terminal.facts([(path, meaning.get(path, "")) for path in made])
    known = bool(answers.email and answers.server)
    if not known:
        terminal.say(_("Open mkwmail.yaml and fill in the sender and the mail server."))
    terminal.say()
    terminal.say(_("Next, type:"))
    if place.path != Path.cwd():
        terminal.say(f"  cd {shlex.quote(str(place.path))}")
    logs_in = ("login",) if known else ()
    for command in (f"check {event}", f"preview {event} invitation", f"send {event} invitation --rehearse", *logs_in):
        terminal.say(f"  mkwmail {command}")
