"""``bounces`` and ``resolve``: undelivered mail, and mail in doubt.

Bounces come from saved reports, or are recorded by the secretary.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from mkwmail.commands.context import Invocation, folder_of, history_of, open_ledger
from mkwmail.commands.prompts import Candidate, find_person
from mkwmail.config.event_file import read_event
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Bounce, Delivery, SentMail, State
from mkwmail.ledger.people import Person, is_mark
from mkwmail.planning.audience import History
from mkwmail.report.bounces import MatchedBounce, show_bounces
from mkwmail.report.status import reply_words, state_words
from mkwmail.report.terminal import Terminal
from mkwmail.responses.bounce_text import Verdict
from mkwmail.responses.bounces import Matched, SentMessage, match, read_returned
from mkwmail.responses.saved_mail import read_saved


def import_bounces(invocation: Invocation, event: str, files: Sequence[Path]) -> ExitCode:
    """Read saved reports, and record the mails that came back as refused.

    A corrected address may then be mailed.

    :raises UserError: if a file cannot be read as mail; nothing is recorded then.
    """
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    returned = [each for saved in read_saved(files) for each in read_returned(saved)]
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"bounces {about.id}", now):
        sent = deliveries.sent_mails(ledger.database)
        matched = match(returned, [_message(each) for each in sent])
        here = [each for each in matched if each.message and each.message.event == about.id]
        news = responses.record_bounces(ledger.database, [_bounce(each, now) for each in here if each.returned.verdict])
        names = {person.key: person.name or person.address for person in people.persons(ledger.database)}
    fresh = {(each.attempt, each.digest) for each in news}
    came = [_came(each, about.id, names, fresh) for each in matched]
    show_bounces(invocation.terminal, about.id, came)
    return ExitCode.OK


def _message(mail: SentMail) -> SentMessage:
    of = mail.round
    return SentMessage(mail.attempt, of.event, of.mailing, mail.person, mail.address, mail.message_id, mail.at)


def _bounce(each: Matched, now: datetime) -> Bounce:
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
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
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
            fault = _("nothing of %(event)s went to anybody yet") % {"event": about.id}
            raise UserError(Fault("", fault), code=ExitCode.USAGE)
        person = find_person(who, candidates)
        mail = last[person.key]
        reply = _("it came back, as the secretary says")
        digest = f"said {mail.attempt} {now.isoformat()}"
        responses.record_bounces(ledger.database, [Bounce(mail.attempt, Verdict.FAILED, reply, digest, now, said=True)])
    words = {"mailing": mail.round.mailing, "person": person, "event": about.id}
    terminal = invocation.terminal
    terminal.say(_("%(mailing)s to %(person)s counts as not delivered.") % words)
    terminal.say(_("Correct the address in the member list, then: mkwmail send %(event)s %(mailing)s") % words)
    return ExitCode.OK


def _last_messages(ledger: Ledger, event: str) -> dict[str, SentMail]:
    """Return person → the last message of an event to them.

    Messages that are known to have come back do not count.
    """
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
    """Settle mail in doubt or refused, by the options or by asking.

    Without options or a terminal, the mail is only listed.

    :raises UserError: code USAGE if an option matches no one, or somebody without open mail.
    """
    folder = folder_of(invocation)
    name = read_event(folder.event_path(event), folder).value
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"resolve {name.id}", now):
        ledger.settle(now)
        history = history_of(ledger, name)
        # All options are checked before the first is recorded; answers to questions are recorded one by one.
        said = list(_said(history, sent, send_again))
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


def _said(history: History, sent: Sequence[str], send_again: Sequence[str]) -> Iterator[tuple[Delivery, Word]]:
    """Yield the decision in the options for each open mail of a person."""
    persons = {person.key: person for person in history.persons}
    candidates = [_candidate(each, persons) for each in _open_ones(history)]
    words: dict[str, Word] = {}
    options: tuple[tuple[Word, Sequence[str]], ...] = (("sent", sent), ("send-again", send_again))
    for word, named in options:
        for who in named:
            person = find_person(who, candidates)
            if words.setdefault(person.key, word) != word:
                fault = _('"%(who)s" is named under --sent and under --send-again') % {"who": who}
                raise UserError(Fault("", fault), code=ExitCode.USAGE)
    for each in _open_ones(history):
        if each.person in words:
            yield each, words[each.person]


def _answers(terminal: Terminal, history: History) -> Iterator[tuple[Delivery, Word]]:
    """Ask about each open mail, or list them without a terminal."""
    open_ones = _open_ones(history)
    persons = {person.key: person for person in history.persons}
    if not open_ones:
        terminal.say(_("Nothing is in doubt or refused."))
    if open_ones and terminal.interactive:
        terminal.note(_("Has the member had this mail? Ask them, or look in the server's log."))
    for each in open_ones:
        who = _candidate(each, persons)
        state = state_words(each.state)
        terminal.say(f"{each.round.mailing}, {who}: {state} ({reply_words(each)})")
        if not terminal.interactive:
            continue
        answer = terminal.ask(_("  s = it was sent, a = send again, Enter = decide later:")).casefold()
        # The keys of the English and of the Dutch question.
        if answer in ("s", "v"):
            yield each, "sent"
        elif answer in ("a", "o"):
            yield each, "send-again"


def _say_outcome(terminal: Terminal, event: str, words: Sequence[tuple[Delivery, Word]]) -> None:
    again = sorted({each.round.mailing for each, word in words if word == "send-again"})
    if words:
        count = len(words)
        terminal.say(ngettext("Recorded %(n)d decision.", "Recorded %(n)d decisions.", count) % {"n": count})
    for mailing in again:
        terminal.say(_("To send again: mkwmail send %(e)s %(m)s") % {"e": event, "m": mailing})


def _code_of(ledger: Ledger, event: str) -> ExitCode:
    states = {each.state for each in deliveries.of_event(ledger.database, event) if not is_mark(each.address)}
    if State.IN_DOUBT in states:
        return ExitCode.IN_DOUBT
    return ExitCode.REFUSED if State.REFUSED in states else ExitCode.OK
