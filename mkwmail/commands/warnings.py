"""Oddities of mails and names that need the composed mails, the ledger or a person's answer."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mkwmail.commands.compose_mailing import OutgoingMail
from mkwmail.commands.context import Invocation, Sources
from mkwmail.config.folder import id_in
from mkwmail.dutch.names import full_name
from mkwmail.dutch.parsing import forms_in
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.mail.letter import Message
from mkwmail.planning.facts import read_facts
from mkwmail.planning.oddities import renamed_fault
from mkwmail.planning.plan import History, Plan
from mkwmail.planning.renamed import Former, former, former_keys, is_begun, is_like
from mkwmail.planning.roll import MemberIndex
from mkwmail.report.mail import mail_view
from mkwmail.text import members, some


def direct_warnings(mailing: str, template: str, outgoing: Iterable[OutgoingMail]) -> Iterator[Fault]:
    """Yield a warning about mails that cannot share a letter.

    Their template measures or cuts the text that it prints.
    """
    names = [
        full_name(each.planned.member.name) or each.planned.member.email
        for each in outgoing
        if each.addressed and each.addressed.direct
    ]
    if names:
        fault = _("the mail of %(mailing)s is composed one by one for %(members)s: %(names)s")
        words = {"mailing": mailing, "members": members(len(names)), "names": some(names)}
        remedy = _("nothing is wrong, only slow; it cuts or measures printed names (filter, set, truncate)")
        yield Fault(f"templates/{template}.md", fault % words, remedy)


def form_warnings(place: str, mailing: str, form: str, messages: Iterable[Message]) -> Iterator[Fault]:
    """Yield a warning if a mail differs from the settings in `je` or `u`."""
    other = "u" if form == "je" else "je"
    found: dict[str, None] = {}
    for message in messages:
        for used, said in forms_in(mail_view(message).text).items():
            if used == other:
                found.update(dict.fromkeys(said))
    if found:
        fault = _('the mail of %(mailing)s says "%(words)s", and the settings say form: %(form)s')
        words = {"mailing": mailing, "words": ", ".join(found), "form": form}
        yield Fault(place, fault % words, _("write its own texts in one form of address"))


def former_names(
    sources: Sources, roll: MemberIndex, ledger: Ledger, history: History, plan: Plan, now: datetime
) -> tuple[Former, ...]:
    """Return names under which a mailing seems to have been sent before.

    These are names of the mailing or of its event. Names that a person told apart are left out.
    """
    apart = rounds.told_apart(ledger.database, sources.event.id)
    mailing = plan.round.mailing
    found = (*_former_ids(sources, roll, ledger, history, plan, now), *_former_mailings(sources, history, plan))
    return tuple(each for each in found if each.apart_from(sources.event.id, mailing) not in apart)


def _former_ids(
    sources: Sources, roll: MemberIndex, ledger: Ledger, history: History, plan: Plan, now: datetime
) -> Iterator[Former]:
    if is_begun(history.deliveries):
        return
    # If the invitation was sent under another id, a mailing to the invited members has an empty plan.
    persons = {each.person for each in plan.to_send or roll.listings}
    known = {*map(id_in, sources.folder.event_paths()), sources.event.id}
    for event in sorted(set(rounds.events(ledger.database)) - known):
        versions = deliveries.facts_of(ledger.database, event)
        if versions and is_like(sources.event, read_facts(versions[-1]), now):
            found = former(event, "", deliveries.of_event(ledger.database, event), persons)
            if found is not None:
                yield found


def _former_mailings(sources: Sources, history: History, plan: Plan) -> Iterator[Former]:
    persons = {each.person for each in plan.to_send}
    for name in former_keys(sources.event, plan.round.mailing, history.deliveries):
        found = former(sources.event.id, name, history.deliveries, persons)
        if found is not None:
            yield found


def ask_about_names(
    invocation: Invocation, ledger: Ledger, sources: Sources, mailing: str, earlier: Sequence[Former]
) -> None:
    """Ask whether these are other events or mailings than the one to send.

    The answer is remembered.

    :raises UserError: code SETTINGS if one is the same, or there is no terminal to ask: everybody would be mailed
        again.
    """
    terminal = invocation.terminal
    faults = [renamed_fault(sources.event, sources.shown_event, mailing, each) for each in earlier]
    if faults and not terminal.interactive:
        raise UserError(*faults, code=ExitCode.SETTINGS)
    for each, fault in zip(earlier, faults, strict=True):
        terminal.note(f"{fault.place}: {fault.fault}", "yellow")
        if each.mailing:
            warning = _("If it is the same mailing, members would get it twice.")
            question = _("Is it another mailing? Type yes:")
        else:
            warning = _("If it is the same event, members would get its mails twice, and their answers would be lost.")
            question = _("Is it another event? Type yes:")
        terminal.note(warning, "yellow")
        if terminal.ask(question).casefold() not in ("yes", "ja"):
            raise UserError(fault, code=ExitCode.SETTINGS)
        rounds.tell_apart(ledger.database, each.apart_from(sources.event.id, mailing), invocation.clock.now())
