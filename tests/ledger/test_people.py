"""Identity: another order, new columns and corrected addresses do not turn one person into another."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mkwmail.ledger.models import code_for
from mkwmail.ledger.people import NEW, Listed, Person, identify, person_key

SECRET = b"s" * 32
JAN = Listed("jan@example.org", "Jan Smit", "Woonstede", "12")
PIET = Listed("piet@example.org", "Piet de Boer", "Woonstede", "12")
NAMESAKE = Listed("jsmit@example.com", "Jan Smit", "Zonnewoud", "7")


def register(*rows: Listed) -> list[Person]:
    """The register after a first list."""
    return [
        Person(who.key, row.address.casefold(), row.name, row.organisation, row.number)
        for row, who in zip(rows, identify([], rows, SECRET), strict=True)
    ]


def test_a_known_address_is_the_person_whatever_else_changed() -> None:
    (jan,) = register(JAN)
    row = Listed("JAN@Example.ORG", "J. Smit-Bakker", "Samenwonen", "99")
    assert identify([jan], [row], SECRET)[0].key == jan.key


def test_a_corrected_address_is_said_with_the_old_one() -> None:
    jan, piet = register(JAN, PIET)
    found = identify([jan, piet], [PIET, JAN._replace(address="j.smit@example.org")], SECRET)
    assert [who.key for who in found] == [piet.key, jan.key]
    assert found[1].old_address == "jan@example.org" and not found[1].doubt


def test_name_and_number_are_enough_if_the_organisation_got_another_name() -> None:
    jan, piet = register(JAN, PIET)
    row = Listed("jan@example.net", "Jan Smit", "Woonstede-Zuid", "12")
    assert identify([jan, piet], [row, PIET], SECRET)[0].key == jan.key


def test_name_alone_is_not_enough() -> None:
    (jan,) = register(JAN)
    assert identify([jan], [Listed("jan@example.net", "Jan Smit")], SECRET)[0].is_new
    assert identify([jan], [NAMESAKE], SECRET)[0].is_new


def test_number_alone_is_not_enough_for_it_is_often_the_corporations() -> None:
    (jan,) = register(JAN)
    assert identify([jan], [PIET], SECRET)[0].is_new


def test_somebody_whose_own_address_is_still_listed_has_not_moved() -> None:
    (jan,) = register(JAN)
    found = identify([jan], [JAN, JAN._replace(address="jan.smit@example.net")], SECRET)
    assert found[0].key == jan.key and found[1].is_new and not found[1].doubt


def test_two_candidates_are_doubtful_until_a_person_chooses() -> None:
    other = JAN._replace(address="jan.junior@example.org")
    jan, junior = register(JAN, other)
    row = JAN._replace(address="smit@example.net")
    (found,) = identify([jan, junior], [row], SECRET)
    assert found.doubt and "jan.junior@example.org" in found.doubt
    assert set(found.candidates) == {jan.key, junior.key}
    (chosen,) = identify([jan, junior], [row], SECRET, {"smit@example.net": junior.key})
    assert (chosen.key, chosen.old_address, chosen.doubt) == (junior.key, junior.address, None)
    (new,) = identify([jan, junior], [row], SECRET, {"smit@example.net": NEW})
    assert new.is_new and new.doubt is None and new.key not in (jan.key, junior.key)


def test_two_rows_that_may_be_the_same_one_are_both_doubtful() -> None:
    (jan,) = register(JAN)
    rows = [JAN._replace(address="a@example.net"), JAN._replace(address="b@example.net")]
    assert all(who.doubt for who in identify([jan], rows, SECRET))
    both = {"a@example.net": jan.key, "b@example.net": jan.key}
    first, second = identify([jan], rows, SECRET, both)
    assert first.doubt is None and second.doubt and second.key != first.key


def test_the_same_name_and_organisation_with_another_number_is_doubtful() -> None:
    (jan,) = register(JAN)
    (found,) = identify([jan], [Listed("smit@example.net", "Jan Smit", "Woonstede", "77")], SECRET)
    assert found.doubt and "77" in found.doubt and "12" in found.doubt


def test_an_address_goes_back_to_the_person_who_had_it() -> None:
    jan = replace(register(JAN)[0], address="smit@example.net", former=("jan@example.org",))
    (found,) = identify([jan], [JAN._replace(organisation="", number="")], SECRET)
    assert found.key == jan.key and found.old_address == "smit@example.net"


def test_an_earlier_address_with_another_name_is_somebody_new() -> None:
    jan = replace(register(JAN)[0], address="smit@example.net", former=("jan@example.org",))
    rows = [JAN._replace(address="smit@example.net"), Listed("jan@example.org", "Kees Post", "Woonstede")]
    found = identify([jan], rows, SECRET)
    assert found[0].key == jan.key
    assert found[1].is_new and not found[1].doubt and found[1].key != jan.key
    assert found[1].key == person_key(SECRET, "jan@example.org", 1)


def test_an_earlier_address_next_to_the_present_one_is_doubtful() -> None:
    jan = replace(register(JAN)[0], address="smit@example.net", former=("jan@example.org",))
    found = identify([jan], [JAN, JAN._replace(address="smit@example.net")], SECRET)
    assert found[0].doubt and not found[1].doubt


def test_rows_with_one_address_are_one_person_and_move_together() -> None:
    secretariat = [Listed("bureau@example.org", name, "Woonstede") for name in ("Ans Vos", "Bea Kok")]
    persons = register(secretariat[0])
    assert len({who.key for who in identify(persons, secretariat, SECRET)}) == 1
    moved = [row._replace(address="post@example.org") for row in reversed(secretariat)]
    assert {who.key for who in identify(persons, moved, SECRET)} == {persons[0].key}


def test_a_code_is_one_for_each_member_and_event() -> None:
    codes = {code_for(SECRET, event, person) for event in ("a", "ab", "b") for person in ("bc", "c", "d")}
    assert len(codes) == 9
    assert all(len(code) == 10 and not set(code) & set("ilouILOU") and code.isalnum() for code in codes)
    assert code_for(SECRET, "a", "b") == code_for(SECRET, "a", "b") != code_for(b"t" * 32, "a", "b")


NAMES = ["Jan Smit", "Els van der Berg", "Kim Ó Brien", "A. 't Hart", "Bo Li", "Mia Post"]


@st.composite
def lists(draw: st.DrawFn) -> list[Listed]:
    """A first list, as it comes without a number column; names repeat, but not within an organisation."""
    size = draw(st.integers(2, 12))
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(["Woonstede", "De Sluis", "Samen Wonen"])),
            min_size=size,
            max_size=size,
            unique=True,
        )
    )
    return [Listed(f"m{place}@example.org", *pair) for place, pair in enumerate(pairs)]


@given(lists(), st.data())
def test_a_list_exported_again_has_exactly_the_new_ones_new(first: list[Listed], data: st.DataObject) -> None:
    persons = register(*first)
    before = {row.address: person.key for row, person in zip(first, persons, strict=True)}
    place = data.draw(st.integers(0, len(first) - 1))
    # A number column is added; numbers are the corporation's, so they repeat.
    again = [row._replace(number=str(len(row.organisation)), name=row.name.upper()) for row in first]
    again[place] = again[place]._replace(address="corrected@example.net")
    fresh = [Listed(f"new{n}@example.com", f"Nieuw Lid {n}", "Woonstede", "9") for n in range(2)]
    rows = data.draw(st.permutations([*again, *fresh]))
    found = dict(zip((row.address for row in rows), identify(persons, rows, SECRET), strict=True))
    assert {address for address, who in found.items() if who.is_new} == {row.address for row in fresh}
    assert not any(who.doubt for who in found.values())
    assert found["corrected@example.net"].key == before[first[place].address]
    assert all(found[row.address].key == before[row.address] for row in again if row.address in before)


def test_the_order_of_a_name_in_an_older_register_makes_nobody_new() -> None:
    before = Listed("k.devries@old.example.org", "Vries, Karin de", "Woonstede", "")
    (was,) = identify([], [before], SECRET)
    known = Person(was.key, before.address, before.name, before.organisation, before.number)
    now = before._replace(address="karin@new.example.org", name="Drs. Karin de Vries")
    (found,) = identify([known], [now], SECRET)
    assert (found.key, found.old_address, found.doubt) == (was.key, before.address, None)
