"""Names that were changed after mailing: found in the folder and the ledger, said, and asked about."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.workplace import Roll, Sources
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.moments import day_in_words
from mkwmail.report.words import members
from mkwmail.sending.facts import read_facts
from mkwmail.sending.plan import History, Plan
from mkwmail.sending.renamed import Former, former, former_keys, is_begun, is_like
from mkwmail.sources.folder import id_in


def former_names(
    sources: Sources, roll: Roll, ledger: Ledger, history: History, plan: Plan, now: datetime
) -> tuple[Former, ...]:
    """Return the names under which a planned mailing or its event seems to have been mailed before.

    What a person told apart is left out.
    """
    apart = ledger.told_apart(sources.event.id)
    mailing = plan.round.mailing
    found = (*_former_ids(sources, roll, ledger, history, plan, now), *_former_mailings(sources, history, plan))
    return tuple(each for each in found if each.apart_from(sources.event.id, mailing) not in apart)


def _former_ids(
    sources: Sources, roll: Roll, ledger: Ledger, history: History, plan: Plan, now: datetime
) -> Iterator[Former]:
    if is_begun(history.deliveries):
        return
    # A mailing to those who were invited is for nobody if the invitation went under another id.
    persons = {each.person for each in plan.to_send or roll.listings}
    for event in sorted(set(ledger.events()) - set(map(id_in, sources.folder.event_paths())) - {sources.event.id}):
        versions = ledger.facts(event)
        if versions and is_like(sources.event, read_facts(versions[-1]), now):
            found = former(event, "", ledger.deliveries(event), persons)
            if found is not None:
                yield found


def _former_mailings(sources: Sources, history: History, plan: Plan) -> Iterator[Former]:
    persons = {each.person for each in plan.to_send}
    for name in former_keys(sources.event, plan.round.mailing, history.deliveries):
        found = former(sources.event.id, name, history.deliveries, persons)
        if found is not None:
            yield found


def renamed_fault(sources: Sources, mailing: str, earlier: Former) -> Fault:
    """Return what is odd about a mailing that seems to have gone under another name, with the remedy."""
    words = {
        "event": sources.event.id,
        "mailing": mailing,
        "earlier": earlier.mailing or earlier.event,
        "members": members(len(earlier.persons)),
        "day": day_in_words(earlier.last),
    }
    if earlier.mailing:
        fault = _(
            "%(earlier)s was mailed to %(members)s, last on %(day)s, and is not in this file any more; "
            "%(mailing)s looks like the same mailing"
        )
        remedy = _(
            "if it is the same mailing, change its name back to %(earlier)s; "
            "if it is another one, run `mkwmail send %(event)s %(mailing)s` in a terminal and say so"
        )
    else:
        fault = _(
            "%(earlier)s was mailed to %(members)s, last on %(day)s, and no event file has that id any more; "
            "this looks like the same event"
        )
        remedy = _(
            "if it is the same event, put the id back: id: %(earlier)s; "
            "if it is another one, run `mkwmail send %(event)s` in a terminal and say so"
        )
    return Fault(sources.folder.shown(sources.event_path), fault % words, remedy % words)


def ask_about_names(
    invocation: Invocation, ledger: Ledger, sources: Sources, mailing: str, earlier: Sequence[Former]
) -> None:
    """Ask whether these are other events or mailings than the one that is to be sent; the answer is remembered.

    :raises UserError: code SETTINGS if one is the same, or nobody can be asked: everybody would be mailed again.
    """
    terminal = invocation.terminal
    faults = [renamed_fault(sources, mailing, each) for each in earlier]
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
        ledger.tell_apart(each.apart_from(sources.event.id, mailing), invocation.clock.now())
