"""Oddities of an event or a member list, worth a warning. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from mkwmail.addresses import is_example
from mkwmail.clock import day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of
from mkwmail.config.settings import Settings, Smtp, example_senders
from mkwmail.errors import Fault
from mkwmail.i18n import _, nearest, ngettext, some
from mkwmail.i18n import members as members_in_words
from mkwmail.ledger.people import is_mark
from mkwmail.members.member_list import MemberList
from mkwmail.planning.audience import History
from mkwmail.planning.plan import WithEarlierText, mending, outdated
from mkwmail.planning.renamed import Former
from mkwmail.planning.roll import MemberIndex, double_rows, placeless, replaced_fault, twin_faults, without_address


def event_warnings(event: Event, settings: Settings, place: str) -> Iterator[Fault]:
    """Yield the fields that are empty, with what the mails will say instead.

    :param place: the event's file, as people know it.
    """
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
    for name, entry in event.mailings.items():
        deadline = registration.deadline if registration and rule_of(name).reminds else None
        if deadline and entry.send and entry.send > deadline:
            fault = _("%(mailing)s would be sent on %(send)s, after the deadline for signing up, %(deadline)s")
            words = {"mailing": name, "send": day_in_words(entry.send), "deadline": day_in_words(deadline)}
            yield Fault(place, fault % words, _("send it before the deadline, or move the deadline"))
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


def list_warnings(
    members: MemberList, smtp: Smtp | None, place: str, roll: MemberIndex, history: History
) -> Iterator[Fault]:
    """Yield the oddities of the list, also since the previous mailing.

    :param place: the list's file, as people know it.
    """
    everyone = [listing.member for listing in roll.listings]
    for each in roll.doubtful:
        if each.change is None:
            remedy = _("`send` asks who it is; until then this row gets no mail")
            yield Fault(f"{place}:{each.member.row}", each.doubt, remedy)
    if roll.replacing:
        yield replaced_fault(roll, place)
    yield from twin_faults(everyone, place)
    yield from double_rows(members, place)
    examples = [member for member in everyone if is_example(member.email.rpartition("@")[2])]
    if examples and not (smtp and smtp.on_loopback):
        fault = _("%(members)s with an address for examples: %(names)s")
        words = {"members": members_in_words(len(examples)), "names": some([each.email for each in examples])}
        yield Fault(place, fault % words, _("only --rehearse can mail them; put your own list here"))
    yield from placeless(place, everyone)
    before = history.last_list
    if before is not None and before.size > len(everyone):
        sizes = {"before": before.size, "now": len(everyone)}
        yield Fault(place, _("the list had %(before)d members at the last mailing, now %(now)d") % sizes, "")


def outdated_warnings(event: Event, place: str, roll: MemberIndex, history: History, now: datetime) -> Iterator[Fault]:
    """Yield those who were given details that have changed.

    Each warning has the command that tells them.

    :param place: the event's file, as people know it.
    """
    behind = outdated(event, roll.listings, history, now)
    reached = [each for each in behind if not each.why_not]
    if reached:
        fault = ngettext(
            "%(n)d was given details that have changed (%(what)s): %(names)s",
            "%(n)d were given details that have changed (%(what)s): %(names)s",
            len(reached),
        )
        what = ", ".join(dict.fromkeys(change.what for each in reached for change in each.changes))
        words = {"n": len(reached), "what": what, "names": some([each.name for each in reached])}
        remedy = _("mkwmail send %(event)s %(mailing)s") % {"event": event.id, "mailing": mending(history)}
        yield Fault(place, fault % words, remedy)
    for each in behind:
        if each.why_not:
            words = {"name": each.name, "address": each.address, "what": each.what, "reason": each.why_not}
            fault = _(
                "%(name)s <%(address)s> has outdated details (%(what)s), and no mail will correct that: %(reason)s"
            )
            yield Fault(place, fault % words, _("tell them yourself"))


def unused_templates(files: Iterable[str], shipped: Iterable[str], used: Iterable[str]) -> Iterator[Fault]:
    """Yield the files in ``templates/`` that no mail uses, with the nearest name of one that would be.

    :param used: the names that event files and other templates give to templates, without an ending.
    """
    names = [*shipped, *(f"{name}.md" for name in used)]
    for file in sorted(set(files) - set(names)):
        near = nearest(file, names)
        remedy = _('did you mean "%(name)s"?') % {"name": near} if near else _("rename it as a mailing, or remove it")
        yield Fault(f"templates/{file}", _("no mail uses this file"), remedy)


_LONGEST_LINE = 60  # characters of a text that has changed


def earlier_text_fault(event: Event, place: str, found: WithEarlierText) -> Fault:
    """Return the warning that people have an earlier text of a mailing, with the command that corrects it.

    :param place: the event's file, as people know it.
    """
    fault = ngettext(
        "%(n)d has an earlier text of %(mailing)s (%(what)s)",
        "%(n)d have an earlier text of %(mailing)s (%(what)s)",
        found.people,
    )
    what = "; ".join(f"{each.what}: {_cut(each.old)} → {_cut(each.new)}" for each in found.changes)
    remedy = _("if it was wrong: mkwmail send %(event)s correction") % {"event": event.id}
    return Fault(place, fault % {"n": found.people, "mailing": found.mailing, "what": what}, remedy)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST_LINE:
        return text or "–"
    return f"{text[: _LONGEST_LINE - 1].rstrip()}…"


def list_notes(members: MemberList, place: str, roll: MemberIndex, history: History) -> Iterator[str]:
    """Yield how the list was read, and how it differs from the register.

    :param place: the list's file, as people know it.
    """
    yield _("%(file)s: %(members)s") % {"file": place, "members": members_in_words(len(members.members))}
    yield from members.notes
    yield from without_address(place, members.members)
    for row in members.faulty:
        yield _("left out: row %(row)d, %(name)s <%(address)s>") % {
            "row": row.row,
            "name": row.name,
            "address": row.address,
        }
    if not history.persons:
        return
    known = {person.key: person for person in history.persons}
    here = roll.keys | history.strangers
    new = [each.name or each.address for each in roll.listings if each.person not in known and not each.instead]
    gone = [
        person.name or person.address
        for key, person in known.items()
        if key not in here and not is_mark(person.address)
    ]
    for each in roll.moved:
        words = {"name": each.name, "old": each.old_address, "new": each.address}
        yield _("%(name)s has another address now: %(old)s became %(new)s") % words
    for names, one, more in (
        (new, _("%(n)d is new in the list: %(names)s"), _("%(n)d are new in the list: %(names)s")),
        (gone, _("%(n)d has left the list: %(names)s"), _("%(n)d have left the list: %(names)s")),
    ):
        if names:
            yield (one if len(names) == 1 else more) % {"n": len(names), "names": some(names)}


def renamed_fault(event: Event, place: str, mailing: str, earlier: Former) -> Fault:
    """Return the warning that a mailing seems to have had another name.

    :param place: the event's file, as people know it.
    """
    words = {
        "event": event.id,
        "mailing": mailing,
        "earlier": earlier.mailing or earlier.event,
        "members": members_in_words(len(earlier.persons)),
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
    return Fault(place, fault % words, remedy % words)
