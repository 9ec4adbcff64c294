"""``forget`` and ``purge``: nothing of a person is left in any file, and nobody is mailed twice for it."""

import sqlite3
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import DROP, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
KIM = ("Verbeek", "kim@woonstede.example.org", "Woonstede", "L-4711", "geen noten")
LATER = "2020-03-24T10:00"
PAST = "2021-05-01T10:00"


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    """Five who have the invitation; Kim signed up, with a wish; Els's mail was refused by name."""
    place = a_place(tmp_path, server.port)
    rows = [f"{row};{'L-4711' if 'Kim' in row else ''}" for row in PEOPLE]
    place.members(*rows, headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;lidnummer")
    assert place.send().code == 0
    place.write("a.csv", "Naam;E-mailadres;Komt u?;Dieetwensen\nKim Verbeek;kim@woonstede.example.org;ja;geen noten\n")
    assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes").code == 0
    (place.folder / "a.csv").unlink()
    assert place.run("send", EVENT, "reminder", "--rehearse", "--yes").code == 0
    return place


def without_row(place: Place, name: str) -> str:
    """Take a person's row out of the list; what it said."""
    lines = (place.folder / "leden.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (place.folder / "leden.csv").write_text("".join(each for each in lines if name not in each), encoding="utf-8")
    return next(each for each in lines if name in each)


ENCODINGS = ("utf-8", "utf-16-le", "latin-1", "utf-7")


def found_in(place: Place, *words: str) -> list[tuple[str, str]]:
    """Return the words that any file of the folder holds, in all its encodings, also compressed; except the list."""
    return [
        (path.relative_to(place.folder).as_posix(), word)
        for path in sorted(place.folder.rglob("*"))
        if path.is_file() and path.name != "leden.csv"
        for word in words
        if any(_has(data, word) for data in (path.read_bytes(), *blobs_in(path)))
    ]


def _has(data: bytes, word: str) -> bool:
    forms = {word.encode(encoding) for encoding in ENCODINGS}
    if len(word) > 9:
        # As base64 has it, at each of the three places where it can begin.
        forms |= {b64encode(b"x" * lead + word.encode())[4 if lead else 0 : -4] for lead in range(3)}
    return any(form in data for form in forms)


def blobs_in(path: Path) -> Iterator[bytes]:
    """Yield the compressed contents of the columns of a ledger or a backup."""
    if not path.read_bytes().startswith(b"SQLite format 3"):
        return
    connection = sqlite3.connect(path)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, bytes):
                        with suppress(zlib.error):
                            yield zlib.decompress(value)
    finally:
        connection.close()


def test_the_search_finds_what_is_compressed(place: Place) -> None:
    assert any(b"Directeurendag" in blob for blob in blobs_in(place.folder / "mkwmail-test.db"))
    assert ("backups/" in {file[:8] for file, _word in found_in(place, *KIM)}) is True


def test_nothing_of_a_forgotten_person_is_left_in_any_file(place: Place) -> None:
    assert found_in(place, *KIM)
    ran = place.run("forget", "kim@woonstede.example.org", "--yes")
    assert ran.code == 0
    assert "leden.csv:2" in ran.out
    assert found_in(place, *KIM) == []
    assert not (place.folder / "rehearsal").exists()


def a_shown_page(place: Place) -> Path:
    """The page of all mails, as a browser showed it."""
    ran = place.run("preview", EVENT, "invitation", "--browser", DISPLAY=":0", BROWSER="true %s")
    assert ran.code == 0, ran.err
    return place.folder / "preview" / "index.html"


@pytest.mark.parametrize("words", [("forget", "Kim Verbeek"), ("purge", EVENT)])
def test_the_page_that_a_browser_showed_is_removed_and_nothing_else(place: Place, words: tuple[str, ...]) -> None:
    page = a_shown_page(place)
    page.with_name("index.html.4711.new").write_text("what a kill left: Verbeek")
    place.write("preview/van-mij.txt", "my own")
    without_row(place, "Verbeek")
    assert place.run(*words, "--yes", now=PAST).code == 0
    assert [path.name for path in page.parent.iterdir()] == ["van-mij.txt"]
    (page.parent / "van-mij.txt").unlink()
    assert found_in(place, *KIM) == []
    a_shown_page(place)
    assert place.run(*words[:1], EVENT if words[0] == "purge" else "Jan de Vries", "--yes", now=PAST).code == 0
    assert not page.parent.exists()


def test_an_event_of_which_there_is_only_a_page_is_purged_too(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    page = a_shown_page(place)
    assert "Removed." in place.run("purge", EVENT, "--yes", now=PAST).out
    assert not page.exists()
    assert "Nothing of the kind is stored" in place.run("purge", EVENT, "--yes", now=PAST).out


def test_the_forgotten_get_no_second_mail_of_the_same_mailing(place: Place, server: ScriptedServer) -> None:
    assert place.run("forget", "Kim Verbeek", "--yes").code == 0
    before = len(server.taken)
    # Their row is still in the list, and is not written down again.
    assert place.send().json["sent"] == 0
    # Neither under a new address: they are known again by name and number, and by name and organisation.
    row = without_row(place, "Verbeek")
    for changed in (row.replace("kim@", "kimverbeek@"), row.replace("kim@", "kv@").replace("Woonstede", "Elders")):
        place.members(
            *PEOPLE[1:],
            changed.strip(),
            headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;lidnummer",
        )
        assert place.send().json["sent"] == 0
    assert len(server.taken) == before
    assert found_in(place, *KIM) == []


def test_an_address_of_somebody_forgotten_gets_no_second_mail_of_the_same_mailing(
    place: Place, server: ScriptedServer
) -> None:
    row = without_row(place, "Verbeek")
    assert place.run("forget", "kim@woonstede.example.org", "--yes", now=LATER).code == 0
    # A successor, at the address that has the invitation.
    place.members(
        *PEOPLE[1:], row.strip().removesuffix(";L-4711").replace("Kim;;Verbeek", "Noor;van;Dam").replace("L-4711", "")
    )
    question = "Type the number of who it is, n for somebody new, Enter to skip for now:"
    command, environment = place.command("send", EVENT, "invitation"), place.environment(LATER)
    code, screen = typed(command, environment, place.folder, [("Type yes, or 1", "1"), (question, "n")])
    assert code == 0 and "1  somebody whose data were removed" in screen and "forgotten:" not in screen
    assert server.bodies_of("kim@woonstede.example.org") == 1
    # It hears the rest, as every successor does.
    place.run("send", EVENT, "reminder", "--yes", now=LATER)
    assert server.bodies_of("kim@woonstede.example.org") == 2


def test_who_was_forgotten_is_not_said_to_have_left_the_list(place: Place) -> None:
    assert place.run("forget", "kim@woonstede.example.org", "--yes").code == 0
    place.members(*PEOPLE[1:])
    assert "left the list" not in place.run("check", EVENT).out


def test_forgetting_is_no_skip_a_later_mailing_goes(place: Place, server: ScriptedServer) -> None:
    assert place.run("answers", "set", EVENT, "jan@dehaven.example.org", "nee").code == 0
    assert place.run("forget", "jan@dehaven.example.org", "--yes").code == 0
    sent = place.run("send", EVENT, "practical", "--yes", "--json", now="2020-04-09T10:00")
    assert sent.json["sent"] == 1  # Kim, who comes
    assert place.run("forget", "kim@woonstede.example.org", "--yes", now="2020-04-10T10:00").code == 0
    thanks = place.run("send", EVENT, "thanks", "--yes", "--json", now="2020-04-20T10:00")
    assert thanks.json["sent"] == 1
    assert server.taken[-1].recipients == ("kim@woonstede.example.org",)


def test_a_standing_skip_outlives_forgetting(place: Place) -> None:
    assert place.run("skip", "Kim Verbeek", "--reason", "met pensioen in Zwolle").code == 0
    assert place.run("forget", "Kim Verbeek", "--yes").code == 0
    assert found_in(place, *KIM, "Zwolle") == []
    sent = place.run("send", EVENT, "practical", "--yes", "--json", now="2020-04-09T10:00")
    assert sent.json["sent"] == 0
    assert [each["address"] for each in sent.json["skipped"] if "mailed" in each["reason"]] == [
        "kim@woonstede.example.org"
    ]


def test_the_cancellation_is_not_sent_to_people_who_were_forgotten_and_have_left(place: Place) -> None:
    without_row(place, "Verbeek")
    assert place.run("forget", "Kim Verbeek", "--yes").code == 0
    sent = place.run("send", EVENT, "cancellation", "--yes", "--json", now=LATER)
    assert sent.json["sent"] == 4
    lines = place.run("status", EVENT, "--json", now=LATER).out
    assert "forgotten:" not in lines


def test_what_a_kill_left_to_wipe_is_wiped_by_the_next_run(place: Place) -> None:
    ledger = place.folder / "mkwmail-test.db"
    with sqlite3.connect(ledger) as database:
        database.execute("INSERT INTO to_wipe VALUES (1)")
    database.close()
    size = ledger.stat().st_size
    assert place.run("due").code == 0
    with sqlite3.connect(ledger) as database:
        assert database.execute("SELECT count(*) FROM to_wipe").fetchone() == (0,)
    database.close()
    assert ledger.stat().st_size <= size


def test_a_purged_event_keeps_its_counts_and_nobody_in_it(place: Place) -> None:
    early = place.run("purge", EVENT, "--yes")
    assert (early.code, "still to come" in early.err) == (2, True)
    proposed = place.run("status", EVENT, now=PAST).out
    assert f"mkwmail purge {EVENT} --dietary" in proposed
    assert f"mkwmail purge {EVENT}\n" in proposed
    without_row(place, "Verbeek")

    assert place.run("purge", EVENT, "--dietary", "--yes", now=PAST).code == 0
    assert found_in(place, "geen noten") == []
    assert found_in(place, "Verbeek")
    assert place.run("purge", EVENT, "--yes", now=PAST).code == 0
    assert found_in(place, *KIM) == []

    after = place.run("status", EVENT, now=PAST).out
    assert "Personal data was removed on 1 May 2021. Answers: 1 attending" in after
    assert "mkwmail purge" not in after
    assert "Nothing of the kind is stored" in place.run("purge", EVENT, "--yes", now=PAST).out
    assert place.run("send", EVENT, "invitation", "--yes", "--json", now="2020-03-01T10:00").json["sent"] == 0


@pytest.mark.parametrize("words", [("forget", "Kim Verbeek"), ("purge", EVENT)])
def test_a_person_must_type_it(place: Place, words: tuple[str, ...]) -> None:
    assert place.run(*words, now=PAST).code == 78
    code, screen = typed(place.command(*words), place.environment(PAST), place.folder, [("type", "no")])
    assert code == 130
    assert "Nothing was removed." in screen
    assert found_in(place, *KIM)
    word = "kim@woonstede.example.org" if words[0] == "forget" else EVENT
    code, _screen = typed(place.command(*words), place.environment(PAST), place.folder, [("type", word)])
    assert code == 0


def test_about_who_was_forgotten_nobody_is_asked_any_more(place: Place, server: ScriptedServer) -> None:
    server.on("RCPT", "550 5.1.1 no such user", recipient="kim@woonstede.example.org")
    assert place.run("send", EVENT, "update", "--yes", now=LATER).code == 0
    changed = (place.folder / "events").glob("*.yaml")
    for path in changed:
        path.write_text(path.read_text(encoding="utf-8").replace("De Moestuin", "Het Wachthuis"), encoding="utf-8")
    assert place.run("send", EVENT, "update", "--yes", now=LATER).code == 80
    without_row(place, "Verbeek")
    assert place.run("resolve", EVENT, now=LATER).code == 80
    assert place.run("forget", "Kim Verbeek", "--yes", now=LATER).code == 0
    asked = place.run("resolve", EVENT, now=LATER)
    assert (asked.code, asked.out) == (0, "Nothing is in doubt or refused.\n")
    assert "mkwmail resolve" not in place.run("status", EVENT, now=LATER).out


@pytest.mark.long
def test_who_was_refused_or_in_doubt_and_is_forgotten_is_neither_mailed_nor_asked_about(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("DOT", DROP, recipient="kim@woonstede.example.org", times=1)
        server.on("RCPT", "550 5.1.1 no such user", recipient="lou@elf.example.org", times=1)
        assert place.send().code == 79
        for who in ("Kim Verbeek", "lou@elf.example.org"):
            assert place.run("forget", who, "--yes").code == 0
        before = len(server.taken)
        again = place.send()
        assert (again.code, again.json["sent"], len(server.taken)) == (0, 0, before)
        assert {each["address"]: "personal data removed since" in each["reason"] for each in again.json["skipped"]} == {
            "lou@elf.example.org": True
        }
        assert place.run("resolve", EVENT).code == 0


ZORA = ("Bergsma", "cherland", "xn--bcherland-q9a", "zora@gmail", "schaaldieren", "Anneke")


@pytest.fixture
def signed_up(tmp_path: Path, server: ScriptedServer) -> Place:
    """Zora, whose domain has a letter outside ASCII, signed up in rows that nobody has settled yet."""
    place = a_place(tmp_path, server.port)
    place.members(
        "Zora;;Bergsma;Zora@Bücherland.nl;Boekhuis;directeur", "Tom;;Bos;zora@xn--bcherland-q9a.nl;Boekhuis;lid"
    )
    assert place.send().code == 0
    place.members(*PEOPLE)
    rows = (
        "Zora Bergsma;Zora@Bücherland.nl;Boekhuis;ja;schaaldieren",
        "Zora Bergsma;zora@gmail.com;;ja;met Anneke",
        "Z. Bergsma;zb@example.net;Boekhuis;ja;",
        "Zora Bergsma;zora@elders.example.net;Elders;ja;",
    )
    place.write("a.csv", "\n".join(("Naam;E-mail;Organisatie;Komt u?;Dieetwensen", *rows)) + "\n")
    assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes").code in (0, 75)
    (place.folder / "a.csv").unlink()
    return place


def test_unsettled_rows_of_the_person_are_forgotten_too_and_those_alike_are_named(signed_up: Place) -> None:
    assert found_in(signed_up, *ZORA)
    ran = signed_up.run("forget", "Zora Bergsma", "--yes")
    assert ran.code == 0, ran.err
    assert "zb@example.net" in ran.out and "zora@elders.example.net" in ran.out
    assert found_in(signed_up, *ZORA[1:]) == []


def test_rows_alike_are_asked_about_at_the_keyboard(signed_up: Place) -> None:
    words = signed_up.command("forget", "Zora Bergsma")

    def decided(screen: str) -> str:
        return "n" if "Elders" in screen.rpartition("Forget")[2] else "y"

    answers = (("type", "zora@xn--bcherland-q9a.nl"), ("y/n:", decided), ("y/n:", decided))
    code, screen = typed(words, signed_up.environment(), signed_up.folder, answers)
    assert code == 0, screen
    assert {word for _file, word in found_in(signed_up, *ZORA, "zb@example", "zora@elders")} == {
        "Bergsma",
        "zora@elders",
    }


def test_somebody_of_whom_only_a_sign_up_is_known_is_forgotten(signed_up: Place) -> None:
    ran = signed_up.run("forget", "zb@example.net", "--yes")
    assert ran.code == 0, ran.err
    assert found_in(signed_up, "zb@example.net") == []
    assert found_in(signed_up, "zora@elders.example.net")


def test_about_shows_everything_of_a_person_and_nothing_of_others(place: Place) -> None:
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "ja", now=LATER).code == 0
    assert place.run("skip", "Kim Verbeek", "--reason", "vervangen door Jan de Vries", now=LATER).code == 0
    ran = place.run("about", "Kim Verbeek", now=LATER)
    assert ran.code == 0, ran.err
    for word in (*KIM, "invitation", "directeur", "attending", "vervangen door"):
        assert word in ran.out, word
    assert "recipient’s address: kim@woonstede.example.org" in ran.out
    assert place.run("about", "kim@woonstede.example.org", "--html", "kim.html", now=LATER).code == 0
    page = next(each for each in (place.folder / "kim.html", Path("kim.html")) if each.exists())
    text = page.read_text(encoding="utf-8")
    page.unlink()
    for other in ("Jan de Vries", "jan@dehaven", "els@", "Ruiter"):
        assert other not in ran.out and other not in text
    assert "geen noten" in text


def test_after_forgetting_nothing_is_kept(place: Place) -> None:
    without_row(place, "Verbeek")
    assert place.run("forget", "Kim Verbeek", "--yes", now=LATER).code == 0
    assert place.run("about", "Kim Verbeek", now=LATER).code == 2
