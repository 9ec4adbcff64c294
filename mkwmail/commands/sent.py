"""``preview --sent``: the very bytes that a member was sent, out of the ledger."""

from pathlib import Path

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.mails import write_mails
from mkwmail.commands.who import Candidate, find_person
from mkwmail.commands.workplace import folder_of, open_ledger
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.forgetting import NO_LETTER
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import TOLD, Attempt, Round
from mkwmail.letters.letter import Letter
from mkwmail.letters.message import Message
from mkwmail.moments import day_and_time
from mkwmail.report.mail import mail_value, mail_view, show_mail
from mkwmail.report.words import mails
from mkwmail.sources.folder import WorkingFolder, id_in


def preview_sent(
    invocation: Invocation, event: str, mailing: str, who: str, *, eml: Path | None = None, json: bool = False
) -> ExitCode:
    """Show what a member was sent, whatever has become of the event, the templates and the list since.

    :raises UserError: code USAGE where the member was not sent this mailing.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    with open_ledger(invocation, folder) as ledger:
        attempts = _attempts(ledger, _event_id(folder, event), mailing, who)
        messages = [(attempt, _message(ledger, attempt)) for attempt in attempts]
    if eml is not None:
        written = write_mails(folder, eml, ((attempt.address, message.data) for attempt, message in messages))
        terminal.note(_("Wrote %(mails)s in %(folder)s") % {"mails": mails(written), "folder": eml})
    if json:
        terminal.document({"mails": [mail_value(mail_view(message)) for _attempt, message in messages]})
    elif eml is None:
        for attempt, message in messages:
            words = {"moment": day_and_time(attempt.claimed), "address": attempt.address}
            terminal.say(_("Sent on %(moment)s to %(address)s:") % words, "bold")
            terminal.say()
            show_mail(terminal, mail_view(message))
    return ExitCode.OK


def _event_id(folder: WorkingFolder, word: str) -> str:
    """The event's id; what is no event file any more is taken for an id itself."""
    try:
        path = folder.event_path(word)
    except UserError:
        return word
    return id_in(path) or word


def _attempts(ledger: Ledger, event: str, mailing: str, who: str) -> list[Attempt]:
    """What the member was sent, or may have been, of a mailing: several where there were several editions."""
    persons = {person.key: person for person in ledger.persons()}
    rounds: dict[str, list[Round]] = {}
    candidates = []
    for delivery in ledger.deliveries(event):
        if delivery.round.mailing != mailing or delivery.state not in TOLD:
            continue
        person = persons.get(delivery.person)
        rounds.setdefault(delivery.person, []).append(delivery.round)
        name, organisation, number = (person.name, person.organisation, person.number) if person else ("", "", "")
        candidates.append(Candidate(delivery.person, name, delivery.address, organisation, number))
    if not candidates:
        fault = _("nobody was sent %(mailing)s of %(event)s") % {"mailing": mailing, "event": event}
        raise UserError(Fault("", fault, f"mkwmail status {event}"), code=ExitCode.USAGE)
    key = find_person(who, candidates).key
    return [ledger.attempts(of, key)[-1] for of in rounds[key]]


def _message(ledger: Ledger, attempt: Attempt) -> Message:
    if attempt.letter == NO_LETTER:
        fault = _("what was sent on %(day)s was removed since (forget or purge)") % {
            "day": day_and_time(attempt.claimed)
        }
        raise UserError(Fault("", fault), code=ExitCode.USAGE)
    message = Letter.load(ledger.letter(attempt.letter)).address(attempt.values)
    # Ledgers of before have the hash of the whole message.
    if attempt.digest not in (message.digest, message.sha256):
        fault = _("the ledger's copy of the mail to %(address)s is not what was sent") % {"address": attempt.address}
        raise UserError(Fault("", fault, _("put the ledger back from a backup")), code=ExitCode.LEDGER_FAULT)
    return message
