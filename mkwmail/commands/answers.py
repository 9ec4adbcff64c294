"""``answers``: who comes, from calendars' replies or as the secretary says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mkwmail.addresses import address_key
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.outputs import write_output
from mkwmail.commands.signing_up import TABLES, import_signups, mailed_at, settle_by_word
from mkwmail.commands.who import Candidate, find_person
from mkwmail.commands.workplace import Roll, folder_of, listed, open_ledger, read_roll
from mkwmail.dutch.names import Name, full_name, sort_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _, ngettext
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import Person, code_for, folded
from mkwmail.ledger.records import Answer, KeptSignup
from mkwmail.letters.entry import entry_uid
from mkwmail.letters.itip import CalendarReply
from mkwmail.replies.answer_words import said_answer
from mkwmail.replies.calendar_replies import Asked, Understood, replies_in, understood
from mkwmail.replies.changes import SAID
from mkwmail.replies.saved_mail import read_saved
from mkwmail.replies.signup_match import alike
from mkwmail.replies.totals import questions
from mkwmail.report.answers import AnswerLine, Answers, answers_csv, answers_value, show_answers
from mkwmail.report.signups import answer_words
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.system import reason_of


def import_answers(invocation: Invocation, event: str, file: Path) -> ExitCode:
    """Read a sign-up form's export, or what calendars answered from a mail, a calendar file, or a folder of them.

    :raises UserError: where nothing can be read there.
    """
    if file.suffix.casefold() in TABLES:
        return import_signups(invocation, event, file)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    replies = _replies(file)
    with open_ledger(invocation, folder) as ledger:
        found = understood(replies, _asked(about, ledger), ledger.answers(about.id))
        now = invocation.clock.now()
        ledger.record_answers(about.id, found.answers, now)
        ledger.record_strays(about.id, found.strays, now)
        names = {person.key: person.name or person.address for person in ledger.persons()}
    for line in _import_lines(found, names):
        invocation.terminal.say(line)
    return ExitCode.OK


def _import_lines(found: Understood, names: dict[str, str]) -> Iterator[str]:
    for each in found.answers:
        yield f"  {names.get(each.person, '')}: {each.answer}"
    count = len(found.answers)
    yield ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", count) % {"n": count}
    for stray in found.strays:
        words = {
            "address": stray.address,
            "answer": answer_words(stray.answer),
            "name": names.get(stray.person or "", "?"),
        }
        yield _("To look at: %(address)s answered %(answer)s to the entry of %(name)s") % words
    if found.known:
        known = ngettext("%(n)d says nothing new.", "%(n)d say nothing new.", found.known)
        yield known % {"n": found.known}
    if found.foreign:
        foreign = ngettext("%(n)d is about another event.", "%(n)d are about other events.", found.foreign)
        yield foreign % {"n": found.foreign}


def _replies(file: Path) -> list[CalendarReply]:
    """Every calendar answer in a file or folder; what cannot be read is said all at once."""
    faults: list[Fault] = []
    replies: list[CalendarReply] = []
    texts = 0
    for place, data in _texts(file):
        texts += 1
        try:
            replies += replies_in(data)
        except ValueError as error:
            faults.append(Fault(place, str(error), _("save the answer again, as .eml or .ics")))
    if not replies and not faults:
        fault = _("no calendar answered in it") if texts else _("there is no mail or calendar file in it")
        remedy = _("save the mails with members' answers as .eml, and name one of them or their folder")
        faults.append(Fault(str(file), fault, remedy))
    if faults:
        raise UserError(*faults)
    return replies


def _texts(file: Path) -> Iterator[tuple[str, bytes]]:
    calendars = [file] if file.suffix.casefold() == ".ics" else sorted(file.rglob("*.ics")) if file.is_dir() else []
    for path in calendars:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            fault = _("cannot be read: %(why)s") % {"why": reason_of(error)}
            raise UserError(Fault(str(path), fault)) from None
    if calendars == [file] or (calendars and not any(file.rglob("*.eml"))):
        return
    for mail in read_saved((file,)):
        yield mail.place, mail.data


def _asked(event: Event, ledger: Ledger) -> Asked:
    persons = ledger.persons()
    told = {each.person for each in ledger.deliveries(event.id)}
    addresses = {address: person.key for person in persons for address in person.former}
    addresses |= {person.address: person.key for person in persons}
    # Where somebody was mailed under an address that the register spells otherwise.
    addresses |= {address_key(each.address): each.person for each in ledger.deliveries(event.id)}
    own = {entry_uid(ledger.secret, event.id, key): key for key in told}
    return Asked(own, entry_uid(ledger.secret, event.id), addresses)


def set_answer(invocation: Invocation, event: str, who: str, answer: str) -> ExitCode:
    """Record what somebody said, or whether they were there; a doubtful row of an export becomes a guest.

    :raises UserError: code USAGE where nobody is meant, or more than one, or the answer is none.
    """
    meant = said_answer(answer)
    if meant is None:
        fault = _('"%(answer)s" is no answer') % {"answer": answer}
        remedy = _("attending (ja), declined (nee), tentative (misschien), present or absent")
        raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        known = candidates(roll, ledger.persons())
        rows = [row for row in ledger.signups(about.id) if row.doubt]
        owners = {row.key: owner.key for row in rows if (owner := _owner(row, known))}
        loose = {f"{_ROW}{row.key}": row for row in rows if row.key not in owners}
        person = find_person(who, [*known, *_unsettled(loose)])
        key = person.key
        if key in loose:
            key = settle_by_word(about, ledger, roll, loose[key], meant, now)
        else:
            # Who answers before anybody was mailed is not in the register yet.
            ledger.enlist(listed(roll), now)
            own = [replace(row, person=key, doubt="") for row in rows if owners.get(row.key) == key]
            ledger.keep_signups(about.id, own, now)
        ledger.record_answers(about.id, [Answer(key, meant, SAID, now)], now)
    invocation.terminal.say(f"{person}: {answer_words(meant)}")
    return ExitCode.OK


# A doubtful row among those who may be meant; no key of a person begins so.
_ROW = "row "


def _owner(row: KeptSignup, known: Sequence[Candidate]) -> Candidate | None:
    """Whose a doubtful row is where its name says so: then it is doubtful what they answered, not who they are."""
    mine = address_key(row.address)
    found = {
        each.key: each
        for each in known
        if (row.name and folded(each.name) == folded(row.name))
        or (row.address and address_key(each.address) == mine and alike(row.name, each.name))
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _unsettled(rows: Mapping[str, KeptSignup]) -> list[Candidate]:
    return [Candidate(key, row.name, row.address, row.organisation, row.number) for key, row in rows.items()]


def candidates(roll: Roll, persons: tuple[Person, ...]) -> list[Candidate]:
    """Everybody who may be meant by WHO: the list as it is now, then the rest of the register."""
    here = [
        Candidate(each.person, full_name(each.member.name), each.member.email, each.member.organisation)
        for each in roll.listings
    ]
    numbered = {each.person: each.member.number for each in roll.listings}
    gone = [each for each in persons if each.key not in numbered]
    return [
        *(replace(each, number=numbered[each.key]) for each in here),
        *(Candidate(each.key, each.name, mailed_at(each), each.organisation, each.number) for each in gone),
    ]


def list_answers(invocation: Invocation, event: str, *, json: bool = False, csv: Path | None = None) -> ExitCode:
    """Print who comes, and what is to be looked at; or write the list for Excel, everybody in it.

    :raises UserError: where the file cannot be written.
    """
    if json and csv:
        raise UserError(Fault("", _("--json and --csv exclude each other.")), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    with open_ledger(invocation, folder) as ledger:
        shown = answers_of(about, ledger, read_roll(folder, ledger))
    if csv is not None:
        write_output(folder, csv, answers_csv(shown), f"{about.id}.csv")
        invocation.terminal.note(_("Wrote %(file)s") % {"file": csv})
    elif json:
        invocation.terminal.document(answers_value(shown))
    else:
        show_answers(invocation.terminal, shown)
    return ExitCode.OK


def answers_of(event: Event, ledger: Ledger, roll: Roll) -> Answers:
    """Who answered what: members, guests and who has left the list, by the main word of their names."""
    last = {each.person: each for each in ledger.answers(event.id)}
    signups = ledger.signups(event.id)
    asked = {each.person: each.asked for each in signups if each.person}
    guests = {each.person for each in ledger.guests(event.id)}
    lines = []
    for candidate in candidates(roll, ledger.persons()):
        given = last.get(candidate.key)
        listed_here = candidate.key in {each.person for each in roll.listings}
        if given is None and not listed_here:
            continue
        lines.append(
            AnswerLine(
                member=candidate.name,
                address=candidate.address,
                organisation=candidate.organisation,
                answer=given.answer if given else "",
                source=given.source if given else "",
                given=given.given if given else None,
                code=code_for(ledger.secret, event.id, candidate.key),
                guest=candidate.key in guests and not listed_here,
                asked=asked.get(candidate.key, {}),
            )
        )
    counted = questions(signups, {person: each.answer for person, each in last.items()})
    unsettled = tuple(row for row in signups if row.doubt)
    lines.sort(key=lambda line: sort_key(Name(written=line.member or line.address)))
    return Answers(event, tuple(lines), ledger.strays(event.id), unsettled, counted)
