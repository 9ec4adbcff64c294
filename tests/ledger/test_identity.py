"""Nobody is mailed under another's name: whatever is done to the list, a changed name at an address is asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkwmail.ledger.people import NEW, Identified, Listed, Person, identify, marks_of, person_key
from mkwmail.members.same_name import same_person

SECRET = b"s" * 32
KIM = Listed("directeur@example.org", "Kim Kok", "Wonen C", "1")
BAS = KIM._replace(name="Bas Bos")
JAN = Listed("jan@example.org", "Jan Smit", "Woonstede", "2")


def register(*rows: Listed) -> list[Person]:
    """The register after a first list."""
    return [
        Person(who.key, row.address.casefold(), row.name, row.organisation, row.number)
        for row, who in zip(rows, identify([], rows, SECRET), strict=True)
    ]


def test_a_successor_at_a_known_address_is_doubtful_until_a_person_says_so() -> None:
    kim, jan = register(KIM, JAN)
    bas, other = identify([kim, jan], [BAS, JAN], SECRET)
    assert bas.doubt and "Kim Kok" in bas.doubt and bas.candidates == (kim.key,) and not bas.slipped
    assert other.key == jan.key and not other.doubt
    (new, _jan) = identify([kim, jan], [BAS, JAN], SECRET, {KIM.address: NEW})
    assert new.is_new and not new.doubt and new.predecessor == kim.key
    assert new.key == person_key(SECRET, KIM.address, 1)
    (same, _jan) = identify([kim, jan], [BAS, JAN], SECRET, {KIM.address: kim.key})
    assert (same.key, same.is_new, same.doubt) == (kim.key, False, None)


def test_two_swapped_names_have_slipped() -> None:
    kim, jan = register(KIM, JAN)
    found = identify([kim, jan], [KIM._replace(name="Jan Smit"), JAN._replace(name="Kim Kok")], SECRET)
    assert all(who.slipped for who in found)
    assert found[0].change is not None and found[0].change.homes == (JAN.address,)


def test_swapped_names_that_are_right_move_the_people() -> None:
    kim, jan = register(KIM, JAN)
    rows = [KIM._replace(name="Jan Smit"), JAN._replace(name="Kim Kok")]
    found = identify([kim, jan], rows, SECRET, {KIM.address: jan.key, JAN.address: kim.key})
    assert [(who.key, who.old_address, who.doubt) for who in found] == [
        (jan.key, JAN.address, None),
        (kim.key, KIM.address, None),
    ]


def test_an_initial_that_belongs_to_another_address_has_slipped_too() -> None:
    first, second = register(KIM._replace(name="J. Smit"), JAN)
    found = identify([first, second], [KIM._replace(name="Jan Smit"), JAN._replace(name="J. Smit")], SECRET)
    assert all(who.slipped for who in found)


def test_a_sort_of_the_first_names_alone_is_seen() -> None:
    rows = [Listed(f"lid{n}@example.org", name) for n, name in enumerate(("Kim Kok", "Bas Bos", "Els Mol"))]
    mixed = [row._replace(name=name) for row, name in zip(rows, ("Bas Kok", "Els Bos", "Kim Mol"), strict=True)]
    assert all(who.slipped for who in identify(register(*rows), mixed, SECRET))


def test_who_has_moved_within_the_list_leaves_the_address_to_somebody_else() -> None:
    kim, jan = register(KIM, JAN)
    found = identify([kim, jan], [BAS, JAN, KIM._replace(address="kim@example.org")], SECRET)
    assert (found[2].key, found[2].old_address, found[2].doubt) == (kim.key, KIM.address, None)
    assert found[0].is_new and not found[0].doubt and found[0].key not in (kim.key, jan.key)


def test_a_colleague_who_takes_over_the_address_is_asked_about() -> None:
    els = Listed("els@example.org", "Els Mol", "Wonen C", "1")
    kim, colleague = register(KIM, els)
    (found,) = identify([kim, colleague], [els._replace(address=KIM.address)], SECRET)
    assert found.doubt and set(found.candidates) == {kim.key, colleague.key}
    (chosen,) = identify([kim, colleague], [els._replace(address=KIM.address)], SECRET, {KIM.address: colleague.key})
    assert (chosen.key, chosen.old_address, chosen.predecessor) == (colleague.key, els.address, kim.key)


@pytest.mark.parametrize("trait", ["organisation", "number"])
def test_a_new_name_and_address_in_the_place_of_one_who_left_is_asked(trait: str) -> None:
    kim, jan = register(KIM, JAN)
    row = Listed("bas@example.org", "Bas Bos")._replace(**{trait: getattr(KIM, trait)})
    found = identify([kim, jan], [row, JAN], SECRET)[0]
    assert found.doubt and "Kim Kok" in found.doubt and found.candidates == (kim.key,)
    assert identify([kim, jan], [row, JAN], SECRET, {row.address: NEW})[0].predecessor == kim.key
    moved = identify([kim, jan], [row, JAN], SECRET, {row.address: kim.key})[0]
    assert (moved.key, moved.old_address) == (kim.key, KIM.address)


def test_two_new_ones_in_the_place_of_one_are_new_unless_the_name_is_nearly_the_same() -> None:
    (kim,) = register(KIM)
    rows = [Listed(f"{name[0]}@example.org".casefold(), name, KIM.organisation) for name in ("Bas Bos", "Els Mol")]
    assert not any(who.doubt for who in identify([kim], rows, SECRET))
    rows[1] = rows[1]._replace(name="K. Kok")
    assert [bool(who.doubt) for who in identify([kim], rows, SECRET)] == [False, True]


def test_who_was_replaced_before_is_not_replaced_again() -> None:
    (kim,) = register(KIM)
    row = Listed("bas@example.org", "Bas Bos", KIM.organisation)
    assert not identify([replace(kim, successor="f" * 32)], [row], SECRET)[0].doubt
    assert not identify([replace(kim, guest=True)], [row], SECRET)[0].doubt


def test_a_member_who_signed_up_while_the_address_was_missing_in_the_list_is_no_stranger() -> None:
    (kim,) = register(KIM)
    row = Listed("kok@example.net", "K. Kok", KIM.organisation)
    found = identify([replace(kim, guest=True)], [row], SECRET)[0]
    assert found.doubt and found.candidates == (kim.key,)
    # A sign-up with the name as it is written now does not hide who it may be.
    signed_up = Person("f" * 32, "kok+dag@example.net", "Karin Kok")
    row = row._replace(name="Karin Kok")
    found = identify([replace(kim, name="K. Kok"), signed_up], [row], SECRET)[0]
    assert found.doubt and found.candidates == (kim.key, signed_up.key)


def test_a_member_has_moved_although_the_old_address_is_still_an_assistants() -> None:
    (kim,) = register(KIM)
    assistant = Listed(KIM.address, "")
    moved, other = identify([kim], [KIM._replace(address="kok@example.net"), assistant], SECRET)
    assert (moved.key, moved.old_address, moved.doubt) == (kim.key, KIM.address, None)
    assert other.key != kim.key and not other.doubt
    # Without another row of that name it is the member's.
    assert identify([kim], [assistant], SECRET)[0].key == kim.key
    found, _assistant = identify([kim], [Listed("kok@example.net", "K. Kok", KIM.organisation), assistant], SECRET)
    assert found.doubt and found.candidates == (kim.key,)


def test_the_same_first_name_at_the_organisation_may_be_the_same_person_under_another_name() -> None:
    kim, jan = register(KIM, JAN._replace(organisation=KIM.organisation))
    row = Listed("smit@example.org", f"{KIM.name.split()[0]} Smit", KIM.organisation)
    found = identify([kim, jan], [row], SECRET)[0]
    assert found.doubt and found.candidates == (kim.key,)
    assert not identify([kim, jan], [row._replace(name="K. Smit")], SECRET)[0].doubt


def test_a_successor_of_somebody_forgotten_is_not_taken_for_them() -> None:
    (kim,) = register(KIM)
    marks = marks_of(SECRET, [KIM.address], KIM.name, KIM.organisation, KIM.number)
    forgotten = Person(kim.key, min(marks), "", marks=marks)
    assert identify([forgotten], [KIM], SECRET)[0].key == kim.key
    assert identify([forgotten], [KIM], SECRET)[0].doubt is None
    (bas,) = identify([forgotten], [BAS], SECRET)
    assert bas.doubt and "Kim" not in bas.doubt
    assert identify([forgotten], [BAS], SECRET, {KIM.address: NEW})[0].key != kim.key


# Every edit of a list

GIVEN = ["Kim", "Jan", "Els", "Bas", "Zoë", "Lou", "Karin", "J.", "Piet Hein", "Willemijn"]
FAMILY = ["Kok", "de Vries", "van der Ven", "Bos", "Smit", "Jansen", "Verbeek", "'t Hart", "Bakker-Mol", "Zwart"]
ORGANISATIONS = ["Woonstede", "De Haven", "Tien", "Elf", "Twaalf"]


@st.composite
def lists(draw: st.DrawFn) -> list[Listed]:
    names = draw(st.lists(st.tuples(st.sampled_from(GIVEN), st.sampled_from(FAMILY)), min_size=3, max_size=12))
    numbered = draw(st.booleans())
    return [
        Listed(
            f"m{place}@example.org",
            f"{given} {family}",
            draw(st.sampled_from(ORGANISATIONS)),
            str(place) if numbered else "",
        )
        for place, (given, family) in enumerate(names)
    ]


def _halves(name: str) -> tuple[str, str]:
    given = next(each for each in sorted(GIVEN, key=len, reverse=True) if name.startswith(f"{each} "))
    return given, name.removeprefix(f"{given} ")


def _column_sorted(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    column = data.draw(st.sampled_from(["name", "first name", "surname", "address", "organisation", "number"]))
    backwards = data.draw(st.booleans())
    if column in ("first name", "surname"):
        place = 0 if column == "first name" else 1
        halves = [list(_halves(row.name)) for row in rows]
        moved = sorted((half[place] for half in halves), reverse=backwards)
        for half, value in zip(halves, moved, strict=True):
            half[place] = value
        return [row._replace(name=" ".join(half)) for row, half in zip(rows, halves, strict=True)]
    values = sorted((str(getattr(row, column)) for row in rows), reverse=backwards)
    return [row._replace(**{column: value}) for row, value in zip(rows, values, strict=True)]


def _swapped(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    one, other = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True))
    found = list(rows)
    found[one], found[other] = rows[one]._replace(name=rows[other].name), rows[other]._replace(name=rows[one].name)
    return found


def _succeeded(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    found = list(rows)
    for place in data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=3)):
        found[place] = rows[place]._replace(name=f"{data.draw(st.sampled_from(['Theo', 'Mia']))} Nieuwenhuis{place}")
    return found


def _shifted(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    """A cell was removed: the names below it move up one row."""
    place = data.draw(st.integers(0, len(rows) - 1))
    names = [row.name for row in rows]
    del names[place]
    return [row._replace(name=name) for row, name in zip(rows, names, strict=False)]


def _corrected(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    spellings = [
        str.upper,
        lambda name: f"Drs. {name}",
        lambda name: f"{name} MSc",
        lambda name: name.replace("ë", "e"),
    ]
    place = data.draw(st.integers(0, len(rows) - 1))
    found = list(rows)
    found[place] = rows[place]._replace(name=data.draw(st.sampled_from(spellings))(rows[place].name))
    return found


def _exported(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    backwards = data.draw(st.booleans())
    found = data.draw(st.permutations(rows))
    return [
        row._replace(
            address=row.address.upper(),
            name=", ".join(reversed(_halves(row.name))) if backwards and row.name.isascii() else row.name,
        )
        for row in found
    ]


def _merged(data: st.DataObject, rows: list[Listed]) -> list[Listed]:
    gone = set(data.draw(st.lists(st.sampled_from(ORGANISATIONS), min_size=2, max_size=2, unique=True)))
    moves = data.draw(st.booleans())
    return [
        row._replace(organisation="Samen", address=row.address.replace("@", "@samen.") if moves else row.address)
        if row.organisation in gone
        else row
        for row in rows
    ]


EDITS = {
    "column sorted": _column_sorted,
    "swapped": _swapped,
    "succeeded": _succeeded,
    "shifted": _shifted,
    "corrected": _corrected,
    "exported": _exported,
    "merged": _merged,
}


def certain(rows: Sequence[Listed], found: Sequence[Identified]) -> Mapping[str, tuple[Listed, Identified]]:
    """Address → its row and person, if that is mailed without a question."""
    return {row.address.casefold(): (row, who) for row, who in zip(rows, found, strict=True) if who.doubt is None}


@settings(max_examples=600, deadline=None)
@given(lists(), st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=2), st.data())
def test_no_edit_of_the_list_mails_anybody_under_anothers_name(
    first: list[Listed], edits: list[str], data: st.DataObject
) -> None:
    """An address keeps its name and its person, or somebody is asked, or the person is nowhere else in the list."""
    persons = register(*first)
    names = {row.address: row.name for row in first}
    keys = {row.address: person.key for row, person in zip(first, persons, strict=True)}
    rows = first
    for edit in edits:
        # An export rewrites names, which the other edits take apart.
        rows = EDITS[edit](data, rows) if edit != "exported" or edit == edits[-1] else rows
    found = identify(persons, rows, SECRET)
    for address, (row, who) in certain(rows, found).items():
        if address in names:
            assert same_person(names[address], row.name), (names[address], row)
        # Nobody's answers, code or mails go to another name.
        for person in persons:
            if person.key == who.key:
                assert same_person(person.name, row.name), (person, row)
    if not set(edits) - {"corrected", "exported"}:
        assert {row.address.casefold(): who.key for row, who in zip(rows, found, strict=True)} == keys
        assert not any(who.doubt for who in found)


@given(st.integers(13, 60), st.data())
def test_twelve_successors_make_nobody_wait_but_those_twelve(size: int, data: st.DataObject) -> None:
    first = [
        Listed(f"directeur@c{n}.example.org", f"{GIVEN[n % 10]} {FAMILY[n // 10]}", f"Corporatie {n}", str(n))
        for n in range(size)
    ]
    twelve = data.draw(st.sets(st.integers(0, size - 1), min_size=12, max_size=12))
    own = data.draw(st.sets(st.sampled_from(sorted(twelve))))
    rows = [
        row._replace(
            name=f"Theo Nieuwenhuis{n}", address=f"theo@c{n}.example.org" if n in own else row.address, number=str(n)
        )
        if n in twelve
        else row
        for n, row in enumerate(first)
    ]
    rows = data.draw(st.permutations(rows))
    persons = register(*first)
    found = identify(persons, rows, SECRET)
    assert {who.predecessor for who in found if who.doubt} == {persons[n].key for n in twelve}
    assert not any(who.slipped for who in found)
    decided = {row.address: NEW for row, who in zip(rows, found, strict=True) if who.doubt}
    assert not any(who.doubt for who in identify(persons, rows, SECRET, decided))
