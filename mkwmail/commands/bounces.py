"""``bounces`` and ``resolve``: undelivered mail, and mail in doubt.

Bounces come from saved reports, or are recorded by the secretary.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from mkwmail.addresses import address_key
from mkwmail.commands.context import Invocation, event_of, history_of, open_ledger, read_list, roll_of
from mkwmail.commands.prompts import Candidate, find_person
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import shown_name, typed_name
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Bounce, Delivery, Round, SentMail, State
from mkwmail.ledger.people import Person, is_mark
from mkwmail.ledger.responses import Finding
from mkwmail.planning.audience import History
from mkwmail.report.incoming import MatchedBounce, how_words, show_bounces, show_unread, verdict_words
from mkwmail.report.status import reply_words, state_words
from mkwmail.report.terminal import Terminal
from mkwmail.responses.bounce_text import Verdict, verdict
from mkwmail.responses.bounces import Matched, SentMessage, match, read_returned
from mkwmail.responses.saved_mail import read_saved


def import_bounces(invocation: Invocation, event: str, files: Sequence[Path]) -> ExitCode:
    """Read saved reports, and record the mails that came back as refused.

    A corrected address may then be mailed.

    A file that cannot be read does not stop the others; the code is FAULTY_FILE then.

    :raises UserError: if there is no mail in the files.
    """
    folder, about = event_of(invocation, event)
    saved = read_saved(files)
    returned = [each for mail in saved.mails for each in read_returned(mail)]
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"bounces {about.id}", now):
        sent = deliveries.sent_mails(ledger.database)
        matched = match(returned, [sent_message(each) for each in sent])
        here = [each for each in matched if each.message and each.message.event == about.id]
        news = responses.record_bounces(
            ledger.database, [bounce_of(each, now) for each in here if each.returned.verdict]
        )
        persons = people.persons(ledger.database)
    names = {person.key: person.name or person.address for person in persons}
    fresh = {(each.attempt, each.digest) for each in news}
    came = [_came(each, about.id, names, fresh) for each in matched]
    show_bounces(invocation.terminal, about.id, came, names_by_address(persons))
    show_unread(invocation.terminal, saved)
    return ExitCode.FAULTY_FILE if saved.unread else ExitCode.OK


def names_by_address(persons: Iterable[Person]) -> dict[str, str]:
    """Return address key → the person's name, or their address."""
    every = tuple(persons)
    names = {address: person.name or person.address for person in every for address in person.former}
    return names | {address_key(person.address): person.name or person.address for person in every}


def sent_message(mail: SentMail) -> SentMessage:
    """Return a message as reports refer to it."""
    of = mail.round
    return SentMessage(mail.attempt, of.event, of.mailing, mail.person, mail.address, mail.message_id, mail.at)


def bounce_of(each: Matched, now: datetime) -> Bounce:
    """Return a matched report as the ledger records it."""
    returned, message = each.returned, each.message
    assert message is not None and returned.verdict is not None
    reply = returned.reply or returned.status or _("no reason was given")
    # A report dated in the future comes from a wrong clock.
    at = min(returned.at, now) if returned.at else now
    return Bounce(message.attempt, returned.verdict, reply, returned.digest, at)


def _came(each: Matched, event: str, names: dict[str, str], fresh: set[tuple[int, str]]) -> MatchedBounce:
    message = each.message
    elsewhere = message.event if message and message.event != event else ""
    return MatchedBounce(
        matched=each,
        name=names.get(message.person, "") if message else "",
        event=elsewhere,
        known=bool(message and not elsewhere and (message.attempt, each.returned.digest) not in fresh),
    )


def set_bounce(invocation: Invocation, event: str, who: str) -> ExitCode:
    """Record that the last message of an event to somebody came back.

    :raises UserError: code USAGE unless exactly one person matches, and if nothing of the event was sent to them.
    """
    folder, about = event_of(invocation, event)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"bounces {about.id}", now):
        persons = {person.key: person for person in people.persons(ledger.database)}
        last = _last_messages(ledger, about.id)
        candidates = [
            Candidate(key, person.name, last[key].address, person.organisation, person.number)
            for key, person in persons.items()
            if key in last
        ]
        if not candidates:
            raise user_error("", _("nothing about %(event)s has been sent yet"), code=ExitCode.USAGE, event=about.id)
        person = find_person(who, candidates)
        mail = last[person.key]
        reply = _("reported as undeliverable by the secretary")
        digest = f"said {mail.attempt} {now.isoformat()}"
        responses.record_bounces(ledger.database, [Bounce(mail.attempt, Verdict.FAILED, reply, digest, now, said=True)])
    words = {"mailing": shown_name(mail.round.mailing), "person": person}
    command = {"mailing": typed_name(mail.round.mailing), "event": about.id}
    terminal = invocation.terminal
    terminal.say(_("%(mailing)s to %(person)s counts as not delivered.") % words)
    terminal.say(_("Correct the address in the member list, then: mkwmail send %(event)s %(mailing)s") % command)
    return ExitCode.OK


def _last_messages(ledger: Ledger, event: str) -> dict[str, SentMail]:
    """Return person → the last message of an event to them. Messages that are known to have come back do not count."""
    went = {
        (each.round, each.person)
        for each in deliveries.of_event(ledger.database, event)
        if each.state in (State.SENT, State.IN_DOUBT)
    }
    return {each.person: each for each in deliveries.sent_mails(ledger.database) if (each.round, each.person) in went}


_OPEN = (State.IN_DOUBT, State.REFUSED)


def resolve(
    invocation: Invocation, event: str, *, sent: Sequence[str] = (), send_again: Sequence[str] = ()
) -> ExitCode:
    """Settle mail in doubt, by the options or by asking; explain refusals.

    Without options or a terminal, the mail is only listed. An option can also take an earlier decision back, as long
    as the mail was not sent again.

    :raises UserError: code USAGE if an option matches no one, or somebody without open mail.
    """
    folder, name = event_of(invocation, event)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"resolve {name.id}", now):
        ledger.settle(now)
        history = history_of(ledger, name)
        # All options are checked before the first is recorded; answers to questions are recorded one by one.
        said = list(_said(history, deliveries.words_said(ledger.database, name.id), sent, send_again))
        if not (sent or send_again):
            _show_found(invocation.terminal, history, responses.findings(ledger.database, name.id))
            _show_refused(invocation.terminal, history, ledger, _addresses_in_list(folder, ledger))
        words = []
        for delivery, word in said if sent or send_again else _answers(invocation.terminal, history):
            deliveries.resolve(ledger.database, delivery.round, delivery.person, word, now)
            words.append((delivery, word))
        _say_outcome(invocation.terminal, name.id, words)
        return _code_of(ledger, name.id)


def _open_ones(history: History) -> list[Delivery]:
    # Nothing can be decided any more about a person who was forgotten.
    return [each for each in history.deliveries if each.state in _OPEN and not is_mark(each.address)]


def _candidate(delivery: Delivery, persons: dict[str, Person]) -> Candidate:
    person = persons.get(delivery.person)
    if person is None:
        return Candidate(delivery.person, "", delivery.address)
    return Candidate(delivery.person, person.name, delivery.address, person.organisation, person.number)


def _said(
    history: History, earlier: Mapping[tuple[Round, str], Word], sent: Sequence[str], send_again: Sequence[str]
) -> Iterator[tuple[Delivery, Word]]:
    """Yield the decision in the options for each open mail of a person.

    :param earlier: the decisions that the other one can take back.
    """
    persons = {person.key: person for person in history.persons}
    words: dict[str, Word] = {}
    options: tuple[tuple[Word, Sequence[str]], ...] = (("sent", sent), ("send-again", send_again))
    for word, named in options:
        meant = _decidable(history, earlier, word)
        for who in named:
            person = find_person(who, [_candidate(each, persons) for each in meant])
            if words.setdefault(person.key, word) != word:
                fault = _('"%(who)s" is named under --sent and under --send-again')
                raise user_error("", fault, code=ExitCode.USAGE, who=who)
    for key, word in words.items():
        yield from ((each, word) for each in _decidable(history, earlier, word) if each.person == key)


def _decidable(history: History, earlier: Mapping[tuple[Round, str], Word], word: Word) -> list[Delivery]:
    """Return the mails that are open, or of which this word takes another back."""
    other = {each for each, said in earlier.items() if said != word}
    return [
        each
        for each in history.deliveries
        if not is_mark(each.address) and (each.state in _OPEN or (each.round, each.person) in other)
    ]


def _addresses_in_list(folder: WorkingFolder, ledger: Ledger) -> Mapping[str, tuple[str, str]]:
    """Return person → the place of their row in the member list, and the address there.

    It is empty if the list cannot be read.
    """
    try:
        settings = read_settings(folder)
        index = roll_of(read_list(folder, settings), ledger)
    except UserError:
        return {}
    shown = folder.shown(folder.path / settings.members)
    rows = {each.person: (f"{shown}:{each.member.row}", each.member.email) for each in index.listings}
    copies = {each.person: (f"{shown}:{each.copy_of[0].member.row}", each.address) for each in index.assistants}
    return rows | copies


def _show_found(terminal: Terminal, history: History, findings: Sequence[Finding]) -> None:
    """Print what settled mail in doubt, and on what grounds."""
    names = {person.key: person.name or person.address for person in history.persons}
    for each in findings:
        words = {
            "mailing": shown_name(each.round.mailing),
            "name": names.get(each.person, "?"),
            "why": how_words(each.how),
        }
        terminal.say(_("%(mailing)s, %(name)s: was in doubt and counts as sent, %(why)s") % words, "dim")


def _show_refused(terminal: Terminal, history: History, ledger: Ledger, rows: Mapping[str, tuple[str, str]]) -> None:
    """Print each refused mail: what the server's reply means, and what to do."""
    persons = {person.key: person for person in history.persons}
    verdicts = {
        (each.event, each.person, each.address): each.verdict for each in responses.refused_mails(ledger.database)
    }
    for each in _open_ones(history):
        if each.state is not State.REFUSED:
            continue
        of, reply = each.round, reply_words(each)
        known = verdicts.get((of.event, each.person, each.address))
        found = Verdict(known) if known else verdict("", reply)
        words = {"mailing": typed_name(of.mailing), "event": of.event, "who": each.address}
        terminal.say(
            f"{shown_name(of.mailing)}, {_candidate(each, persons)}: {state_words(each.state)} ({reply})", "warning"
        )
        terminal.say(f"  {verdict_words(found)}")
        place, address = rows.get(each.person, ("", ""))
        if place and address_key(address) != address_key(each.address):
            step = _("  %(place)s has another address now. To send it there: mkwmail send %(event)s %(mailing)s")
        elif place and found is Verdict.FAILED:
            step = _("  Correct the address in %(place)s, then: mkwmail send %(event)s %(mailing)s")
        elif found is Verdict.FAILED:
            step = _("  This person is not in the member list any more.")
        else:
            step = _("  To send it again to the same address: mkwmail resolve %(event)s --send-again %(who)s")
        terminal.say(step % {**words, "place": place})


def _answers(terminal: Terminal, history: History) -> Iterator[tuple[Delivery, Word]]:
    """Ask about each mail in doubt, or list them without a terminal."""
    in_doubt = [each for each in _open_ones(history) if each.state is State.IN_DOUBT]
    persons = {person.key: person for person in history.persons}
    if not _open_ones(history):
        terminal.say(_("Nothing is in doubt or refused."))
    if in_doubt and terminal.interactive:
        terminal.note(_("Has the member had this mail? Ask them, or look in the server's log."))
    for each in in_doubt:
        who = _candidate(each, persons)
        terminal.say(f"{shown_name(each.round.mailing)}, {who}: {state_words(each.state)} ({reply_words(each)})")
        if not terminal.interactive:
            continue
        answer = terminal.ask(_("  s = it was sent, a = send again, Enter = decide later:")).casefold()
        # The keys of the English and of the Dutch question.
        if answer in ("s", "v"):
            yield each, "sent"
        elif answer in ("a", "o"):
            yield each, "send-again"
        elif answer:
            terminal.note(_('"%(answer)s" is none of these: decide later') % {"answer": answer})


def _say_outcome(terminal: Terminal, event: str, words: Sequence[tuple[Delivery, Word]]) -> None:
    again = sorted({each.round.mailing for each, word in words if word == "send-again"})
    if words:
        count = len(words)
        terminal.say(ngettext("Recorded %(n)d decision.", "Recorded %(n)d decisions.", count) % {"n": count})
        other = "--send-again" if words[0][1] == "sent" else "--sent"
        step = _("A mistake? Take it back: mkwmail resolve %(event)s %(option)s %(who)s")
        terminal.say(step % {"event": event, "option": other, "who": words[0][0].address}, "dim")
    for mailing in again:
        terminal.say(_("To send again: mkwmail send %(e)s %(m)s") % {"e": event, "m": typed_name(mailing)})


def _code_of(ledger: Ledger, event: str) -> ExitCode:
    states = {each.state for each in deliveries.of_event(ledger.database, event) if not is_mark(each.address)}
    if State.IN_DOUBT in states:
        return ExitCode.IN_DOUBT
    return ExitCode.REFUSED if State.REFUSED in states else ExitCode.OK
