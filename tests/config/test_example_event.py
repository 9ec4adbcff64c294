"""The event that ships: the announcement's facts, in a text that suits both forms of address."""

from datetime import date, datetime

from mkwmail.clock import ZONE
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.dutch.dates import forms_in
from mkwmail.files import shipped


def test_the_example_event_says_what_was_announced_and_no_more() -> None:
    path = shipped("events") / "2020-04-16-directeurendag.yaml"
    read = read_event(path, WorkingFolder(path.parent.parent))
    event = read.value
    assert (event.id, event.title) == ("directeurendag-2020", "Directeurendag")
    assert event.starts == datetime(2020, 4, 16, 13, tzinfo=ZONE)
    assert event.ends == datetime(2020, 4, 16, 18, tzinfo=ZONE)
    assert event.location is not None
    assert (event.location.name, event.location.city) == ("De Moestuin", "Utrecht")
    assert [host.name for host in event.hosts] == ["Bram Lipsch", "Corry Keulen", "Lilian van Zandbrink"]
    assert event.pe_points is True, "the number of points is not announced"
    assert {item.time.hour for item in event.programme} == {13, 18}, "no other times are announced"
    assert not forms_in("\n".join([event.introduction or "", *(item.description or "" for item in event.programme)]))
    invitation = event.mailings["invitation"].send
    assert invitation is not None
    assert invitation.date() == date(2020, 2, 17)
    assert ["example" in warning.fault for warning in read.warnings] == [True], "the sign-up link is an example only"
