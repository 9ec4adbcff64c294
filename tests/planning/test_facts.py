"""Facts and their versions: what counts as a change, in which words, and for whom."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Location, Online, ProgrammeItem, Registration
from mkwmail.dutch.dates import date_without_year
from mkwmail.ledger.models import Change
from mkwmail.planning.facts import EventFacts, Telling, differences, facts_of, for_person, read_facts, words_of


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


URL = "https://aanmelden.example.org/?lid={code}"
DEADLINE = moment(2020, 4, 2, 23, 59)


EVENT = Event(
    id="dag",
    title="Directeurendag",
    starts=moment(2020, 4, 16, 13),
    ends=moment(2020, 4, 16, 18),
    location=Location(name="De Moestuin", city="Utrecht"),
    registration=Registration(url=URL, deadline=DEADLINE),
    programme=(
        ProgrammeItem(time=time(12), title="Inlooplunch"),
        ProgrammeItem(time=time(13), until=time(14, 30), title="Opening"),
    ),
    pe_points=True,
)


def changed(**fields: object) -> Event:
    return EVENT.model_copy(update=fields)


@pytest.mark.parametrize(
    ("event", "what", "old", "new"),
    [
        (changed(title="Dag"), "Titel", "Directeurendag", "Dag"),
        (
            changed(starts=moment(2020, 10, 29, 13), ends=moment(2020, 10, 29, 18)),
            *("Datum", "donderdag 16 april 2020", "donderdag 29 oktober 2020"),
        ),
        (changed(starts=moment(2020, 4, 16, 13, 30)), "Tijd", "13.00-18.00 uur", "13.30-18.00 uur"),
        (changed(location=None), "Locatie", "De Moestuin, Utrecht", "volgt nog"),
        (changed(location=None, online=Online()), "Locatie", "De Moestuin, Utrecht", "online"),
        (changed(online=Online()), "Locatie", "De Moestuin, Utrecht", "De Moestuin, Utrecht, of online"),
        (
            changed(registration=Registration(url=URL, deadline=moment(2020, 4, 3, 12))),
            *("Aanmelden", "tot en met donderdag 2 april 2020", "tot vrijdag 3 april 2020, 12.00 uur"),
        ),
        (changed(pe_points=2.5), "PE-punten", "ja, het aantal volgt nog", "2,5"),
        (changed(pe_points=None), "PE-punten", "ja, het aantal volgt nog", ""),
        (
            changed(programme=(EVENT.programme[0], ProgrammeItem(time=time(13, 15), title="Opening"))),
            *("Programma", "13.00-14.30 uur Opening", "13.15 uur Opening"),
        ),
    ],
)
def test_a_change_is_written_in_dutch(event: Event, what: str, old: str, new: str) -> None:
    assert differences(facts_of(EVENT), facts_of(event)) == (Change(what, old, new),)
    assert differences(facts_of(event), facts_of(event)) == ()


def test_other_words_are_no_other_facts() -> None:
    reworded = changed(
        theme="Iets anders",
        introduction="Kom!",
        programme=(EVENT.programme[0], ProgrammeItem(time=time(13), until=time(14, 30), title="Welkom")),
    )
    assert not differences(facts_of(EVENT), facts_of(reworded))
    assert words_of(EVENT) != words_of(reworded)
    assert words_of(EVENT) == words_of(changed(title="Dag", starts=moment(2021, 1, 1), pe_points=None))


def test_a_members_own_code_is_in_no_words() -> None:
    link = Registration(url="https://elders.example.org/?lid={code}", deadline=DEADLINE)
    (change,) = differences(facts_of(EVENT), facts_of(changed(registration=link)))
    assert (change.what, change.new) == ("Aanmeldlink", "een nieuwe link") and "{" not in change.old


def test_facts_come_back_as_they_were_kept() -> None:
    facts = facts_of(changed(online=Online(url="https://x.example.org/é")), cancelled=True)
    assert read_facts(facts.document()) == facts


def test_the_link_for_online_is_for_those_who_attend() -> None:
    old, new = (facts_of(changed(online=Online(url=f"https://{host}.example.org/"))) for host in "ab")
    telling = Telling((old,), {"p": (0,)})
    assert not telling.changes_for("p", new, None) and not telling.changes_for("p", new, "declined")
    (change,) = telling.changes_for("p", new, "attending")
    assert (change.what, change.new) == ("Link", "https://b.example.org/")
    assert for_person(new, None).link == ""


def at(place: str = "De Moestuin, Utrecht", pe: str = "true") -> EventFacts:
    return replace(facts_of(EVENT), place=place, pe=pe)


def test_a_version_rises_with_a_change_and_with_a_change_back() -> None:
    first, second = at(), at(place="Houten")
    assert Telling().version_of(first) == 0
    assert Telling((first,)).version_of(first) == 0
    assert Telling((first,)).version_of(second) == 1
    assert Telling((first, second)).version_of(first) == 2


def test_a_pe_number_that_became_known_makes_nobody_outdated_but_goes_along() -> None:
    versions = (at(), at(pe="3"), at(place="Houten", pe="3"))
    assert not Telling(versions[:1], {"p": (0,)}).changes_for("p", versions[1], None)
    assert not Telling((at(pe=""),), {"p": (0,)}).changes_for("p", versions[1], None)
    changes = Telling(versions[:2], {"p": (0,)}).changes_for("p", versions[2], None)
    assert [change.what for change in changes] == ["Locatie", "PE-punten"]
    (change,) = Telling((at(pe="3"),), {"p": (0,)}).changes_for("p", at(pe="2"), None)
    assert (change.old, change.new) == ("3", "2")


def test_in_doubt_counts_as_told_and_what_went_before_is_named_too() -> None:
    versions = (at(pe="2"), at(place="Houten", pe="2"), at(place="Houten", pe="3"))
    # The newest may not have arrived: it counts, and says nothing has changed since.
    assert not Telling(versions, {"p": (2, 0)}).changes_for("p", versions[2], None)
    changes = Telling(versions[:2], {"p": (1, 0)}).changes_for("p", versions[2], None)
    assert [change.what for change in changes] == ["Locatie", "PE-punten"]
    assert not Telling(versions, {}).changes_for("p", versions[2], None)


def test_another_day_of_a_part_is_a_change() -> None:
    first = changed(ends=EVENT.ends + timedelta(days=1))
    later = first.model_copy(
        update={"programme": tuple(each.model_copy(update={"day": first.ends.date()}) for each in first.programme)}
    )
    (change,) = differences(facts_of(first), facts_of(later))
    day = date_without_year(first.ends.date())
    assert change.what == "Programma" and day not in change.old and change.new.startswith(f"{day} ")
