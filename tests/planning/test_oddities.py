"""Oddities of an event, as `check` reports them."""

from datetime import datetime

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing, Registration
from mkwmail.config.settings import Mailbox, Settings
from mkwmail.planning.oddities import event_warnings, form_faults

MICROSOFT = "https://forms.office.com/Pages/ResponsePage.aspx?id=abc-123"
GOOGLE = "https://docs.google.com/forms/d/e/1FAIp/viewform"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"{MICROSOFT}&lid={{code}}", f"{MICROSOFT}&r…={{code}}"),
        (f"{MICROSOFT}&r4f0c2a={{code}}&naam={{name}}", f"{MICROSOFT}&r…={{code}}&r…={{name}}"),
        ("https://forms.cloud.microsoft/r/XyZ12?lid={code}", "https://forms.cloud.microsoft/r/XyZ12?r…={code}"),
        ("https://forms.office.com/e/XyZ12?e={email}", "https://forms.office.com/e/XyZ12?r…={code}"),
        (f"{GOOGLE}?lid={{code}}", f"{GOOGLE}?usp=pp_url&entry.…={{code}}"),
        (f"{GOOGLE}?usp=pp_url&entry={{code}}", f"{GOOGLE}?usp=pp_url&entry.…={{code}}"),
        (f"{GOOGLE}/{{code}}", f"{GOOGLE}/{{code}}?usp=pp_url&entry.…={{code}}"),
        (
            "https://forms.gle/AbC?entry.1={code}",
            "https://docs.google.com/forms/d/e/…/viewform?usp=pp_url&entry.…={code}",
        ),
    ],
)
def test_a_form_that_ignores_the_link_is_named_with_the_link_to_use(url: str, shown: str) -> None:
    (fault,) = form_faults(url, "events/dag.yaml")
    assert "does nothing with" in fault.fault and f"url: {shown} " in fault.remedy


@pytest.mark.parametrize(
    "url",
    [
        f"{MICROSOFT}&r4f0c2a9be={{code}}&r91be77aa={{name}}",
        f"{GOOGLE}?usp=pp_url&entry.1045781291={{code}}&entry.839337160={{name}}",
        MICROSOFT,
        GOOGLE,
        "https://aanmelden.example.org/dag?lid={code}",
        "https://docs.google.com/spreadsheets/d/1?lid={code}",
    ],
)
def test_a_prefilled_link_and_any_other_form_are_right(url: str) -> None:
    assert not list(form_faults(url, "events/dag.yaml"))


@pytest.mark.parametrize("latest", [None, datetime(2020, 4, 15, tzinfo=ZONE)])
def test_a_reminder_after_the_deadline_is_odd_whatever_its_latest_moment(latest: datetime | None) -> None:
    event = Event(
        id="dag-2020",
        title="Dag",
        starts=datetime(2020, 4, 16, 13, tzinfo=ZONE),
        ends=datetime(2020, 4, 16, 18, tzinfo=ZONE),
        registration=Registration(
            url="https://aanmelden.example.org/{code}", deadline=datetime(2020, 4, 2, tzinfo=ZONE)
        ),
        mailings={"reminder": Mailing(send=datetime(2020, 4, 6, 9, tzinfo=ZONE), latest=latest)},
    )
    settings = Settings(sender=Mailbox(name="Ilse", email="ilse@example.org"))
    said = [str(each) for each in event_warnings(event, settings, "events/dag.yaml")]
    assert any("reminder would be sent on 6 April 2020, after the deadline for signing up" in each for each in said)
