"""Shared parts of the tests of the shipped templates: an event with everything, and the mails made of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from email.message import EmailMessage
from html import unescape

import icalendar

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Host, Location, Mailing, ProgrammeItem, Registration
from mkwmail.config.kinds import kind_of
from mkwmail.config.settings import Mailbox, Settings
from mkwmail.dutch.names import Name
from mkwmail.files import Attachment, shipped
from mkwmail.ledger.models import Change
from mkwmail.mail.compose import compose
from mkwmail.mail.context import Addressee, Form, MailingContext
from mkwmail.mail.templates import Templates
from mkwmail.members.member_list import Member
from tests.kinds import Kind
from tests.mail.workshop import html_text, plain_text, read

TEMPLATES = Templates((shipped("templates"),))
MOMENT = datetime(2020, 2, 17, 9, 0, tzinfo=ZONE)

CHANGES = (
    Change("Locatie", "De Moestuin, Laan van Maarschalkerweerd 2, Utrecht", "Het Wachthuis, Spoorlaan 4, Houten"),
    Change("Tijd", "13.00-18.00 uur", "13.30-18.00 uur"),
    Change("PE-punten", "", "3"),
)

INTRODUCTION = """Sommige vraagstukken zijn voor één corporatie te groot. Hoe groeit een netwerk dat **werkt**?

Daarover gaat deze middag, aan de hand van drie vragen:

- Wat brengt het op gang?
- Wat houdt het overeind?
- En wanneer is een netwerk niet de weg?
"""

# To whom a kind goes has mostly answered.
ANSWERS: Mapping[str, str] = {"practical": "attending", "thanks": "attending"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as its reader sees it; ``entry`` is the description of the calendar entry, empty without one."""

    subject: str
    text: str
    html: str
    entry: str = ""

    @property
    def preheader(self) -> str:
        """Return the text that an inbox shows next to the subject."""
        return unescape(self.html.split('class="preheader"')[1].split(">")[1].split("<")[0])

    @property
    def shown(self) -> str:
        """The words that the HTML part shows."""
        body = re.sub(r"<!--.*?-->", "", self.html.split("<body")[1], flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", "<" + body)).split())


def an_event(**changed: object) -> Event:
    """An event that leaves nothing open, with the given fields changed."""
    given: dict[str, object] = {
        "id": "directeurendag-2020",
        "title": "Directeurendag",
        "theme": "Samen verder komen met andersoortige organisaties",
        "starts": moment(2020, 4, 16, 13),
        "ends": moment(2020, 4, 16, 18),
        "location": Location(name="De Moestuin", street="Laan van Maarschalkerweerd 2", city="Utrecht"),
        "introduction": INTRODUCTION,
        "programme": (
            ProgrammeItem(time=time(12), until=time(13), title="Inlooplunch", optional=True),
            ProgrammeItem(
                time=time(13),
                until=time(14, 30),
                title="Opening en gesprek over het essay",
                speakers=("Corry Keulen", "Bram Lipsch"),
                description="Iedereen krijgt een exemplaar mee naar huis; wie het vooraf wil lezen, krijgt het graag "
                "toegestuurd.",
            ),
            ProgrammeItem(time=time(14, 30), title="Pauze"),
            ProgrammeItem(time=time(15), until=time(18), title="Aan tafel met zorg, welzijn en gemeente"),
            ProgrammeItem(time=time(18), title="Buffet", optional=True),
        ),
        "hosts": (
            Host(name="Bram Lipsch", role="MKW-bestuur", organisation="Jutphaas Wonen"),
            Host(name="Corry Keulen", role="MKW-bestuur", organisation="Woningvereniging Nederweert"),
            Host(name="Lilian van Zandbrink", role="secretaris MKW Platform"),
        ),
        "registration": Registration(
            url="https://aanmelden.example.org/directeurendag-2020?lid={code}",
            deadline=moment(2020, 4, 2, 23, 59),
        ),
        "pe_points": 3,
        "mailings": {"invitation": Mailing(send=moment(2020, 2, 17, 9))},
    }
    return Event.model_validate({**given, **changed})


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in the Netherlands."""
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


def a_reader(answer: str | None = None) -> Addressee:
    """The member whom the mails are written to."""
    name = Name(first="Anneke", initials="A.M.", prefix="van der", surname="Ven", title="mevrouw")
    return Addressee("p", Member(2, name, "a.vanderven@woonstede.example.org", "Woonstede"), "k7m2p9q4rs", answer)


def a_mail(
    name: str,
    form: Form = "je",
    event: Event | None = None,
    answer: str | None = None,
    text: str | None = None,
    attachments: tuple[str, ...] = (),
    changes: tuple[Change, ...] = CHANGES,
    original: str | None = "invitation",
    association: str = "MKW Platform",
    copy_of: tuple[Addressee, ...] = (),
    reader: Addressee | None = None,
    at: datetime | None = None,
) -> Mail:
    """The mail of this mailing, sent at some moment, to the reader or to the assistant of some members."""
    kind = Kind(kind_of(name))
    occasion = MailingContext(
        event=event or an_event(),
        name=name,
        mailing=Mailing(text=text),
        template=kind.value,
        settings=Settings(
            sender=Mailbox(
                name="Lilian van Zandbrink", email="secretaris@example.org", role="secretaris", phone="030 000 00 00"
            ),
            footer="Voorbeeldstraat 1, 1234 AB Utrecht · mkw.example.org",
            association=association,
            form=form,
        ),
        uid="uid@example.org",
        attachments=tuple(Attachment(file, "application/pdf", b"%PDF") for file in attachments),
        original=original if kind is Kind.CORRECTION else None,
        moment=at,
        cancelled=kind is Kind.CANCELLATION,
    )
    reader = reader or a_reader(answer or ANSWERS.get(kind))
    if copy_of:
        occasion = replace(occasion, template="for_information", copied=kind.value)
        reader = Addressee("e", Member(2, Name(), "bureau@woonstede.example.org"), "", reader.answer, copy_of=copy_of)
    reader = reader._replace(changes=changes if kind is Kind.UPDATE else ())
    composed = compose(occasion, TEMPLATES, (reader,))
    parsed = read(composed.addressed[0].message("id@example.org", MOMENT))
    return Mail(str(parsed["Subject"]), plain_text(parsed), html_text(parsed), _entry(parsed))


def _entry(parsed: EmailMessage) -> str:
    part = next((part for part in parsed.walk() if part.get_content_type() == "text/calendar"), None)
    if part is None:
        return ""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return str(icalendar.Calendar.from_ical(data).walk("VEVENT")[0].get("DESCRIPTION", ""))
