"""The calendar entry in a mail: method, UID and state, as a mailing of each kind must carry them."""

from email.message import EmailMessage
from pathlib import Path

import icalendar
import pytest

from mkwmail.config.event import CalendarEntry, CalendarMethod
from mkwmail.mail.context import Addressee, MailingContext
from tests.mail.workshop import MOMENT, Workshop, a_member, a_workshop, an_occasion, read

ALARMED = 86_400


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = a_workshop(tmp_path)
    workshop.body("{{ salutation }}")
    return workshop


def occasion(method: str, **changed: object) -> MailingContext:
    event = an_occasion().event
    entry = CalendarEntry(method=CalendarMethod(method), alarm=ALARMED)
    return an_occasion(event=event.model_copy(update={"calendar": entry}), uid="shared@mkwmail", **changed)


def kim(uid: str = "kim@mkwmail") -> Addressee:
    return a_member()._replace(uid=uid)


def mail_of(workshop: Workshop, occasion: MailingContext, *members: Addressee) -> EmailMessage:
    return read(workshop.compose(*members, occasion=occasion).addressed[0].message("id@example.org", MOMENT))


def entry_of(mail: EmailMessage) -> tuple[icalendar.Calendar, icalendar.Event]:
    """The entry, after seeing that the part, its parameter and the attached copy say the same."""
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    (copy,) = (part for part in mail.walk() if part.get_content_type() == "application/ics")
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    attached = copy.get_payload(decode=True)
    assert isinstance(attached, bytes) and attached.rstrip() == data.rstrip()
    calendar = icalendar.Calendar.from_ical(data)
    assert isinstance(calendar, icalendar.Calendar)
    assert part.get_param("method") == calendar["METHOD"]
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return calendar, event


@pytest.mark.parametrize(
    ("method", "cancelled", "expected", "status", "uid"),
    [
        ("publish", False, "PUBLISH", "CONFIRMED", "shared@mkwmail"),
        ("publish", True, "PUBLISH", "CANCELLED", "shared@mkwmail"),
        ("request", False, "REQUEST", "CONFIRMED", "kim@mkwmail"),
        ("request", True, "CANCEL", "CANCELLED", "kim@mkwmail"),
    ],
)
def test_method_state_and_uid(
    workshop: Workshop, method: str, cancelled: bool, expected: str, status: str, uid: str
) -> None:
    mail = mail_of(workshop, occasion(method, cancelled=cancelled, sequence=3), kim())
    calendar, event = entry_of(mail)
    assert (calendar["METHOD"], event["STATUS"], event["UID"], event["SEQUENCE"]) == (expected, status, uid, 3)
    assert bool(event.walk("VALARM")) is not cancelled
    assert ("ATTENDEE" in event) is (method == "request")
    if method == "request":
        assert event["ATTENDEE"] == "mailto:" + str(mail["To"].addresses[0].addr_spec)


def test_members_with_an_entry_of_their_own_share_a_letter(workshop: Workshop) -> None:
    others = a_member("Zoë", "Bos")._replace(uid="zoe@mkwmail")
    composition = workshop.compose(kim(), others, occasion=occasion("request"))
    assert len(composition.letters) == 1
    uids = [str(entry_of(read(each.message("i@x.nl", MOMENT)))[1]["UID"]) for each in composition.addressed]
    assert uids == ["kim@mkwmail", "zoe@mkwmail"]


def test_a_proof_asks_for_no_answer(workshop: Workshop) -> None:
    calendar, event = entry_of(mail_of(workshop, occasion("request", proof=True), kim()))
    assert calendar["METHOD"] == "PUBLISH"
    assert event["UID"] == "shared@mkwmail"
