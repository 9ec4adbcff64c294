"""Delivery reports (RFC 3464) as values, matched with the sent messages.

Only a report, or another mail that a mail system itself sent, can be a bounce. Mail that a person wrote is listed
and never counted, even if it quotes a report. Reports without a machine-readable part are recognised by the formats
of the few servers that still send them, and by the Message-ID that they return.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.i18n import one_line
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.responses.bounce_text import MOST_OF_TEXT, Prose, Verdict, read_prose, verdict
from mkwmail.responses.calendar_replies import is_calendar_part
from mkwmail.responses.saved_mail import STATUS, SavedMail, header_text, is_calendar, parsed, part_text

_MOST_PARTS = 200
_MOST_RECIPIENTS = 500  # of one report; each of our messages has one


class Nature(StrEnum):
    """The kind of a mail that came back."""

    REPORT = "report"  # of one message that was not delivered, or not yet
    DELIVERED = "delivered"  # a report of success
    CALENDAR = "calendar reply"
    OPT_OUT = "opt-out"  # the mail that the link in List-Unsubscribe opens
    AUTOMATIC = "automatic reply"  # out of office and similar
    REPLY = "reply"  # written by a person
    UNCLEAR = "unclear"  # from a mail system, but it is not known what it is about


@dataclass(frozen=True, slots=True)
class Returned:
    """One mail that came back, or one recipient's part of a report.

    ``verdict`` is set for a report. ``recipients`` are the addresses that it is about, first the one that the
    sender wrote (Original-Recipient before Final-Recipient, RFC 3464 §2.3.1-2). ``envelope_id`` is the ENVID;
    ``message_ids`` are those of the returned message, without angle brackets. ``reply`` is the server's reply.
    ``digest`` identifies the mail: two saved copies of one mail have the same digest.
    """

    place: str
    nature: Nature
    sender: str
    subject: str
    at: datetime | None
    digest: str
    verdict: Verdict | None = None
    recipients: tuple[str, ...] = ()
    envelope_id: str = ""
    message_ids: tuple[str, ...] = ()
    status: str = ""
    reply: str = ""


def read_returned(saved: SavedMail) -> tuple[Returned, ...]:
    """Return the values of a saved mail, one for each recipient of a report.

    If somebody forwarded reports as attachments, the reports are read instead of the mail that carries them.
    """
    try:
        if is_calendar(saved.data):
            return (Returned(saved.place, Nature.CALENDAR, "", "", None, digest_of(saved.data)),)
        mail = parsed(saved.data)
        carried = _carried_reports(mail)
        if carried:
            return tuple(value for report in carried for value in _read(replace(saved, data=bytes(report)), report))
        return tuple(_read(saved, mail))
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError):
        # Strangers write these mails, and Python's parser cannot read all of them (nesting, charsets).
        return (Returned(saved.place, Nature.UNCLEAR, "", "", None, digest_of(saved.data)),)


def digest_of(data: bytes) -> str:
    """Return what identifies a mail: two saved copies have the same digest."""
    return hashlib.sha256(data).hexdigest()


def _read(saved: SavedMail, mail: Message) -> Iterator[Returned]:
    parts = [part for part, _number in zip(mail.walk(), range(_MOST_PARTS), strict=False)]
    frame = _frame(saved, mail)
    fields = _status_fields(parts) if _is_report(mail) else []
    if fields:
        yield from _from_fields(frame, parts, fields)
        return
    prose = read_prose(_text(parts), frame.subject, header_text(mail, "X-Failed-Recipients"))
    if prose is not None and _is_from_a_server(mail, prose):
        returned = _returned_ids(parts)
        known = prose.recipients or returned
        yield replace(
            frame,
            nature=Nature.REPORT if known else Nature.UNCLEAR,
            verdict=prose.verdict if known else None,
            recipients=prose.recipients,
            message_ids=returned,
            reply=one_line(prose.reply),
        )
        return
    yield replace(frame, nature=_nature_of_others(mail, parts))


def _carried_reports(mail: Message) -> list[Message]:
    """Return the reports that are attached to a mail.

    A report itself carries none: its attachment is the returned message.
    """
    if _is_report(mail) or not mail.is_multipart():
        return []
    attached = [part for part in mail.get_payload() if isinstance(part, Message)]
    inner = [part.get_payload(0) for part in attached if part.get_content_type() == "message/rfc822"]
    return [each for each in inner if isinstance(each, Message) and _is_report(each)]


def _frame(saved: SavedMail, mail: Message) -> Returned:
    """Return the fields that every mail has, with an unclear kind."""
    subject = one_line(header_text(mail, "Subject"), 200)
    return Returned(saved.place, Nature.UNCLEAR, _sender(mail), subject, _date(mail), digest_of(saved.data))


def _sender(mail: Message) -> str:
    return next((address for _name, address in getaddresses([header_text(mail, "From")]) if address), "")


# Reports with a machine-readable part

Fields = dict[str, str]


def _is_report(mail: Message) -> bool:
    """Return whether a mail is a multipart/report of deliveries (RFC 6522 §3).

    A receipt (RFC 8098) or a complaint (RFC 5965) is not one.
    """
    kind = str(mail.get_param("report-type", "delivery-status")).casefold()
    return mail.get_content_type() == "multipart/report" and kind in ("delivery-status", "global-delivery-status")


def _status_fields(parts: list[Message]) -> list[Fields]:
    """Return the groups of fields in the machine-readable part.

    The message's group is first; then each recipient has a group.
    """
    for part in parts:
        if part.get_content_type() == STATUS:
            groups = [_fields(group) for group in re.split(r"\n[ \t]*\n", _status_text(part))]
            return [group for group in groups if group]
    return []


def _status_text(part: Message) -> str:
    """Return the text of the machine-readable part, decoded if it is encoded."""
    raw = str(part.get_payload())
    if "base64" in str(part.get("Content-Transfer-Encoding", "")).casefold() and ":" in raw[:1000]:
        # It says that it is encoded, and is not.
        del part["Content-Transfer-Encoding"]
    return part_text(part)


def _fields(group: str) -> Fields:
    unfolded = re.sub(r"\n[ \t]+", " ", group)
    found: Fields = {}
    for line in unfolded.split("\n"):
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", name.strip()):
            found.setdefault(name.strip().casefold(), value.strip())
    return found


def _from_fields(frame: Returned, parts: list[Message], groups: list[Fields]) -> Iterator[Returned]:
    envelope_id = next((group["original-envelope-id"] for group in groups if "original-envelope-id" in group), "")
    message_ids = _returned_ids(parts)
    about = [group for group in groups if "final-recipient" in group or "original-recipient" in group]
    if not about:
        yield replace(frame, message_ids=message_ids)
    # Without the server's reply only the words for people may tell more than a code such as 5.0.0.
    words = "" if all(group.get("diagnostic-code") for group in about) else _text(parts)[:MOST_OF_TEXT]
    for group in about[:_MOST_RECIPIENTS]:
        status = one_line(_without_comment(group.get("status", "")), 20)
        reply = one_line(_typed(group.get("diagnostic-code", "")))
        action = _without_comment(group.get("action", "")).casefold()
        success = action in ("delivered", "relayed", "expanded") or (not action and status.startswith("2"))
        found = verdict(status, reply or words) if action != "delayed" else Verdict.DELAYED
        yield replace(
            frame,
            nature=Nature.DELIVERED if success else Nature.REPORT,
            verdict=None if success else found,
            recipients=tuple(_recipients(group)),
            envelope_id=_from_xtext(envelope_id),
            message_ids=message_ids,
            status=status,
            reply=reply or status,
        )


def _recipients(group: Fields) -> Iterator[str]:
    seen = set()
    for name in ("original-recipient", "final-recipient"):
        address = one_line(_from_xtext(_typed(group.get(name, "")))).strip("<> ")
        if "@" in address and address not in seen:
            seen.add(address)
            yield address


def _typed(value: str) -> str:
    """Return a value without its type (RFC 3464 §2.1.2).

    Examples with a type: ``rfc822;kim@example.org``, ``smtp; 550 5.1.1 …``.
    """
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[\w.-]+", kind.strip()) else value.strip()


def _without_comment(value: str) -> str:
    return re.sub(r"\([^()]*\)", "", value).strip()


def _from_xtext(value: str) -> str:
    """Decode a text in xtext (RFC 3461 §4): ``+2B`` is a plus sign."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)


# Parts and headers of all mail

_MESSAGE_ID = re.compile(r"(?i)message[- ]?id[\"')]{0,2}\s{0,4}[:=]?\s{0,4}<?([^\s<>@]{1,200}@[^\s<>@\"',;)]{1,200})")


def _returned_ids(parts: list[Message]) -> tuple[str, ...]:
    """Return the Message-IDs of the messages that a mail returns. Every part is searched, and its text too."""
    found: dict[str, None] = {}
    for part in parts[1:] if parts[0].is_multipart() else parts:
        own = str(part.get("Message-ID", "")).strip("<> \t\r\n")
        if own and part is not parts[0]:
            found[own] = None
        if not part.is_multipart():
            found.update(dict.fromkeys(each.rstrip(".") for each in _MESSAGE_ID.findall(part_text(part))))
    return tuple(found)


def _text(parts: list[Message]) -> str:
    """Return the text that a person reads, up to the returned message."""
    texts: list[str] = []
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            break
        if part.get_content_maintype() == "text" and not (part.get_content_subtype() == "html" and texts):
            texts.append(part_text(part))
    return "\n".join(texts)


def _date(mail: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(mail.get("Date", "")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else None


_SERVERS = re.compile(r"(?:mailer-?daemon|postmaster|mail-?delivery|microsoftexchange[0-9a-f]*)@?|^$", re.IGNORECASE)
_AUTOMATIC_SUBJECT = re.compile(
    r"(?:automatisch antwoord|automatic reply|auto(?:matic)?[- ]?reply|out of (?:the )?office|afwezig(?:heid)?|"
    r"niet aanwezig|automatische antwort|abwesenheit)\b",
    re.IGNORECASE,
)


def _is_from_a_server(mail: Message, prose: Prose) -> bool:
    """Return whether a mail system wrote the mail.

    It did if only mail systems send reports of that form, or if the sender is empty or a system's address.
    """
    if prose.certain:
        return True
    is_null = str(mail.get("Return-Path", "")).strip() == "<>"
    return bool(_SERVERS.match(_sender(mail))) or (is_null and not _is_automatic(mail))


def _is_automatic(mail: Message) -> bool:
    """Return whether a mail is an automatic reply.

    RFC 3834 §5 defines the mark; other marks are for programs that do not follow it.
    """
    submitted = _without_comment(header_text(mail, "Auto-Submitted").partition(";")[0]).casefold()
    if submitted:
        return submitted != "no"
    marked = any(mail.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Autogenerated"))
    precedence = header_text(mail, "Precedence").casefold()
    return marked or precedence == "auto_reply" or bool(_AUTOMATIC_SUBJECT.match(header_text(mail, "Subject")))


_ASKED_TO_STOP = re.compile(r"(?:(?:re|fwd?|antw|doorst)\s?:\s?)*" + re.escape(UNSUBSCRIBE), re.IGNORECASE)


def _nature_of_others(mail: Message, parts: list[Message]) -> Nature:
    if any(is_calendar_part(part) and _is_reply(part) for part in parts):
        return Nature.CALENDAR
    if mail.get_content_type() == "multipart/report":
        # A report without its machine-readable part is unclear. A complaint (RFC 5965) must be seen, a receipt not.
        is_complaint = str(mail.get_param("report-type", "")).casefold() == "feedback-report"
        return Nature.UNCLEAR if _is_report(mail) or is_complaint else Nature.AUTOMATIC
    if _is_automatic(mail):
        return Nature.AUTOMATIC
    if _ASKED_TO_STOP.match(header_text(mail, "Subject")):
        return Nature.OPT_OUT
    sender = _sender(mail)
    return Nature.UNCLEAR if sender and _SERVERS.match(sender) else Nature.REPLY


def _is_reply(part: Message) -> bool:
    method = str(part.get_param("method", "")).upper()
    return method in ("REPLY", "COUNTER") or bool(re.search(r"(?im)^method:(?:reply|counter)\b", part_text(part)))


_LONGEST_ENVID = 100  # RFC 3461 §4.4
_CLOCKS = timedelta(minutes=5)  # by which the clocks of two servers may differ


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that was sent, or may have been sent.

    ``attempt`` is its number in the ledger.
    """

    attempt: int
    event: str
    mailing: str
    person: str
    address: str
    message_id: str
    at: datetime


class How(StrEnum):
    """The way in which a report was matched, the most certain first."""

    ENVELOPE_ID = "envelope id"
    MESSAGE_ID = "message id"
    ADDRESS = "address"
    OTHER_MESSAGE = "another message to this address"  # not matched: mail from somebody else came back
    NOT = "not matched"


@dataclass(frozen=True, slots=True)
class Matched:
    """A mail that came back, and the message that it is about, if known."""

    returned: Returned
    how: How
    message: SentMessage | None = None


def match(returned: Iterable[Returned], sent: Iterable[SentMessage]) -> tuple[Matched, ...]:
    """Return each mail with the message that it is about.

    If several attempts have one Message-ID or one address, the newest before the report is taken: the report of the
    first one says nothing about the next. A report that returns an unknown Message-ID is about another mail, even if
    that mail was sent to one of our addresses. It is marked as such, because the address may be invalid all the same.
    """
    by_id: dict[str, list[SentMessage]] = {}
    by_address: dict[str, list[SentMessage]] = {}
    for message in sorted(sent, key=lambda each: each.attempt):
        by_id.setdefault(message.message_id.strip("<>")[:_LONGEST_ENVID], []).append(message)
        by_address.setdefault(address_key(message.address), []).append(message)
    return tuple(_one(each, by_id, by_address) for each in returned)


def _one(returned: Returned, by_id: dict[str, list[SentMessage]], by_address: dict[str, list[SentMessage]]) -> Matched:
    if returned.nature not in (Nature.REPORT, Nature.DELIVERED):
        return Matched(returned, How.NOT)
    names = (returned.envelope_id.strip("<>"), *returned.message_ids)
    for how, name in zip((How.ENVELOPE_ID, *[How.MESSAGE_ID] * len(names)), names, strict=False):
        sent = by_id.get(name[:_LONGEST_ENVID])
        if sent:
            return Matched(returned, how, _newest_before(sent, returned.at) or sent[0])
    for address in returned.recipients:
        message = _newest_before(by_address.get(address_key(address), ()), returned.at)
        if message is not None:
            if returned.message_ids or returned.envelope_id:
                return Matched(returned, How.OTHER_MESSAGE)
            return Matched(returned, How.ADDRESS, message)
    return Matched(returned, How.NOT)


def _newest_before(sent: Sequence[SentMessage], at: datetime | None) -> SentMessage | None:
    """Return the newest of these messages that a report of this moment can be about."""
    return next((each for each in reversed(sent) if at is None or each.at <= at + _CLOCKS), None)
