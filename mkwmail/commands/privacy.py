"""``about``, ``forget``, ``purge``, ``skip``: what is kept of people, and whom to mail no more.

``about`` shows a person everything that is kept of them (GDPR, article 15). ``forget`` removes a person's data,
``purge`` people's data of an event; ``skip`` records that somebody is not to be mailed.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from mkwmail import archive
from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time, day_in_words
from mkwmail.commands.context import Invocation, folder_of, open_ledger, read_member_index
from mkwmail.commands.output import PAGE, write_output
from mkwmail.commands.prompts import (
    Candidate,
    candidates,
    find_person,
    refuse_doubtful,
    refuse_without_terminal,
    said_yes,
)
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import mailing_words
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _, ngettext, spoken
from mkwmail.ledger import backups, deliveries, erasure, people, rounds, runs
from mkwmail.ledger.erasure import KeptRecord, LooseSignup, What, kept
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import LeftOut, State
from mkwmail.ledger.people import Person, folded, is_mark
from mkwmail.members.member_list import Member
from mkwmail.members.same_name import alike
from mkwmail.planning.member_index import listed
from mkwmail.report.answers import answer_words, source_words
from mkwmail.report.status import state_words
from mkwmail.report.terminal import Terminal


def forget(invocation: Invocation, who: str, *, yes: bool = False) -> ExitCode:
    """Remove a person's data.

    Only keyed hashes stay, which prevent that mail is sent to the person twice.

    :raises UserError: code USAGE unless exactly one person matches.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold("forget", now):
        ledger.settle(now)
        index = read_member_index(folder, ledger)
        persons = {each.key: each for each in people.persons(ledger.database) if not is_mark(each.address)}
        loose = {f"row:{each.event}:{each.key}": each for each in erasure.loose_signups(ledger.database)}
        person = _meant(who, candidates(index, tuple(persons.values())), loose)
        terminal.say(_("To be removed: %(person)s") % {"person": person}, "bold")
        terminal.say(
            _("  Name, address, number, what was mailed and answered in all events, rehearsal/, preview/ and papers/.")
        )
        _warn_of_certificates(terminal, deliveries.certificates_of_person(ledger.database, person.key))
        terminal.say(_("  Only a keyed hash stays, so that nothing is mailed twice; it identifies nobody."))
        if not _agreed(terminal, person.address or person.name, yes):
            return ExitCode.INTERRUPTED
        known = [persons[person.key]] if person.key in persons else []
        also, left = _ask_about_signups(terminal, ledger, person, known, loose)
        # In the register only for the sake of a row that is removed.
        known += [persons[each.holder] for each in also if each.holder in persons.keys() - {person.key}]
        with ledger.erasing():
            erasure.forget(ledger.database, ledger.secret, known, also)
        _remove_copies(folder, invocation.shifted, folder.papers_dir)
        unreached = _renew_backups(terminal, folder, ledger, now)
    terminal.say(_("Forgotten."))
    members = read_settings(folder).members
    for row in sorted({each.member.row for each in index.listings if each.person == person.key}):
        place = {"place": f"{members}:{row}"}
        terminal.say(_("Still there: %(place)s. Delete that row, or later mailings are sent to it.") % place, "warning")
    for row in sorted({of.member.row for each in index.assistants if each.person == person.key for of in each.copy_of}):
        place = {"place": f"{members}:{row}"}
        still = _("Still there: %(place)s, in the column kopie aan. Clear that cell, or later copies are sent to it.")
        terminal.say(still % place, "warning")
    for each in left:
        said = _("Still there: the sign-up of %(who)s, whose name is similar. If it is the same person: %(command)s")
        words = {"who": _shown(each), "command": f'mkwmail forget "{each.address or each.name}"'}
        terminal.say(said % words, "warning")
    _say_unreached(terminal, unreached)
    _say_what_is_not_ours(terminal)
    return ExitCode.OK


def _meant(who: str, known: Sequence[Candidate], loose: Mapping[str, LooseSignup]) -> Candidate:
    """Return the person whom WHO names: a known one, or one of whom only an unsettled sign-up is known.

    :raises UserError: code USAGE unless exactly one person matches.
    """
    held = {each.holder for each in loose.values()}
    names = {folded(each.name) for each in known if each.key not in held}
    known = [each for each in known if each.key not in held or folded(each.name) not in names]
    seen = {address_key(each.address): each.key for each in known}
    more = []
    for key, row in loose.items():
        # Rows with one address, or one name without an address, are one person.
        at = address_key(row.address) or folded(row.name)
        if at and folded(row.name) not in names and seen.setdefault(at, key) == key:
            more.append(Candidate(key, row.name, row.address, row.organisation))
    return find_person(who, [*known, *more])


def _ask_about_signups(
    terminal: Terminal, ledger: Ledger, chosen: Candidate, known: Sequence[Person], loose: Mapping[str, LooseSignup]
) -> tuple[list[LooseSignup], list[LooseSignup]]:
    """Return the unsettled sign-ups to remove with somebody, and those that only look like theirs.

    The latter are asked about in a terminal.
    """
    # Of somebody in the list only, or in a sign-up only, the register knows nothing.
    person = known[0] if known else Person("", address_key(chosen.address), chosen.name, chosen.organisation)
    own = erasure.own_addresses(ledger.database, person)
    also: list[LooseSignup] = []
    left: list[LooseSignup] = []
    for key, row in loose.items():
        if key == chosen.key or erasure.is_theirs(person, own, row):
            also.append(row)
        elif row.name.strip() and alike(row.name, person.name):
            question = _("Forget the sign-up of %(who)s too? y/n:") % {"who": _shown(row)}
            (also if terminal.interactive and said_yes(terminal, question) else left).append(row)
    return also, left


def _shown(row: LooseSignup) -> str:
    return str(Candidate("", row.name, row.address, row.organisation))


def purge(invocation: Invocation, event: str, *, dietary: bool = False, yes: bool = False) -> ExitCode:
    """Remove people's data of an event; counts stay.

    :raises UserError: code USAGE while the event is still to come.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    now = invocation.clock.now()
    about = read_event(folder.event_path(event, whole=True), folder).value
    if about.ends > now:
        fault = _("%(event)s is still to come: %(day)s")
        remedy = _("purge it when it is over; for one person: mkwmail forget WHO")
        raise user_error("", fault, remedy, code=ExitCode.USAGE, event=about.id, day=day_in_words(about.starts))
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"purge {about.id}", now):
        ledger.settle(now)
        has_any = erasure.has_dietary if dietary else erasure.has_personal
        if not (has_any(ledger.database, about.id) or (not dietary and _has_mails(folder, about.id))):
            terminal.say(_("Nothing of the kind is stored for %(event)s.") % {"event": about.id})
            return ExitCode.OK
        if dietary:
            terminal.say(_("To be removed: the dietary wishes for %(event)s.") % {"event": about.id}, "bold")
        else:
            terminal.say(_("To be removed: the personal data of %(event)s.") % {"event": about.id}, "bold")
            terminal.say(
                _("  Sign-ups, answers, dietary wishes, sent mails, rehearsal/, preview/ and papers/. Counts stay.")
            )
            _warn_of_certificates(terminal, len(deliveries.certificates(ledger.database, about.id)))
        if not _agreed(terminal, about.id, yes):
            return ExitCode.INTERRUPTED
        gone: tuple[Person, ...] = ()
        with ledger.erasing():
            if dietary:
                erasure.drop_dietary(ledger.database, about.id)
            else:
                erasure.purge(ledger.database, ledger.secret, about.id, now)
                gone = tuple(_no_longer_needed(folder, ledger))
                erasure.forget(ledger.database, ledger.secret, gone)
        _remove_copies(folder, invocation.shifted, folder.papers_dir / about.id)
        unreached = _renew_backups(terminal, folder, ledger, now)
    terminal.say(_("Removed."))
    if gone:
        _say_forgotten(terminal, len(gone))
    _say_unreached(terminal, unreached)
    _say_what_is_not_ours(terminal)
    return ExitCode.OK


def _warn_of_certificates(terminal: Terminal, count: int) -> None:
    """Say that certificates go too, if there are any."""
    if count:
        said = ngettext(
            "  %(n)d certificate: it cannot be made again after this. Does that person still have it?",
            "  %(n)d certificates: they cannot be made again after this. Do those people still have them?",
            count,
        )
        terminal.say(said % {"n": count}, "warning")


def _agreed(terminal: Terminal, word: str, yes: bool) -> bool:
    """Return whether the user types the word, or agreed in advance.

    :raises UserError: code SETTINGS if there is no terminal.
    """
    refuse_without_terminal(terminal, yes)
    if yes or terminal.ask(_("To remove this for good, type %(word)s:") % {"word": word}) == word:
        return True
    terminal.say(_("Nothing was removed."))
    return False


def _renew_backups(terminal: Terminal, folder: WorkingFolder, ledger: Ledger, now: datetime) -> tuple[Path, ...]:
    """Delete all backups and make a new one; return those that could not be reached.

    The data is removed by then: if there can be no new backup, that is said, and changes nothing else.
    """
    settings = read_settings(folder)
    to = folder.backups_to(settings.backup.to)
    had = backups.newest(ledger.database) is not None or any(backups.found(to, ledger.database.path))
    left = backups.remove_all(ledger.database, ledger.id, {folder.backups_dir, to})
    # The file that the folder was taken over from has everything too; that of a handover may still be needed.
    for each in runs.handovers(ledger.database):
        if archive.ledger_in(each.file) == ledger.id:
            if each.way == "in":
                with suppress(OSError):
                    each.file.unlink()
            if each.file.exists():
                left = (*left, each.file)
    if had:
        try:
            backups.make(ledger.database, ledger.id, to, settings.backup.keep, now)
        except UserError as error:
            terminal.note(_("No backup could be made: %(why)s") % {"why": error.faults[0]}, "warning")
    return left


def _say_unreached(terminal: Terminal, unreached: Sequence[Path]) -> None:
    for path in unreached:
        said = _("This backup could not be reached, and still has everything: %(file)s. Delete it yourself.")
        terminal.say(said % {"file": path}, "warning")


def _no_longer_needed(folder: WorkingFolder, ledger: Ledger) -> Iterator[Person]:
    """Yield people who are not in the list, nor in an event with kept data."""
    index = read_member_index(folder, ledger)
    needed = {each.person for each in index.everybody} | erasure.needed_persons(ledger.database)
    return (each for each in people.persons(ledger.database) if each.key not in needed and not is_mark(each.address))


def _say_forgotten(terminal: Terminal, count: int) -> None:
    said = ngettext(
        "%(n)d person who is in no list and no other event was forgotten.",
        "%(n)d persons who are in no list and no other event were forgotten.",
        count,
    )
    terminal.say(said % {"n": count})


def _say_what_is_not_ours(terminal: Terminal) -> None:
    terminal.say(
        _("Files that you made yourself (exports, previews, saved mails) are not removed: delete them yourself.")
    )


def _remove_copies(folder: WorkingFolder, shifted: bool, made: Path) -> None:
    """Remove the other copies of people's data in the folder.

    These are the rehearsals, the page that a browser showed, older copies of the ledger, the test ledger, and the
    certificates and sheets in the directory ``made``.

    :raises UserError: code LEDGER_FAULT if one of them cannot be removed.
    """
    ledger = folder.ledger_path(shifted)
    copies = [
        folder.rehearsal_dir,
        made,
        *_shown_pages(folder),
        *sorted(folder.path.glob(f"{ledger.name}.before-*")),
        *sorted(folder.path.glob(f"{ledger.name}*.damaged")),
    ]
    if not shifted:
        test = folder.ledger_path(test=True)
        copies += [*sorted(folder.path.glob(f"{test.name}*")), folder.id_path(test=True)]
    for copy in copies:
        _remove(copy)
    with suppress(OSError):  # it does not exist, or holds files that are not ours to remove
        folder.preview_dir.rmdir()


def _has_mails(folder: WorkingFolder, event: str) -> bool:
    """Return whether the folder holds mails to people, sent or not, or an event's papers."""
    return folder.rehearsal_dir.exists() or (folder.papers_dir / event).exists() or bool(_shown_pages(folder))


def _shown_pages(folder: WorkingFolder) -> list[Path]:
    """Return the page that a browser showed, and unfinished copies of it.

    A killed process leaves an unfinished copy.
    """
    place = folder.preview_dir
    return [] if place.is_symlink() else sorted(place.glob(f"{PAGE}*"))


def _remove(copy: Path) -> None:
    try:
        if copy.is_dir() and not copy.is_symlink():
            shutil.rmtree(copy)
        else:
            copy.unlink(missing_ok=True)
    except OSError as error:
        fault = _("cannot be removed: %(why)s")
        remedy = _("close it where it is open, then run the command again")
        raise user_error(str(copy), fault, remedy, code=ExitCode.LEDGER_FAULT, why=reason_of(error)) from None


def skip(
    invocation: Invocation, who: str, *, event: str | None = None, reason: str | None = None, undo: bool = False
) -> ExitCode:
    """Record that somebody is not to be mailed, or is mailed again.

    This is about one event, or about all events.

    :raises UserError: code USAGE unless exactly one person matches, if no reason is given, or if there is nothing
        to undo.
    """
    if not undo and not (reason and reason.strip()):
        remedy = _('add --reason "…": `status` shows it to the board')
        raise user_error("", _("why is %(who)s not to be mailed?"), remedy, code=ExitCode.USAGE, who=who)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value.id if event is not None else ""
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        index = read_member_index(folder, ledger)
        person = find_person(who, candidates(index, people.persons(ledger.database)))
        refuse_doubtful(index, person.key)
        # People who were never mailed are not in the register yet.
        ledger.record_persons(listed(index), now)
        rounds.leave_out(ledger.database, LeftOut(person.key, about, (reason or "").strip() or _("undone"), undo), now)
    words = {"person": person, "event": about, "reason": (reason or "").strip()}
    if undo:
        sentence = _("%(person)s is mailed again about %(event)s.") if about else _("%(person)s is mailed again.")
    elif about:
        sentence = _("%(person)s is not mailed about %(event)s any more: %(reason)s")
    else:
        sentence = _("%(person)s is not mailed any more: %(reason)s")
    invocation.terminal.say(sentence % words)
    return ExitCode.OK


_STATES = frozenset(map(str, State))


@dataclass(frozen=True, slots=True)
class _Part:
    """A heading with its lines."""

    title: str
    lines: Sequence[str]


def about(invocation: Invocation, who: str, *, html: Path | None = None) -> ExitCode:
    """Show everything that is kept of a person, and nothing of others.

    :param html: the page to write, to be sent to the person.
    :raises UserError: code USAGE unless exactly one person matches.
    """
    folder, terminal = folder_of(invocation), invocation.terminal
    with open_ledger(invocation, folder) as ledger:
        index = read_member_index(folder, ledger)
        persons = {each.key: each for each in people.persons(ledger.database) if not is_mark(each.address)}
        chosen = find_person(who, candidates(index, tuple(persons.values())))
        known = Person(chosen.key, address_key(chosen.address), chosen.name, chosen.organisation)
        records = kept(ledger.database, persons.get(chosen.key, known))
        rows = [(each.name, each.member) for each in index.listings if each.person == chosen.key]
        copies = len(backups.found(folder.backups_to(read_settings(folder).backup.to), ledger.database.path))
    parts = [*_listed(rows), *_recorded(records)]
    certified = any(each.what is What.CERTIFICATE for each in records)
    title = _("What is stored about %(person)s") % {"person": chosen}
    if html is not None:
        write_output(folder, html, _page(title, parts, invocation).encode(), "over-mij.html")
        terminal.note(_("Wrote %(file)s") % {"file": html})
        return ExitCode.OK
    terminal.say(title, "bold")
    # The last part is for the secretary, and not on the page.
    for part in (*parts, _elsewhere(copies, certified)):
        terminal.say()
        terminal.say(part.title, "bold")
        for line in part.lines:
            terminal.say(f"  {line}")
    return ExitCode.OK


def _listed(rows: Sequence[tuple[str, Member]]) -> Iterator[_Part]:
    for name, row in rows:
        own = (name, row.email, row.organisation, row.function, row.number, row.phone, row.do_not_mail)
        further = (f"{heading}: {text}" for heading, text in row.columns.items() if text)
        yield _Part(_("In the member list, row %(row)d") % {"row": row.row}, [*filter(None, own), *further])


def _recorded(records: Sequence[KeptRecord]) -> Iterator[_Part]:
    for what in What:
        found = [each for each in records if each.what is what]
        if found:
            yield _Part(_titles()[what], [_line(each) for each in found])


def _titles() -> dict[What, str]:
    return {
        What.REGISTER: _("In the register of persons"),
        What.MAIL: _("Mails, and what the mail servers replied"),
        What.LEFT_OUT: _("Mailings that were not for this person"),
        What.ANSWER: _("Answers"),
        What.SIGN_UP: _("Sign-ups"),
        What.GUEST: _("As a guest"),
        What.CALENDAR: _("Answers from a calendar that need a look"),
        What.CERTIFICATE: _("Certificates of attendance"),
        What.CREDIT: _("This person's own hours and PE points"),
        What.FILE: _("Attachments for this person only"),
        What.CALL: _("Telephone calls"),
        What.SKIP: _("Decisions about mailing this person"),
    }


def _line(record: KeptRecord) -> str:
    at = day_and_time(record.at) if record.at is not None else ""
    mailed = record.what in (What.MAIL, What.LEFT_OUT)
    texts = [mailing_words(text) if mailed and not n else _word(text) for n, text in enumerate(record.texts)]
    return " · ".join(text for text in (at, record.event, *texts) if text)


def _word(text: str) -> str:
    """Return a state, an answer or its source in the user's language, and any other text as it is."""
    return state_words(text) if text in _STATES else source_words(answer_words(text))


def _elsewhere(copies: int, certified: bool) -> _Part:
    lines = [_("The text of each mail that was sent: mkwmail preview EVENT MAILING --sent --member WHO")]
    if certified:
        lines.append(_("The certificate itself: mkwmail papers EVENT certificates --member WHO"))
    if copies:
        said = ngettext(
            "%(n)d backup has the same records, or earlier ones.",
            "%(n)d backups have the same records, or earlier ones.",
            copies,
        )
        lines.append(said % {"n": copies})
    lines.append(_("Files that you made yourself (exports, saved mails) are not included: look through them yourself."))
    return _Part(_("Elsewhere"), lines)


def _listing(part: _Part) -> str:
    items = "\n".join(f"<li>{escape(line)}</li>" for line in part.lines)
    return f"<h2>{escape(part.title)}</h2>\n<ul>\n{items}\n</ul>"


def _page(title: str, parts: Sequence[_Part], invocation: Invocation) -> str:
    made = _("As of %(moment)s.") % {"moment": day_and_time(invocation.clock.now())}
    body = "\n".join(_listing(part) for part in parts)
    style = "body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}h2{font-size:1.1em}"
    return (
        f'<!DOCTYPE html>\n<html lang="{spoken()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="generator" content="mkwmail">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n<p>{escape(made)}</p>\n</body>\n</html>\n"
    )
