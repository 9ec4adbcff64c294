"""``bounces``: what came back undelivered, from saved reports or by the secretary's word."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.who import Candidate, find_person
from mkwmail.commands.workplace import folder_of, open_ledger
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import Bounce, SentMail, State
from mkwmail.replies.bounce_match import Matched, SentMessage, match
from mkwmail.replies.bounces import read_returned
from mkwmail.replies.saved_mail import read_saved
from mkwmail.replies.verdict import Verdict
from mkwmail.report.bounces import Came, show_bounces
from mkwmail.sources.event_file import read_event


def import_bounces(invocation: Invocation, event: str, files: Sequence[Path]) -> ExitCode:
    """Read saved reports, and let what came back count as refused: a corrected address may then be mailed.

    :raises UserError: where a file cannot be read as mail; nothing is recorded then.
    """
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    returned = [each for saved in read_saved(files) for each in read_returned(saved)]
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"bounces {about.id}", now):
        sent = ledger.sent_mails()
        matched = match(returned, [_message(each) for each in sent])
        here = [each for each in matched if each.message and each.message.event == about.id]
        news = ledger.record_bounces([_bounce(each, now) for each in here if each.returned.verdict], now)
        names = {person.key: person.name or person.address for person in ledger.persons()}
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
    # A report that says it is from the future has a wrong clock.
    at = min(returned.at, now) if returned.at else now
    return Bounce(message.attempt, returned.verdict, reply, returned.digest, at)


def _came(each: Matched, event: str, names: dict[str, str], fresh: set[tuple[int, str]]) -> Came:
    message = each.message
    elsewhere = message.event if message and message.event != event else ""
    return Came(
        matched=each,
        name=names.get(message.person, "") if message else "",
        event=elsewhere,
        known=bool(message and not elsewhere and (message.attempt, each.returned.digest) not in fresh),
    )


def set_bounce(invocation: Invocation, event: str, who: str) -> ExitCode:
    """Record by hand that the last message of an event to somebody came back.

    :raises UserError: code USAGE where nobody is meant, or nothing of the event went to them.
    """
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"bounces {about.id}", now):
        persons = {person.key: person for person in ledger.persons()}
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
        ledger.record_bounces([Bounce(mail.attempt, Verdict.FAILED, reply, digest, now, said=True)], now)
    words = {"mailing": mail.round.mailing, "person": person, "event": about.id}
    terminal = invocation.terminal
    terminal.say(_("%(mailing)s to %(person)s counts as not delivered.") % words)
    terminal.say(_("Correct the address in the member list, then: mkwmail send %(event)s %(mailing)s") % words)
    return ExitCode.OK


def _last_messages(ledger: Ledger, event: str) -> dict[str, SentMail]:
    """The last message of an event to each person that is not known to have come back."""
    went = {
        (each.round, each.person) for each in ledger.deliveries(event) if each.state in (State.SENT, State.IN_DOUBT)
    }
    return {each.person: each for each in ledger.sent_mails() if (each.round, each.person) in went}
