"""``change``, ``template``, ``open``, ``guide`` and ``calendar``: files of the folder, for people to read or edit.

``change`` writes a detail of an event into its file; comments and other lines stay as they are. ``template`` copies a
shipped text to the folder, and shows what the user's own ones change. ``open`` and ``guide`` show a file in its own
program. ``calendar`` makes the entry for the association's website.
"""

import difflib
import os
import re
import subprocess
import sys
import webbrowser
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

from mkwmail.commands.context import Invocation, event_of, folder_of, history_of, open_ledger
from mkwmail.commands.output import write_output
from mkwmail.commands.status import folder_state_of, statuses_of
from mkwmail.config.event import Event, Mailing
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import SETTINGS, WorkingFolder, shipped_templates, template_text
from mkwmail.config.kinds import RULES, kind_of_dutch, typed_name
from mkwmail.config.settings import read_settings
from mkwmail.config.yaml_document import Document, parsed, read_document, scalar, with_key
from mkwmail.dutch.dates import is_time, read_moment, read_time
from mkwmail.errors import ExitCode, user_error
from mkwmail.files import rewrite, shipped, state_folder, writing
from mkwmail.i18n import _, spoken, suggestion
from mkwmail.mail.calendar_part import entry_uid, website_entry
from mkwmail.mail.context import MailingContext
from mkwmail.mail.pages import PAGES, SECTIONS, guide_page, place_of
from mkwmail.mail.templates import Templates, own_copy, without_note
from mkwmail.planning.facts import facts_of
from mkwmail.report.terminal import Terminal

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
    with writing(folder.shown(path)):
        rewrite(path, written.encode())
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
        raise user_error("", fault, suggestion(what, known), code=ExitCode.USAGE)
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


def template(invocation: Invocation, kind: str | None, *, diff: bool = False) -> ExitCode:
    """List the shipped texts, copy one to the folder, or show how one's own differ.

    :raises UserError: code USAGE if there is no such text, or the folder already has its own.
    """
    folder, terminal = folder_of(invocation), invocation.terminal
    names = [_file_of(kind)] if kind is not None else list(shipped_templates())
    if diff:
        own = [name for name in names if (folder.templates_dir / name).is_file()]
        if not own:
            terminal.say(_("There is no text of your own here: all mails have the shipped texts."))
        for name in own:
            _show_difference(terminal, folder, name)
    elif kind is not None:
        _copy(terminal, folder, names[0])
    else:
        _list(terminal, folder, names)
    return ExitCode.OK


def _file_of(kind: str) -> str:
    """Return the file of a text that is named by its kind, in English or Dutch, or by its file."""
    known = shipped_templates()
    dutch = {rule.dutch: name for name, rule in RULES.items() if rule.dutch}
    word = kind.removeprefix("templates/")
    word = dutch.get(word.casefold(), word)
    for name in (word, f"{word}.md"):
        if name in known:
            return name
    fault = _('there is no shipped text "%(kind)s"') % {"kind": kind}
    stems = [name.removesuffix(".md") for name in known]
    raise user_error("", fault, suggestion(word, stems), code=ExitCode.USAGE)


def _copy(terminal: Terminal, folder: WorkingFolder, name: str) -> None:
    path = folder.templates_dir / name
    if path.exists():
        fault = _("the folder has a text of its own already")
        remedy = _("edit that file; mkwmail template %(name)s --diff shows what it changes")
        place = folder.shown(path)
        raise user_error(place, fault, remedy, code=ExitCode.USAGE, name=name.removesuffix(".md"))
    with writing(folder.shown(path), ExitCode.FAULTY_FILE):
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(own_copy(name, _shipped_text(name)))
    terminal.say(
        _("Wrote %(file)s: edit it; from now on it takes the place of the shipped text.") % {"file": folder.shown(path)}
    )
    terminal.say(_("To go back to the shipped text: remove the file."))


def _shipped_text(name: str) -> str:
    return (shipped("templates") / name).read_text(encoding="utf-8")


def _show_difference(terminal: Terminal, folder: WorkingFolder, name: str) -> None:
    path: Path = folder.templates_dir / name
    own = template_text((folder.templates_dir,), name)
    before, now = _shipped_text(name).splitlines(), without_note(own).splitlines()
    lines = list(difflib.unified_diff(before, now, _("shipped"), folder.shown(path), lineterm="", n=2))
    if not lines:
        terminal.say(_("%(file)s is the same as the shipped text.") % {"file": folder.shown(path)})
    for line in lines:
        if line.startswith(("+++", "---")):
            terminal.say(line, "bold")
        elif line.startswith(("+", "-")):
            terminal.say(line, "good" if line.startswith("+") else "bad")
        else:
            terminal.say(line)


def _list(terminal: Terminal, folder: WorkingFolder, names: list[str]) -> None:
    own = {name for name in names if (folder.templates_dir / name).is_file()}
    terminal.say(_("Texts of mails that you can have your own version of:"))
    width = max(map(len, names)) + 2
    for name in names:
        whose = _("own") if name in own else _("shipped")
        terminal.say(f"  {name.removesuffix('.md'):<{width}}{whose}")
    terminal.say(_("To copy one: mkwmail template KIND; to see what yours change: mkwmail template --diff"))


# The words that people type for each thing, in English and Dutch.
_MEMBERS = ("members", "leden", "ledenlijst", "lijst")
_SETTINGS = ("settings", "instellingen", SETTINGS)
_FOLDER = ("folder", "map")


def open_it(invocation: Invocation, what: str | None) -> ExitCode:
    """Open the working folder, the member list, the settings or an event's file.

    :raises UserError: code USAGE if there is no such thing.
    """
    folder = folder_of(invocation)
    path = _path_of(folder, what)
    invocation.terminal.say(str(path))
    if not _opened(path):
        invocation.terminal.note(_("This computer has no program to open it with."), "warning")
    return ExitCode.OK


def _path_of(folder: WorkingFolder, what: str | None) -> Path:
    word = what or "folder"
    if word.casefold() in _FOLDER:
        return folder.path
    if word.casefold() in _SETTINGS:
        return folder.settings_path
    if word.casefold() in _MEMBERS:
        path = folder.path / read_settings(folder).members
        if not path.is_file():
            raise user_error(folder.shown(path), _("the file does not exist"), code=ExitCode.USAGE)
        return path
    return folder.event_path(word)


def _opened(path: Path) -> bool:
    """Hand a file or folder to the system; return whether there was a program for it."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    try:
        command = "open" if sys.platform == "darwin" else "xdg-open"
        subprocess.Popen(
            [command, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return True


def guide(invocation: Invocation, chapter: str | None) -> ExitCode:
    """Write the guide as pages, and show it in the browser.

    :raises UserError: code USAGE if there is no such chapter; code LEDGER_FAULT if the pages cannot be written.
    """
    docs = shipped("docs")
    name = (chapter or PAGES[0]).casefold()
    if name not in (*PAGES, *SECTIONS):
        fault = _('the guide has no chapter "%(name)s"') % {"name": name}
        raise user_error("", fault, suggestion(name, (*SECTIONS, *PAGES)), code=ExitCode.USAGE)
    made = state_folder() / "guide"
    with writing(made):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in PAGES:
            text = (docs / f"{each}.md").read_text(encoding="utf-8")
            (made / f"{each}.html").write_text(guide_page(text, docs), encoding="utf-8")
    on, heading = place_of(name)
    page = made / f"{on}.html"
    invocation.terminal.say(f"{page}#{heading}" if heading else str(page))
    address = f"{page.as_uri()}#{quote(heading)}" if heading else page.as_uri()
    if invocation.terminal.interactive and not webbrowser.open(address):
        invocation.terminal.note(_("Open this file in a browser."))
    return ExitCode.OK


def calendar(invocation: Invocation, event: str, file: Path | None) -> ExitCode:
    """Write the event's calendar entry to a file or standard output.

    :raises UserError: if a source is faulty, or the file cannot be written.
    """
    folder, about = event_of(invocation, event)
    settings = read_settings(folder)
    with open_ledger(invocation, folder) as ledger:
        history = history_of(ledger, about)
        cancelled = history.cancelled is not None
        context = MailingContext(
            event=about,
            name="",
            mailing=Mailing(),
            template="",
            settings=settings,
            uid=entry_uid(ledger.secret, about.id),
            sequence=history.telling.version_of(facts_of(about, cancelled)),
            cancelled=cancelled,
        )
    templates = Templates(folder.template_folders)
    data = website_entry(context, templates, invocation.clock.now())
    if file is None:
        sys.stdout.buffer.write(data)
        return ExitCode.OK
    write_output(folder, file, data, f"{about.id}.ics")
    invocation.terminal.note(_("Wrote %(file)s") % {"file": file})
    return ExitCode.OK
