"""When a name that is in no file any more is taken for the earlier name of an event or a mailing."""

from datetime import datetime, timedelta

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing
from mkwmail.ledger.models import Apart, Delivery, Round, State
from mkwmail.planning.facts import facts_of
from mkwmail.planning.renamed import Former, former, former_keys, is_begun, is_like

STARTS = datetime(2020, 4, 16, 13, tzinfo=ZONE)
NOW = datetime(2020, 3, 1, 9, tzinfo=ZONE)
SENT = datetime(2020, 2, 17, 9, tzinfo=ZONE)


def an_event(title: str = "Directeurendag", starts: datetime = STARTS, **mailings: Mailing) -> Event:
    named = {name.replace("_", "-"): mailing for name, mailing in mailings.items()}
    return Event(id="dag", title=title, starts=starts, ends=starts + timedelta(hours=5), mailings=named)


def deliveries(
    *mailed: str, to: str = "abc", state: State = State.SENT, event: str = "dag", edition: int = 0
) -> list[Delivery]:
    return [
        Delivery(Round(event, name, edition), person, f"{person}@example.org", state, SENT)
        for name in mailed
        for person in to
    ]


def days(number: int) -> datetime:
    return STARTS + timedelta(days=number)


@pytest.mark.parametrize(
    ("told", "like"),
    [
        pytest.param(an_event(), True, id="the same title and moment"),
        pytest.param(an_event("DIRECTEURENDAG "), True, id="capitals and spaces"),
        pytest.param(an_event("Bestuurdersdag"), True, id="another title at the same moment"),
        pytest.param(an_event(starts=STARTS.replace(hour=10)), True, id="another time of the same day"),
        pytest.param(an_event("Ledenvergadering", STARTS.replace(hour=10)), False, id="two events on one day"),
        pytest.param(an_event(starts=days(21)), True, id="moved three weeks"),
        pytest.param(an_event(starts=days(-40)), True, id="moved to a later day"),
        pytest.param(an_event(starts=days(-47)), False, id="the one before in a series, which is over"),
        pytest.param(an_event(starts=days(91)), False, id="the one of next summer"),
        pytest.param(an_event(starts=days(-364)), False, id="last year's"),
        pytest.param(an_event("Bestuurdersdag", days(7)), False, id="neither title nor day"),
    ],
)
def test_what_an_event_looks_like(told: Event, like: bool) -> None:
    assert is_like(an_event(), facts_of(told), NOW) is like


def test_a_cancelled_event_is_over() -> None:
    assert not is_like(an_event(), facts_of(an_event(), cancelled=True), NOW)


@pytest.mark.parametrize(
    ("mailing", "event", "went", "found"),
    [
        ("invitation-2", an_event(invitation_2=Mailing()), "invitation", ("invitation",)),
        ("invitation", an_event(invitation=Mailing()), "invitation-eerste", ("invitation-eerste",)),
        ("reminder-2", an_event(reminder_2=Mailing()), "reminder", ("reminder",)),
        ("reminder-2", an_event(reminder=Mailing(), reminder_2=Mailing()), "reminder", ()),
        ("reminder", an_event(reminder=Mailing()), "invitation", ()),
        ("invitation", an_event(invitation=Mailing()), "save-the-date", ()),
        ("uitnodigen", an_event(uitnodigen=Mailing(template="invitation")), "invitation", ("invitation",)),
        ("uitnodigen", an_event(uitnodigen=Mailing()), "invitation", ()),
        ("invitation", an_event(invitation=Mailing()), "uitnodiging", ("uitnodiging",)),
        ("parkeren-2", an_event(parkeren_2=Mailing()), "parkeren", ("parkeren",)),
        ("parkeren-2", an_event(parkeren_2=Mailing()), "parkeren-1", ("parkeren-1",)),
        ("parkeerplaats", an_event(parkeerplaats=Mailing(template="parkeren")), "parkeren", ("parkeren",)),
        ("nieuws-mei", an_event(nieuws_mei=Mailing()), "nieuws-april", ()),
        ("update", an_event(), "update-2", ()),
        ("update-2", an_event(), "update", ()),
        ("correction-2", an_event(), "correction", ()),
        ("cancellation-2", an_event(), "cancellation", ()),
    ],
)
def test_which_mailing_it_could_have_been(mailing: str, event: Event, went: str, found: tuple[str, ...]) -> None:
    assert former_keys(event, mailing, deliveries(went)) == found


@pytest.mark.parametrize("state", [State.PLANNED, State.DEFERRED, State.REFUSED, State.EXPIRED])
def test_a_mailing_that_reached_nobody_is_no_earlier_one(state: State) -> None:
    assert former_keys(an_event(invitation_2=Mailing()), "invitation-2", deliveries("invitation", state=state)) == ()


def test_a_mailing_of_which_anything_went_has_its_own_record() -> None:
    event = an_event(reminder_2=Mailing())
    both = [*deliveries("reminder"), *deliveries("reminder-2", to="a", state=State.DEFERRED)]
    assert former_keys(event, "reminder-2", both) == ()
    # A member whom `due` missed was never mailed.
    missed = [*deliveries("reminder"), *deliveries("reminder-2", to="a", state=State.EXPIRED)]
    assert former_keys(event, "reminder-2", missed) == ("reminder",)


def test_an_edition_is_the_same_mailing() -> None:
    event = an_event(invitation=Mailing())
    assert former_keys(event, "update", [*deliveries("update"), *deliveries("update", edition=1)]) == ()
    assert former_keys(event, "invitation", deliveries("invitation", edition=3)) == ()


@pytest.mark.parametrize(
    ("had", "planned", "same"),
    [
        ("abcd", "abcd", True),
        ("abcd", "abef", True),
        ("abcd", "aefg", False),
        ("abcd", "efgh", False),
        ("ab", "abcdefgh", True),  # a run that was stopped
        ("ab", "bcdefgh", True),
        ("abcdefgh", "ab", True),  # those who have not answered
        ("abcdefgh", "ax", True),
        ("abcdefgh", "axyz", False),
        ("", "abcd", False),
        ("abcd", "", False),
    ],
)
def test_whether_it_goes_to_the_same_people(had: str, planned: str, same: bool) -> None:
    found = former("oud", "", deliveries("save-the-date", "invitation", to=had, event="oud"), planned)
    assert found == (Former("oud", "", frozenset(had), SENT) if same else None)


def test_in_doubt_counts_and_other_mailings_do_not() -> None:
    rounds = [*deliveries("invitation", to="a", state=State.IN_DOUBT), *deliveries("practical", to="b")]
    found = former("dag", "invitation", [*rounds, *deliveries("invitation", to="c", state=State.REFUSED)], "abc")
    assert found is not None and found.persons == {"a"}


def test_begun_is_what_was_tried() -> None:
    assert is_begun(deliveries("invitation", state=State.DEFERRED))
    assert not is_begun(deliveries("invitation"), "reminder")
    assert not is_begun(deliveries("invitation", state=State.EXPIRED))


def test_a_word_about_an_event_is_for_all_of_its_mailings() -> None:
    assert Former("oud", "", frozenset("a"), SENT).apart_from("dag", "invitation") == Apart("dag", "", "oud", "")
    word = Former("dag", "invitation", frozenset("a"), SENT).apart_from("dag", "invitation-2")
    assert word == Apart("dag", "invitation-2", "dag", "invitation")
