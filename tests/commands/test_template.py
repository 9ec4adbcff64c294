"""``template``: a text of one's own, what it changes, and files that no mail uses."""

import sys
from pathlib import Path

import pytest

from tests.workplace import a_place

EVENT = "directeurendag-2020"


def test_a_text_is_copied_with_a_note_and_says_the_same(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    before = place.run("preview", EVENT, "invitation").out
    assert place.run("template", "invitation").code == 0
    text = (tmp_path / "templates" / "invitation.md").read_text(encoding="utf-8")
    assert text.startswith("---\nsubject:") and "{# Een eigen versie" in text
    assert place.run("preview", EVENT, "invitation").out == before
    assert "the same" in place.run("template", "invitation", "--diff").out
    again = place.run("template", "uitnodiging")
    assert again.code == 2 and "already" in again.err
    assert (tmp_path / "templates" / "invitation.md").read_text(encoding="utf-8") == text


def test_what_the_own_text_changes_is_shown(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("template", "thanks").code == 0
    path = tmp_path / "templates" / "thanks.md"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n\nTot ziens!\n", encoding="utf-8")
    said = place.run("template", "--diff").out
    assert "+Tot ziens!" in said and "templates/thanks.md" in said and "Een eigen versie" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that cannot be read")
def test_a_text_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    path = tmp_path / "templates" / "thanks.md"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("Met vriendelijke groet, André".encode("cp1252"))
    ran = place.run("template", "--diff")
    assert ran.code == 65 and "not UTF-8" in ran.err and 'encoding "UTF-8"' in ran.err
    path.unlink()
    path.symlink_to("/proc/self/mem")  # a file that gives an error, also for root, who may read everything
    ran = place.run("template", "--diff")
    assert ran.code == 65 and "not UTF-8" not in ran.err and "cannot be read: the disk is faulty" in ran.err


def test_an_unknown_text_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = place.run("template", "invitaton")
    assert ran.code == 2 and '"invitation"' in ran.err
    assert not (tmp_path / "templates" / "invitaton.md").exists()
    assert "invitation" in place.run("template").out


def test_a_file_that_no_mail_uses_is_named_by_check(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    text = "---\nsubject: x\n---\n{{ salutation }}\n"
    place.write("templates/invitaton.md", text)
    place.write("templates/reminder-2.md", text)
    place.write("templates/deel.md", "Tot dan.\n")
    place.write("templates/practical.md", text + '{% include "deel.md" %}\n')
    said = " ".join(place.run("check", EVENT).out.split())
    assert 'templates/invitaton.md: no mail uses this file → did you mean "invitation.md"?' in said
    assert "templates/reminder-2.md: no mail uses this file" in said
    assert "templates/deel.md" not in said and "templates/practical.md: no mail" not in said
