"""``change``: a detail of an event, written into its file; comments and other lines stay as they are."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from mkwmail.commands.context import Invocation, folder_of, open_ledger
from mkwmail.commands.status import folder_state_of, statuses_of
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import kind_of_dutch, typed_name
from mkwmail.config.yaml_document import Document, parsed, read_document, scalar, with_key
from mkwmail.dutch.dates import is_time, read_moment, read_time
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import reason_of, rewrite
from mkwmail.i18n import _, spoken, suggestion

# The word that a user types → the key in the event file.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "starts": ("starts",),
    "begin": ("starts",),
    "ends": ("ends",),
    "einde": ("ends",),
    "place": ("location", "name"),
    "plaats": ("location", "name"),
    "street": ("location", "street"),
    "adres": ("location", "street"),
    "city": ("location", "city"),
    "stad": ("location", "city"),
    "deadline": ("registration", "deadline"),
    "points": ("pe_points",),
    "punten": ("pe_points",),
}
_DATE = ("date", "datum")
# Between two times: a dash of any kind, or a word.
_BETWEEN = re.compile(r"\s*(?:[-–—]|\btot\b|\bto\b|\bt/m\b)\s*", re.IGNORECASE)
_TIMES = ("time", "tijd")
# The same details as people write them, which need no place in a list of choices.
_ALSO: Mapping[str, str] = {
    **dict.fromkeys(("pe", "pe_points", "pe-points", "pe-punten"), "points"),
    **dict.fromkeys(("start", "aanvang"), "starts"),
    **dict.fromkeys(("end", "eind"), "ends"),
    **dict.fromkeys(("locatie", "location"), "place"),
    **dict.fromkeys(("straat",), "street"),
    **dict.fromkeys(("tijden", "times", "tijdstip"), "time"),
}
#: The words for the details that can be changed, besides the mailings.
DETAILS = (*_KEYS, *_DATE, *_TIMES)
# The names of the details in Dutch, for a list of choices.
_IN_DUTCH = ("datum", "tijd", "begin", "einde", "plaats", "adres", "stad", "deadline", "punten")


def change(invocation: Invocation, event: str, what: str, value: str) -> ExitCode:
    """Write a new value into an event's file, and print what follows from it.

    :raises UserError: code USAGE if there is no such detail, or the value cannot be read; code FAULTY_FILE with the
        faults that the file would have.
    """
    terminal, folder = invocation.terminal, folder_of(invocation)
    path = folder.event_path(event)
    document = read_document(path, folder.shown(path))
    before = read_event(path, folder, document)
    what = _ALSO.get(what.casefold(), what.casefold())
    written = _written(folder, path, document, before.value, what, value)
    changed = parsed(written.encode(), folder.shown(path))
    read = read_event(path, folder, changed)
    differing = [(old, new) for old, new in _lines(document, changed) if old != new]
    if not differing:
        terminal.say(_("%(file)s has this value already.") % {"file": folder.shown(path)})
        return ExitCode.OK
    try:
        rewrite(path, written.encode())
    except OSError as error:
        fault = _("cannot be written: %(why)s")
        raise user_error(folder.shown(path), fault, code=ExitCode.LEDGER_FAULT, why=reason_of(error)) from None
    terminal.say(_("Changed %(file)s:") % {"file": folder.shown(path)}, "bold")
    for old, new in differing:
        if old:
            terminal.say(f"  - {old}", "bad")
        if new:
            terminal.say(f"  + {new}", "good")
    known = {each.fault for each in before.warnings}
    for each in read.warnings:
        if each.fault not in known:
            terminal.say(f"  {each}", "warning")
    with open_ledger(invocation, folder) as ledger:
        status = statuses_of(
            folder_state_of(invocation, folder, ledger), ledger, [(path, read.value)], invocation.clock.now()
        )[0]
    if status.next_steps:
        terminal.say()
    for step in status.next_steps:
        terminal.say(f"  {step}")
    return ExitCode.OK


def _written(folder: WorkingFolder, path: Path, document: Document, event: Event, what: str, value: str) -> str:
    """Return the file's text with the new value."""
    if what in _DATE:
        return _moved(folder, path, document, event, _moment(value, event))
    if what in _TIMES:
        return _timed(folder, path, document, event, value)
    loc = _KEYS.get(what)
    if loc == ("starts",):
        return with_key(document, loc, _at(value, event.starts, event))
    if loc == ("ends",):
        return with_key(document, loc, _end(document, event, value))
    if loc == ("registration", "deadline"):
        if event.registration is None:
            fault = _("the event has no sign-up")
            raise user_error(folder.shown(path), fault, _("add registration: to the file first"))
        return with_key(document, loc, _day_or_moment(value, event))
    if loc is not None:
        return with_key(document, loc, value if loc == ("pe_points",) else scalar(value), after="ends")
    name = what if what in event.mailings else kind_of_dutch(what) or what
    if name not in event.mailings:
        fault = _('"%(name)s" is not a detail that can be changed') % {"name": what}
        details = _IN_DUTCH if spoken() == "nl" else [each for each in DETAILS if each not in _IN_DUTCH[:-2]]
        known = [*details, *map(typed_name, event.mailings)]
        raise UserError(Fault("", fault, suggestion(what, known)), code=ExitCode.USAGE)
    return with_key(document, ("mailings", name, "send"), _at(value, event.mailings[name].send, event))


def _timed(folder: WorkingFolder, path: Path, document: Document, event: Event, value: str) -> str:
    """Return the text with the event at other times: when it begins, or when it begins and ends."""
    begins, *ends = _BETWEEN.split(value.strip(), maxsplit=1)
    text = with_key(document, ("starts",), _at(begins, event.starts, event))
    if not ends:
        return text
    changed = parsed(text.encode(), folder.shown(path))
    return with_key(changed, ("ends",), _end(changed, event, ends[0]))


def _end(document: Document, event: Event, value: str) -> str:
    """Return an end as the file has it: a time alone, unless the file has its day too."""
    node = document.node(("ends",))
    has_day = node is not None and isinstance(node.content, str) and not is_time(node.content)
    return value.strip() if is_time(value) and not has_day else _at(value, event.ends, event)


def _moved(folder: WorkingFolder, path: Path, document: Document, event: Event, moment: date) -> str:
    """Return the text with the event on another day, at the same times or at the one that is given."""
    starts = moment if isinstance(moment, datetime) else datetime.combine(moment, event.starts.time())
    text = with_key(document, ("starts",), f"{starts:%Y-%m-%d %H.%M}")
    node = document.node(("ends",))
    if node is None or not isinstance(node.content, str) or is_time(node.content):
        return text
    ends = datetime.combine(starts.date() + (event.ends.date() - event.starts.date()), event.ends.time())
    return with_key(parsed(text.encode(), folder.shown(path)), ("ends",), f"{ends:%Y-%m-%d %H.%M}")


def _at(value: str, before: datetime | None, event: Event) -> str:
    """Return a moment as an event file has it: what is not said stays as it was."""
    if before is not None and is_time(value):
        return f"{before:%Y-%m-%d} {read_time(value):%H.%M}"
    moment = _moment(value, event)
    if isinstance(moment, datetime):
        return f"{moment:%Y-%m-%d %H.%M}"
    return f"{moment:%Y-%m-%d} {before:%H.%M}" if before is not None else f"{moment:%Y-%m-%d} 09.00"


def _day_or_moment(value: str, event: Event) -> str:
    moment = _moment(value, event)
    return f"{moment:%Y-%m-%d %H.%M}" if isinstance(moment, datetime) else f"{moment:%Y-%m-%d}"


def _moment(value: str, event: Event) -> date:
    try:
        return read_moment(value)
    except ValueError as error:
        raise user_error("", str(error), _with_year(value, event.starts.year), code=ExitCode.USAGE) from None


def _with_year(value: str, year: int) -> str:
    """Return how to write a date that only lacks its year; empty if it lacks more."""
    written = f"{value} {year}"
    try:
        read_moment(written)
    except ValueError:
        return ""
    return _("write the year too: %(written)s") % {"written": written}


def _lines(before: Document, after: Document) -> list[tuple[str, str]]:
    """Return the lines that differ: (old, new); one of them is empty if a line was added."""
    old, new = list(before.lines), list(after.lines)
    while old and new and old[0] == new[0]:
        old.pop(0)
        new.pop(0)
    while old and new and old[-1] == new[-1]:
        old.pop()
        new.pop()
    size = max(len(old), len(new))
    return list(zip([*old, *[""] * (size - len(old))], [*new, *[""] * (size - len(new))], strict=True))
