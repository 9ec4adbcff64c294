"""Audiences that are combined, and columns as audiences."""

from typing import Any

import pytest

from mkwmail.config.event import Event, Mailing
from mkwmail.errors import UserError
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.member_index import MemberIndex, due_mailings
from mkwmail.planning.plan import Plan, plan
from mkwmail.planning.schedule import TO_WHOM, terms_of
from tests.planning.test_plan import EVENT, NOW, everyone, goes_to, listing, skipped, told

UTRECHT = {"column": "Regio", "is": ["Utrecht"]}
DIRECTORS = {"column": "Functie", "is": ["directeur", "Directeur-bestuurder"]}


def an_event(audience: Any) -> Event:
    mailing = Mailing.model_validate({"audience": audience})
    return EVENT.model_copy(update={"mailings": {**EVENT.mailings, "eigen": mailing}})


def made_for(audience: Any, listings: list[Recipient], history: History | None = None) -> Plan:
    return plan(an_event(audience), "eigen", listings, history or History(), NOW)


def with_function(key: str, function: str, **more: str) -> Recipient:
    each = listing(key, **more)
    return Recipient(key, each.member._replace(function=function, number=f"00{key}"))


LIST = [
    with_function("a", "Directeur", regio="Utrecht", organisation="A"),
    with_function("b", "lid", regio="Utrecht", organisation="B"),
    with_function("c", "directeur-bestuurder", regio="Noord", organisation="B"),
    with_function("d", "", regio="Noord", organisation="C"),
]


@pytest.mark.parametrize(
    ("audience", "who"),
    [
        (DIRECTORS, "ac"),
        ({"column": "corporatie", "is": ["b"]}, "bc"),
        ({"column": "Lidnummer", "is": ["00d"]}, "d"),
        ({"column": "e-mailadres", "is": ["a@example.org"]}, "a"),
        ({"column": "voornaam", "is": ["anna"]}, "a"),
        ({"all": [UTRECHT, DIRECTORS]}, "a"),
        ({"any": [UTRECHT, DIRECTORS]}, "abc"),
        ({"not": DIRECTORS}, "bd"),
        ({"all": [{"not": UTRECHT}, {"not": DIRECTORS}]}, "d"),
        ({"any": [{"all": [UTRECHT, {"not": DIRECTORS}]}, {"column": "regio", "is": ["Noord"]}]}, "bcd"),
        ({"all": ["got:invitation", {"not": "attending"}]}, "bc"),
        ({"any": ["declined", "tentative"]}, "c"),
        ({"not": "got:invitation"}, "d"),
    ],
)
def test_audiences_combine(audience: Any, who: str) -> None:
    history = History(
        (told("a"), told("b"), told("c")),
        answers={"a": "attending", "c": "declined"},
    )
    made = made_for(audience, LIST, history)
    assert goes_to(made) == who
    assert set(skipped(made)) == set("abcd") - set(who)
    assert all(skipped(made).values())


def test_members_who_are_left_out_have_a_reason() -> None:
    assert skipped(made_for({"all": [UTRECHT, DIRECTORS]}, LIST)) == {
        "b": "Functie is lid",
        "c": "Regio is Noord",
        "d": "Regio is Noord",
    }
    assert skipped(made_for({"any": [UTRECHT, DIRECTORS]}, LIST)) == {
        "d": "Regio is Noord; has nothing in the column Functie"
    }
    assert skipped(made_for({"not": {"any": [UTRECHT, "attending"]}}, LIST))["a"] == (
        "belongs to those who do not get it: any: [Regio: Utrecht, attending]"
    )


def test_a_guest_is_no_member_in_any_combination() -> None:
    history = History(
        answers={"a": "attending", "g": "attending"},
        guests=(Recipient("g", Member(0, LIST[0].member.name, "g@gast.example.org")),),
    )
    assert goes_to(made_for({"any": ["attending", "everyone"]}, LIST, history)) == "abcdg"
    assert goes_to(made_for({"all": ["everyone", "attending"]}, LIST, history)) == "a"
    assert goes_to(made_for({"not": UTRECHT}, LIST, history)) == "cd"


@pytest.mark.parametrize(
    "audience",
    [
        {"column": "Provincie", "is": ["Utrecht"]},
        {"all": ["everyone", {"column": "Provincie", "is": ["Utrecht"]}]},
        {"not": {"column": "Provincie", "is": ["Utrecht"]}},
        {"column": "functie", "is": ["directeur"]},
    ],
)
def test_a_column_that_is_not_there_is_never_everyone_and_a_fault_of_that_mailing_alone(audience: Any) -> None:
    listings = everyone("ab")
    with pytest.raises(UserError, match="no column"):
        made_for(audience, listings)
    event = an_event(audience)
    due = event.mailings["eigen"].model_copy(update={"send": NOW})
    event = event.model_copy(update={"mailings": {**event.mailings, "eigen": due}})
    assert due_mailings(event, MemberIndex(tuple(listings)), History(), NOW) == {"invitation": 2, "eigen": 0}


def test_the_terms_of_an_approval_hold_the_whole_audience() -> None:
    one, other = ({"all": [UTRECHT, {"not": {"column": "functie", "is": [word]}}]} for word in ("lid", "directeur"))
    assert terms_of(an_event(one), "eigen") != terms_of(an_event(other), "eigen")
    assert terms_of(an_event(UTRECHT), "eigen")[TO_WHOM].startswith('{"column": "Regio", "is": ["Utrecht"]}')
