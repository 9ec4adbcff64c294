"""``calendar`` and ``answers``: the entry for the website, and what calendars answered, as the secretary uses them."""

from pathlib import Path
from urllib.parse import unquote

import icalendar

from tests.smtp_server import ScriptedServer
from tests.test_life import EVENT, JAN, KIM, LOU, Life, entry_of

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
        assert "0 answers recorded" in again.out and "2 have nothing new" in again.out
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


COUNTER = REPLY.replace("METHOD:REPLY", "METHOD:COUNTER").replace(
    "SEQUENCE",
    "COMMENT:Kan het een week \u202elater?\nDTSTART;TZID=W. Europe Standard Time:20200423T130000\n"
    "DTEND;TZID=W. Europe Standard Time:20200423T180000\nSEQUENCE",
)
DELEGATED = REPLY.replace("CN=Kim", 'DELEGATED-TO="mailto:piet@woonstede.example.org"')


def test_every_file_of_a_folder_has_a_line_in_the_language_of_the_program(tmp_path: Path) -> None:
    els = "els@dehaven.example.org"
    with ScriptedServer() as server:
        life = Life(tmp_path, server, "request")
        invited = life.send("invitation")
        uids = {address: str(entry_of(mail)[1]["UID"]) for address, mail in invited.items()}
        subject = str(invited[KIM]["List-Unsubscribe"]).partition("subject=")[2].rstrip(">")
        given = {
            "a.ics": REPLY.format(partstat="DECLINED", attendee=KIM, uid=uids[KIM], day=1, sequence=0),
            "b.ics": COUNTER.format(partstat="TENTATIVE", attendee=JAN, uid=uids[JAN], day=2, sequence=0),
            "c.ics": DELEGATED.format(partstat="DELEGATED", attendee=els, uid=uids[els], day=2, sequence=0),
            "d.ics": REPLY.format(partstat="DECLINED", attendee=KIM, uid="iets@elders", day=1, sequence=0),
            "e.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
            "f.eml": f"From: {LOU}\nSubject: {unquote(subject)}\n\n\n",
            "g.eml": "From: Zoë <zoe@tien.example.org>\nSubject: RE: Uitnodiging\n\nIk kom graag.\n",
            "h.eml": "From: a@b.nl\nSubject: Afwezig\nAuto-Submitted: auto-replied\n\nIk ben er niet.\n",
            "i.pdf": "%PDF",
            "j.eml": "",
        }
        given["a.ics"] = given["a.ics"].replace("SEQUENCE", "COMMENT:Helaas\\, vakantie\nSEQUENCE")
        for name, text in given.items():
            life.place.write(f"antwoorden/{name}", text)
        ran = life.place.run(
            "answers", "import", EVENT, str(tmp_path / "antwoorden"), now="2020-02-23T09:00", LC_ALL="nl_NL.UTF-8"
        )
        assert ran.code == 65, ran.err
        assert [name for name in given if name not in ran.out and name not in ("a.ics", "b.ics", "c.ics")] == []
        assert "Kim Verbeek: komt niet: “Helaas, vakantie”" in ran.out
        assert "Jan de Vries <jan@dehaven.example.org> stelde" in ran.out
        assert "23 april 2020 om 13.00 uur tot 18.00 uur: “Kan het een week later?”" in ran.out
        assert "piet@woonstede.example.org in plaats daarvan komt" in ran.out
        assert 'mkwmail skip "Lou \'t Hart" --reason "Graag geen uitnodigingen meer"' in ran.out
        assert not [word for word in ("declined", "delegated", "counter", "attending") if word in ran.out]
        listed = life.place.run("answers", "list", EVENT, now="2020-02-24T09:00", LC_ALL="nl_NL.UTF-8").out
        assert "Helaas, vakantie" in listed and "Kan het een week later?" in listed and "piet@woonstede" in listed
        life.run("answers", "set", EVENT, JAN, "ja", now="2020-02-25T09:00")
        document = life.run("answers", "list", EVENT, "--json", now="2020-02-25T10:00").json
        assert [(each["address"], each["delegate"]) for each in document["to_look_at"]] == [
            (els, "piet@woonstede.example.org")
        ]
        assert {each["address"]: each["comment"] for each in document["answers"]} == {KIM: "Helaas, vakantie", JAN: ""}
        assert life.run("forget", KIM, "--yes", now="2020-02-26T09:00").code == 0
        assert b"vakantie" not in b"".join(each.read_bytes() for each in tmp_path.glob("mkwmail*.db*"))


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
