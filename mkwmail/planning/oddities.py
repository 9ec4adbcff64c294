"""Oddities of an event or a member list, worth a warning. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from mkwmail.addresses import address_key
from mkwmail.clock import day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of, shown_name, typed_name
from mkwmail.config.settings import Settings, Smtp, example_senders
from mkwmail.dutch.names import ORGANISATION_WORDS, Form, full_name, salutation
from mkwmail.errors import Fault, fault_at
from mkwmail.i18n import _, nearest, ngettext, some
from mkwmail.i18n import members as members_in_words
from mkwmail.ledger.models import ScheduledApproval
from mkwmail.ledger.people import folded, is_mark
from mkwmail.mail.context import Lazily
from mkwmail.members.member_list import Member, MemberList, example_addresses
from mkwmail.members.names import odd
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.member_index import MemberIndex
from mkwmail.planning.plan import WithEarlierText, list_tolerance, mending, outdated

if TYPE_CHECKING:
    from mkwmail.planning.renamed import Former


# A key that is still commented out, as `new` writes it.
_COMMENTED = re.compile(r"^#[ \t]*(\w+):", re.MULTILINE)


def event_warnings(event: Event, settings: Settings, place: str, text: str = "") -> Iterator[Fault]:
    """Yield what is not filled in, and what will not work as it is.

    :param place: the event's file, as people know it.
    :param text: its text, to name the lines that are still to be filled in.
    """
    yield from _empty_fields(event, place, text)
    location = event.location
    if location is not None and location.city and not location.name:
        yield Fault(place, _("location: has a city only"), _("the mails will say that the venue follows"))
    registration = event.registration
    if registration is not None and registration.url:
        yield from form_faults(registration.url, place)
    if registration is not None and registration.by and settings.mailbox is None:
        fault = _("registration: by: mail, and no mailbox: in mkwmail.yaml")
        yield Fault(place, fault, _("name the mailbox there; else save the answers as files, and import them"))
    for name, entry in event.mailings.items():
        deadline = registration.deadline if registration and rule_of(name).reminds else None
        if deadline and entry.send and entry.send > deadline:
            fault = _("%(mailing)s would be sent on %(send)s, after the deadline for signing up, %(deadline)s")
            words = {"mailing": shown_name(name), "send": day_in_words(entry.send), "deadline": day_in_words(deadline)}
            yield Fault(place, fault % words, _("send it before the deadline, or move the deadline"))
    undated = [name for name, entry in event.mailings.items() if entry.send is None]
    if undated:
        yield Fault(place, _("no send: date for %(names)s") % {"names": ", ".join(undated)}, "")
    if settings.smtp is None:
        yield Fault("mkwmail.yaml", _("smtp: is empty"), _("mail can be rehearsed but not sent"))
    elif not settings.smtp.on_loopback:
        yield from example_senders(settings)
    if not settings.association:
        yield Fault("mkwmail.yaml", _("association: is empty"), "")


def _empty_fields(event: Event, place: str, text: str) -> Iterator[Fault]:
    """Yield one warning about all that the mails can do without for now."""
    location, registration = event.location, event.registration
    invites = any(rule_of(name).invites for name in event.mailings)
    no_link = invites and not (registration and (registration.url or registration.by))
    empty = {
        "location": event.online is None and not (location and (location.name or location.city)),
        "programme": not event.programme,
        "registration: url": no_link,
        "registration: deadline": invites and not (registration and registration.deadline),
    }
    lines = {found[1]: text.count("\n", 0, found.start()) + 1 for found in _COMMENTED.finditer(text)}
    names = [
        _("%(key)s (line %(line)d)") % {"key": key, "line": line} if (line := lines.get(key.split(": ")[-1])) else key
        for key, is_empty in empty.items()
        if is_empty
    ]
    if names:
        remedy = _("the mails leave it out, or say that it follows")
        if no_link:
            remedy = _("the mails leave it out, or say that it follows; without a link members sign up by answering")
        yield Fault(place, _("not filled in yet: %(names)s") % {"names": ", ".join(names)}, remedy)


# The names of questions in these services' prefilled links. Every other parameter is ignored.
_PREFILLED = {"google": r"entry\.[0-9]+", "microsoft": r"r[0-9a-f]{4,}"}
_MICROSOFT = ("forms.office.com", "forms.cloud.microsoft", "forms.microsoft.com")


def form_faults(url: str, place: str) -> Iterator[Fault]:
    """Yield that a form of Microsoft or Google ignores what the sign-up link fills in, if it does.

    :param place: the event's file, as people know it.
    """
    link = urlsplit(url)
    host = (link.hostname or "").removeprefix("www.")
    short = host == "forms.gle"
    google = short or (host == "docs.google.com" and link.path.startswith("/forms/"))
    if "{" not in url or not (google or host in _MICROSOFT):
        return
    ours = [(name, value) for name, value in parse_qsl(link.query) if "{" in value]
    question = _PREFILLED["google" if google else "microsoft"]
    ignored = [value for name, value in ours if not re.fullmatch(question, name)]
    if ours and not ignored and not short:
        return
    fields = list(dict.fromkeys(re.findall(r"\{\w+\}", url)))
    fault = _("registration: url: this form of %(company)s does nothing with %(fields)s in the link")
    words = {"company": "Google" if google else "Microsoft", "fields": ", ".join(fields)}
    kept = [part for part in link.query.split("&") if part and "{" not in part and part != "usp=pp_url"]
    wanted = fields if "{code}" in fields else ["{code}"]
    asked = [f"entry.…={field}" if google else f"r…={field}" for field in wanted]
    path = "/forms/d/e/…/viewform" if short else link.path
    query = "&".join((*(["usp=pp_url"] if google else []), *kept, *asked))
    shown = f"https://{'docs.google.com' if short else link.netloc}{path}?{query}"
    remedy = _("get the prefilled link of the form and fill in there: url: %(link)s (docs/formulieren.md)")
    yield Fault(place, fault % words, remedy % {"link": shown})


def list_warnings(
    members: MemberList, smtp: Smtp | None, place: str, index: MemberIndex, history: History
) -> Iterator[Fault]:
    """Yield the oddities of the list, also since the previous mailing.

    :param place: the list's file, as people know it.
    """
    everyone = [listing.member for listing in index.listings]
    for each in index.doubtful:
        if each.change is None:
            remedy = _("`send` asks who it is; until then this row gets no mail")
            yield Fault(f"{place}:{each.member.row}", each.doubt, remedy)
    if index.replacing:
        yield replaced_fault(index, place)
    yield from twin_faults(everyone, place)
    yield from misplaced_faults(index, place)
    yield from double_rows(members, place)
    examples = example_addresses(everyone)
    if examples and not (smtp and smtp.on_loopback):
        fault = _("%(members)s with an address for examples: %(names)s")
        words = {"members": members_in_words(len(examples)), "names": some([each.email for each in examples])}
        yield Fault(place, fault % words, _("only --rehearse can mail them; put your own list here"))
    yield from placeless(place, everyone)
    before = history.last_list
    if before is not None and before.size > len(everyone):
        sizes = {"before": before.size, "now": len(everyone)}
        yield Fault(place, _("the list had %(before)d members at the last mailing, now %(now)d") % sizes, "")


def outdated_warnings(event: Event, place: str, index: MemberIndex, history: History, now: datetime) -> Iterator[Fault]:
    """Yield those who were given details that have changed.

    Each warning has the command that tells them.

    :param place: the event's file, as people know it.
    """
    behind = outdated(event, index.everybody, history, now)
    reached = [each for each in behind if not each.why_not]
    if reached:
        fault = ngettext(
            "%(n)d was given details that have changed (%(what)s): %(names)s",
            "%(n)d were given details that have changed (%(what)s): %(names)s",
            len(reached),
        )
        what = ", ".join(dict.fromkeys(change.what for each in reached for change in each.changes))
        words = {"n": len(reached), "what": what, "names": some([each.name for each in reached])}
        remedy = _("mkwmail send %(event)s %(mailing)s") % {"event": event.id, "mailing": typed_name(mending(history))}
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
    return Fault(place, fault % {"n": found.people, "mailing": shown_name(found.mailing), "what": what}, remedy)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST_LINE:
        return text or "–"
    return f"{text[: _LONGEST_LINE - 1].rstrip()}…"


def list_notes(members: MemberList, place: str, index: MemberIndex, history: History) -> Iterator[str]:
    """Yield how the list was read, and how it differs from the register.

    :param place: the list's file, as people know it.
    """
    yield _("%(file)s: %(members)s") % {"file": place, "members": members_in_words(len(members.members))}
    yield from members.notes
    yield from without_address(place, members.members)
    if index.assistants:
        names = [
            f"{each.address} ({', '.join(of.name or of.address for of in each.copy_of)})" for each in index.assistants
        ]
        yield ngettext(
            "%(n)d assistant gets copies: %(names)s", "%(n)d assistants get copies: %(names)s", len(names)
        ) % {"n": len(names), "names": some(names)}
    kept_off = [each for each in members.members if each.do_not_mail]
    if kept_off:
        names = [f"{full_name(each.name) or each.email} ({each.do_not_mail})" for each in kept_off]
        yield ngettext(
            "%(n)d member is not to be mailed: %(names)s", "%(n)d members are not to be mailed: %(names)s", len(names)
        ) % {"n": len(names), "names": some(names)}
    for row in members.faulty:
        yield _("left out: row %(row)d, %(name)s <%(address)s>") % {
            "row": row.row,
            "name": row.name,
            "address": row.address,
        }
    if not history.persons:
        return
    known = {person.key: person for person in history.persons}
    here = index.keys | history.strangers
    unknown = [each for each in index.listings if each.person not in known]
    new = [each.name or each.address for each in unknown if not (each.instead or each.doubt)]
    gone = [
        person.name or person.address
        for key, person in known.items()
        if key not in here and not is_mark(person.address)
    ]
    for each in index.moved:
        words = {"name": each.name, "old": each.old_address, "new": each.address}
        yield _("%(name)s has another address now: %(old)s became %(new)s") % words
    for names, one, more in (
        (new, _("%(n)d is new in the list: %(names)s"), _("%(n)d are new in the list: %(names)s")),
        (gone, _("%(n)d has left the list: %(names)s"), _("%(n)d have left the list: %(names)s")),
    ):
        if names:
            yield (one if len(names) == 1 else more) % {"n": len(names), "names": some(names)}


def renamed_fault(event: Event, place: str, mailing: str, earlier: "Former") -> Fault:
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
            "if it is the same mailing, change its name back to %(earlier)s; if it is another one, run "
            "`mkwmail send %(event)s %(mailing)s` in a terminal and confirm it"
        )
    else:
        fault = _(
            "%(earlier)s was mailed to %(members)s, last on %(day)s, and no event file has that id any more; "
            "this looks like the same event"
        )
        remedy = _(
            "if it is the same event, put the id back: id: %(earlier)s; if it is another one, run `mkwmail "
            "send %(event)s` in a terminal and confirm it"
        )
    return Fault(place, fault % words, remedy % words)


# Oddities of the list


def list_oddities(members: MemberList, place: str) -> Iterator[str]:
    """Yield what a person should know about the list before its members are mailed.

    :param place: the list's file, as people know it.
    """
    for sentence in members.odd:
        yield sentence if sentence.startswith(f"{place}:") else f"{place}: {sentence}"
    yield from map(str, double_rows(members, place))
    yield from map(str, placeless(place, members.members))
    yield from without_address(place, members.members)


def double_rows(members: MemberList, place: str) -> Iterator[Fault]:
    """Yield the rows with the address of an earlier row."""
    for first, member in members.doubles:
        fault = _("%(address)s is %(name)s's too (row %(row)d): one mail, to the first of them")
        yield fault_at(f"{place}:{member.row}", fault, address=member.email, name=full_name(first.name), row=first.row)


def placeless(place: str, everyone: Sequence[Member]) -> Iterator[Fault]:
    """Yield the rows without an organisation, if others have one."""
    found = [member for member in everyone if not member.organisation]
    if found and len(found) < len(everyone):
        rows = {"members": members_in_words(len(found)), "rows": some([str(member.row) for member in found], 5)}
        yield Fault(place, _("%(members)s without an organisation: row %(rows)s") % rows, "")


def without_address(place: str, everyone: Sequence[Member]) -> Iterator[str]:
    """Yield how many members have no address, and who."""
    names = [full_name(each.name) for each in everyone if not (each.email or each.do_not_mail)]
    if names:
        words = {"place": place, "members": members_in_words(len(names)), "names": some(names)}
        yield _("%(place)s: %(members)s without a mail address, by post or telephone: %(names)s") % words


def slipped_fault(index: MemberIndex, place: str) -> Fault:
    """Return the fault that names have slipped against the addresses; some must have.

    :param place: the list's file, as people know it.
    """
    slipped = index.slipped
    fault = ngettext(
        "%(n)d address has the name of another member now: %(examples)s",
        "%(n)d addresses have the names of other members now: %(examples)s",
        len(slipped),
    )
    remedy = _("a column was sorted on its own, or rows were mixed up: put the names back at their addresses")
    return Fault(place, fault % {"n": len(slipped), "examples": some(changed_names(slipped))}, remedy)


def replaced_fault(index: MemberIndex, place: str) -> Fault:
    """Return the warning about members with a new name in somebody's place; there must be some.

    :param place: the list's file, as people know it.
    """
    replacing = index.replacing
    fault = ngettext(
        "%(n)d member may be a successor: %(examples)s",
        "%(n)d members may be successors: %(examples)s",
        len(replacing),
    )
    remedy = _("`send` and `schedule` ask you once; until then these members get no mail, and all others do")
    return Fault(place, fault % {"n": len(replacing), "examples": some(changed_names(replacing))}, remedy)


def changed_names(members: Sequence[Recipient]) -> tuple[str, ...]:
    """Return the members with the names that were in their places: ``Bas Bos <directeur@cc.nl> (was Kim Kok)``."""
    found = []
    for each in members:
        before = (each.change.before if each.change else "") or _("somebody whose data were removed")
        words = {"name": each.name, "address": each.address, "before": before}
        found.append(_("%(name)s <%(address)s> (was %(before)s)") % words)
    return tuple(found)


def misplaced_copies(index: MemberIndex) -> tuple[Recipient, ...]:
    """Return the assistants who seem to belong to another member.

    Their address is at the domain of another organisation of the list, and not at that of their own members.
    """
    owners: dict[str, set[str]] = {}
    for each in index.listings:
        owners.setdefault(_domain(each.address), set()).add(folded(each.member.organisation) or each.person)
    return tuple(
        each
        for each in index.assistants
        if len(owners.get(_domain(each.address), ())) == 1  # a provider has members of many organisations
        and not owners[_domain(each.address)] & {folded(of.member.organisation) or of.person for of in each.copy_of}
        and _domain(each.address) not in {_domain(of.address) for of in each.copy_of}
    )


def copies_have_slipped(index: MemberIndex) -> bool:
    """Return whether most assistants seem to be in another member's row, as after a sort of one column."""
    return len(misplaced_copies(index)) >= _FEWEST_MISPLACED and 2 * len(misplaced_copies(index)) > len(
        index.assistants
    )


_FEWEST_MISPLACED = 2


def misplaced_names(index: MemberIndex) -> tuple[str, ...]:
    """Return these assistants with the members whose copies they would get: ``els@cc.nl (Kim Kok)``."""
    return _with_members(misplaced_copies(index))


def _with_members(assistants: Iterable[Recipient]) -> tuple[str, ...]:
    return tuple(f"{each.address} ({', '.join(of.name or of.address for of in each.copy_of)})" for each in assistants)


def misplaced_faults(index: MemberIndex, place: str) -> Iterator[Fault]:
    """Yield the organisations, numbers and assistants that seem to belong to another member, if there are any.

    :param place: the list's file, as people know it.
    """
    if index.misplaced:
        fault = ngettext(
            "%(n)d member has the organisation or number of another member now: %(examples)s",
            "%(n)d members have the organisations or numbers of other members now: %(examples)s",
            len(index.misplaced),
        )
        examples = [
            _("%(name)s (row %(row)d, was %(before)s)")
            % {"name": full_name(member.name) or member.email, "row": member.row, "before": before}
            for member, before in index.misplaced
        ]
        remedy = _("check that no column was sorted on its own")
        yield Fault(place, fault % {"n": len(examples), "examples": some(examples)}, remedy)
    names = misplaced_names(index)
    if names:
        fault = ngettext(
            "%(n)d assistant is at the domain of another organisation than the member: %(names)s",
            "%(n)d assistants are at the domains of other organisations than the members: %(names)s",
            len(names),
        )
        remedy = _("check that the column kopie aan was not sorted on its own: copies have the members' sign-up links")
        yield Fault(place, fault % {"n": len(names), "names": some(names)}, remedy)


def _domain(address: str) -> str:
    return address_key(address).rpartition("@")[2]


def twin_faults(everyone: Sequence[Member], place: str) -> Iterator[Fault]:
    """Yield the rows that may be one person at two addresses, who would get everything twice.

    :param place: the list's file, as people know it.
    """
    mailed = [each for each in everyone if each.email and not each.do_not_mail]
    alike = dict(_in_one_mailbox(mailed))
    alike.update(_of_one_name([each for each in mailed if each.row not in alike]))
    remedy = _("if it is one person, delete one of the rows; otherwise both get the mail")
    for row, fault in sorted(alike.items()):
        yield Fault(f"{place}:{row}", fault, remedy)


def _in_one_mailbox(members: Sequence[Member]) -> Iterator[tuple[int, str]]:
    """Yield row and fault of those whose address differs from an earlier one in its tag alone."""
    shared = {_mailbox(each.address_key) for each in members if "+" in each.email}
    first: dict[str, Member] = {}
    for member in members if shared else ():
        key = member.address_key
        if (mailbox := _mailbox(key)) not in shared:
            continue
        twin = first.setdefault(mailbox, member)
        if twin.address_key != key:
            fault = _("%(address)s and %(other)s of row %(row)d are one mailbox")
            yield member.row, fault % {"address": member.email, "row": twin.row, "other": twin.email}


# Members by name: all of them, and those without a number and an organisation.
_NAME, _ALONE = "name", "alone"


def _of_one_name(members: Sequence[Member]) -> Iterator[tuple[int, str]]:
    """Yield row and fault of those with the name, and the number or organisation, of an earlier one.

    Somebody without a number and an organisation may be anywhere.
    """
    # By family name, for there may be a hundred thousand members, and most of their names are their own.
    families = sorted(((_family(each), each) for each in members), key=itemgetter(0))
    for family, found in groupby(families, itemgetter(0)):
        group = [member for _family_name, member in found]
        named: dict[tuple[str, str], list[Member]] = {}
        for member in group if family and len(group) > 1 else ():
            name = full_name(member.name)
            places = [each for each in _places(member) if each[1]]
            nearby = [named.setdefault(each, []) for each in places]
            namesakes = [named.setdefault((kind, folded(name)), []) for kind in (_NAME, *([] if places else [_ALONE]))]
            anywhere = named.get((_ALONE if places else _NAME, folded(name)), []) if " " in name else []
            twins = (
                other
                for each in (*nearby, anywhere)
                for other in each
                if other.address_key != member.address_key and _one_name(full_name(other.name), name)
            )
            if (other := next(twins, None)) is not None:
                words = {"name": name, "address": member.email, "row": str(other.row)}
                words |= {"other": f"{full_name(other.name)} <{other.email}>"}
                fault = _("%(name)s <%(address)s> may be the same person as row %(row)s, %(other)s")
                yield member.row, fault % words
            for each in (*nearby, *namesakes):
                each.append(member)


def _family(member: Member) -> str:
    return folded(member.name.surname or full_name(member.name).rpartition(" ")[2])


def _places(member: Member) -> tuple[tuple[str, str], ...]:
    return ("number", folded(member.number)), ("organisation", _own_words(member.organisation))


@lru_cache(maxsize=4096)  # a list has many members of few organisations
def _own_words(organisation: str) -> str:
    """Return what tells organisations apart: "Stichting Woonstede" and "Woonstede" are one."""
    own = [word for word in re.findall(r"\w+", folded(organisation)) if word not in ORGANISATION_WORDS]
    return " ".join(own) or folded(organisation)


def _one_name(one: str, other: str) -> bool:
    from mkwmail.members.same_name import same_person

    return same_person(one, other)


def _mailbox(address: str) -> str:
    """Return the address without its tag: ``jan+mkw@example.org`` is ``jan@example.org``."""
    if "+" not in address:
        return address
    local, _at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def list_changed(index: MemberIndex, given: Sequence[ScheduledApproval]) -> Iterator[str]:
    """Yield that most of the list is other people than at the last approval, if so.

    :param given: the approvals of all events.
    """
    whole = [each for each in given if each.others and each.at is not None]
    if not whole:
        return
    last = max(whole, key=lambda each: (each.at is not None, each.at or each.opens))
    here = index.keys
    limit = list_tolerance(len(last.persons))
    joined, left = len({each.person for each in index.listings} - last.persons), len(last.persons - here)
    if joined > limit and left > limit:
        words = {"joined": joined, "left": left, "day": day_in_words(last.at or last.opens)}
        yield (_("since %(day)s %(left)d members left the list and %(joined)d are new: is it the right list?") % words)


class Salutation(NamedTuple):
    """The opening words of a member's mails.

    ``odd`` says why they deserve a look; it is empty if they do not.
    """

    member: Member
    words: str
    odd: str


def salutations(members: Iterable[Member], form: Form) -> tuple[Salutation, ...]:
    """Return how everybody who may be mailed is addressed, the odd ones first."""
    found = [
        Salutation(member, salutation(member.name, form), odd(member.name, form))
        for member in members
        if not member.do_not_mail
    ]
    return tuple(sorted(found, key=lambda each: not each.odd))


def salutation_note(members: Iterable[Member], form: Form) -> Iterator[str]:
    """Yield how many salutations are odd, with examples, if any is."""
    found = [(each, why) for each in members if not each.do_not_mail and (why := odd(each.name, form))]

    def example(number: int) -> str:
        member, why = found[number]
        words = {"words": salutation(member.name, form), "row": member.row, "why": why}
        if member.row:
            return _('"%(words)s" (row %(row)d: %(why)s)') % words
        return _('"%(words)s" (guest: %(why)s)') % words  # a guest is in no row

    if found:
        yield ngettext(
            "%(n)d salutation is odd: %(examples)s", "%(n)d salutations are odd: %(examples)s", len(found)
        ) % {"n": len(found), "examples": some(Lazily(len(found), example))}
