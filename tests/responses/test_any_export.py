"""Any export of known rows, columns shuffled, renamed and padded: each answer is the row's own, or is asked about."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkwmail.errors import UserError
from mkwmail.responses.signup_changes import Invited, changes, match_signups
from mkwmail.responses.signups import MOST_ROWS, read_signups

PEOPLE = tuple(
    Invited(str(number), name, (f"lid{number}@woonstede.example.org",), "Woonstede", code=f"7k2m9qx4v{number}")
    for number, name in enumerate(
        (
            "Jan de Vries",
            "Marieke van der Velde",
            "Kees 't Hart",
            "Annemarie van den Berg-Jansen",
            "Bo Kok",
            "Zoë Ruiter",
        )
    )
)
SAYS = {
    "attending": ("Ja", "ja, graag", "Yes", "x", "Ja, maar niet bij de lunch", "Ik kom", "1", "Attending", "approved"),
    "declined": ("Nee", "nee, helaas", "No", "Ik kan niet komen", "Verhinderd", "Not going", "0", "declined"),
    "asked": ("", "wachtlijst", "Ik kom niet alleen", "Zeker niet", "mijn collega komt", "Ja/Nee", "?", "pending"),
}
NAMES = ("Naam", "Name", "Uw naam", "Wat is uw naam?", "Volledige naam", "Attendee name", "Deelnemer")
ADDRESSES = ("E-mail", "Email", "E-mailadres", "Uw e-mailadres", "email_address", "Attendee Email")
QUESTIONS = (
    *("Kom je?", "Komt u?", "Are you coming?", "Kunnen we op u rekenen?", "RSVP", "Bent u erbij?", "attendee_status"),
    *("Wat wordt het?", "Zin in?", "Kolom 7", "Present?"),  # headings that nobody knows
)
PADDING = (
    *(("Lunch?", ("Ja", "Nee", "")), ("Blijft u eten?", ("ja", "nee")), ("Opmerking", ("Nee hoor", "Tot dan!", ""))),
    *(("Id", ("1", "2")), ("Order Name", ("Anna Assistent",)), ("Order Email", ("anna@example.net",))),
    *(
        ("Is Checked In", ("No", "Yes")),
        ("Tijdstempel", ("2-3-2020 10:00", "later")),
        ("Dieetwensen", ("geen", "noten")),
    ),
    *(("Aantal introducés", ("1", "", "veel")), ("Total Paid", ("0.00",)), ("Ticket Type", ("Lid",)), ("", ("ja", ""))),
    *(("Gaat u akkoord met de voorwaarden?", ("Ja",)), ("Vorig jaar aanwezig?", ("Ja", "Nee")), ("Score", ("1", "0"))),
)


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[list[str]], dict[str, str]]:
    """A file, and what each person said, by address: an answer, or ``asked``."""
    people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=6, unique_by=lambda each: each.key))
    said = {each.addresses[0]: draw(st.sampled_from(list(SAYS))) for each in people}
    columns: list[tuple[str, list[str]]] = [
        (draw(st.sampled_from(ADDRESSES)), [each.addresses[0] for each in people]),
        (
            draw(st.sampled_from(QUESTIONS)),
            [draw(st.sampled_from(SAYS[said[each.addresses[0]]])) for each in people],
        ),
    ]
    if draw(st.booleans()):
        columns.append((draw(st.sampled_from(NAMES)), [each.name for each in people]))
    for heading, values in draw(st.lists(st.sampled_from(PADDING), max_size=6, unique_by=lambda each: each[0])):
        columns.append((heading, [draw(st.sampled_from(values)) for _each in people]))
    decorated = draw(st.sampled_from(("{}", "{} *", "🎉 {}", " {} ", "{} (verplicht)")))
    shuffled = draw(st.permutations(columns))
    rows = [[decorated.format(heading) if heading else "" for heading, _cells in shuffled]]
    return rows + [list(row) for row in zip(*(cells for _heading, cells in shuffled), strict=True)], said


@settings(max_examples=300, deadline=None)
@given(exports())
def test_each_recorded_answer_is_the_rows_own(made: tuple[list[list[str]], dict[str, str]]) -> None:
    rows, said = made
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        export = read_signups(path, path.name, [each.code for each in PEOPLE], ("Inlooplunch",))
    found = changes(match_signups(export.signups, PEOPLE), (), {}, {each.key: each for each in PEOPLE})
    if export.perhaps or not export.answering:
        return  # nothing is recorded before a person has chosen the column, or has typed the number
    for match in (*found.news, *found.guests):
        assert match.person is not None, "everybody is known"
        address = match.person.addresses[0]
        assert match.signup.address == address
        assert match.signup.answer == said[address]


def test_five_thousand_rows_are_read_and_matched_in_five_seconds(tmp_path: Path) -> None:
    people = [
        Invited(str(n), f"Voornaam{n} van Achternaam{n}", (f"lid{n}@corp{n % 90}.example.org",), f"Corporatie {n % 90}")
        for n in range(5000)
    ]
    lines = ["Tijdstempel;E-mail;Naam;Organisatie;Kom je?;Dieet"]
    for n in range(5000):
        address = f"lid{n}@corp{n % 90}.example.org" if n % 5 else f"eigen{n}@thuis.example.net"
        lines.append(f"2-3-2020 10:{n % 60:02};{address};V. van Achternaam{n};Corporatie {n % 90};Ja, graag;geen")
    path = tmp_path / "export.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    before = process_time()
    export = read_signups(path, path.name, [])
    found = changes(match_signups(export.signups, people), (), {}, {each.key: each for each in people})
    assert process_time() - before < 5
    assert len(found.news) == 4000 and len(found.doubtful) == 1000


def test_more_rows_than_any_event_has_sign_ups_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    row = "Kim Verbeek;kim@example.org;ja\n"
    path.write_text(f"Naam;E-mail;Komt u?\n{row * MOST_ROWS}", encoding="utf-8")
    with pytest.raises(UserError, match="rows"):
        read_signups(path, "export.csv", ())
