"""The member list, CSV or Excel, as members: every faulty cell named, nothing guessed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mkwmail.addresses import is_example
from mkwmail.dutch.names import full_name
from mkwmail.errors import Fault, UserError
from mkwmail.language import _, ngettext
from mkwmail.sources import list_headings
from mkwmail.sources.address_cell import likely_meant
from mkwmail.sources.list_row import read_row
from mkwmail.sources.member import FaultyRow, Member
from mkwmail.sources.tables import read_table

__all__ = ["FaultyRow", "MemberList", "example_addresses", "read_members"]


@dataclass(frozen=True, slots=True)
class MemberList:
    """What a member list says.

    ``members`` are in the order of the rows, those who are not to be mailed among them. ``doubles`` pairs each row
    that repeats an address with the first that has it: one person, one mail. ``columns`` are the further columns by
    the names that templates and audiences use; ``notes`` say what was read and what is odd, one sentence each.
    """

    members: tuple[Member, ...]
    faulty: tuple[FaultyRow, ...] = ()
    notes: tuple[str, ...] = ()
    doubles: tuple[tuple[Member, Member], ...] = ()
    columns: tuple[str, ...] = ()


def read_members(path: Path, shown: str, skip_faulty: bool = False) -> MemberList:
    """Read the member list.

    :param shown: the file's name in messages.
    :param skip_faulty: leave faulty rows out, and name them in ``faulty``, instead of refusing the list.
    :raises UserError: with all faults, where the file cannot be read, its headings do not tell what is needed, a
        row is faulty, or nobody is in it: an empty list never means everyone.
    """
    table = read_table(path, shown, list_headings.is_known)
    headings = list_headings.read_headings(table, shown)
    below = (row for row in table.rows if row.number > headings.row.number)
    read = [read_row(row, table, headings, shown) for row in below]
    faulty = tuple(row for row in read if isinstance(row, FaultyRow))
    if faulty and not skip_faulty:
        raise UserError(*_all_faults(faulty))
    members = tuple(row for row in read if isinstance(row, Member))
    if not members:
        raise UserError(*_all_faults(faulty), Fault(shown, *_nobody(faulty)))
    settled, spread = _settle_opt_outs(members)
    return MemberList(
        members=settled,
        faulty=faulty,
        notes=(*list_headings.notes(table, headings), *spread, *_odd(settled, shown)),
        doubles=tuple(_doubles(settled)),
        columns=tuple(headings.others),
    )


def example_addresses(members: Iterable[Member]) -> tuple[Member, ...]:
    """The members whose address is at a domain set aside for examples: mail to them reaches nobody (RFC 2606)."""
    return tuple(member for member in members if is_example(member.email.rpartition("@")[2]))


def _all_faults(faulty: Iterable[FaultyRow]) -> Iterator[Fault]:
    for row in faulty:
        yield from row.faults


def _nobody(faulty: Sequence[FaultyRow]) -> tuple[str, str]:
    if faulty:
        return _("every row of the list is faulty: nobody is left"), _("mend the rows that are named")
    return _("the list has headings, but nobody is below them"), _("add the members, one in each row")


def _doubles(members: Iterable[Member]) -> Iterator[tuple[Member, Member]]:
    first: dict[str, Member] = {}
    for member in members:
        if member.email and first.setdefault(member.address_key, member) is not member:
            yield first[member.address_key], member


def _settle_opt_outs(members: Sequence[Member]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Rows with one address are one person: who is not to be mailed in one of them is not to be mailed at all."""
    reasons = {member.address_key: member for member in members if member.do_not_mail and member.email}
    settled: list[Member] = []
    notes: list[str] = []
    for member in members:
        other = reasons.get(member.address_key)
        if other and not member.do_not_mail:
            notes.append(
                _('row %(row)d is not mailed: row %(other)d has the same address and says "%(reason)s"')
                % {"row": member.row, "other": other.row, "reason": other.do_not_mail}
            )
            member = member._replace(do_not_mail=other.do_not_mail)
        settled.append(member)
    return tuple(settled), tuple(notes)


def _odd(members: Sequence[Member], shown: str) -> Iterator[str]:
    for member in members:
        meant = likely_meant(member.email)
        if meant and not member.do_not_mail:
            yield _("%(place)s: is %(address)s meant to be %(meant)s?") % {
                "place": f"{shown}:{member.row}",
                "address": member.email,
                "meant": meant,
            }
    reversed_names = [member for member in members if "," in (member.name.written or member.name.surname)]
    if reversed_names:
        first = reversed_names[0]
        yield ngettext(
            '%(count)d name has a comma and is mailed as it stands: "%(name)s" in row %(row)d',
            '%(count)d names have a comma and are mailed as they stand, the first "%(name)s" in row %(row)d',
            len(reversed_names),
        ) % {"count": len(reversed_names), "name": full_name(first.name), "row": first.row}
