"""Who is not mailed for what came back or was said of them, and guests among those who are. Pure."""

from collections.abc import Iterable, Mapping

from mkwmail.addresses import address_key
from mkwmail.dutch.names import Name
from mkwmail.language import _
from mkwmail.ledger.records import Guest, LeftOut, RefusedMail
from mkwmail.moments import day_in_words
from mkwmail.replies.verdict import Verdict, names_no_mailbox
from mkwmail.sending.plan import Listing
from mkwmail.sources.member import Member


def guest_listing(guest: Guest) -> Listing:
    """A guest as the plan looks at everybody."""
    member = Member(row=0, name=Name(written=guest.name), email=guest.address, organisation=guest.organisation)
    return Listing(guest.person, member)


def left_out_reasons(words: Iterable[LeftOut], event: str) -> Mapping[str, str]:
    """Person → why they are not mailed about an event, by the secretary's word about it or about everything."""
    found: dict[str, str] = {}
    for each in words:
        if each.event in ("", event):
            found[each.person] = _("not to be mailed: %(reason)s") % {"reason": each.reason}
    return found


def dead_addresses(refused: Iterable[RefusedMail]) -> Mapping[str, str]:
    """Address key → why nothing more goes there until it is corrected in the list, or somebody resolves it.

    Only an address that is no good itself: a full mailbox, or a server that refuses one mail, says nothing of the next.
    """
    found: dict[str, str] = {}
    for each in refused:
        day = {"day": day_in_words(each.at), "reply": each.reply, "event": each.event}
        if each.verdict == Verdict.FAILED and (each.said or names_no_mailbox(each.reply)):
            sentence = _("mail to this address came back on %(day)s (%(event)s): %(reply)s")
        elif each.verdict is None and names_no_mailbox(each.reply):
            sentence = _("a server refused this address on %(day)s (%(event)s): %(reply)s")
        else:
            continue
        found[address_key(each.address)] = sentence % day
    return found
