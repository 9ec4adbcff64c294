"""The kinds of mailing: the table of defaults, names, and latest moments."""

from datetime import datetime

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing, Registration
from mkwmail.config.kinds import RULES, Kind, in_order, kind_of, latest_of, mailing_named, templates_of
from mkwmail.errors import ExitCode, UserError


def moment(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2020, month, day, hour, tzinfo=ZONE)


START, END, DEADLINE = moment(4, 16, 13), moment(4, 16, 18), moment(4, 2)


def event(deadline: datetime | None = DEADLINE, **mailings: Mailing) -> Event:
    named = {name.replace("_", "-"): mailing for name, mailing in mailings.items()}
    return Event(
        id="dag", title="Dag", starts=START, ends=END, registration=Registration(deadline=deadline), mailings=named
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reminder", Kind.REMINDER),
        ("reminder-2", Kind.REMINDER),
        ("save-the-date", Kind.SAVE_THE_DATE),
        ("save-the-date-again", Kind.SAVE_THE_DATE),
        ("reminders", Kind.OWN),
        ("save", Kind.OWN),
        ("parkeren", Kind.OWN),
    ],
)
def test_the_kind_is_the_name_or_what_stands_before_a_dash(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


@pytest.mark.parametrize(
    ("kind", "audience", "needs_entry", "latest"),
    [
        ("save-the-date", "everyone", True, START),
        ("own", "everyone", True, START),
        ("invitation", "everyone", True, DEADLINE),
        ("reminder", "unanswered", True, DEADLINE),
        ("update", "outdated", False, END),
        ("correction", "earlier-text", False, END),
        ("practical", "attending", True, END),
        ("cancellation", "told", False, END),
        ("thanks", "present", True, moment(5, 16, 18)),
    ],
)
def test_the_defaults_of_each_kind(kind: str, audience: str, needs_entry: bool, latest: datetime) -> None:
    rule = RULES[Kind(kind)]
    assert (rule.audience, rule.needs_entry) == (audience, needs_entry)
    assert rule.by_name_only is not needs_entry
    planned = event().model_copy(update={"mailings": {kind: Mailing()}})
    assert latest_of(planned, kind) == latest


def test_without_a_deadline_the_start_is_the_latest_moment() -> None:
    assert latest_of(event(None, invitation=Mailing()), "invitation") == START


def test_a_latest_moment_of_its_own_wins() -> None:
    assert latest_of(event(invitation=Mailing(latest=moment(3, 1))), "invitation") == moment(3, 1)
    assert latest_of(event(update=Mailing(latest=moment(3, 1))), "update") == moment(3, 1)


def test_a_mailing_of_their_own_after_the_event_has_thirty_days() -> None:
    assert latest_of(event(verslag=Mailing(send=moment(4, 20))), "verslag") == moment(5, 16, 18)
    assert latest_of(event(parkeren=Mailing(send=moment(4, 10))), "parkeren") == START


def test_a_mailing_is_found_by_its_name() -> None:
    planned = Mailing(send=moment(2, 17))
    assert mailing_named(event(invitation=planned), "invitation") is planned
    for name in ("update", "correction", "cancellation"):
        assert mailing_named(event(), name) == Mailing()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("invitaton", 'did you mean "invitation"?'),
        ("reminder", "choose from: invitation, update, correction, cancellation"),
    ],
)
def test_an_unknown_mailing_is_refused_with_the_nearest(name: str, remedy: str) -> None:
    for ask in (mailing_named, latest_of):
        with pytest.raises(UserError) as raised:
            ask(event(invitation=Mailing()), name)
        assert raised.value.code is ExitCode.USAGE
        assert raised.value.faults[0].remedy == remedy


def test_mailings_stand_by_date_then_by_kind() -> None:
    planned = event(
        thanks=Mailing(),
        practical=Mailing(send=moment(4, 9)),
        invitation=Mailing(send=moment(2, 17)),
        parkeren=Mailing(send=moment(2, 17)),
        reminder=Mailing(),
    )
    assert in_order(planned) == ("invitation", "parkeren", "practical", "reminder", "thanks")


def test_templates_of_a_mailing() -> None:
    assert templates_of("reminder-2", Mailing()) == ("reminder-2", "reminder")
    assert templates_of("parkeren", Mailing()) == ("parkeren", "own")
    assert templates_of("parkeren", Mailing(template="practical")) == ("practical",)
