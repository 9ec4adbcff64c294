"""Approvals compared with the files as they are now."""

from datetime import datetime

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger.models import Approval, Change, Delivery, Round, State
from mkwmail.planning.approval import FACTS, corrections, differences, earlier_texts, fingerprint
from mkwmail.planning.facts import EventFacts

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
INVITATION = Round("dag-2020", "invitation")
BEFORE = {
    "templates/invitation.md": "Beste {{ naam }},\n\nKom om 13.00 uur.\n\nGroet",
    "programma.pdf": fingerprint(b"pdf"),
}


def test_the_same_sources_do_not_differ() -> None:
    assert differences(BEFORE, dict(BEFORE)) == ()


def test_line_ends_make_no_difference_but_a_markdown_line_break_does() -> None:
    text = BEFORE["templates/invitation.md"]
    assert differences(BEFORE, BEFORE | {"templates/invitation.md": text.replace("\n", "\r\n") + "\r\n"}) == ()
    assert differences(BEFORE, BEFORE | {"templates/invitation.md": text.replace("uur.", "uur.  ")})


def test_a_changed_text_shows_its_lines() -> None:
    text = BEFORE["templates/invitation.md"].replace("13.00", "14.00")
    (found,) = differences(BEFORE, BEFORE | {"templates/invitation.md": text})
    assert found.what == "templates/invitation.md has changed"
    assert found.lines == ("-Kom om 13.00 uur.", "+Kom om 14.00 uur.")


def test_lines_that_look_like_a_diffs_head_are_shown_too() -> None:
    (found,) = differences({"a.md": "x\n-- \ny"}, {"a.md": "x\n++ \ny"})
    assert found.lines == ("--- ", "+++ ")


def test_facts_differ_in_the_words_of_a_mail() -> None:
    """Not as the ledger keeps them, which nobody can read."""
    before = EventFacts("Dag", "2020-04-16T13:00:00+02:00", "2020-04-16T18:00:00+02:00")
    now = EventFacts("Dag", "2020-04-16T13:30:00+02:00", "2020-04-16T18:00:00+02:00", place="De Moestuin, Utrecht")
    name = f"events/dag.yaml{FACTS}"
    (found,) = differences({name: before.document()}, {name: now.document()})
    assert found.what == "the date, place or programme in events/dag.yaml has changed"
    assert found.lines == (
        "-Tijd: 13.00-18.00 uur",
        "+Tijd: 13.30-18.00 uur",
        "-Locatie: volgt nog",
        "+Locatie: De Moestuin, Utrecht",
    )


def test_a_long_difference_is_cut_and_says_so() -> None:
    (found,) = differences({"a.md": "x"}, {"a.md": "\n".join("abcdefghijklmnop")})
    assert len(found.lines) == 9 and found.lines[-1] == "… and 9 lines more"


def test_an_attachment_differs_without_its_bytes_being_shown() -> None:
    (found,) = differences(BEFORE, BEFORE | {"programma.pdf": fingerprint(b"other")})
    assert (found.what, found.lines) == ("programma.pdf has changed", ())


def test_added_and_removed_sources_are_named() -> None:
    found = differences(BEFORE, {"templates/invitation.md": BEFORE["templates/invitation.md"], "logo": "x"})
    assert [each.what for each in found] == ["logo was added", "programma.pdf was removed"]


def test_who_had_an_earlier_text_is_counted_by_what_differs() -> None:
    changed = BEFORE | {"templates/invitation.md": "Anders"}
    approvals = [Approval(1, BEFORE, NOW), Approval(2, changed, NOW), Approval(3, BEFORE, NOW)]

    def to(person: str, approval: int | None, state: State = State.SENT, of: Round = INVITATION) -> Delivery:
        return Delivery(of, person, f"{person}@example.org", state, NOW, approval=approval)

    deliveries = [
        to("a", 1),
        to("b", 3, State.IN_DOUBT),
        to("c", 2),
        to("d", 1, State.REFUSED),
        to("e", 1, of=Round("dag-2020", "reminder")),
        to("f", None),
    ]
    (earlier,) = earlier_texts(INVITATION, deliveries, approvals, changed)
    assert earlier.count == 2 and earlier.differences == differences(BEFORE, changed)
    assert [each.count for each in earlier_texts(INVITATION, deliveries, approvals, BEFORE)] == [1]


EVENT_SOURCE = """{
 "id": "dag",
 "introduction": "In 2019 begon het.
Het was **druk**.
",
 "hosts": [
  {"name": "Corry Keulen", "role": "MKW-bestuur"}
 ],
 "programme": [{"title": "Opening", "speakers": ["Kim"]}]
}"""
TEXT = {
    "events/dag.yaml": EVENT_SOURCE,
    "mailings: invitation": '{"attachments": ["bijlagen/programma.pdf"]}',
    "mkwmail.yaml": "{}",
    "programma.pdf": fingerprint(b"oud"),
    "templates/invitation.md": "{{ event.introduction }}\n{{ programme() }}\n{{ hosts() }}\nTot dan.\n",
}


@pytest.mark.parametrize(
    ("source", "was", "becomes", "told"),
    [
        ("events/dag.yaml", "2019", "2021", ("Toelichting", "In 2019 begon het.", "In 2021 begon het.")),
        (
            "events/dag.yaml",
            "Corry Keulen",
            "Corrie Keulen",
            ("Organisatie", "Corry Keulen (MKW-bestuur)", "Corrie Keulen (MKW-bestuur)"),
        ),
        ("events/dag.yaml", "Opening", "Start", ("Programma", "Opening; Kim", "Start; Kim")),
        (
            "programma.pdf",
            fingerprint(b"oud"),
            fingerprint(b"nieuw"),
            ("Bijlage", "programma.pdf (eerdere versie)", "programma.pdf (nieuwe versie)"),
        ),
        ("templates/invitation.md", "Tot dan.", "Tot gauw.", ("Tekst", "Tot dan.", "Tot gauw.")),
        ("mkwmail.yaml", "{}", '{"form": "u"}', None),
    ],
)
def test_a_correction_tells_the_lines_that_differ(
    source: str, was: str, becomes: str, told: tuple[str, str, str] | None
) -> None:
    now = {**TEXT, source: TEXT[source].replace(was, becomes)}
    assert corrections(TEXT, now) == (() if told is None else (Change(*told),))


def test_a_part_that_the_mail_did_not_show_is_not_corrected() -> None:
    before = {**TEXT, "templates/invitation.md": "{{ salutation }}\n"}
    now = {**before, "events/dag.yaml": EVENT_SOURCE.replace("2019", "2021")}
    assert corrections(before, now) == ()
