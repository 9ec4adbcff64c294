"""Commands that look and send nothing: init, check, preview, status, schema; and the proof."""

import email
import email.policy
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mkwmail.config.event import LINK_FIELDS
from tests.name_server import NameServer
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT as EXAMPLE
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"


def test_a_new_folder_is_checked_and_rehearsed_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path / "dagen")
    command = [sys.executable, "-m", "mkwmail", "init", "dagen"]
    made = subprocess.run(command, cwd=tmp_path, env=place.environment(""), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    for name in ("mkwmail.yaml", "leden.csv", "mkwmail.db", "mkwmail.id", "events", "templates"):
        assert (place.folder / name).exists(), name
    for command_line in [line.split() for line in made.stdout.splitlines() if line.startswith("  mkwmail ")]:
        assert place.run(*command_line[1:], now="").code == 0, command_line


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_list_of_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkwmail", "init", str(tmp_path / "dagen")]
    environment = Place(tmp_path).environment("")
    for umask in (0, 0o022):
        made = subprocess.run(command, env=environment, capture_output=True, umask=umask, check=False)
        assert made.returncode == 0
        assert stat.S_IMODE((tmp_path / "dagen" / "leden.csv").stat().st_mode) == 0o600
        assert (tmp_path / "dagen" / "leden.csv").read_bytes() == (EXAMPLE.parent / "leden-voorbeeld.csv").read_bytes()
        (tmp_path / "dagen").rename(tmp_path / f"dagen-{umask}")


def test_init_never_overwrites(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("leden.csv", "my own list")
    environment = place.environment("")
    command = [sys.executable, "-m", "mkwmail", "init", str(tmp_path)]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    assert (tmp_path / "leden.csv").read_text() == "my own list"
    before = (tmp_path / "mkwmail.yaml").read_text()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "dit is al een werkmap" in again.stderr
    assert (tmp_path / "mkwmail.yaml").read_text() == before


def test_check_ends_with_one_word_and_warns_of_what_is_odd(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(*PEOPLE, "Bo;;Blok;kim@woonstede.example.org;Elf;", "Di;;Dam;di@tien.example.org;;")
    ran = place.run("check", EVENT)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "No faults; 3 things to look at. First to send: 6 mails (invitation)."
    assert "leden.csv:7: kim@woonstede.example.org is Kim Verbeek's too (row 2)" in ran.out
    assert "1 member without an organisation: row 8" in ran.out
    ahead = place.run("check", EVENT, now="2020-01-06T09:00").out.splitlines()[-1]
    assert ahead == "No faults; 3 things to look at. First to send: 6 mails (save-the-date)."


def test_check_shows_odd_salutations_and_all_of_them_on_request(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(
        "Jan de Vries;jan@linde.example.org;Tien",
        "DRS. KIM VAN BEEK;kim@linde.example.org;Elf",
        "an@linde.example.org;an@linde.example.org;Elf",
        headings="naam;e-mail;organisatie",
    )
    ran = place.run("check", EVENT)
    assert ran.code == 0
    assert "Odd salutations: 2 of 3" in ran.out
    assert 'Beste KIM      DRS. KIM VAN BEEK     is "Kim van Beek" meant?' in ran.out
    assert "Beste collega  an@linde.example.org  no name is known" in ran.out
    assert "Beste Jan" not in ran.out
    assert "1 row has no name, and gets a neutral greeting: row 4 (an@linde.example.org)" in ran.out
    listed = place.run("check", EVENT, "--salutations").out
    assert listed.index("Beste KIM") < listed.index("Beste collega") < listed.index("Beste Jan")
    settings = (place.folder / "mkwmail.yaml").read_text()
    place.write("mkwmail.yaml", settings.replace("form: je", "form: u"))
    (odd, neutral) = place.run("check", EVENT, "--json").json["salutations"]
    assert odd == {
        "row": 3,
        "member": "DRS. KIM VAN BEEK",
        "address": "kim@linde.example.org",
        "salutation": "Geachte KIM VAN BEEK",
        "odd": 'is "Kim van Beek" meant?',
    }
    assert (neutral["row"], neutral["salutation"]) == (4, "Geachte bestuurder")
    everybody = place.run("check", EVENT, "--salutations", "--json").json["salutations"]
    assert [(each["row"], each["salutation"], bool(each["odd"])) for each in everybody] == [
        (3, "Geachte KIM VAN BEEK", True),
        (4, "Geachte bestuurder", True),
        (2, "Geachte Jan de Vries", False),
    ]


def test_a_long_list_of_odd_salutations_is_cut_short(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(*(f"KIM {n}A;lid{n}@linde.example.org;T" for n in range(30)), headings="naam;e-mail;organisatie")
    ran = place.run("check", EVENT)
    assert ran.out.count("Beste KIM") == 10
    assert "20 more are odd; `check --salutations` lists how everybody is addressed" in ran.out


def test_check_names_every_fault_and_what_to_correct(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("templates/reminder.md", "---\nsubject: x\npreheader: x\n---\n{{ oops }}\n")
    place.write("templates/thanks.md", "no head\n")
    ran = place.run("check", EVENT, "--json")
    assert ran.code == 65
    places = {fault["place"] for fault in ran.json["faults"]}
    assert {"templates/reminder.md:5", "templates/thanks.md:1"} <= places
    assert ran.json["ready"] is False
    assert "Not ready: fix" in place.run("check", EVENT).out


def test_check_of_a_faulty_list_is_a_document_too(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members("Kim;;Verbeek;kim@@x.nl;Woonstede;", "Jan;;Vries;jan@;De Haven;")
    ran = place.run("check", EVENT, "--json")
    assert ran.code == 65
    assert {fault["place"].partition(" ")[0] for fault in ran.json["faults"]} == {"leden.csv:2", "leden.csv:3"}


def test_check_warns_of_the_other_form_of_address(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    path = next((tmp_path / "events").glob("*.yaml"))
    text = path.read_text(encoding="utf-8").replace(
        "introduction: |\n", "introduction: |\n  Wat kunt u verwachten?\n\n", 1
    )
    path.write_text(text, encoding="utf-8")
    warnings = place.run("check", EVENT, "--json").json["warnings"]
    assert any('invitation says "u"' in warning["fault"] for warning in warnings)


def test_check_asks_the_server_and_sends_nothing(tmp_path: Path) -> None:
    with ScriptedServer(extensions=("SIZE 5000",)) as server:
        place = a_place(tmp_path, server.port)
        ran = place.run("check", EVENT, "--server")
        assert ran.code == 65
        assert "the server takes mails up to 5 kB" in ran.out
        assert not server.said("DATA")
    gone = place.run("check", EVENT, "--server")
    assert gone.code == 69


def test_check_asks_whether_the_sender_may_mail(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.run("check", EVENT, "--server").code == 0
        for reply, words in (
            ("553 5.7.1 Sender address rejected: not owned by user", "does not let this login send as this sender"),
            ("554 5.7.1 Relay access denied", "refuses a mail from secretaris@example.org to itself"),
        ):
            server.on("RCPT", reply, times=1)
            ran = place.run("check", EVENT, "--server")
            assert ran.code == 65
            assert words in " ".join(ran.out.split())
        server.on("RCPT", "451 4.7.1 greylisted")
        assert place.run("check", EVENT, "--server").code == 0
        assert not server.said("DATA")


def test_check_says_until_when_the_pace_lets_it_take(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.settings(server.port, "pace: {per_minute: 2}\n")
        ran = place.run("check", EVENT, "--server")
        assert "5 mails at 2 a minute: done at 09:02" in ran.out
        place.settings(server.port, "pace: {per_day: 1}\n")
        slow = place.run("check", EVENT, "--server")
        assert "5 mails at 1 a day: done at 21 February 2020 09:00" in slow.out
        assert "will not be finished before its latest moment" not in slow.out
        place.members(*(f"Lid {n};;X;lid{n}@example.org;Corp {n};lid" for n in range(60)))
        late = place.run("check", EVENT, "--server")
        assert "at this pace invitation will not be finished before its latest moment" in " ".join(late.out.split())


@pytest.mark.long
def test_check_looks_up_the_senders_domain(tmp_path: Path) -> None:
    records = {
        "example.org": ["v=spf1 -all"],
        "_dmarc.example.org": ["v=DMARC1; p=none"],
        "post._domainkey.example.org": ["v=DKIM1; p=abc"],
    }
    with NameServer(records) as server:
        place = a_place(tmp_path)
        ran = place.run("check", EVENT, "--dns", "--dkim", "post", "--json", MKWMAIL_NAME_SERVER=server.address)
        assert ran.json["server"] == {
            "SPF": "v=spf1 -all",
            "DKIM": "there is a key post",
            "DMARC": "v=DMARC1; p=none",
        }
        bare = place.run("check", EVENT, "--dns", "--dkim", "other", MKWMAIL_NAME_SERVER=server.address)
        assert bare.code == 0
        assert "other._domainkey.example.org: there is no DKIM key under this name" in " ".join(bare.out.split())
    unreachable = place.run("check", EVENT, "--dns", MKWMAIL_NAME_SERVER="127.0.0.1:0")  # no port: fails at once
    assert unreachable.code == 69
    assert "no name server answers" in unreachable.out


def test_preview_shows_one_member_or_why_not(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = place.run("preview", EVENT, "invitation", "--member", "Hart")
    assert ran.code == 0
    assert "Beste Lou," in ran.out
    assert "Calendar  Directeurendag (MKW Platform), 16 April 2020 from 13:00 to 18:00" in ran.out
    nobody_attends = place.run("preview", EVENT, "practical", "--member", "Hart")
    assert "would not get this mail" in nobody_attends.out


def test_preview_presumes_that_earlier_mailings_went(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run("preview", EVENT, "reminder", "--json")
    assert [mail["to"] for mail in ran.json["mails"]] != []
    assert len(ran.json["mails"]) == len(PEOPLE)


def test_preview_writes_the_mails_as_they_will_be_sent(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.run("preview", EVENT, "invitation", "--eml", str(tmp_path / "mails")).code == 0
        place.send()
        sent = {email.message_from_bytes(each.data)["Message-ID"]: each.data for each in server.taken}
    for path in (tmp_path / "mails").glob("*.eml"):
        data = path.read_bytes()
        theirs = sent[email.message_from_bytes(data)["Message-ID"]]
        # Up to the calendar, whose DTSTAMP differs.
        assert _undated(data) == _undated(theirs)


def _undated(data: bytes) -> list[bytes]:
    lines = data.partition(b"text/calendar")[0].splitlines()
    return [line for line in lines if not line.startswith(b"Date:")]


def test_status_tells_who_got_what_and_who_not(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.1.1 unknown", recipient=PEOPLE[1].split(";")[3])
        place = a_place(tmp_path, server.port)
        headings = "voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;niet mailen"
        rows = (*(f"{person};" for person in PEOPLE), "Bo;;=Blok;bo@elf.example.org;Elf;;op verzoek")
        place.members(*rows, headings=headings)
        place.send()
    ran = place.run("status", EVENT, "--skipped")
    assert ran.code == 0
    assert "550 5.1.1 unknown" in ran.out and "550 550" not in ran.out
    assert "op verzoek" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines() if "<" not in line)
    (went,) = place.run("status", EVENT, "--json").json["rounds"]
    assert len(went["sent"]) == 4
    assert [each["member"] for each in went["refused"]] == ["Jan de Vries"]
    assert [each["member"] for each in went["skipped"]] == ["Bo =Blok"]
    assert place.run("status", EVENT, "--csv", str(tmp_path / "s.csv")).code == 0
    table = (tmp_path / "s.csv").read_bytes()
    assert table.startswith(b"\xef\xbb\xbf")
    assert len(table.splitlines()) == 7
    overview = place.run("status")
    assert EVENT in overview.out


def test_a_list_that_cannot_be_read_does_not_hide_what_was_sent(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
    (tmp_path / "leden.csv").unlink()
    ran = place.run("status", EVENT, "--json")
    assert ran.code == 0
    assert len(ran.json["rounds"][0]["sent"]) == 5
    assert "leden.csv" in ran.err


def test_the_desk_names_what_is_due_and_the_command(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run()
    assert ran.code == 0
    assert "mkwmail send directeurendag-2020 invitation" in ran.out


def test_schema_is_json(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert json.loads(place.run("schema").out)["properties"]["starts"]
    assert json.loads(place.run("schema", "settings").out)["properties"]["sender"]


def test_a_proof_is_marked_signs_nobody_up_and_is_not_recorded(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        ran = place.run("proof", EVENT, "invitation", "chair@example.org", "me@example.org", "--yes")
        assert ran.code == 0, ran.err
        assert sorted(each.recipients[0] for each in server.taken) == ["chair@example.org", "me@example.org"]
        mail = email.message_from_bytes(server.taken[0].data, policy=email.policy.default)
        assert str(mail["Subject"]).startswith("[PROEF] Uitnodiging")
        assert str(mail["To"]) in (
            "zoals Kim Verbeek hem krijgt <chair@example.org>",
            "zoals Kim Verbeek hem krijgt <me@example.org>",
        )
        assert "Version" in ran.out and "as Kim Verbeek gets it" in ran.out
        assert "me@example.org: sent, as Kim Verbeek gets it" in ran.out
        body = mail.get_body(("plain",))
        assert body is not None and "lid=proef" in body.get_content()
        assert place.send().json["sent"] == 5


def test_the_link_in_a_proof_has_nobodys_data(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        fields = "&".join(f"{field}={{{field}}}" for field in LINK_FIELDS)
        text = EXAMPLE.read_text(encoding="utf-8").replace("lid={code}", fields)
        place.write(f"events/{EXAMPLE.name}", text)
        assert place.run("proof", EVENT, "invitation", "chair@example.org", "--yes").code == 0
        mail = email.message_from_bytes(server.taken[0].data, policy=email.policy.default)
        body = mail.get_body(("plain",))
        assert body is not None
        assert "".join(body.get_content().split()).count("=proef") == len(LINK_FIELDS)
        assert "kim%40" not in server.taken[0].data.decode()


def test_a_proof_that_is_refused_says_so(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.1.1 unknown")
        ran = a_place(tmp_path, server.port).run("proof", EVENT, "invitation", "chair@example.org", "--yes")
    assert ran.code == 80
    assert "5.1.1 unknown" in ran.out


@pytest.mark.parametrize(
    ("before", "after", "mended"),
    [
        ("  name: De Moestuin\n  street: Laan van Maarschalkerweerd 2\n", "", False),  # was to follow, and now is there
        ("ends: 2020-04-16 18.00", "ends: 2020-04-16 17.00", True),
    ],
)
def test_what_was_still_to_follow_is_left_to_the_invitation(
    tmp_path: Path, before: str, after: str, mended: bool
) -> None:
    """After the save the date: only what was told otherwise asks for an update."""
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        path = f"events/{EXAMPLE.name}"
        now = EXAMPLE.read_text(encoding="utf-8")
        assert before in now
        place.write(path, now.replace(before, after))
        assert place.run("send", EVENT, "save-the-date", "--yes", now="2020-01-20T09:00").code == 0
        place.write(path, now)
        for words in (("status", EVENT), ("check", EVENT), ("send", EVENT, "invitation", "--dry-run")):
            ran = place.run(*words, now="2020-02-17T09:00")
            assert (f"mkwmail send {EVENT} update" in ran.out + ran.err) is mended, words
        assert "save-the-date was approved" not in place.run("check", EVENT, now="2020-02-17T09:00").out
        assert place.send().code == 0
        assert f"mkwmail send {EVENT} update" not in place.run("status", EVENT, now="2020-02-18T09:00").out
