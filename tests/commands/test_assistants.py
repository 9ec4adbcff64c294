"""An assistant's copy: one message of her own for each mailing, about the members whose mail it is."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import HEADINGS, Place, a_place

EVENT = "directeurendag-2020"
LATER = "2020-02-17T12:00"
REMINDED = "2020-03-23T09:00"
ELS, BUREAU = "els.smit@woonstede.example.org", "bureau@dehaven.example.org"
ROWS = (
    f"Kim;;Verbeek;kim@woonstede.example.org;Woonstede;directeur;{ELS}",
    f'Jan;de;Vries;jan@dehaven.example.org;De Haven;lid;"Els Smit <{ELS}>; {BUREAU}"',
    "Zoë;;Ruiter;zoe@tien.example.org;Tien;directeur;kim@woonstede.example.org",
)


def with_assistants(tmp_path: Path, port: int = 9, rows: tuple[str, ...] = ROWS) -> Place:
    place = a_place(tmp_path, port)
    place.members(*rows, headings=f"{HEADINGS};kopie aan")
    return place


def got(server: ScriptedServer) -> dict[str, list[str]]:
    """Each address with the texts of the mails that it got."""
    found: dict[str, list[str]] = {}
    for each in server.taken:
        mail = email.message_from_bytes(each.data, EmailMessage, policy=email.policy.default)
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n")
        found.setdefault(each.recipients[0], []).append(f"{mail['Subject']}\n\n{text}")
    return found


def test_an_assistant_gets_one_copy_that_names_her_members_with_their_links(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        shown = place.run("send", EVENT, "invitation", "--dry-run")
        assert "2 copies for assistants: Els Smit" in shown.out and "3 members: Kim Verbeek" in shown.out
        ran = place.run("send", EVENT, "invitation", "--yes")
        assert ran.code == 0 and "5 mails sent (2 of them copies)." in ran.out, ran.out + ran.err
        mails = got(server)
        again = place.run("send", EVENT, "invitation", "--yes", now=LATER)
        assert "everybody already had the invitation" in again.out
    # Kim is Zoë's assistant and a member: she gets her own mail only.
    assert {address: len(texts) for address, texts in mails.items()} == dict.fromkeys(
        ("kim@woonstede.example.org", "jan@dehaven.example.org", "zoe@tien.example.org", ELS, BUREAU), 1
    )
    (copy,) = mails[ELS]
    assert copy.startswith("Ter informatie: Uitnodiging: Directeurendag, do 16 april\n\nBeste Els,")
    for address, name in (("kim@woonstede", "Kim Verbeek (Woonstede)"), ("jan@dehaven", "Jan de Vries (De Haven)")):
        (own,) = mails[f"{address}.example.org"]
        link = next(line for line in own.splitlines() if "lid=" in line)
        assert f"{name}\n{link}\n" in copy
    (other,) = mails[BUREAU]
    assert "Jan de Vries" in other and "Kim Verbeek" not in other and other.count("lid=") == 1
    assert "Beste collega," in other


def test_assistants_share_a_letter(tmp_path: Path) -> None:
    place = with_assistants(
        tmp_path,
        rows=tuple(f"Lid;;L{n}xx;lid{n}@lid.example.org;Org {n};lid;hulp{n}@lid.example.org" for n in range(8)),
    )
    ran = place.run("preview", EVENT, "invitation")
    assert "16 mails in 2 variants" in ran.out


def test_a_copy_follows_the_members_of_whom_it_is(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.send().code == 0
        assert place.run("answers", "set", EVENT, "jan@dehaven.example.org", "ja", now=LATER).code == 0
        assert place.run("send", EVENT, "reminder", "--yes", now=REMINDED).code == 0
        assert place.run("send", EVENT, "practical", "--yes", now="2020-04-09T09:00").code == 0
        mails = got(server)
        status = place.run("status", EVENT, "--json", now="2020-04-09T10:00").json
    # Jan answered: his bureau is not reminded, and Els only for Kim.
    assert len(mails[BUREAU]) == 2 and "Praktische informatie" in mails[BUREAU][1]
    kinds = ("Uitnodiging:", "Ben je erbij?", "Praktische informatie:")
    assert len(mails[ELS]) == 3
    assert all(text.startswith(f"Ter informatie: {kind}") for text, kind in zip(mails[ELS], kinds, strict=True))
    assert "Kim Verbeek" in mails[ELS][1] and "Jan de Vries" not in mails[ELS][1]
    sent = next(each for each in status["rounds"] if each["mailing"] == "invitation")["sent"]
    assert {"copy for Jan de Vries", "Els Smit, copy for Kim Verbeek, Jan de Vries"} <= {
        each["member"] for each in sent
    }


def test_a_copy_that_was_deferred_is_tried_again_although_the_member_has_the_mail(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        server.on("RCPT", "451 4.7.1 later", recipient=BUREAU)
        assert place.send().code == 75
    with ScriptedServer() as server:
        place.settings(server.port)
        ran = place.send(now=LATER)
        assert ran.code == 0 and ran.json["sent"] == 1
        assert list(got(server)) == [BUREAU]


def test_an_update_and_a_cancellation_reach_assistants_too(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.send().code == 0
        path = place.folder / "events" / "2020-04-16-directeurendag.yaml"
        text = path.read_text(encoding="utf-8").replace("De Moestuin", "Het Wachthuis")
        path.write_text(text, encoding="utf-8")
        server.on("RCPT", "451 4.7.1 later", recipient=ELS)
        assert place.run("send", EVENT, "update", "--yes", now=LATER).code == 75
    with ScriptedServer() as server:
        place.settings(server.port)
        # The members have the update by now; Els still gets her copy of it.
        assert place.run("send", EVENT, "update", "--yes", now="2020-02-17T14:00").code == 0
        (copy,) = got(server)[ELS]
        assert "Ter informatie: Wijziging" in copy
        assert place.run("send", EVENT, "cancellation", "--yes", now="2020-02-18T09:00").code == 0
        mails = got(server)
    assert len(mails) == 5
    assert "gaat helaas niet door" in mails[ELS][1] and "lid=" not in mails[ELS][1]


def test_skip_and_forget_hold_for_an_assistant(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.run("skip", ELS, "--reason", "wil geen kopie").code == 0
        assert place.send().json["sent"] == 4
        assert ELS not in got(server)
        assert place.run("skip", ELS, "--undo").code == 0
        assert place.send(now=LATER).json["sent"] == 1
        ran = place.run("forget", ELS, "--yes", now=LATER)
        assert ran.code == 0 and "leden.csv:2, in the column kopie aan" in ran.out and "leden.csv:3" in ran.out
        assert place.send(now="2020-02-18T09:00").json["sent"] == 0
    kept = [path for path in place.folder.rglob("*") if path.is_file() and path.name != "leden.csv"]
    assert not any(ELS.encode() in path.read_bytes() for path in kept)


def test_an_answer_from_an_assistant_counts_for_the_member_and_is_asked_once(tmp_path: Path) -> None:
    place = with_assistants(tmp_path)
    place.write("a.csv", f"E-mailadres;Naam;Komt u?\n{BUREAU};;Ja\n{ELS};Kim Verbeek;Ja\n")
    words = place.command("answers", "import", EVENT, str(place.folder / "a.csv"))
    seen = place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--dry-run", now=LATER)
    assert "Kim Verbeek: attending" in seen.out
    assert "the assistant of Jan de Vries signed up" in seen.out
    code, _said = typed(
        words,
        place.environment(LATER),
        place.folder,
        [("Type the number of who it is", "1"), ("To record it, type 2", "2")],
    )
    assert code == 0
    answers = place.run("answers", "list", EVENT, "--json", now=LATER).json["answers"]
    assert {each["member"]: each["answer"] for each in answers if each["answer"]} == {
        "Kim Verbeek": "attending",
        "Jan de Vries": "attending",
    }
    assert ELS not in {each["address"] for each in answers}
    again = place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes", now=LATER)
    assert again.code == 0 and "signed up" not in again.out


def test_an_answer_that_waits_is_no_reason_to_remind_the_member_or_to_leave_them_out(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.send().code == 0
        place.write("a.csv", f"E-mailadres;Naam;Komt u?\n{BUREAU};;Ja\n")
        assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes", now=LATER).code == 0
        ran = place.run("send", EVENT, "reminder", "--yes", "--json", now=REMINDED)
        assert "jan@dehaven.example.org" in {each["address"] for each in ran.json["skipped"]}
        practical = place.run("send", EVENT, "practical", "--yes", "--json", now="2020-04-09T09:00")
        assert practical.json["sent"] == 3  # Jan, his bureau, and Els: of the others nobody comes


def test_two_addresses_in_a_cell_propose_the_column(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members("Kim;;Verbeek;kim@x.example.org, els@x.example.org;Woonstede;directeur")
    ran = place.run("check", EVENT)
    assert ran.code == 65 and "kopie aan" in ran.out


def test_a_wrong_address_of_an_assistant_is_a_fault_with_its_column(tmp_path: Path) -> None:
    place = with_assistants(tmp_path, rows=("Kim;;Verbeek;kim@x.example.org;Woonstede;lid;Els Smit",))
    ran = place.run("check", EVENT)
    assert ran.code == 65 and 'leden.csv:2 kopie aan: "Els Smit" has no @' in ran.out


def test_assistants_are_never_counted(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.send().code == 0
        status = place.run("status", EVENT, "--json", now=LATER).json
        assert status["attendance"]["silent"] == 3 and status["attendance"]["organisations"] == 3
        assert status["not_listed"] == []
        assert "3 members" in place.run("check", EVENT, now=LATER).out
        # Also if the column is gone: an assistant is nobody who has left the association without an answer.
        place.members(*(row.rpartition(";")[0] if '"' not in row else row.split(';"')[0] for row in ROWS))
        assert place.run("status", EVENT, "--json", now=LATER).json["attendance"]["silent"] == 3


def test_an_answer_for_an_assistants_address_is_the_members(tmp_path: Path) -> None:
    place = with_assistants(tmp_path)
    ran = place.run("answers", "set", EVENT, BUREAU, "ja", now=LATER)
    assert ran.code == 0 and "Jan de Vries" in ran.out
    assert place.run("answers", "set", EVENT, ELS, "ja", now=LATER).code == 2  # two members
    answers = place.run("answers", "list", EVENT, "--json", now=LATER).json["answers"]
    assert [(each["member"], each["answer"]) for each in answers if each["answer"]] == [("Jan de Vries", "attending")]


def test_a_request_for_an_answer_is_the_members_alone(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        path = place.folder / "events" / "2020-04-16-directeurendag.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("method: publish", "method: request"), encoding="utf-8")
        assert place.send().code == 0
        entries = {each.recipients[0]: b"text/calendar" in each.data for each in server.taken}
    assert not entries[ELS] and not entries[BUREAU] and entries["kim@woonstede.example.org"]


def test_due_sends_copies_and_a_new_assistant_hers(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        assert place.run("schedule", EVENT, "invitation", "--yes", now="2020-02-16T09:00").code == 0
        ran = place.run("due", now="2020-02-17T09:30")
        assert ran.code == 0, ran.out + ran.err
        assert {ELS, BUREAU} <= set(got(server)) and len(server.taken) == 5
        place.members(*ROWS[:2], ROWS[2].replace("kim@woonstede", "hulp@tien"), headings=f"{HEADINGS};kopie aan")
        assert place.run("due", now="2020-02-18T09:30").code == 0
        assert len(server.taken) == 6 and "hulp@tien.example.org" in got(server)


def test_a_column_sorted_on_its_own_is_said_and_stops_due(tmp_path: Path) -> None:
    def rows(shift: int) -> tuple[str, ...]:
        return tuple(
            f"Voor{n};;Achter{n};directeur@c{n}.example.org;Org {n};lid;hulp@c{(n + shift) % 6}.example.org"
            for n in range(6)
        )

    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port, rows(0))
        assert "domain of another" not in place.run("check", EVENT).out
        assert place.run("schedule", EVENT, "invitation", "--yes", now="2020-02-16T09:00").code == 0
        place.members(*rows(1), headings=f"{HEADINGS};kopie aan")
        assert "6 assistants are at the domains of other organisations" in place.run("check", EVENT, COLUMNS="300").out
        shown = place.run("send", EVENT, "invitation", "--dry-run", COLUMNS="300")
        assert "hulp@c1.example.org (Voor0 Achter0)" in shown.out
        ran = place.run("due", now="2020-02-17T09:30")
        assert ran.code == 78 and "6 assistants are in the rows of other" in ran.err
        assert not any("c0.example.org" in each.recipients[0] for each in server.taken)
        # One assistant elsewhere, such as a shared office, is worth a look and no more.
        place.members(*rows(0)[:5], rows(0)[5].replace("hulp@c5", "bureau@c1"), headings=f"{HEADINGS};kopie aan")
        assert "1 assistant is at the domain of another organisation" in place.run("check", EVENT, COLUMNS="300").out
        assert place.run("due", now="2020-02-17T10:30").code == 0


def test_who_is_forgotten_is_in_no_copy_either(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_assistants(tmp_path, server.port)
        server.on("RCPT", "451 4.7.1 later", recipient=BUREAU)
        assert place.send().code == 75
        assert place.run("forget", "jan@dehaven.example.org", "--yes", now=LATER).code == 0
        kept = [path for path in place.folder.rglob("*") if path.is_file() and path.name != "leden.csv"]
        for word in ("Jan de Vries", "De Haven", "jan@dehaven"):
            assert not [path.name for path in kept if word.encode() in path.read_bytes()], word
        # The assistant's mail is recorded all the same.
        assert place.run("status", EVENT, "--json", now=LATER).json["rounds"][0]["sent"]
        assert ELS not in {each["address"] for each in place.send("--dry-run", now=LATER).json["deferred"]}
    with ScriptedServer() as server:
        place.settings(server.port)
        assert place.send(now="2020-02-17T15:00").code == 0 and BUREAU in got(server)
