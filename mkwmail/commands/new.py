"""``new``: an event file with an id of its own, made from an earlier event or from nothing."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.workplace import folder_of, open_ledger
from mkwmail.dutch.reading import read_moment, read_time
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.moments import day_and_time, day_in_words
from mkwmail.report.terminal import Terminal
from mkwmail.sending.moving import Move
from mkwmail.sources.copying import with_values
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.sources.folder import WorkingFolder, id_in
from mkwmail.sources.kinds import in_order
from mkwmail.sources.yaml_file import Document, Loc, read_document
from mkwmail.system import reason_of

# The example event: its mailings' distances and weekdays are the pattern of an event made from nothing.
_PATTERN = date(2020, 4, 16)
_PATTERN_MAILINGS = (
    ("save-the-date", date(2020, 1, 20), ""),
    ("invitation", date(2020, 2, 17), ""),
    ("reminder", date(2020, 3, 23), "gaat alleen naar wie nog niets liet horen"),
    ("practical", date(2020, 4, 9), "gaat alleen naar wie komt"),
    ("thanks", date(2020, 4, 20), "gaat naar wie er was"),
)
_PATTERN_DEADLINE = date(2020, 4, 2)


def new(invocation: Invocation, title: str, on: str, source: str | None) -> ExitCode:
    """Write the file, and say what is still to be looked at.

    :raises UserError: where the date cannot be read, or the earlier event's file is faulty.
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
    made = _write(folder, f"{day:%Y-%m-%d}-{_slug(title)}", text)
    terminal.say(_("Made %(file)s") % {"file": folder.shown(made)}, "bold")
    event = read_event(made, folder)
    _show(terminal, event.value, now)
    for each in (*_still_the_same(earlier), *map(str, event.warnings)):
        terminal.say(f"  {each}", "yellow")
    terminal.say()
    terminal.say(_("Look it through in an editor, then type:"))
    terminal.say(f"  mkwmail check {event_id}")
    return ExitCode.OK


def _moment(text: str, title: str) -> date:
    if not title:
        raise UserError(Fault(_("TITLE"), _("the event needs a title")), code=ExitCode.USAGE)
    try:
        return read_moment(text)
    except ValueError as error:
        raise UserError(Fault("--date", str(error)), code=ExitCode.USAGE) from None


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "evenement"


def _own_id(folder: WorkingFolder, ledger: Ledger, title: str, day: date) -> str:
    """An id that no file has, and that nobody was ever mailed about."""
    taken = {id_in(path) for path in folder.event_paths()}
    slug = _slug(title)
    first = slug if str(day.year) in slug else f"{slug}-{day.year}"
    candidates = _candidates(first, day)
    return next(name for name in candidates if name not in taken and not ledger.deliveries(name))


def _candidates(first: str, day: date) -> Iterator[str]:
    yield first
    yield f"{first}-{day:%m}"
    number = 2
    while True:
        yield f"{first}-{day:%m}-{number}"
        number += 1


def _write(folder: WorkingFolder, stem: str, text: str) -> Path:
    """Write a file that is not there yet."""
    try:
        folder.events_dir.mkdir(exist_ok=True)
        for name in (stem, *(f"{stem}-{number}" for number in range(2, 100))):
            path = folder.events_dir / f"{name}.yaml"
            if not path.exists():
                path.write_text(text, encoding="utf-8", newline="\n")
                return path
    except OSError as error:
        fault = _("cannot be written: %(why)s") % {"why": reason_of(error)}
        raise UserError(Fault(str(folder.events_dir), fault), code=ExitCode.LEDGER_FAULT) from None
    raise UserError(Fault(stem, _("there are too many files of this name already")), code=ExitCode.USAGE)


# From an earlier event


def _moved(document: Document, event: Event, title: str, event_id: str, moment: date) -> str:
    day = moment.date() if isinstance(moment, datetime) else moment
    move = Move(event.starts.date(), day)
    values: dict[Loc, str] = {("id",): event_id, ("title",): _scalar(title)}
    starts = moment if isinstance(moment, datetime) else datetime.combine(day, event.starts.time())
    values["starts",] = f"{starts:%Y-%m-%d %H.%M}"
    if not _is_time(_text(document, ("ends",))):
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
    # The id stands in comments too: commands to type.
    lines = with_values(document, values).split("\n")
    return "\n".join(line.replace(event.id, event_id) if line.lstrip().startswith("#") else line for line in lines)


def _text(document: Document, loc: Loc) -> str:
    node = document.node(loc)
    return node.content if node is not None and isinstance(node.content, str) else ""


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True


def _moved_text(document: Document, loc: Loc, moved: Callable[[date], date]) -> str:
    """A date or moment of the file on its new day, at its old time; without one where it had none."""
    old = read_moment(_text(document, loc))
    if isinstance(old, datetime):
        return f"{moved(old.date()):%Y-%m-%d} {old:%H.%M}"
    return f"{moved(old):%Y-%m-%d}"


def _scalar(text: str) -> str:
    """A text as YAML takes it on one line, in quotes where it needs them."""
    bare = re.fullmatch(r"\w[\w '’.()/&+-]*", text) and not re.fullmatch(r"[\d\W]*|yes|no|true|false|null|ja|nee", text)
    return text if bare else json.dumps(text, ensure_ascii=False)


def _still_the_same(earlier: Event | None) -> Iterator[str]:
    """What a copy says of the earlier event."""
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
    }
    kept = [name for name, value in given.items() if value]
    for name, mailing in earlier.mailings.items():
        kept += [f"mailings: {name}: {part}" for part in ("text", "subject", "attachments") if getattr(mailing, part)]
    if kept:
        yield _("As it was in %(event)s; is it still so? %(parts)s") % {"event": earlier.id, "parts": ", ".join(kept)}


def _show(terminal: Terminal, event: Event, now: datetime) -> None:
    rows = [(_("starts"), day_and_time(event.starts))]
    if event.registration is not None and event.registration.deadline is not None:
        rows.append((_("deadline"), day_in_words(event.registration.deadline)))
    past = _(" (this has passed: give it another date, or leave it out)")
    for name in in_order(event):
        send = event.mailings[name].send
        if send is not None:
            rows.append((name, f"{_weekday(send)} {day_and_time(send)}{past if send < now else ''}"))
    terminal.facts(rows)


def _weekday(moment: datetime) -> str:
    days = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return days[moment.weekday()]


# From nothing


def _from_nothing(title: str, event_id: str, moment: date) -> str:
    day = moment.date() if isinstance(moment, datetime) else moment
    move = Move(_PATTERN, day)
    mailings = [
        f"  {name}:{f'  # {comment}' if comment else ''}\n    send: {move.mailing_day(old):%Y-%m-%d} 09.00"
        for name, old, comment in _PATTERN_MAILINGS
    ]
    starts = moment if isinstance(moment, datetime) else datetime(day.year, day.month, day.day, 13)
    ends = starts.replace(hour=min(starts.hour + 5, 23))
    words = {
        "id": event_id,
        "title": _scalar(title),
        "starts": f"{starts:%Y-%m-%d %H.%M}",
        "ends": f"{ends:%H.%M}",
        "deadline": f"{move.day(_PATTERN_DEADLINE):%Y-%m-%d}",
        "mailings": "\n".join(mailings),
    }
    return _EMPTY % words


_EMPTY = """\
# Wat achter een hekje staat, leest mkwmail niet. Een veld dat niet nodig is, mag weg.
# Nakijken: mkwmail check %(id)s    Bekijken: mkwmail preview %(id)s

id: %(id)s          # verandert nooit meer zodra er gemaild is
title: %(title)s
# theme: Waar het over gaat

# Kloppen de tijden? De weekdag zoekt mkwmail zelf op.
starts: %(starts)s
ends: %(ends)s

# Wat nog niet bekend is, mag weg: de mail zegt dan dat de locatie volgt.
# location:
#   name: De Moestuin
#   street: Laan van Maarschalkerweerd 2
#   city: Utrecht

# Het verhaal bij de uitnodiging. Een lege regel begint een nieuwe alinea, **zo** wordt een woord vet.
# introduction: |
#   ...

# programme:
#   - time: 13.00
#     title: Begin van de middag

# {code} wordt voor ieder lid een eigen code: zo is te zien wie zich aanmeldt.
# registration:
#   url: https://aanmelden.example.org/%(id)s?lid={code}
#   deadline: %(deadline)s       # tot en met die dag

# Wat er wanneer uitgaat. Wat niet verstuurd hoeft te worden, mag weg.
mailings:
%(mailings)s
"""
