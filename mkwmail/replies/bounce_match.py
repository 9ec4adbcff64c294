"""Which message a report is about (FACTS: inbound mail): ENVID, returned Message-ID, then the recipient's address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.replies.bounces import Nature, Returned

_LONGEST_ENVID = 100  # RFC 3461 §4.4


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that went, or may have gone. ``attempt`` is its number in the ledger."""

    attempt: int
    event: str
    mailing: str
    person: str
    address: str
    message_id: str
    at: datetime


class How(StrEnum):
    """By what a report was matched, the surest first."""

    ENVELOPE_ID = "envelope id"
    MESSAGE_ID = "message id"
    ADDRESS = "address"
    OTHER_MESSAGE = "another message to this address"  # not matched: somebody else's mail came back
    NOT = "not matched"


@dataclass(frozen=True, slots=True)
class Matched:
    """A mail that came back, with the message it is about where that is known."""

    returned: Returned
    how: How
    message: SentMessage | None = None


def match(returned: Iterable[Returned], sent: Iterable[SentMessage]) -> tuple[Matched, ...]:
    """Each mail with its message. Of several attempts under one Message-ID, or to one address, the newest.

    A report that returns another Message-ID than ours is about another mail, though it went to one of our
    addresses; it is told apart, for the address may be dead all the same.
    """
    by_id: dict[str, SentMessage] = {}
    by_address: dict[str, list[SentMessage]] = {}
    for message in sorted(sent, key=lambda each: each.attempt):
        by_id[message.message_id.strip("<>")[:_LONGEST_ENVID]] = message
        by_address.setdefault(address_key(message.address), []).append(message)
    return tuple(_one(each, by_id, by_address) for each in returned)


def _one(returned: Returned, by_id: dict[str, SentMessage], by_address: dict[str, list[SentMessage]]) -> Matched:
    if returned.nature not in (Nature.REPORT, Nature.DELIVERED):
        return Matched(returned, How.NOT)
    envelope = by_id.get(returned.envelope_id.strip("<>")[:_LONGEST_ENVID])
    if envelope is not None:
        return Matched(returned, How.ENVELOPE_ID, envelope)
    for name in returned.message_ids:
        message = by_id.get(name[:_LONGEST_ENVID])
        if message is not None:
            return Matched(returned, How.MESSAGE_ID, message)
    for address in returned.recipients:
        before = [
            each for each in by_address.get(address_key(address), ()) if returned.at is None or each.at <= returned.at
        ]
        if before:
            if returned.message_ids or returned.envelope_id:
                return Matched(returned, How.OTHER_MESSAGE)
            return Matched(returned, How.ADDRESS, before[-1])
    return Matched(returned, How.NOT)
