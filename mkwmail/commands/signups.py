"""``answers import`` of a sign-up form's export: shown, asked about, confirmed, and then recorded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mkwmail.addresses import address_key, mailable
from mkwmail.commands.context import Invocation, event_of, open_ledger, read_member_index
from mkwmail.commands.prompts import choose, refuse_without_terminal, said_yes
from mkwmail.config.event import Event
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer, Batch, Credit, Guest, KeptSignup, code_for
from mkwmail.ledger.people import NEW, NO_ADDRESS, Listed
from mkwmail.planning.member_index import MemberIndex, listed
from mkwmail.report.answers import answer_words, show_import
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import Answered, folded_words
from mkwmail.responses.form_columns import folded_heading
from mkwmail.responses.signup_changes import (
    IGNORED,
    SAID,
    SOURCE,
    Changes,
    Invited,
    Match,
    changes,
    kept_signup,
    match_signups,
)
from mkwmail.responses.signups import Decided, Export, read_signups

_ASKED_ONE_BY_ONE = 10  # rows missing from an export; more of them mean another form, or another year


@dataclass(slots=True)
class _Said:
    """The user's decisions about an export.

    ``settled``: row key → person key, empty for a guest. ``answered``: row key → answer. ``gone``: key of a row that
    is missing now → whether the person does not come any more.
    """

    settled: dict[str, str] = field(default_factory=dict)
    answered: dict[str, Answered] = field(default_factory=dict)
    gone: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class _Form:
    """A form's export, with all that is needed to read it and to say what it changes."""

    event: Event
    ledger: Ledger
    index: MemberIndex
    everybody: tuple[Invited, ...]
    file: Path
    now: datetime

    def read(self) -> Export:
        """Read the export, with what the user has said of this form."""
        database, event = self.ledger.database, self.event
        said = Decided(
            responses.form_words(database, event.id, "column"), responses.form_words(database, event.id, "answer")
        )
        codes = [each.code for each in self.everybody if each.code]
        optional = [item.title for item in event.programme if item.optional]
        begun = event.starts <= self.now
        return read_signups(self.file, str(self.file), codes, optional, decided=said, begun=begun)

    def changes(self, export: Export, said: _Said) -> Changes:
        """Return what the export changes."""
        matches = match_signups(export.signups, self.everybody)
        held = {each.person: each for each in responses.answers(self.ledger.database, self.event.id)}
        by_key = {each.key: each for each in self.everybody}
        return changes(
            matches, responses.signups(self.ledger.database, self.event.id), held, by_key, said.settled, said.answered
        )

    def keep(self, kind: str, words: Mapping[str, str]) -> None:
        """Keep what the user says of the form, for its next export."""
        responses.keep_form_words(self.ledger.database, self.event.id, kind, words, self.now)


def import_signups(
    invocation: Invocation, event: str, file: Path, *, dry_run: bool = False, yes: bool = False
) -> ExitCode:
    """Import a sign-up form's export and record what is new in it.

    It shows first what it would record. Doubtful rows are asked about in a terminal; otherwise they are kept until
    they are settled.

    :raises UserError: if the export or the member list cannot be read, or without a terminal to confirm (SETTINGS);
        nothing is recorded then.
    """
    folder, about = event_of(invocation, event)
    terminal, now = invocation.terminal, invocation.clock.now()
    asks = terminal.interactive and not dry_run and not yes
    with open_ledger(invocation, folder) as ledger:
        index = read_member_index(folder, ledger)
        form = _Form(about, ledger, index, invited(about, index, ledger), file, now)
        export = form.read()
        if export.perhaps and asks:
            export = _asked_about_column(terminal, form, export)
        said = _Said()
        found = form.changes(export, said)
        show_import(terminal, export, found, _without_a_row(form, found))
        if dry_run:
            terminal.note(_("Nothing was recorded (--dry-run)."))
            return ExitCode.OK
        if asks:
            export, found = _asked(terminal, form, export, found, said)
        if not _confirmed(terminal, form, export, found, said, yes):
            terminal.note(_("Nothing was recorded."))
            return ExitCode.OK
        _record(form, found, said)
        left = sum(bool(each.doubt) for each in responses.signups(ledger.database, about.id))
    _say_recorded(terminal, about.id, found.recorded + sum(said.gone.values()), left)
    return ExitCode.OK


def _say_recorded(terminal: Terminal, event: str, count: int, left: int) -> None:
    terminal.say(ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", count) % {"n": count})
    if count:
        terminal.note(_("To take this back: mkwmail answers undo %(event)s") % {"event": event}, "dim")
    if left:
        words = ngettext(
            "%(n)d row is to be settled: mkwmail answers list %(event)s",
            "%(n)d rows are to be settled: mkwmail answers list %(event)s",
            left,
        )
        terminal.say(words % {"n": left, "event": event}, "warning")


def _without_a_row(form: _Form, found: Changes) -> int:
    """Return how many members neither answered nor have a row in the export."""
    answered = {each.person for each in responses.answers(form.ledger.database, form.event.id)} | found.seen
    return len({each.person for each in form.index.listings} - answered)


# Confirmation


def _confirmed(terminal: Terminal, form: _Form, export: Export, found: Changes, said: _Said, yes: bool) -> bool:
    """Ask whether to record this; return whether the user says so.

    The number must be typed if the file does not tell who comes, or if more than half of the members would change.

    :raises UserError: code SETTINGS without a terminal.
    """
    if export.perhaps:
        if not terminal.interactive or yes:
            raise _unanswering(export)
        return False
    count = found.recorded
    assumes = not export.answering and count
    if yes and assumes:
        raise _unanswering(export)
    if not (count or found.doubtful or found.ignored or said.gone) or yes:
        return True
    refuse_without_terminal(terminal, yes)
    changing = len({each.person.key for each in found.news if each.person})
    if assumes:
        attending = sum(each.signup.answer is Answered.ATTENDING for each in (*found.news, *found.guests))
        words = ngettext(
            "%(n)d row and no answer column: it would count as attending.",
            "%(n)d rows and no answer column: all would count as attending.",
            attending,
        )
        terminal.note(words % {"n": attending}, "warning")
    elif changing > len(form.index.listings) / 2:
        terminal.note(
            _("This changes the answers of %(n)d of %(all)d members.")
            % {"n": changing, "all": len(form.index.listings)},
            "warning",
        )
    else:
        return said_yes(terminal, _("Record this? y/n:"))
    return terminal.ask(_("To record it, type %(wanted)s:") % {"wanted": count}) == str(count)


def _unanswering(export: Export) -> UserError:
    """Return the refusal of a file that does not tell who comes."""
    if export.perhaps:
        fault = _("it is not clear which column shows who comes: %(columns)s?")
        words = {"columns": ", ".join(f'"{name}"' for name in export.perhaps)}
        return user_error(
            "",
            fault % words,
            _("run the command in a terminal without --yes, and choose the column there"),
            code=ExitCode.SETTINGS,
        )
    fault = _("no column shows who comes: every row would count as attending")
    remedy = _("is it the right file? Then run the command in a terminal without --yes, and type the number there")
    return user_error("", fault, remedy, code=ExitCode.SETTINGS)


# Questions


def _asked_about_column(terminal: Terminal, form: _Form, export: Export) -> Export:
    """Ask which column tells who comes, and read the export again."""
    terminal.note(_("No heading shows who comes. These columns hold yes or no:"), "warning")
    for number, heading in enumerate(export.perhaps, start=1):
        terminal.note(f"  {number}  {heading}")
    numbers = [str(number) for number in range(1, len(export.perhaps) + 1)]
    question = _("  Type the number of the column that shows who comes, 0 if none does, Enter to stop:")
    chosen = choose(terminal, question, ["0", *numbers])
    if not chosen:
        return export
    words = dict.fromkeys(map(folded_heading, export.perhaps), "beside")
    if chosen != "0":
        words[folded_heading(export.perhaps[int(chosen) - 1])] = "answer"
    form.keep("column", words)
    return form.read()


def _asked(terminal: Terminal, form: _Form, export: Export, found: Changes, said: _Said) -> tuple[Export, Changes]:
    """Ask about all that is doubtful, each thing once; return the export and its changes after that.

    Words that several rows have are asked about once, and remembered for the form's next export.
    """
    if export.perhaps:
        return export, found
    unknown: dict[str, list[Match]] = {}
    for match in found.doubtful:
        if match.signup.unknown:
            unknown.setdefault(folded_words(match.signup.unknown), []).append(match)
    missing = len(found.missing) if len(found.missing) <= _ASKED_ONE_BY_ONE else 1
    asking = _Asking(terminal, len(unknown) + sum(map(_is_asked, found.doubtful)) + missing)
    words = {}
    for text, matches in unknown.items():
        answer = asking.about_words(matches)
        if answer is not None:
            words[text] = answer.value
    if words:
        form.keep("answer", words)
        export = form.read()
        found = form.changes(export, said)
    for match in found.doubtful:
        if _is_asked(match):
            asking.about_row(match, said)
    asking.about_missing(found.missing, said)
    return export, form.changes(export, said)


def _is_asked(match: Match) -> bool:
    """Return whether a doubtful row is asked about on its own: whose it is, or what its empty answer means."""
    return match.doubt != match.signup.doubt or (match.signup.answer is None and not match.signup.unknown)


# The keys of the English and of the Dutch question.
ANSWER_KEYS = {
    **{"y": Answered.ATTENDING, "j": Answered.ATTENDING, "n": Answered.DECLINED},
    **{"p": Answered.TENTATIVE, "m": Answered.TENTATIVE},
}


def asked_answer(terminal: Terminal, question: str) -> Answered | None:
    """Ask for an answer by its key; None if the user presses Enter."""
    return ANSWER_KEYS.get(choose(terminal, question, list(ANSWER_KEYS)))


class _Asking:
    """The questions about an export, numbered."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal = terminal
        self._total = total
        self._number = 0

    def _begin(self, sentence: str) -> None:
        self._number += 1
        words = {"n": self._number, "all": max(self._total, self._number), "what": sentence}
        self._terminal.note(_("Question %(n)d of %(all)d. %(what)s") % words, "warning")

    def _answer(self) -> Answered | None:
        question = _("  y = comes, n = does not come, p = perhaps, Enter to leave it for later:")
        return asked_answer(self._terminal, question)

    def about_words(self, matches: Sequence[Match]) -> Answered | None:
        """Ask what an answer means that is not understood."""
        rows = ", ".join(match.signup.who for match in matches[:5]) + (", …" if len(matches) > 5 else "")
        words = {"text": matches[0].signup.unknown, "who": rows}
        self._begin(_('What does "%(text)s" mean (%(who)s)?') % words)
        return self._answer()

    def about_row(self, match: Match, said: _Said) -> None:
        """Ask whose a row is, and what its answer is, if these are doubtful."""
        signup = match.signup
        answer = f" ({answer_words(signup.answer)})" if signup.answer else ""
        words = {"row": signup.row, "who": signup.who, "answer": answer, "doubt": match.doubt}
        self._begin(_("Row %(row)d, %(who)s%(answer)s: %(doubt)s") % words)
        if match.doubt != signup.doubt:
            key = self._whose(match)
            if key is None:
                return
            said.settled[signup.key] = key
            if key == IGNORED:
                return
        if signup.answer is None:
            given = self._answer()
            if given is not None:
                said.answered[signup.key] = given

    def _whose(self, match: Match) -> str | None:
        for number, person in enumerate(match.candidates, start=1):
            address = f" <{person.addresses[0]}>" if person.addresses else ""
            place = f", {person.organisation}" if person.organisation else ""
            self._terminal.note(f"  {number}  {person.name}{address}{place}")
        numbers = [str(number) for number in range(1, len(match.candidates) + 1)]
        if numbers:
            question = _(
                "  Type the number of who it is, g for a guest, i to ignore the row, Enter to leave it for later:"
            )
        else:
            question = _("  Type g for a guest, i to ignore the row, Enter to leave it for later:")
        chosen = choose(self._terminal, question, [*numbers, "g", "i", "o"])
        if chosen in numbers:
            return match.candidates[int(chosen) - 1].key
        # The keys of the English and of the Dutch question.
        return {"g": "", "i": IGNORED, "o": IGNORED}.get(chosen)

    def about_missing(self, missing: Sequence[KeptSignup], said: _Said) -> None:
        """Ask about the rows that are missing from the export."""
        if len(missing) > _ASKED_ONE_BY_ONE:
            sentence = _("%(n)d rows of an earlier export are not in this one. Have all of them cancelled?")
            self._begin(sentence % {"n": len(missing)})
            if self._terminal.ask(_("  Type yes, or Enter to leave it for later:")).casefold() in ("yes", "ja"):
                said.gone |= {each.key: True for each in missing}
            return
        for each in missing:
            self._begin(_("%(who)s is not in this export any more.") % {"who": each.name or each.address})
            answer = choose(self._terminal, _("  c = cancelled, k = still comes, Enter = later:"), ["c", "a", "k"])
            if answer:
                # The keys of the English and of the Dutch question.
                said.gone[each.key] = answer != "k"


# People


def invited(event: Event, index: MemberIndex, ledger: Ledger) -> tuple[Invited, ...]:
    """Return everybody whose sign-up an export can contain.

    These are the members, the guests of earlier exports, and persons who have left the list since they were mailed.
    """
    former = {person.key: person.former for person in people.persons(ledger.database)}

    def one(key: str, name: str, addresses: Iterable[str], place: str, number: str = "") -> Invited:
        code = code_for(ledger.secret, event.id, key)
        copies = tuple(each.address for each in index.assistants for of in each.copy_of if of.person == key)
        return Invited(key, name, tuple(filter(None, addresses)), place, number, code, copies)

    members = [
        one(each.person, each.name, (each.address, *former.get(each.person, ())), who.organisation, who.number)
        for each in index.listings
        for who in [each.member]
        if not each.doubt
    ]
    known = {each.key for each in members}
    guests = [
        one(each.person, each.name, (each.address,), each.organisation)
        for each in responses.guests(ledger.database, event.id)
        if each.person not in known
    ]
    known |= {each.key for each in guests}
    # It is not known yet who the person at the address of a row to be settled is.
    known |= _holders(ledger, event.id)
    # An assistant's answer is a member's answer.
    known |= {each.person for each in index.assistants}
    # People who were mailed and have left the list since may still have signed up.
    taken = {each.member.address_key for each in index.listings if not each.doubt}
    gone = [
        one(
            each.key,
            each.name,
            (at for at in (each.address, *each.former) if at not in taken),
            each.organisation,
            each.number,
        )
        for each in people.persons(ledger.database)
        if each.key not in known and (each.mailed_at or each.former)
    ]
    return (*members, *guests, *gone)


def _holders(ledger: Ledger, event: str) -> frozenset[str]:
    return frozenset(each.holder for each in responses.signups(ledger.database, event) if each.holder)


# Recording


def _record(form: _Form, found: Changes, said: _Said) -> None:
    """Record the import. Guests come first: answers belong to people who are in the register."""
    now = form.now
    keys, guests = _recorded_persons(form, found)
    rows: list[KeptSignup] = []
    answers: list[Answer] = []
    for match in found.news:
        if match.person is not None:
            answers += _answer_of(match, match.person.key, now)
            rows.append(kept_signup(match, match.person.key))
    doubtful = list(found.doubtful)
    for match in found.guests:
        key = keys.get(match.signup.key)
        if key is None:
            doubtful.append(replace(match, doubt=_("it is doubtful who this guest is")))
            continue
        answers += _answer_of(match, key, now)
        rows.append(kept_signup(match, key))
    for match in (*found.same, *(each.match for each in found.stands)):
        if match.person is not None:
            rows.append(kept_signup(match, match.person.key))
    holders = _recorded_holders(form, doubtful)
    rows += [kept_signup(match, None, match.doubt, holders.get(match.signup.key)) for match in doubtful]
    rows += [replace(kept_signup(match, None), gone=now) for match in found.ignored]
    # Our own list, edited, is not an export of the form: answers do not identify its rows.
    every = (*found.news, *found.same, *found.guests, *found.doubtful, *(each.match for each in found.stands))
    ours = {match.signup.key for match in every if match.signup.was is not None and not match.doubt}
    rows = [row for row in rows if row.key not in ours]
    missing_answers, missing_rows = _missing(found, said, now)
    batch = Batch(
        what=form.file.name,
        answers=(*answers, *missing_answers),
        signups=(*rows, *missing_rows),
        guests=(*guests, *_departed(form, found)),
        credits=dict(_credits(form, found, keys)),
    )
    if batch.answers or batch.guests or batch.credits or found.doubtful or found.ignored or missing_rows:
        responses.record_batch(form.ledger.database, form.event.id, batch, now)
    else:
        responses.keep_signups(form.ledger.database, form.event.id, batch.signups, now)


def _credits(form: _Form, found: Changes, keys: Mapping[str, str]) -> Iterator[tuple[str, Credit]]:
    """Yield the own hours and points of people whose rows have others than those that are known."""
    from mkwmail.ledger.deliveries import credits_of

    known = credits_of(form.ledger.database, form.event.id)
    for match in (*found.news, *found.same, *found.guests, *(each.match for each in found.stands)):
        person = match.person.key if match.person else keys.get(match.signup.key)
        if person and any(match.signup.credit) and known.get(person) != match.signup.credit:
            yield person, match.signup.credit


def _missing(found: Changes, said: _Said, now: datetime) -> tuple[list[Answer], list[KeptSignup]]:
    answers, rows = [], []
    for each in found.missing:
        cancelled = said.gone.get(each.key)
        if cancelled is None:
            continue
        rows.append(replace(each, gone=now, doubt=""))
        if cancelled and each.person is not None:
            answers.append(Answer(each.person, Answered.DECLINED, SOURCE, now))
    return answers, rows


def _departed(form: _Form, found: Changes) -> Iterator[Guest]:
    """Yield people who signed up and have left the list. They are guests from now on, so that they hear of changes."""
    here = {each.person for each in form.index.listings} | {
        each.person for each in responses.guests(form.ledger.database, form.event.id)
    }
    for match in (*found.news, *found.same):
        person = match.person
        if person is not None and person.key not in here and match.signup.answer is not None:
            address = person.addresses[0] if person.addresses else ""
            yield Guest(person.key, person.name, _mailable(address), person.organisation)


def _answer_of(match: Match, person: str, now: datetime) -> Iterator[Answer]:
    signup = match.signup
    if signup.answer is not None:
        # Presence and edits are dated now; a form's answer is dated at the moment it was filled in.
        dated = signup.moment if signup.answer not in (Answered.PRESENT, Answered.ABSENT) else None
        yield Answer(person, signup.answer, SOURCE if signup.was is None else SAID, dated or now)


def _recorded_persons(form: _Form, found: Changes) -> tuple[Mapping[str, str], tuple[Guest, ...]]:
    """Record the new guests in the register, with everybody in the list.

    Returns row key → person key, and the guests. The whole list is needed: a guest who is a member under an earlier
    address must not become a new person, and a member must not look like somebody whose address has gone.
    """
    matches, index, ledger = found.guests, form.index, form.ledger
    taken = _taken(ledger, index, form.event.id)
    addresses = [_own_address(match.signup.address, taken) for match in matches]
    rows = [
        _registered(address, match.signup.key, match.signup.name, match.signup.organisation)
        for match, address in zip(matches, addresses, strict=True)
    ]
    here = listed(index)
    held = {address_key(each.address) for each in here}
    earlier = [
        Listed(each.address or person_address, each.name, each.organisation)
        for each, person_address in _earlier_guests(ledger, form.event.id)
        # Somebody who has left the list may be a guest at an address that is a successor's.
        if person_address and address_key(each.address or person_address) not in held
    ]
    identified = ledger.record_persons([*here, *earlier, *rows], form.now)[len(here) + len(earlier) :]
    keys: dict[str, str] = {}
    guests: list[Guest] = []
    members = {each.person for each in index.listings}
    for match, address, who in zip(matches, addresses, identified, strict=True):
        if who.doubt is None:
            keys[match.signup.key] = who.key
            if who.key not in members:
                guests.append(Guest(who.key, match.signup.name, address, match.signup.organisation))
    return keys, tuple(guests)


def _recorded_holders(form: _Form, doubtful: Sequence[Match]) -> Mapping[str, str]:
    """Record the people at the addresses of rows that are not settled; return row key → person key.

    They must hear of changes, no matter who they turn out to be. An address that is somebody's already needs no holder.
    """
    ledger, index = form.ledger, form.index
    taken = _taken(ledger, index, form.event.id)
    rows = {}
    for match in doubtful:
        address = _own_address(match.signup.address, taken)
        if address:
            rows[match.signup.key] = Listed(address, match.signup.name, match.signup.organisation)
    here = listed(index)
    decided = {address_key(row.address): NEW for row in rows.values()}
    found = ledger.record_persons([*here, *rows.values()], form.now, decided)[len(here) :] if rows else ()
    return {key: who.key for key, who in zip(rows, found, strict=True) if who.doubt is None}


def _earlier_guests(ledger: Ledger, event: str) -> list[tuple[Guest, str]]:
    addresses = {person.key: person.address for person in people.persons(ledger.database)}
    return [
        (each, addresses[each.person]) for each in responses.guests(ledger.database, event) if each.person in addresses
    ]


def _mailable(address: str) -> str:
    """Return the address as it can be mailed, or an empty string."""
    try:
        return mailable(address) if address else ""
    except ValueError:
        return ""


def _taken(ledger: Ledger, index: MemberIndex, event: str) -> frozenset[str]:
    """Return the address keys of members and others in the register, but for those of unsettled rows."""
    holders = _holders(ledger, event)
    others = {each.address for each in people.persons(ledger.database) if each.key not in holders}
    return frozenset(others | {each.member.address_key for each in index.everybody})


def _registered(address: str, row: str, name: str, organisation: str) -> Listed:
    """Return a guest as the register knows people; one without an address gets one that no mail can reach."""
    return Listed(address or f"{row[:16]}@{NO_ADDRESS}", name, organisation)


def _own_address(address: str, taken: frozenset[str]) -> str:
    """Return a guest's address as it can be mailed, or an empty string.

    Empty also if it belongs to a member, who signed up a colleague.
    """
    return "" if address_key(address) in taken else _mailable(address)


def new_guest(
    event: Event, ledger: Ledger, index: MemberIndex, row: KeptSignup, now: datetime
) -> tuple[str, tuple[Guest, ...]]:
    """Enlist the person of a doubtful row as a guest, as the user says.

    Returns the person's key and the guest; no guest if it is a member.
    """
    address = _own_address(row.address, _taken(ledger, index, event.id))
    new = _registered(address, row.key, row.name, row.organisation)
    (*_others, who) = ledger.record_persons([*listed(index), new], now, {address_key(new.address): NEW})
    if who.key in {each.person for each in index.listings}:
        return who.key, ()
    return who.key, (Guest(who.key, row.name, address, row.organisation),)
