"""Words of the command line that may be left out, shortened or said in Dutch."""

from pathlib import Path

import pytest

from tests.workplace import Place, a_place

EVENT = "directeurendag-2020"


def with_another(place: Place, starts: str = "2020-10-08 13:00") -> Place:
    place.write("events/najaar.yaml", f"id: najaarsdag-2020\ntitle: Najaarsdag\nstarts: {starts}\nends: 17:00\n")
    return place


def test_the_only_event_may_be_left_out(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert "Directeurendag, 16 April 2020" in place.run("check").out
    assert place.run("send", "invitation", "--dry-run", "--json").json["event"] == EVENT
    assert place.run("answers", "set", "Kim Verbeek", "ja").code == 0
    assert '"attending": 1' in place.run("answers", "list", "--json").out
    assert place.run("calendar", str(tmp_path / "dag.ics")).code == 0
    missing = place.run("answers", "import", "er-niet.csv")
    assert missing.code == 65 and "er-niet.csv" in missing.err
    assert place.run("proof", "invitation", "secretaris@example.org").code != 2


@pytest.mark.parametrize(
    ("now", "meant"), [("2020-02-17T09:00", ""), ("2020-05-01T09:00", "Najaarsdag, 8 October 2020")]
)
def test_of_several_it_is_the_only_one_to_come(tmp_path: Path, now: str, meant: str) -> None:
    place = with_another(a_place(tmp_path))
    ran = place.run("check", now=now)
    if meant:
        assert meant in ran.out
    else:
        assert ran.code == 2
        assert ran.err.endswith("which event?\n    → choose from: directeurendag-2020, najaarsdag-2020\n")


def test_an_event_that_is_named_is_never_taken_for_something_else(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert "ADDRESS... is missing" in place.run("proof", EVENT, "invitation").err
    assert f'did you mean "{EVENT}"?' in place.run("papers", "directeurendg-2020").err
    assert 'did you mean "directeurendag-2020"' in place.run("answers", "list", "directeurendag-2021").err


def test_purge_wants_the_whole_name(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert "EVENT is missing" in place.run("purge", "--yes", now="2021-01-01T09:00").err
    assert place.run("purge", "directeurendag", "--yes", now="2021-01-01T09:00").code == 2


@pytest.mark.parametrize("word", ["uitnodiging", "Uitnodiging", "uitnod", "invitation"])
def test_a_mailing_may_be_named_in_dutch(tmp_path: Path, word: str) -> None:
    ran = a_place(tmp_path).run("send", word, "--dry-run", "--json")
    assert ran.json["mailing"] == "invitation"


def test_a_mailing_of_the_event_comes_before_the_dutch_word(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    path = next((place.folder / "events").glob("*.yaml"))
    text = path.read_text(encoding="utf-8")
    own = "mailings:\n  uitnodiging: {template: own, text: Kom.}\n"
    path.write_text(text.replace("mailings:\n", own, 1), encoding="utf-8")
    assert place.run("send", EVENT, "uitnodiging", "--dry-run", "--json").json["mailing"] == "uitnodiging"


def test_an_approval_given_twice_is_given_once(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run("schedule", "reminder", "herinnering", "--yes", now="2020-01-10T09:00")
    assert ran.code == 0 and "Approved: reminder." in ran.out.replace("reminder of", "reminder. of"), ran.out


def test_help_is_a_command_too(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("help").out == place.run("--help").out
    assert place.run("help", "answers", "set").out == place.run("answers", "set", "--help").out
    assert place.run("help", "sned").code == 2
    assert place.run("verstuur").err == 'there is no command "verstuur"\n    → did you mean send?\n'
