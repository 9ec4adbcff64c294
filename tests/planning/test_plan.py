"""The plan: who gets a mail, who does not, and why."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.config.event import ColumnAudience, Event, Mailing, Registration
from mkwmail.dutch.names import Name
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger.models import Delivery, ListSeen, Round, State
from mkwmail.ledger.people import Person
from mkwmail.members.member_list import Member
from mkwmail.planning.approval import Correcting
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.plan import Plan, plan

NOW = datetime(2020, 3, 23, 9, tzinfo=ZONE)
INVITED = datetime(2020, 2, 17, 9, 5, tzinfo=ZONE)
EVENT = Event(
    id="dag-2020",
    title="Dag",
    starts=datetime(2020, 4, 16, 13, tzinfo=ZONE),
    ends=datetime(2020, 4, 16, 18, tzinfo=ZONE),
    registration=Registration(deadline=datetime(2020, 4, 2, 23, 59, 59, tzinfo=ZONE)),
    mailings={
        "invitation": Mailing(send=datetime(2020, 2, 17, 9, tzinfo=ZONE)),
        "reminder": Mailing(),
        "practical": Mailing(),
        "thanks": Mailing(),
        "parkeren": Mailing(audience="got:invitation"),
        "utrecht": Mailing(audience=ColumnAudience.model_validate({"column": "Regio", "is": ["Utrecht"]})),
        "jammer": Mailing(audience="declined"),
        "misschien": Mailing(audience="tentative"),
    },
)
WORDS = {
    "a": "attending",
    "d": "declined",
    "t": "tentative",
    "p": "present",
    "x": "absent",
}


def listing(key: str, **more: str) -> Recipient:
    """A member whose key is one letter."""
    name = Name(first=f"{key.upper()}nna", surname="Smit")
    columns = {"regio": more["regio"]} if "regio" in more else {}
    return Recipient(
        key,
        Member(
            row=ord(key) - 95,
            name=name,
            email=more.get("email", f"{key}@example.org"),
            organisation=more.get("organisation", ""),
            do_not_mail=more.get("do_not_mail", ""),
            columns=columns,
        ),
        more.get("doubt", ""),
    )


def told(
    key: str,
    mailing: str = "invitation",
    state: State = State.SENT,
    *,
    address: str = "",
    since: datetime = INVITED,
    not_before: datetime | None = None,
    reason: str = "",
) -> Delivery:
    where = address or f"{key}@example.org"
    return Delivery(Round("dag-2020", mailing), key, where, state, since, not_before, reason=reason)


def everyone(letters: str) -> list[Recipient]:
    return [listing(letter) for letter in letters]


def goes_to(made: Plan) -> str:
    return "".join(each.person for each in made.to_send)


def skipped(made: Plan) -> dict[str, str]:
    return {each.person: each.reason for each in made.skipped}


def test_everyone_in_the_lists_order() -> None:
    made = plan(EVENT, "invitation", everyone("bca"), History(), INVITED)
    assert goes_to(made) == "bca" and not made.odd
    assert made.round == Round("dag-2020", "invitation", 0)
    assert EVENT.registration is not None and made.latest == EVENT.registration.deadline


def test_an_empty_list_is_nobody() -> None:
    assert plan(EVENT, "invitation", [], History(), INVITED).to_send == ()


def test_each_state_has_its_place() -> None:
    soon = NOW + timedelta(minutes=10)
    history = History(
        (
            told("a"),
            told("b", state=State.IN_DOUBT, reason="stopped"),
            told("c", state=State.REFUSED, reason="550 5.1.1 Unknown user"),
            told("d", state=State.DEFERRED, not_before=soon, reason="451 later"),
            told("e", state=State.DEFERRED, not_before=NOW),
            told("f", state=State.PLANNED),
            told("g", state=State.EXPIRED),
            told("h", state=State.SENDING),
        )
    )
    made = plan(EVENT, "invitation", everyone("abcdefghi"), history, NOW)
    assert [(each.person, each.reason) for each in made.already] == [("a", "already sent on 17 February 2020")]
    assert [each.person for each in made.in_doubt] == ["b", "h"]
    assert [each.person for each in made.refused] == ["c"] and "Unknown user" in made.refused[0].reason
    assert [(each.person, each.not_before) for each in made.waiting] == [("d", soon)]
    assert [(each.person, bool(each.retry)) for each in made.to_send] == [
        *(("e", True), ("f", True), ("g", False), ("i", False)),
    ]


def test_a_refused_address_that_was_corrected_is_mailed() -> None:
    history = History((told("c", state=State.REFUSED, address="old@example.org"),))
    assert goes_to(plan(EVENT, "invitation", everyone("c"), history, NOW)) == "c"


def test_one_that_was_sent_to_and_then_corrected_is_not() -> None:
    history = History((told("c", address="old@example.org"),))
    assert goes_to(plan(EVENT, "invitation", everyone("c"), history, NOW)) == ""


def test_an_address_that_had_it_does_not_get_it_under_another_name() -> None:
    history = History((told("z", address="A@example.org"),))
    made = plan(EVENT, "invitation", everyone("a"), history, NOW)
    assert not made.to_send and "under another name" in skipped(made)["a"]


def test_who_is_not_to_be_mailed_or_doubtful_is_named_with_the_reason() -> None:
    rows = [listing("a", do_not_mail="verhuisd"), listing("b", doubt="may be one of two"), listing("c")]
    made = plan(EVENT, "invitation", rows, History(), INVITED)
    assert goes_to(made) == "c"
    assert skipped(made) == {
        "a": "not to be mailed: verhuisd",
        "b": "it is doubtful who this is: may be one of two",
    }


def test_a_deferred_one_who_must_not_be_mailed_any_more_does_not_wait() -> None:
    history = History((told("a", state=State.DEFERRED, not_before=NOW + timedelta(hours=1)),))
    made = plan(EVENT, "invitation", [listing("a", do_not_mail="verzoek")], history, NOW)
    assert not made.waiting and "verzoek" in skipped(made)["a"]


def test_two_rows_with_one_address_are_one_mail_and_the_second_is_named() -> None:
    twin = replace(listing("a"), member=listing("a").member._replace(row=9, email="A@EXAMPLE.org"))
    made = plan(EVENT, "invitation", [listing("a"), twin], History(), INVITED)
    assert len(made.to_send) == 1
    assert [each.reason for each in made.skipped] == ["the same address as row 2, Anna Smit: one mail"]


def test_who_was_refused_in_a_run_that_stopped_for_it_goes_last() -> None:
    refused = replace(told("a", state=State.PLANNED), code=550)
    made = plan(EVENT, "invitation", everyone("abc"), History((refused,)), INVITED)
    assert goes_to(made) == "bca"


def test_a_reminder_is_for_those_who_were_invited_and_are_silent() -> None:
    recently = NOW - timedelta(days=2)
    history = History(
        (told("a"), told("b"), told("c", state=State.IN_DOUBT), told("d", since=recently)),
        answers={"b": "declined"},
    )
    made = plan(EVENT, "reminder", everyone("abcde"), history, NOW)
    assert goes_to(made) == "ac"
    assert skipped(made) == {
        "b": "has answered: declined",
        "d": "got the invitation on 21 March 2020, less than three days ago",
        "e": "never got the invitation: that is sent first, not a reminder",
    }


def test_three_days_are_counted_as_days() -> None:
    monday = datetime(2020, 3, 23, 9, 5, tzinfo=ZONE)
    thursday = datetime(2020, 3, 26, 9, tzinfo=ZONE)
    history = History((told("a", since=monday),), answers={"z": "declined"})
    assert goes_to(plan(EVENT, "reminder", everyone("a"), history, thursday)) == "a"
    assert goes_to(plan(EVENT, "reminder", everyone("a"), history, thursday - timedelta(days=1))) == ""


def test_a_reminder_without_any_answer_recorded_is_odd() -> None:
    made = plan(EVENT, "reminder", everyone("a"), History((told("a"),)), NOW)
    assert goes_to(made) == "a" and any("no answers" in sentence for sentence in made.odd)


def test_a_colleague_who_comes_counts_for_the_corporation_if_the_event_says_so() -> None:
    event = EVENT.model_copy(update={"registration": Registration(one_per_organisation=True)})
    rows = [listing("a", organisation="Woonstede"), listing("b", organisation="WOONSTEDE"), listing("c")]
    history = History((told("a"), told("b"), told("c")), answers={"a": "attending"})
    made = plan(event, "reminder", rows, history, NOW)
    assert goes_to(made) == "c" and skipped(made)["b"] == "a colleague of WOONSTEDE comes"
    assert goes_to(plan(EVENT, "reminder", rows, history, NOW)) == "bc"


def test_if_a_colleague_comes_nobody_else_of_the_corporation_is_asked_but_all_hear_what_happens() -> None:
    mailings = {**EVENT.mailings, "save-the-date": Mailing(), "extra": Mailing()}
    registration = Registration(one_per_organisation=True)
    event = EVENT.model_copy(update={"registration": registration, "mailings": mailings})
    rows = [listing("a", organisation="Woonstede"), listing("b", organisation="Woonstede"), listing("c")]
    coming = History(answers={"a": "attending"})
    asked = {name: goes_to(plan(event, name, rows, coming, NOW)) for name in ("save-the-date", "invitation", "extra")}
    assert asked == {"save-the-date": "ac", "invitation": "ac", "extra": "abc"}
    was_told = replace(coming, deliveries=(told("a"), told("b"), told("c")))
    assert goes_to(plan(event, "cancellation", rows, was_told, NOW)) == "abc"
    assert goes_to(plan(event, "invitation", rows, History(answers={"a": "declined"}), NOW)) == "abc"


@pytest.mark.parametrize(
    ("mailing", "expected"),
    [("practical", "ap"), ("jammer", "d"), ("misschien", "t"), ("thanks", "p"), ("invitation", "adtpxn")],
)
def test_audiences_by_answer(mailing: str, expected: str) -> None:
    made = plan(EVENT, mailing, everyone("adtpxn"), History(answers=WORDS), NOW)
    assert goes_to(made) == expected


def test_thanks_are_for_those_who_said_they_come_if_nobodys_presence_is_known() -> None:
    after = EVENT.ends + timedelta(days=2)
    history = History(answers={"a": "attending", "d": "declined"})
    made = plan(EVENT, "thanks", everyone("adn"), history, after)
    assert goes_to(made) == "a" and skipped(made)["n"] == "has not answered"


def test_got_a_mailing_and_in_doubt_counts() -> None:
    history = History((told("a"), told("b", state=State.IN_DOUBT), told("c", state=State.REFUSED)))
    made = plan(EVENT, "parkeren", everyone("abcd"), history, NOW)
    assert goes_to(made) == "ab" and skipped(made)["d"] == "did not get invitation"


def test_a_column_chooses_and_its_absence_is_never_everyone() -> None:
    rows = [listing("a", regio="utrecht "), listing("b", regio="Noord"), listing("c")]
    made = plan(EVENT, "utrecht", rows, History(), NOW)
    assert goes_to(made) == "a"
    assert skipped(made) == {"b": "Regio is Noord", "c": "has nothing in the column Regio"}
    with pytest.raises(UserError, match="no column"):
        plan(EVENT, "utrecht", everyone("ab"), History(), NOW)


def test_a_cancellation_reaches_everyone_who_was_told_those_who_come_first() -> None:
    history = History(
        (told("a"), told("b"), told("g", "save-the-date", address="Gone@example.org")),
        answers={"b": "attending"},
        persons=(Person("g", "gone@example.org", "Gerda Gans", "Woonstede"),),
    )
    made = plan(EVENT, "cancellation", everyone("acb"), history, NOW)
    assert goes_to(made) == "bag"
    assert made.to_send[2].member.email == "Gone@example.org"
    assert skipped(made) == {"c": "was never told about the event"}


@pytest.mark.parametrize("mailing", ["update", "correction"])
def test_nobody_is_guessed_to_have_an_older_version(mailing: str) -> None:
    made = plan(EVENT, mailing, everyone("ab"), History((told("a"),)), NOW)
    assert not made.to_send and sorted(skipped(made)) == ["a", "b"]


def test_an_audience_that_is_none_is_never_everyone() -> None:
    event = EVENT.model_copy(update={"mailings": {"invitation": Mailing(audience="iedereen")}})
    with pytest.raises(UserError, match="iedereen"):
        plan(event, "invitation", everyone("a"), History(), INVITED)


def test_an_unknown_mailing_is_a_matter_of_usage() -> None:
    with pytest.raises(UserError) as caught:
        plan(EVENT, "invitaton", everyone("a"), History(), NOW)
    assert caught.value.code is ExitCode.USAGE


def test_after_the_latest_moment_nothing_goes() -> None:
    late = made_at = datetime(2020, 4, 3, 0, 0, tzinfo=ZONE)
    history = History((told("a"), told("b", state=State.DEFERRED, not_before=late + timedelta(hours=1))))
    made = plan(EVENT, "invitation", everyone("abc"), history, made_at)
    assert made.too_late and not made.to_send and not made.waiting
    assert [each.person for each in made.expired] == ["c", "b"]
    assert [each.person for each in made.already] == ["a"]
    assert any("latest moment was 2 April 2020" in sentence for sentence in made.odd)


def test_before_its_planned_day_is_odd_but_not_on_the_day_itself() -> None:
    early = datetime(2020, 1, 12, 9, tzinfo=ZONE)
    made = plan(EVENT, "invitation", everyone("a"), History(), early)
    assert made.odd == ("planned for 17 February 2020, but today is 12 January 2020",)
    morning = datetime(2020, 2, 17, 7, tzinfo=ZONE)
    assert plan(EVENT, "invitation", everyone("a"), History(), morning).odd == ()


@pytest.mark.parametrize(("before", "now", "odd"), [(102, 61, True), (102, 95, False), (8, 4, False), (20, 14, True)])
def test_a_list_that_shrank_a_lot_is_odd(before: int, now: int, odd: bool) -> None:
    rows = [Recipient(f"p{n}", Member(n, Name(surname="S"), f"p{n}@example.org")) for n in range(now)]
    seen = ListSeen(Round("vorige", "thanks"), before, INVITED)
    made = plan(EVENT, "invitation", rows, History(last_list=seen), INVITED)
    sentence = f"the list had {before} members at the last mailing, now {now}"
    assert (sentence in made.odd) is odd


KEYS = "abcdefgh"


@given(
    st.lists(st.sampled_from(KEYS), max_size=10),
    st.lists(
        st.builds(
            told,
            st.sampled_from(KEYS),
            st.sampled_from(["invitation", "reminder"]),
            st.sampled_from(list(State)),
            address=st.sampled_from([f"{key}@example.org" for key in KEYS]),
        ),
        unique_by=lambda each: (each.person, each.round),
        max_size=12,
    ),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(list(WORDS.values()))),
    st.sampled_from(["invitation", "reminder", "practical", "thanks", "parkeren", "jammer"]),
    st.integers(0, 90),
)
def test_every_row_is_in_exactly_one_place_and_no_address_twice(
    keys: list[str], deliveries: list[Delivery], answers: dict[str, str], mailing: str, days: int
) -> None:
    rows = [listing(key) for key in keys]
    now = INVITED + timedelta(days=days)
    made = plan(EVENT, mailing, rows, History(tuple(deliveries), answers), now)
    places = (
        *(made.to_send, made.skipped, made.waiting, made.in_doubt),
        *(made.already, made.refused, made.expired),
    )
    assert sorted(each.person for place in places for each in place) == sorted(keys)
    had = {
        each.address
        for each in deliveries
        if each.round == made.round and each.state in (State.SENT, State.SENDING, State.IN_DOUBT)
    }
    addresses = [each.member.email for each in made.to_send]
    assert len(set(addresses)) == len(addresses) and not had & set(addresses)


def assistant(key: str, *members: Recipient, email: str = "", doubt: str = "") -> Recipient:
    """An assistant of members, at an address of her own."""
    member = Member(2, Name(), email or f"{key}@bureau.example.org")
    return Recipient(key, member, doubt, copy_of=tuple(members))


@pytest.mark.parametrize(
    ("mailing", "states", "answers", "copy"),
    [
        ("invitation", "", "", "to send"),
        ("invitation", "a:sent", "", "to send"),  # the column came later
        ("invitation", "a:sent e:sent", "", "already"),
        ("invitation", "a:sent e:in-doubt", "", "in doubt"),
        ("invitation", "a:sent e:deferred", "", "to send"),
        ("invitation", "a:refused e:deferred", "", "to send"),
        ("invitation", "e:refused", "", "refused"),
        ("reminder", "a:sent@invitation", "", "to send"),
        ("reminder", "a:sent@invitation", "a", "skipped"),  # the member has answered
        ("reminder", "a:sent@invitation a:sent e:deferred", "a", "skipped"),  # and did so after the first try
        ("practical", "a:sent@invitation", "a", "to send"),
        ("practical", "a:sent@invitation", "d", "skipped"),
    ],
)
def test_an_assistant_has_one_place_that_follows_the_member(mailing: str, states: str, answers: str, copy: str) -> None:
    found = []
    for word in states.split():
        key, _colon, rest = word.partition(":")
        state, _at, other = rest.partition("@")
        address = "e@bureau.example.org" if key == "e" else ""
        found.append(told(key, other or mailing, State(state.replace("-", " ")), address=address, reason="5.1.1"))
    member = listing("a")
    history = History(tuple(found), {"a": WORDS[answers]} if answers else {})
    made = plan(EVENT, mailing, [member, assistant("e", member)], history, NOW)
    places = {
        "to send": made.to_send,
        "skipped": made.skipped,
        "already": made.already,
        "in doubt": made.in_doubt,
        "refused": made.refused,
    }
    assert [name for name, people in places.items() for each in people if each.person == "e"] == [copy]


def test_a_copy_names_the_members_who_get_the_mailing_and_comes_last() -> None:
    one, two, three = everyone("abc")
    els = assistant("e", one, two)
    history = History((told("a"), told("b"), told("c")), {"a": "attending"})
    made = plan(EVENT, "reminder", [one, els, two, three], history, NOW)
    assert goes_to(made) == "bce" and [each.person for each in made.copies] == ["e"]
    assert [each.person for each in made.copies[0].copy_of] == ["b"]
    assert not made.odd


def test_an_assistant_at_anothers_address_gets_no_second_mail() -> None:
    one = listing("a")
    made = plan(EVENT, "invitation", [one, assistant("e", one, email="a@example.org")], History(), NOW)
    assert goes_to(made) == "a" and "the same address" in skipped(made)["e"]


def test_a_closed_event_and_a_doubt_hold_for_copies() -> None:
    one = listing("a")
    cancelled = History((told("a"), told("a", "cancellation")))
    made = plan(EVENT, "reminder", [one, assistant("e", one)], cancelled, NOW)
    assert not made.to_send
    made = plan(EVENT, "invitation", [one, assistant("e", one, doubt="who is this?")], History(), INVITED)
    assert goes_to(made) == "a"
    made = plan(EVENT, "invitation", [listing("a", doubt="new name"), assistant("e", listing("a"))], History(), INVITED)
    assert not made.to_send


@pytest.mark.parametrize(("own", "gets"), [((), True), (("b",), False)])
def test_a_correction_reaches_a_successor_of_the_member_who_had_the_earlier_text(
    own: tuple[str, ...], gets: bool
) -> None:
    # "a" has left; "b" is the successor at the same address, who may have had the text of now in person.
    correcting = Correcting("invitation", 1, frozenset(("a", *own)), frozenset({"a"}), {})
    mailed = (told("a"), *(told(key, address="a@example.org") for key in own))
    history = History(mailed, correcting=correcting)
    made = plan(EVENT, "correction", [listing("b", email="a@example.org"), listing("c")], history, NOW)
    assert goes_to(made) == ("b" if gets else "") and "did not get" in skipped(made)["c"]
