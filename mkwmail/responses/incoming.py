"""Mails of a mailbox: which of them concern us, and what each one is. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from enum import StrEnum
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.ledger.models import Answer, KeptSignup
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.mail.context import CANNOT_COME, COMES, COMES_NOT, COMPANIONS, DIETARY, KEEP_THIS, REMARK, YES_OR_NO
from mkwmail.mail.icalendar import CalendarReply
from mkwmail.responses.answers import Answered, is_doubtful, read_answer, read_companions
from mkwmail.responses.bounces import Nature, Returned, digest_of, read_returned
from mkwmail.responses.calendar_replies import replies_in
from mkwmail.responses.saved_mail import SavedMail, header_text, parsed, part_text
from mkwmail.responses.signup_changes import BY_MAIL

_LONGEST = 300  # characters of a line that is kept
#: The source of an answer by mail.
SOURCE = "mail"

_TOKEN = re.compile(r"\[mkw-([A-Za-z0-9]{4,40})\]")
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,300})>")
_SYSTEM = re.compile(r"mailer-?daemon|postmaster|mail-?delivery|microsoftexchange[0-9a-f]*@", re.IGNORECASE)
_AFTERWARDS = ("present", "absent")


class Kind(StrEnum):
    """The kind of a mail that concerns us."""

    CALENDAR = "calendar"
    REPORT = "report"
    ANSWER = "answer"
    OPT_OUT = "opt-out"
    AUTOMATIC = "automatic"
    REPLY = "reply"
    OTHER = "other"  # fetched, and not about us


@dataclass(frozen=True, slots=True)
class Ours:
    """All by which a mail can refer to us.

    ``messages``: Message-ID without brackets → (event, person). ``codes``: code → (event, person).
    ``addresses``: address key → person. ``names``: person → name.
    """

    messages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of our Message-IDs."""
        return tuple(sorted({each.rpartition("@")[2] for each in self.messages}))


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail that was fetched.

    ``about``: the event and person of our message or code that it refers to, if any. ``refers``: the Message-IDs of
    ours that it names. ``text`` is what its writer typed; it is kept nowhere.
    """

    kind: Kind
    digest: str
    place: str
    sender: str
    at: datetime | None
    message_id: str = ""
    about: tuple[str, str] | None = None
    refers: tuple[str, ...] = ()
    replies: tuple[CalendarReply, ...] = ()
    returned: tuple[Returned, ...] = ()
    subject: str = ""
    text: str = ""


def is_wanted(fields: Message, ours: Ours) -> bool:
    """Check by its headers whether a mail is to be fetched: it refers to our mail, or is a report."""
    kind = str(fields.get("Content-Type", "")).casefold()
    subject = header_text(fields, "Subject")
    return (
        any(each in ours.messages for each in _references(fields))
        or "report-type=delivery-status" in kind.replace('"', "").replace(" ", "")
        or "report-type=global-delivery-status" in kind.replace('"', "").replace(" ", "")
        or kind.startswith(("text/calendar", "application/ics"))
        or bool(_SYSTEM.search(str(fields.get("From", ""))))
        or UNSUBSCRIBE.casefold() in subject.casefold()
        or any(each in ours.codes for each in _TOKEN.findall(subject))
    )


def read_incoming(data: bytes, place: str, ours: Ours) -> Incoming:
    """Return what a mail is; the first kind that fits, in the order of :class:`Kind`.

    An automatic reply is never an answer, whatever it quotes (RFC 3834).
    """
    returned = read_returned(SavedMail(place, data))
    first = returned[0]
    mail = parsed(data)
    refers = tuple(each for each in _references(mail) if each in ours.messages)
    subject, text = header_text(mail, "Subject"), _typed_text(mail)
    code = next((each for each in _TOKEN.findall(f"{subject}\n{text}") if each in ours.codes), "")
    about = ours.codes.get(code) or (ours.messages[refers[0]] if refers else None)
    try:
        replies = replies_in(data)
    except ValueError:
        replies = ()
    if first.nature in (Nature.REPORT, Nature.DELIVERED):
        refers += tuple(each for one in returned for each in one.message_ids if each in ours.messages)
    kind = _kind(first.nature, bool(replies), bool(code), about is not None)
    message_id = str(mail.get("Message-ID", "")).strip("<> \t\r\n")[:300]
    return Incoming(
        *(kind, digest_of(data), place, first.sender, first.at, message_id, about, refers, replies, returned),
        subject=subject,
        text=text,
    )


def _kind(nature: Nature, has_reply: bool, has_code: bool, is_about_us: bool) -> Kind:
    if has_reply:
        return Kind.CALENDAR
    if nature in (Nature.REPORT, Nature.DELIVERED):
        return Kind.REPORT
    if nature is Nature.AUTOMATIC:
        return Kind.AUTOMATIC if is_about_us else Kind.OTHER
    if has_code:
        return Kind.ANSWER
    if nature is Nature.OPT_OUT:
        return Kind.OPT_OUT
    return Kind.REPLY if nature in (Nature.REPLY, Nature.CALENDAR) and is_about_us else Kind.OTHER


def _references(mail: Message) -> list[str]:
    return [each for name in ("In-Reply-To", "References") for each in _MESSAGE_ID.findall(str(mail.get(name, "")))]


# The line above a quotation with a mark before every line.
_INTRODUCTION = re.compile(r"(?:op|on)\b.{3,300}\b(?:schreef|wrote)\b.{0,200}:\s*", re.IGNORECASE)
_WROTE = re.compile(r".{0,200}\b(?:schreef|wrote)\b.{0,200}:\s*", re.IGNORECASE)
_BARE = re.compile(
    r"\W*(?:ja|jazeker|nee|neen|yes|no|graag|helaas|zeker)(?:\W+(?:hoor|graag|helaas|dank|zeker|thanks))*\W*",
    re.IGNORECASE,
)
# A line with which a mail program begins a quotation without marks: nothing below it is the writer's.
_QUOTED = re.compile(
    r"(?m)^(?:-{2,} ?(?:oorspronkelijk|original|forwarded|doorgestuurd)|_{10,}|(?:van|from): |"
    r"(?:op|on) .{5,200}(?:schreef|wrote)\b|begin doorgestuurd|begin forwarded|-- $)",
    re.IGNORECASE,
)


def _typed_text(mail: Message) -> str:
    """Return the text of a mail without what it quotes, above or below the answer."""
    parts = [part for part, _number in zip(mail.walk(), range(50), strict=False)]
    texts = [part for part in parts if part.get_content_maintype() == "text"]
    plain = [part for part in texts if part.get_content_type() == "text/plain"]
    text = part_text((plain or texts)[0]) if texts else ""
    return _QUOTED.split("\n".join(_unmarked(text.splitlines())), maxsplit=1)[0].strip()


def _unmarked(lines: Sequence[str]) -> list[str]:
    """Return the lines above and below a quotation that has a mark before every line.

    Words between quotations answer questions that are not known here, or are the ends of long lines, and so does a
    bare "nee" below one. Only those above the first quotation count then.
    """
    marked = [number for number, line in enumerate(lines) if line.startswith(">")]
    if not marked:
        return list(lines)
    above = list(lines[: marked[0]])
    _drop_introduction(above)
    between = (line for line in lines[marked[0] : marked[-1]] if not line.startswith(">"))
    below = lines[marked[-1] + 1 :]
    is_answer = above or not _BARE.fullmatch(next(filter(str.strip, below), ""))
    return [*above, *below] if is_answer and not any(map(str.strip, between)) else above


def _drop_introduction(own: list[str]) -> None:
    while own and not own[-1].strip():
        own.pop()
    for count, form in ((1, _INTRODUCTION), (2, _INTRODUCTION), (3, _INTRODUCTION), (1, _WROTE)):
        if own and form.fullmatch(" ".join(own[-count:])):
            del own[-count:]
            return


# Answers by mail

_PREFIX = re.compile(r"^(?:(?P<on>fw|fwd|doorst|doorgestuurd|wg)|re|antw|aw)\s*:\s*", re.IGNORECASE)
_REFUSALS = (COMES_NOT.casefold(), CANNOT_COME.casefold(), "ik kan niet komen", "wij komen niet")
_ACCEPTANCES = (COMES.casefold(), "wij komen")
_CHANGE = re.compile(r"\b(?:toch|wel|maar|verkeerde?|vergissing|mistake|wrong)\b", re.IGNORECASE)
_RETRACTIONS = re.compile(r"\b(?:(?:toch|kom|kan|komen|kunnen) (?:\w+ ){0,2}niet|verhinderd|afmelden)\b", re.IGNORECASE)
_FORM_LINE = re.compile(
    rf"^(?P<label>[^:\n]{{1,120}}{re.escape(YES_OR_NO)}|{'|'.join(map(re.escape, (COMPANIONS, DIETARY, REMARK)))})"
    r"\s*:(?P<said>[^\n]*)$"
)


# The writer's own words end here: a closing formula, a program's line, or a disclaimer.
_END = re.compile(
    r"(?im)^[ \t]*(?:(?:(?:met )?(?:\w+ )?groet(?:en|jes)?|m\.?v\.?g|(?:\w+ )?regards)\b[^\n]{0,30}$|"
    r"(?:verstuurd|verzonden) (?:vanaf|vanuit|met)|sent from|outlook (?:voor|for)|get outlook|"
    r"[^\n]{0,300}\b(?:geadresseerden?|vertrouwelijke?|intended recipients?|confidential|disclaimer)\b)"
)
_POSTSCRIPT = re.compile(r"p\.? ?s\b", re.IGNORECASE)
_SALUTATION = re.compile(
    r"(?:beste|hallo|hoi|hi|hey|dag|geachte|lieve|dear|hello|l\.s|goede(?:morgen|middag|ndag|navond))"
    r"(?:(?: [^\s,]+){0,5},|(?: [^\s,]+){0,2}[.!]?)",
    re.IGNORECASE,
)


def said_by_mail(mail: Incoming) -> Answered | None:
    """Return the answer of a mail that a button opened, or None if it must be asked about.

    The subject says it, or the first line if the subject was changed. If other words say something else, or hold a
    doubt, it is asked about. So is a mail that was forwarded. A signature and a disclaimer are not read.
    """
    subject, forwarded = mail.subject, False
    while found := _PREFIX.match(subject):
        forwarded = forwarded or bool(found["on"])
        subject = subject[found.end() :]
    own = list(_own_lines(_TOKEN.sub("", mail.text)))
    answer = _of_button(_TOKEN.sub("", subject)) or (_said(own[0]) if own else None)
    if forwarded or answer is None or not all(_agrees(line, answer) for line in own):
        return None
    remark = details_of(mail).remark
    is_undone = _RETRACTIONS.search(remark) if answer is Answered.ATTENDING else _said(remark) is Answered.ATTENDING
    return None if is_undone else answer


def _own_lines(text: str) -> Iterator[str]:
    """Yield the lines that the writer typed, without those of the form."""
    end = _END.search(text)
    for number, line in enumerate(text.splitlines()):
        words, is_before = line.strip(), end is None or number < text.count("\n", 0, end.start())
        is_form = _FORM_LINE.match(words) or words.startswith(KEEP_THIS) or _SALUTATION.fullmatch(words)
        if words and not is_form and (is_before or _POSTSCRIPT.match(words)):
            yield words


def _agrees(line: str, answer: Answered) -> bool:
    """Return whether a line says nothing else than the answer, as far as can be told."""
    said = _said(line)
    if said is not None:
        return said is answer
    return not (_CHANGE.search(line) or (answer is Answered.ATTENDING and is_doubtful(line)))


def _said(line: str) -> Answered | None:
    return _of_button(line) or read_answer(line)


class Details(NamedTuple):
    """The lines that somebody filled in.

    ``parts``: title of an optional part → ja or nee, or what was typed.
    """

    parts: Mapping[str, str]
    companions: int
    dietary: str
    remark: str


def details_of(mail: Incoming) -> Details:
    """Return the lines of an answer by mail that somebody filled in."""
    found = [match for line in mail.text.splitlines() if (match := _FORM_LINE.match(line.strip()))]
    said = {each["label"]: each["said"].strip()[:_LONGEST] for each in found if each["said"].strip()}
    parts = {key.removesuffix(YES_OR_NO): text for key, text in said.items() if key.endswith(YES_OR_NO)}
    return Details(
        parts={title: _yes_or_no(text) for title, text in parts.items()},
        companions=read_companions(said.get(COMPANIONS, "")) or 0,
        dietary=said.get(DIETARY, ""),
        remark=said.get(REMARK, ""),
    )


def _yes_or_no(text: str) -> str:
    return {Answered.ATTENDING: "ja", Answered.DECLINED: "nee"}.get(read_answer(text) or Answered.TENTATIVE, text)


def _of_button(text: str) -> Answered | None:
    folded = " ".join(text.casefold().split())
    if folded.startswith(_REFUSALS):
        return Answered.DECLINED
    is_clear = not (_CHANGE.search(folded) or is_doubtful(folded))
    return Answered.ATTENDING if folded.startswith(_ACCEPTANCES) and is_clear else None


class ByMail(NamedTuple):
    """Answers by mail, and the lines that were filled in, both by event; a row with a doubt is no answer yet."""

    answers: Mapping[str, list[Answer]]
    rows: Mapping[str, list[KeptSignup]]

    def doubts(self, event: str) -> tuple[KeptSignup, ...]:
        """Return the mails of an event to ask about."""
        return tuple(each for each in self.rows.get(event, ()) if each.doubt)


def answers_by_mail(
    mails: Collection[Incoming], ours: Ours, recorded: Mapping[str, Collection[Answer]], now: datetime
) -> ByMail:
    """Return the answers by mail to record, and those to ask about.

    The code says whose answer it is. From another address, or with words that are not understood, it is asked about.
    Of two answers the later counts; an answer that is older than the recorded one changes nothing.
    """
    answers: dict[str, list[Answer]] = {}
    rows: dict[str, dict[str, KeptSignup]] = {}
    for mail in sorted(mails, key=lambda each: each.at or now):
        if mail.kind is not Kind.ANSWER or mail.about is None:
            continue
        event, person = mail.about
        at = min(mail.at or now, now)
        answer = said_by_mail(mail)
        doubt = _doubt(mail, ours, person, answer)
        if answer is None or doubt:
            rows.setdefault(event, {})[mail.digest] = _row(mail, ours, person, answer, at, doubt)
            continue
        earlier = [each for each in (*recorded.get(event, ()), *answers.get(event, ())) if each.person == person]
        if earlier and (earlier[-1].answer in _AFTERWARDS or earlier[-1].given >= at):
            continue
        answers.setdefault(event, []).append(Answer(person, answer.value, SOURCE, at, comment=details_of(mail).remark))
        rows.setdefault(event, {})[person] = _row(mail, ours, person, answer, at)
    return ByMail(answers, {event: list(found.values()) for event, found in rows.items()})


def _doubt(mail: Incoming, ours: Ours, person: str, answer: Answered | None) -> str:
    """Return why a mail must be asked about; an empty text if it need not."""
    if ours.addresses.get(address_key(mail.sender)) != person:
        return _("answered by mail from another address, %(address)s") % {"address": mail.sender}
    return "" if answer else _("the mail does not say clearly whether they come: read it")


def _row(mail: Incoming, ours: Ours, person: str, answer: Answered | None, at: datetime, doubt: str = "") -> KeptSignup:
    """Return the lines that somebody filled in, as a row of an export: the last mail of a person replaces others.

    A doubtful one is the row of a person who may be the one invited.
    """
    said = details_of(mail)
    return KeptSignup(
        *(f"{BY_MAIL}{mail.digest if doubt else person}", None if doubt else person, mail.digest),
        answer=answer.value if answer else "",
        name=ours.names.get(person, ""),
        doubt=doubt,
        maybe=(person,) if doubt else (),
        address=mail.sender,
        moment=at,
        asked=said.parts,
        dietary={DIETARY: said.dietary} if said.dietary else {},
        companions=said.companions,
    )
