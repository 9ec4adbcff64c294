"""``calendar`` and ``answers``: the entry for the website, and what calendars answered, as the secretary uses them."""

from pathlib import Path

import icalendar

from tests.smtp_server import ScriptedServer
from tests.test_life import EVENT, JAN, KIM, Life, entry_of

REPLY = """\
BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;PARTSTAT={partstat};CN=Kim:mailto:{attendee}
UID:{uid}
DTSTAMP:2020022{day}T100000Z
SEQUENCE:{sequence}
END:VEVENT
END:VCALENDAR
"""


def test_the_website_has_the_entry_that_members_get(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        invited = life.send("invitation")
        mailed = entry_of(invited[KIM])[1]
        file = tmp_path / "dag.ics"
        assert life.run("calendar", EVENT, str(file)).code == 0
        shown = life.run("calendar", EVENT)
        assert shown.out.encode() == file.read_bytes().replace(b"\r\n", b"\n") and b"\r\n" in file.read_bytes()
        entry = icalendar.Event.from_ical(file.read_bytes()).walk("VEVENT")[0]
        assert b"METHOD:PUBLISH" in file.read_bytes()
        for name in ("UID", "SEQUENCE", "SUMMARY", "LOCATION", "DTSTART", "DTEND", "ORGANIZER"):
            assert str(entry[name]) == str(mailed[name]) or entry[name] == mailed[name], name
        assert "URL" not in entry and "lid=" not in file.read_text("utf-8")
        assert str(mailed["URL"]).startswith("https://aanmelden.example.org/?lid=")
        life.send("cancellation", now="2020-03-12T09:00")
        life.run("calendar", EVENT, str(file), now="2020-03-13T09:00")
        assert "STATUS:CANCELLED" in file.read_text("utf-8") and "SEQUENCE:1" in file.read_text("utf-8")


def test_what_calendars_answer_decides_who_gets_the_practical_mail(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server, "request")
        invited = life.send("invitation")
        uids = {address: str(entry_of(mail)[1]["UID"]) for address, mail in invited.items()}
        answers = tmp_path / "antwoorden"
        answers.mkdir()
        given = (
            (KIM, KIM, "DECLINED", 1),
            (KIM, KIM, "ACCEPTED", 2),
            (JAN, JAN, "DECLINED", 1),
            ("els@dehaven.example.org", "collega@example.net", "ACCEPTED", 1),
        )
        for number, (owner, attendee, partstat, day) in enumerate(given):
            text = REPLY.format(partstat=partstat, attendee=attendee, uid=uids[owner], day=day, sequence=0)
            life.place.write(f"antwoorden/{number}.ics", text)
        ran = life.run("answers", "import", EVENT, str(answers), now="2020-02-23T09:00")
        assert ran.code == 0, ran.err
        assert "2 answers recorded" in ran.out and "collega@example.net" in ran.out
        again = life.run("answers", "import", EVENT, str(answers), now="2020-02-24T09:00")
        assert "0 answers recorded" in again.out and "2 say nothing new" in again.out
        document = life.run("answers", "list", EVENT, "--json", now="2020-02-24T09:00").json
        assert {(each["address"], each["answer"]) for each in document["answers"]} == {
            (KIM, "attending"),
            (JAN, "declined"),
        }
        assert [each["address"] for each in document["to_look_at"]] == ["collega@example.net"]
        assert set(life.send("practical", now="2020-04-09T09:00")) == {KIM}
        life.run("answers", "set", EVENT, "Kim", "nee", now="2020-04-09T10:00")
        life.run("answers", "set", EVENT, JAN, "attending", now="2020-04-09T10:00")
        assert set(life.send("practical", now="2020-04-09T11:00")) == {JAN}


def test_what_is_no_answer_is_said(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.place.write("mail.eml", "From: a@example.org\nSubject: Hallo\n\nIk kom!\n")
        life.place.write("stuk.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n")
        for file in ("mail.eml", "stuk.ics"):
            ran = life.run("answers", "import", EVENT, str(tmp_path / file))
            assert ran.code == 65 and file in ran.err
        assert life.run("answers", "set", EVENT, "Kim", "soms").code == 2
        assert "Nobody has answered yet" in life.run("answers", "list", EVENT).out
