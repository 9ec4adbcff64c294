"""``bounces`` over a real sending: what came back counts, the rest is listed, and a corrected address is mailed."""

import email
from pathlib import Path

import pytest

from tests.smtp_server import DROP, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
REPORTS = Path(__file__).parent.parent / "responses" / "reports"
OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"
KIM = "kim@woonstede.example.org"
JAN = "jan@dehaven.example.org"
LATER = "2020-02-17T15:00"


def saved_report(place: Place, name: str, message_id: str, address: str = KIM) -> Path:
    """One of the reports of the tests, about a message that was really sent."""
    text = (REPORTS / f"{name}.eml").read_text(encoding="utf-8")
    path = place.folder / "terug" / f"{name}.eml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace(OURS, message_id).replace("k.jansen@huis.example.net", address), encoding="utf-8")
    return path


def message_id_of(server: ScriptedServer, address: str) -> str:
    (taken,) = [each for each in server.taken if each.recipients == (address,)]
    return str(email.message_from_bytes(taken.data)["Message-ID"]).strip("<>")


def test_who_was_not_reached_gets_it_once_the_address_is_corrected(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().code == 0
        saved_report(place, "postfix-unknown", message_id_of(server, KIM))
        for name in ("out-of-office", "human-quoting"):
            saved_report(place, name, message_id_of(server, KIM))
        ran = place.run("bounces", "import", EVENT, str(tmp_path / "terug"), now=LATER)
        assert ran.code == 0, ran.err
        assert "1 message came back." in ran.out
        assert f"Kim Verbeek <{KIM}>, invitation: 550 5.1.1" in ran.out
        assert "Automatic replies, not counted: 1" in ran.out
        assert "Written by people, not counted: read them: 1" in ran.out
        again = place.run("bounces", "import", EVENT, str(tmp_path / "terug"), now=LATER)
        assert "0 messages came back." in again.out and "1 was known already." in again.out
        assert place.send(now=LATER).json["sent"] == 0
        place.members(PEOPLE[0].replace(KIM, "k.verbeek@woonstede.example.org"), *PEOPLE[1:])
        assert place.send(now=LATER).json["sent"] == 1
        assert server.bodies_of("k.verbeek@woonstede.example.org") == 1


@pytest.mark.parametrize(("name", "left_out"), [("postfix-unknown", True), ("exim-report", False)])
def test_a_dead_address_is_left_out_of_later_mailings_and_a_full_mailbox_is_not(
    tmp_path: Path, name: str, left_out: bool
) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        saved_report(place, name, message_id_of(server, KIM))
        assert place.run("bounces", "import", EVENT, str(tmp_path / "terug"), now=LATER).code == 0
        event = "events/2020-04-16-directeurendag.yaml"
        text = (tmp_path / event).read_text(encoding="utf-8")
        place.write(event, text.replace("\nmailings:", "\nmailings:\n  parkeren: {text: Zo.}"))
        ran = place.run("send", EVENT, "parkeren", "--dry-run", "--json", now=LATER)
        reasons = {each["address"]: each["reason"] for each in ran.json["skipped"]}
        assert (KIM in reasons) is left_out, ran.out
        if left_out:
            assert "came back on 17 February 2020" in reasons[KIM]


def test_by_hand_and_send_again(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        ran = place.run("bounces", "set", EVENT, "Kim Verbeek", now=LATER)
        assert ran.code == 0, ran.err
        assert "counts as not delivered" in ran.out
        assert [each["address"] for each in place.send(now=LATER).json["refused"]] == [KIM]
        assert place.run("resolve", EVENT, "--send-again", KIM, now=LATER).code == 0
        assert place.send(now=LATER).json["sent"] == 1
        assert server.bodies_of(KIM) == 2


def test_a_refusal_is_explained_and_a_mistaken_word_is_taken_back(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("RCPT", "550 5.1.1 no such user", recipient=KIM, times=1)
        server.on("DOT", DROP, recipient=JAN, times=1)
        assert place.send().code == 79
        counted = place.run("schedule", EVENT).out
        (row,) = [line.split() for line in counted.splitlines() if "invitation" in line][:1]
        assert row[-2:] == ["3", "1"], counted  # had it, in doubt
        shown = place.run("resolve", EVENT, LC_ALL="nl_NL.UTF-8")
        assert shown.code == 79
        assert "het adres klopt niet" in shown.out and "leden.csv:2" in shown.out
        # Mistaken words, and the same person named again.
        assert place.run("resolve", EVENT, "--sent", "Kim Verbeek", "--sent", JAN).code == 0
        assert place.send().json["sent"] == 0
        assert place.run("resolve", EVENT, "--sent", "Kim Verbeek").code == 2
        again = place.run("resolve", EVENT, "--send-again", "Kim Verbeek", "--send-again", JAN)
        assert again.code == 0, again.err
        assert place.run("resolve", EVENT, "--sent", JAN).code == 0
        assert place.send().json["sent"] == 1
        assert (server.bodies_of(KIM), server.bodies_of(JAN)) == (1, 1)
        # A message sent since then replaces the person's decision.
        assert place.run("resolve", EVENT, "--send-again", "Kim Verbeek").code == 2


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        saved_report(place, "postfix-unknown", message_id_of(server, KIM))
        (tmp_path / "terug" / "a.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100)
        (tmp_path / "terug" / "b.docx").write_bytes(b"PK")
        ran = place.run("bounces", "import", EVENT, str(tmp_path / "terug"), now=LATER)
        assert ran.code == 65
        assert "1 message came back." in ran.out and "a.msg" in ran.out and "b.docx" in ran.out


def test_by_hand_before_anything_went_is_refused(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run("bounces", "set", EVENT, "Kim Verbeek")
    assert (ran.code, "nothing about directeurendag-2020 has been sent yet" in ran.err) == (2, True)


def test_a_folder_without_mail_is_refused(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    (tmp_path / "leeg").mkdir()
    assert place.run("bounces", "import", EVENT, str(tmp_path / "leeg")).code == 65
