"""``init``, ``new`` and ``schema``: a new working folder, or a new event.

A new folder has commented examples to start from. A new event is made from an earlier one, or from nothing.
"""

import json
import re
import shlex
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, count
from pathlib import Path

from mkwmail.addresses import mailable
from mkwmail.clock import day_and_time, day_in_words
from mkwmail.commands.context import Invocation, folder_of, open_ledger
from mkwmail.commands.prompts import said_yes
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import (
    EXAMPLE_EVENT,
    EXAMPLE_ID,
    EXAMPLE_MEMBERS,
    SETTINGS,
    WorkingFolder,
    id_in,
    is_synchronised,
    known_folders,
    remember,
)
from mkwmail.config.json_schema import event_schema, settings_schema
from mkwmail.config.kinds import RULES, in_order, shown_name, typed_name
from mkwmail.config.providers import PRESETS, preset_named
from mkwmail.config.settings import is_loopback
from mkwmail.config.yaml_document import Document, Loc, read_document, scalar, with_values
from mkwmail.dutch.dates import is_time, read_moment
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import shipped, write_private, writing
from mkwmail.i18n import _
from mkwmail.ledger import deliveries
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.runs import this_computer
from mkwmail.planning.schedule import Move
from mkwmail.report.terminal import Terminal

MEMBERS = "leden.csv"


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """The answers to the questions of ``init``.

    ``server``: a provider's name, or a host. ``title``, ``day`` and ``city`` are those of a first event; without a
    title and a day there is none.
    """

    association: str = ""
    name: str = ""
    email: str = ""
    role: str = ""
    phone: str = ""
    server: str = ""
    form: str = ""
    title: str = ""
    day: date | None = None
    city: str = ""


def init(invocation: Invocation, folder: Path) -> ExitCode:
    """Create a working folder in ``folder``; existing files are kept.

    :raises UserError: code USAGE if it is a working folder already, or is a file.
    """
    terminal = invocation.terminal
    place = WorkingFolder(folder.expanduser().absolute())
    _refuse_existing(place)
    synchronised = is_synchronised(place.path)
    if synchronised:
        terminal.note(
            _("This folder is synchronised by %(service)s, which can damage the ledger: a folder outside it is safer.")
            % {"service": synchronised},
            "warning",
        )
    if terminal.interactive and not _wants_another(terminal, place):
        return ExitCode.INTERRUPTED
    answers = _asked(terminal) if terminal.interactive else SetupAnswers()
    made = _write(place, settings_text(answers))
    with Ledger.open(place.ledger_path(), place.id_path(), invocation.clock.now(), this_computer()):
        pass
    remember(place)
    event = EXAMPLE_ID
    if answers.title and answers.day:
        event = f"{_slug(answers.title)}-{answers.day.year}"
        text = _from_nothing(answers.title, event, answers.day, answers.city)
        made.append(place.shown(_write_event(place, f"{answers.day:%Y-%m-%d}-{_slug(answers.title)}", text)))
    _say_what_is_next(terminal, place, made, answers, event)
    return ExitCode.OK


def _wants_another(terminal: Terminal, place: WorkingFolder) -> bool:
    """Ask whether a second working folder is meant: its ledger knows nothing of the first one's mails."""
    others = [path for path in known_folders() if path != place.path]
    if not others:
        return True
    terminal.note(_("You have a working folder already: %(folder)s") % {"folder": others[-1]}, "warning")
    terminal.note(_("A second one does not know who was mailed from the first."))
    return said_yes(terminal, _("Make another one? y/n:"))


def _refuse_existing(place: WorkingFolder) -> None:
    if place.settings_path.exists():
        remedy = _("to see what is in it, type there: mkwmail")
        fault = Fault(str(place.settings_path), _("this is a working folder already"), remedy)
        raise UserError(fault, code=ExitCode.USAGE)
    if place.path.exists() and not place.path.is_dir():
        fault = Fault(str(place.path), _("this is a file"), _("name a folder that does not exist yet"))
        raise UserError(fault, code=ExitCode.USAGE)


def _asked(terminal: Terminal) -> SetupAnswers:
    terminal.note(_("A few questions. Press Enter to skip one; every answer can be changed later."))
    association = terminal.ask(_("1. The association's name:"))
    name = terminal.ask(_("2. The sender's name, as members see it:"))
    email = terminal.ask(_("3. The sender's address:"))
    while email and (wrong := _unmailable(email)):
        terminal.note(f"   {wrong}", "warning")
        email = terminal.ask(_("3. The sender's address:"))
    role = terminal.ask(_("4. The sender's position, such as secretaris:"))
    phone = terminal.ask(_("5. The telephone number for members:"))
    server = _server(terminal, email)
    form = terminal.ask(_("7. Are members addressed with je or u? [u]")).casefold()
    while form not in ("", "je", "u"):
        form = terminal.ask(_("7. Type je or u:")).casefold()
    title = " ".join(terminal.ask(_("8. Your first event's title, such as Directeurendag:")).split())
    if not title:
        return SetupAnswers(association, name, email, role, phone, server, form)
    day = _day(terminal)
    city = terminal.ask(_("10. Its city:")) if day else ""
    return SetupAnswers(association, name, email, role, phone, server, form, title, day, city)


def _server(terminal: Terminal, email: str) -> str:
    """Ask for the mail server, until it is a known one or a full host name; propose that of the address."""
    from mkwmail.delivery.dns_check import provider_of

    proposed = provider_of(email)
    terminal.note(_("   Known mail servers: %(known)s") % {"known": ", ".join(PRESETS)})
    question = _("6. The mail server: one of these, or its host name:")
    if proposed:
        question = f"{question} [{proposed}]"
    while True:
        said = terminal.ask(question) or proposed
        server = preset_named(said, email) or said
        if not server or server in PRESETS or is_loopback(server) or re.fullmatch(r"[\w-]+(\.[\w-]+)+", server):
            return server
        terminal.note(_('   "%(name)s" is not a host name: it looks like smtp.example.org') % {"name": said}, "warning")


def _day(terminal: Terminal) -> date | None:
    """Ask for the event's day, until it can be read or is skipped."""
    while said := terminal.ask(_("9. Its date, such as 2027-04-15:")):
        try:
            moment = read_moment(said)
        except ValueError as error:
            terminal.note(f"   {error}", "warning")
        else:
            return moment.date() if isinstance(moment, datetime) else moment
    return None


def _unmailable(email: str) -> str:
    try:
        mailable(email)
    except ValueError as error:
        return str(error)
    return ""


def settings_text(answers: SetupAnswers) -> str:
    """Return the text of ``mkwmail.yaml`` with the answers filled in.

    Open answers become placeholders at example domains.
    """
    email = answers.email or "secretaris@example.org"
    provider = preset_named(answers.server, email)
    host = "smtp.example.org" if provider or not answers.server else answers.server
    server = _SMTP % {"host": json.dumps(host), "username": json.dumps(email)}
    if provider:
        server = f"provider: {provider}\nsmtp:\n  username: {json.dumps(email)}\n"
    values = {
        "association": json.dumps(answers.association or "MKW Platform", ensure_ascii=False),
        "name": json.dumps(answers.name or "Secretaris", ensure_ascii=False),
        "email": json.dumps(email),
        "role": _told("role", answers.role, "secretaris", "staat met het telefoonnummer onder elke mail"),
        "phone": _told("phone", answers.phone, "030 000 00 00", "ook in de praktische informatie, voor de dag zelf"),
        "members": MEMBERS,
        "form": answers.form or "u",
        "server": server,
        "providers": ", ".join(PRESETS),
    }
    return _text_of("new_settings.yaml") % values


def _told(key: str, answer: str, example: str, note: str) -> str:
    line = f"{key}: {json.dumps(answer, ensure_ascii=False)}" if answer else f"# {key}: {example}"
    return f"{line:<32}# {note}"


def _text_of(name: str) -> str:
    # Dutch, like the example event: these files belong to the secretary and are not messages of the program.
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_SMTP = """\
smtp:
  host: %(host)s
  port: 587
  security: starttls            # starttls (poort 587) of tls (poort 465)
  username: %(username)s
"""


def _write(place: WorkingFolder, settings: str) -> list[str]:
    """Write the files that do not exist yet; return their paths."""
    examples = shipped("events")
    copies = {
        place.events_dir / EXAMPLE_EVENT: examples / EXAMPLE_EVENT,
        place.path / MEMBERS: examples / EXAMPLE_MEMBERS,
        place.templates_dir / "signature.md": shipped("templates") / "signature.md",
    }
    made = []
    with writing(place.path):
        place.events_dir.mkdir(parents=True, exist_ok=True)
        place.templates_dir.mkdir(exist_ok=True)
        for target, source in copies.items():
            if not target.exists():
                if target.name == MEMBERS:
                    # It will hold the members' names and addresses.
                    write_private(target, source.read_bytes())
                else:
                    shutil.copyfile(source, target)
                made.append(place.shown(target))
        # Last: without this file it is not a working folder yet, so `init` can be repeated after a full disk.
        place.settings_path.write_text(settings, encoding="utf-8", newline="\n")
    return [SETTINGS, *made]


def _say_what_is_next(
    terminal: Terminal, place: WorkingFolder, made: list[str], answers: SetupAnswers, event: str
) -> None:
    terminal.say(_("Made the working folder %(folder)s") % {"folder": place.path}, "bold")
    meaning = {
        SETTINGS: _("settings: sender, mail server"),
        f"events/{EXAMPLE_EVENT}": _("an example event; put your own next to it"),
        MEMBERS: _("a made-up member list; replace it with your own"),
        "templates/signature.md": _("the signature of every mail"),
    }
    terminal.facts([(path, meaning.get(path, _("your own event"))) for path in made])
    known = bool(answers.email and answers.server)
    if not known:
        terminal.say(_("Open mkwmail.yaml and fill in the sender and the mail server."))
    terminal.say()
    terminal.say(_("Next, type:"))
    if place.path != Path.cwd():
        terminal.say(f"  cd {shlex.quote(str(place.path))}")
    mailing = typed_name("invitation")
    commands = (
        *((_("mkwmail open members"),) if event != EXAMPLE_ID else ()),
        f"mkwmail check {event}",
        f"mkwmail preview {event} {mailing}",
        f"mkwmail send {event} {mailing} --rehearse",
        *(("mkwmail login",) if known else ()),
    )
    for command in commands:
        terminal.say(f"  {command}")
    terminal.say(_("The guide explains each step: %(command)s") % {"command": "mkwmail guide inloggen"})


# The example event. An event made from nothing copies the distances and weekdays of its mailings.
_PATTERN = date(2020, 4, 16)
_PATTERN_DEADLINE = date(2020, 4, 2)


def new(invocation: Invocation, title: str, on: str, source: str | None) -> ExitCode:
    """Write an event file, and print what still needs a look.

    :raises UserError: if the date cannot be read, or the earlier event's file is faulty.
    """
    terminal, now = invocation.terminal, invocation.clock.now()
    folder = folder_of(invocation)
    title = " ".join(title.split())
    moment = _moment(on, title)
    day = moment.date() if isinstance(moment, datetime) else moment
    with open_ledger(invocation, folder) as ledger:
        event_id = _own_id(folder, ledger, title, day)
    earlier = None
    if source is None:
        text = _from_nothing(title, event_id, moment)
    else:
        path = folder.event_path(source)
        earlier = read_event(path, folder).value
        text = _moved(read_document(path, folder.shown(path)), earlier, title, event_id, moment)
    made = _write_event(folder, f"{day:%Y-%m-%d}-{_slug(title)}", text)
    terminal.say(_("Made %(file)s") % {"file": folder.shown(made)}, "bold")
    event = read_event(made, folder)
    _show(terminal, event.value, now)
    for each in (*_still_the_same(earlier), *map(str, event.warnings)):
        terminal.say(f"  {each}", "warning")
    terminal.say()
    terminal.say(_("Look it through in an editor, then type:"))
    terminal.say(f"  mkwmail check {event_id}")
    return ExitCode.OK


def _moment(text: str, title: str) -> date:
    if not title:
        raise user_error(_("TITLE"), _("the event needs a title"), code=ExitCode.USAGE)
    try:
        return read_moment(text)
    except ValueError as error:
        raise user_error("--date", str(error), code=ExitCode.USAGE) from None


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "evenement"


def _own_id(folder: WorkingFolder, ledger: Ledger, title: str, day: date) -> str:
    """Return an id that is not in any file or in the ledger's deliveries."""
    taken = {id_in(path) for path in folder.event_paths()}
    slug = _slug(title)
    first = slug if str(day.year) in slug else f"{slug}-{day.year}"
    monthly = f"{first}-{day:%m}"
    candidates = chain((first, monthly), (f"{monthly}-{number}" for number in count(2)))
    return next(name for name in candidates if name not in taken and not deliveries.of_event(ledger.database, name))


def _write_event(folder: WorkingFolder, stem: str, text: str) -> Path:
    """Write the text to a file that does not exist yet."""
    with writing(folder.events_dir):
        folder.events_dir.mkdir(exist_ok=True)
        for name in (stem, *(f"{stem}-{number}" for number in range(2, 100))):
            path = folder.events_dir / f"{name}.yaml"
            if not path.exists():
                path.write_text(text, encoding="utf-8", newline="\n")
                return path
    raise user_error(stem, _("too many files have this name already"), code=ExitCode.USAGE)


# From an earlier event


def _moved(document: Document, event: Event, title: str, event_id: str, moment: date) -> str:
    day = moment.date() if isinstance(moment, datetime) else moment
    move = Move(event.starts.date(), day)
    values: dict[Loc, str] = {("id",): event_id, ("title",): scalar(title)}
    starts = moment if isinstance(moment, datetime) else datetime.combine(day, event.starts.time())
    values["starts",] = f"{starts:%Y-%m-%d %H.%M}"
    if not is_time(_text(document, ("ends",))):
        ends = day + (event.ends.date() - event.starts.date())
        values["ends",] = f"{ends:%Y-%m-%d} {event.ends:%H.%M}"
    registration = event.registration
    if registration is not None and registration.deadline is not None:
        values["registration", "deadline"] = _moved_text(document, ("registration", "deadline"), move.day)
    for name, mailing in event.mailings.items():
        if mailing.send is not None:
            values["mailings", name, "send"] = _moved_text(document, ("mailings", name, "send"), move.mailing_day)
        if mailing.latest is not None:
            values["mailings", name, "latest"] = _moved_text(document, ("mailings", name, "latest"), move.day)
    for number, item in enumerate(event.programme):
        if item.day is not None:
            values["programme", number, "day"] = _moved_text(document, ("programme", number, "day"), move.day)
    # Comments contain the id too, in commands to type.
    lines = with_values(document, values).split("\n")
    return "\n".join(line.replace(event.id, event_id) if line.lstrip().startswith("#") else line for line in lines)


def _text(document: Document, loc: Loc) -> str:
    node = document.node(loc)
    return node.content if node is not None and isinstance(node.content, str) else ""


def _moved_text(document: Document, loc: Loc, moved: Callable[[date], date]) -> str:
    """Return a date or moment of the file on its new day.

    The time stays the same; a date without a time stays without one.
    """
    old = read_moment(_text(document, loc))
    if isinstance(old, datetime):
        return f"{moved(old.date()):%Y-%m-%d} {old:%H.%M}"
    return f"{moved(old):%Y-%m-%d}"


def _still_the_same(earlier: Event | None) -> Iterator[str]:
    """Yield the parts of the earlier event that the copy keeps."""
    if earlier is None:
        return
    given = {
        "theme": earlier.theme,
        "location": earlier.location,
        "online": earlier.online,
        "introduction": earlier.introduction,
        "programme": earlier.programme,
        "hosts": earlier.hosts,
        "registration: url": earlier.registration and earlier.registration.url,
        "pe_points": earlier.pe_points,
        "certificate": earlier.certificate,
    }
    kept = [name for name, value in given.items() if value]
    for name, mailing in earlier.mailings.items():
        kept += [f"mailings: {name}: {part}" for part in ("text", "subject", "attachments") if getattr(mailing, part)]
    if kept:
        yield _("Copied from %(event)s. Is this still right? %(parts)s") % {
            "event": earlier.id,
            "parts": ", ".join(kept),
        }


def _show(terminal: Terminal, event: Event, now: datetime) -> None:
    rows = [(_("starts"), day_and_time(event.starts))]
    if event.registration is not None and event.registration.deadline is not None:
        rows.append((_("deadline"), day_in_words(event.registration.deadline)))
    past = _(" (this has passed: give it another date, or leave it out)")
    for name in in_order(event):
        send = event.mailings[name].send
        if send is not None:
            rows.append((shown_name(name), f"{_weekday(send)} {day_and_time(send)}{past if send < now else ''}"))
    terminal.facts(rows)


def _weekday(moment: datetime) -> str:
    days = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return days[moment.weekday()]


# From nothing


def _from_nothing(title: str, event_id: str, moment: date, city: str = "") -> str:
    day = moment.date() if isinstance(moment, datetime) else moment
    move = Move(_PATTERN, day)
    mailings = [
        f"  {name}:{f'  # {rule.example_note}' if rule.example_note else ''}\n"
        f"    send: {move.mailing_day(rule.example):%Y-%m-%d} 09.00"
        for name, rule in RULES.items()
        if rule.example
    ]
    starts = moment if isinstance(moment, datetime) else datetime(day.year, day.month, day.day, 13)
    ends = starts.replace(hour=min(starts.hour + 5, 23))
    words = {
        "id": event_id,
        "title": scalar(title),
        "starts": f"{starts:%Y-%m-%d %H.%M}",
        "ends": f"{ends:%H.%M}",
        "deadline": f"{move.day(_PATTERN_DEADLINE):%Y-%m-%d}",
        "mailings": "\n".join(mailings),
        "location": _PLACE % {"city": scalar(city)} if city else _NO_PLACE,
    }
    return _text_of("new_event.yaml") % words


_NO_PLACE = """\
# location:
#   name: De Moestuin
#   street: Laan van Maarschalkerweerd 2
#   city: Utrecht
"""

_PLACE = """\
location:
#   name: De Moestuin
#   street: Laan van Maarschalkerweerd 2
  city: %(city)s
"""


def schema(invocation: Invocation, which: str) -> ExitCode:
    """Print the schema of ``event`` or ``settings`` files."""
    invocation.terminal.document(settings_schema() if which == "settings" else event_schema())
    return ExitCode.OK
