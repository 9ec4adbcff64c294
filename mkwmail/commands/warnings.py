"""What is odd about an event, a list or a mail without being wrong. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mkwmail.addresses import is_example
from mkwmail.clock import day_in_words
from mkwmail.commands.compose_mailing import Outgoing
from mkwmail.commands.context import Invocation, Sources
from mkwmail.config.folder import id_in
from mkwmail.config.kinds import rule_of
from mkwmail.config.settings_file import example_senders
from mkwmail.dutch.names import full_name
from mkwmail.dutch.parsing import forms_in
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.people import is_mark
from mkwmail.mail.letter import Message
from mkwmail.members.member_list import Member
from mkwmail.planning.facts import read_facts
from mkwmail.planning.plan import History, Plan, mending, outdated
from mkwmail.planning.renamed import Former, former, former_keys, is_begun, is_like
from mkwmail.planning.roll import Roll
from mkwmail.report.mail import mail_view
from mkwmail.text import members, some


def event_warnings(sources: Sources) -> Iterator[Fault]:
    """Fields that are empty, and what the mails will say in their place."""
    event, settings = sources.event, sources.settings
    place = sources.folder.shown(sources.event_path)
    location, online = event.location, event.online
    if online is None and (location is None or not (location.name or location.city)):
        yield Fault(place, _("location: is empty"), _("the mails will say that the place follows"))
    elif location is not None and location.city and not location.name:
        yield Fault(place, _("location: has a city only"), _("the mails will say that the place itself follows"))
    registration = event.registration
    invites = any(rule_of(name).invites for name in event.mailings)
    if invites and (registration is None or not registration.url):
        yield Fault(place, _("registration: url: is empty"), _("members will be asked to sign up by answering"))
    if invites and (registration is None or registration.deadline is None):
        yield Fault(place, _("registration: deadline: is empty"), _("the mails will name none"))
    if not event.programme:
        yield Fault(place, _("programme: is empty"), _("the mails will leave it out"))
    undated = [name for name, entry in event.mailings.items() if entry.send is None]
    if undated:
        yield Fault(place, _("no send: date for %(names)s") % {"names": ", ".join(undated)}, "")
    if settings.smtp is None:
        yield Fault("mkwmail.yaml", _("smtp: is empty"), _("mail can be rehearsed but not sent"))
    elif not settings.smtp.on_loopback:
        yield from example_senders(settings)
    if not settings.association:
        yield Fault("mkwmail.yaml", _("association: is empty"), "")


def list_warnings(sources: Sources, roll: Roll, history: History) -> Iterator[Fault]:
    """What is odd about the member list, by itself and against the previous mailing."""
    place = sources.folder.shown(sources.folder.path / sources.settings.members)
    everyone = [listing.member for listing in roll.listings]
    for member, who in roll.doubtful:
        remedy = _("`send` asks who it is; until then this row gets no mail")
        yield Fault(f"{place}:{member.row}", who.doubt or "", remedy)
    for first, member in sources.members.doubles:
        words = {"address": member.email, "name": full_name(first.name), "row": first.row}
        fault = _("%(address)s is %(name)s's too (row %(row)d): one mail, to the first of them") % words
        yield Fault(f"{place}:{member.row}", fault, "")
    examples = [member for member in everyone if is_example(member.email.rpartition("@")[2])]
    smtp = sources.settings.smtp
    if examples and not (smtp and smtp.on_loopback):
        fault = _("%(members)s with an address for examples: %(names)s")
        words = {"members": members(len(examples)), "names": some([each.email for each in examples])}
        yield Fault(place, fault % words, _("only --rehearse can mail them; put your own list here"))
    yield from _placeless(place, everyone)
    before = history.last_list
    if before is not None and before.size > len(everyone):
        words = {"before": before.size, "now": len(everyone)}
        yield Fault(place, _("the list had %(before)d members at the last mailing, now %(now)d") % words, "")


def _placeless(place: str, everyone: Sequence[Member]) -> Iterator[Fault]:
    placeless = [member for member in everyone if not member.organisation]
    if placeless and len(placeless) < len(everyone):
        rows = {"members": members(len(placeless)), "rows": some([str(member.row) for member in placeless], 5)}
        yield Fault(place, _("%(members)s without an organisation: row %(rows)s") % rows, "")


def outdated_warnings(sources: Sources, roll: Roll, history: History, now: datetime) -> Iterator[Fault]:
    """Who was told other facts than the file's, and the command that mends it."""
    event = sources.event
    place = sources.folder.shown(sources.event_path)
    behind = outdated(event, roll.listings, history, now)
    reached = [each for each in behind if not each.why_not]
    if reached:
        fault = ngettext(
            "%(n)d was told other facts than the file's (%(what)s): %(names)s",
            "%(n)d were told other facts than the file's (%(what)s): %(names)s",
            len(reached),
        )
        what = ", ".join(dict.fromkeys(change.what for each in reached for change in each.changes))
        words = {"n": len(reached), "what": what, "names": some([each.name for each in reached])}
        remedy = _("mkwmail send %(event)s %(mailing)s") % {"event": event.id, "mailing": mending(history)}
        yield Fault(place, fault % words, remedy)
    for each in behind:
        if each.why_not:
            words = {"name": each.name, "address": each.address, "what": each.what, "reason": each.why_not}
            fault = _("%(name)s <%(address)s> was told other facts (%(what)s), and no mail mends it: %(reason)s")
            yield Fault(place, fault % words, _("tell them yourself"))


def list_notes(sources: Sources, roll: Roll, history: History) -> Iterator[str]:
    """How the list was read, and what differs from the register of persons."""
    place = sources.folder.shown(sources.folder.path / sources.settings.members)
    yield _("%(file)s: %(members)s") % {"file": place, "members": members(len(sources.members.members))}
    yield from sources.members.notes
    for row in sources.members.faulty:
        yield _("left out: row %(row)d, %(name)s <%(address)s>") % {
            "row": row.row,
            "name": row.name,
            "address": row.address,
        }
    if not history.persons:
        return
    known = {person.key: person for person in history.persons}
    here = {listing.person for listing in roll.listings} | history.strangers
    new = [full_name(each.member.name) or each.member.email for each in roll.listings if each.person not in known]
    gone = [
        person.name or person.address
        for key, person in known.items()
        if key not in here and not is_mark(person.address)
    ]
    for member, old in roll.moved:
        words = {"name": full_name(member.name), "old": old, "new": member.email}
        yield _("%(name)s has another address now: %(old)s became %(new)s") % words
    for names, one, more in (
        (new, _("%(n)d is new in the list: %(names)s"), _("%(n)d are new in the list: %(names)s")),
        (gone, _("%(n)d has left the list: %(names)s"), _("%(n)d have left the list: %(names)s")),
    ):
        if names:
            yield (one if len(names) == 1 else more) % {"n": len(names), "names": some(names)}


def direct_warnings(mailing: str, template: str, outgoing: Iterable[Outgoing]) -> Iterator[Fault]:
    """Members whose mail cannot share a letter, since the template measures or cuts what it prints."""
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
    """A mail that says `je` where the settings say `u`, or the other way round."""
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
