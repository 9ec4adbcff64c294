"""The calendar entry in a mail: method, UID and state, as a mailing of each kind must carry them."""

from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import icalendar
import pytest

from mkwmail.config.event import CalendarEntry, CalendarMethod, Online
from mkwmail.mail.context import Addressee, MailingContext
from tests.mail.workshop import MOMENT, Workshop, a_member, a_workshop, an_occasion, plain_text, read

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
    """The entry, after seeing that its parts have it in the form and place that its method asks for."""
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    (alternatives,) = (part for part in mail.walk() if part.get_content_type() == "multipart/alternative")
    kinds = [each.get_content_type() for each in alternatives.iter_parts()]
    (file,) = (each for each in mail.iter_attachments() if each.get_filename() == "invite.ics")
    if part.get_param("method") == "PUBLISH":
        assert kinds == ["text/plain", "text/html"]
        assert file is part and part.get_content_disposition() == "attachment"
        assert (part.get_param("name"), part.get_content_charset()) == ("invite.ics", "utf-8")
    else:
        assert kinds == ["text/plain", "text/html", "text/calendar"]
        attached = file.get_payload(decode=True)
        assert file.get_content_type() == "application/ics"
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


def has_entry(mail: EmailMessage) -> bool:
    kinds = {part.get_content_type() for part in mail.walk()}
    return bool(kinds & {"text/calendar", "application/ics"})


@pytest.mark.parametrize("method", ["publish", "request"])
@pytest.mark.parametrize(("answer", "expected"), [("declined", False), ("absent", False), ("tentative", True)])
def test_who_does_not_come_gets_no_entry(workshop: Workshop, method: str, answer: str, expected: bool) -> None:
    mail = mail_of(workshop, occasion(method), kim()._replace(answer=answer))
    assert has_entry(mail) is expected


@pytest.mark.parametrize("method", ["publish", "request"])
def test_once_the_event_has_begun_there_is_no_entry(workshop: Workshop, method: str) -> None:
    starts = an_occasion().event.starts
    for moment, expected in ((starts - timedelta(minutes=1), True), (starts, False), (starts + timedelta(9), False)):
        workshop.body("{{ 'enclosed' if entry else 'none' }}")
        mail = mail_of(workshop, occasion(method, moment=moment), kim())
        assert has_entry(mail) is expected
        assert ("enclosed" in plain_text(mail)) is expected, "a template can tell"


def test_a_mailing_of_another_subject_has_an_entry_for_those_without(workshop: Workshop) -> None:
    about = occasion("publish", entry_if_lacking=True)
    assert has_entry(mail_of(workshop, about, kim()))
    assert not has_entry(mail_of(workshop, about, kim()._replace(has_entry=True)))
    assert has_entry(mail_of(workshop, occasion("publish"), kim()._replace(has_entry=True)))


def test_those_who_come_are_not_asked_again_unless_the_time_has_changed(workshop: Workshop) -> None:
    def asked(answer: str | None = None, moved: bool = False) -> tuple[str, str]:
        about = kim()._replace(answer=answer, moved=moved)
        attendee = entry_of(mail_of(workshop, occasion("request"), about))[1]["ATTENDEE"]
        return attendee.params["PARTSTAT"], attendee.params["RSVP"]

    assert asked() == asked(answer="tentative") == ("NEEDS-ACTION", "TRUE")
    assert asked(answer="attending") == ("ACCEPTED", "FALSE")
    assert asked(answer="attending", moved=True) == ("NEEDS-ACTION", "TRUE")


def test_a_request_refuses_other_times_and_a_published_entry_does_not_mention_them(workshop: Workshop) -> None:
    entries = {method: entry_of(mail_of(workshop, occasion(method), kim()))[1] for method in ("publish", "request")}
    assert entries["request"]["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
    assert "X-MICROSOFT-DISALLOW-COUNTER" not in entries["publish"]


def test_a_provisional_event_is_tentative(workshop: Workshop) -> None:
    about = occasion("request")
    about = replace(about, event=about.event.model_copy(update={"provisional": True}))
    event = entry_of(mail_of(workshop, about, kim()))[1]
    assert (event["STATUS"], event["X-MICROSOFT-CDO-BUSYSTATUS"]) == ("TENTATIVE", "TENTATIVE")
    event = entry_of(mail_of(workshop, replace(about, cancelled=True), kim()))[1]
    assert event["STATUS"] == "CANCELLED" and "X-MICROSOFT-CDO-BUSYSTATUS" not in event


def test_the_entry_has_the_association_and_the_link_of_those_who_come(workshop: Workshop) -> None:
    link = "https://vergadering.example.org/a;b,c?x=1"
    about = occasion("request")
    about = replace(about, event=about.event.model_copy(update={"location": None, "online": Online(url=link)}))
    event = entry_of(mail_of(workshop, about, kim()._replace(answer="attending")))[1]
    assert event["SUMMARY"] == "Dag & *nacht* (MKW Platform)"
    assert (event["LOCATION"], str(event["CONFERENCE"])) == (link, link)
    assert event["CONFERENCE"].params["FEATURE"] == ["AUDIO", "VIDEO"]
    event = entry_of(mail_of(workshop, about, kim()))[1]
    assert event["LOCATION"] == "Online" and "CONFERENCE" not in event
