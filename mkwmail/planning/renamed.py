"""Names that were changed after mailing: event ids and mailing keys. Pure.

The ledger knows by these names who had which mailing, so under a new name everybody would be mailed again. A name
that is no longer in any file is taken for the earlier name of an event or a mailing that looks the same and goes to the
same people, until a person says otherwise.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mkwmail.clock import ZONE
from mkwmail.config.event import Event
from mkwmail.config.kinds import OWN, kind_of, kind_of_dutch, rule_of
from mkwmail.ledger.models import TOLD, Apart, Delivery, State
from mkwmail.ledger.people import folded
from mkwmail.planning.facts import EventFacts
from mkwmail.planning.schedule import FAR

_NUMBER = re.compile(r"-\d+$")


@dataclass(frozen=True, slots=True)
class Former:
    """The mailings under a name that is no longer in any file.

    ``mailing`` is a mailing of the event ``event``; it is empty if ``event`` itself is the name. ``persons`` (keys)
    had something of it or may have had it, the last of them at ``last``.
    """

    event: str
    mailing: str
    persons: frozenset[str]
    last: datetime

    def apart_from(self, event: str, mailing: str) -> Apart:
        """Return the record that this is another mailing than one that is planned."""
        return Apart(event, mailing if self.mailing else "", self.event, self.mailing)


def is_begun(deliveries: Iterable[Delivery], mailing: str = "") -> bool:
    """Check whether anything was sent or tried under a mailing's name.

    :param mailing: if empty, all mailings of the event count.
    """
    return any(
        each.state is not State.EXPIRED and (not mailing or each.round.mailing == mailing) for each in deliveries
    )


def is_like(event: Event, told: EventFacts, now: datetime) -> bool:
    """Check whether an event looks like the one that people were told of.

    They start at the same moment, so one person cannot be at both, or they have the same title and day. With the same
    title the day may also be another one, 90 days away at most, if the earlier day is still to come: an id often holds
    the date, and is changed when the event moves. An event that was cancelled is over.
    """
    if told.cancelled:
        return False
    starts = datetime.fromisoformat(told.starts).astimezone(ZONE)
    if starts == event.starts:
        return True
    if folded(told.title) != folded(event.title):
        return False
    return starts.date() == event.starts.date() or (starts > now and abs(event.starts - starts) <= FAR)


def former_keys(event: Event, mailing: str, deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    """Return sent mailings of the same kind that are not in the file any more.

    Mailings that need no entry, such as an update, are never in the file; each of their editions is planned separately.
    A mailing of which anything was sent has its own record.
    """
    if is_begun(deliveries, mailing):
        return ()
    entry = event.mailings.get(mailing)
    sorts = {_sort(mailing)}
    if kind_of(mailing) == OWN and entry is not None and entry.template:
        sorts.add(_sort(entry.template))
    mailed = {each.round.mailing for each in deliveries if each.state in TOLD}
    gone = (name for name in mailed if name not in event.mailings and rule_of(name).needs_entry)
    return tuple(sorted(name for name in gone if name != mailing and _sort(name) in sorts))


def _sort(name: str) -> str:
    # A mailing of its own under the Dutch name of a kind is the same to people.
    kind = kind_of(kind_of_dutch(name) or name)
    return _NUMBER.sub("", name) if kind == OWN else kind


def former(event: str, mailing: str, deliveries: Iterable[Delivery], persons: Collection[str]) -> Former | None:
    """Return the mailings under an earlier name if they went to these persons.

    At least half of them had it, or at least half of those who had it are among them: a run that was stopped after a
    few mails has reached a small part of the list.

    None if they did not.

    :param mailing: the earlier mailing; if empty, all mailings of ``event``.
    :param persons: by their keys.
    """
    told = [each for each in deliveries if each.state in TOLD and mailing in ("", each.round.mailing)]
    had = frozenset(each.person for each in told)
    both = len(had.intersection(persons))
    if not both or 2 * both < min(len(had), len(set(persons))):
        return None
    return Former(event, mailing, had, max(each.since for each in told))
