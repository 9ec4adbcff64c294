"""``about``: show a person everything that is kept of them (GDPR, article 15)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time
from mkwmail.commands.answers import candidates
from mkwmail.commands.context import Invocation, folder_of, open_ledger, read_member_index
from mkwmail.commands.output import write_output
from mkwmail.commands.prompts import find_person
from mkwmail.config.kinds import mailing_words
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode
from mkwmail.i18n import _, ngettext, spoken
from mkwmail.ledger import backups, people
from mkwmail.ledger.erasure import KeptRecord, What, kept
from mkwmail.ledger.models import State
from mkwmail.ledger.people import Person, is_mark
from mkwmail.members.member_list import Member
from mkwmail.report.answers import answer_words, source_words
from mkwmail.report.status import state_words

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
