"""Texts that contradict the event's facts, and texts that do not."""

from datetime import datetime, time

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Catering, Event, Location, Mailing, Online, ProgrammeItem, Registration
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.files import shipped
from mkwmail.planning.free_text import text_warnings

URL = "https://aanmelden.example.org/?lid={code}"


def at(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2020) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


def an_event(text: str = "", **changed: object) -> Event:
    """An event on Thursday 16 April 2020, 13.00-18.00, in Utrecht; deadline Thursday 2 April."""
    given: dict[str, object] = {
        "id": "dag",
        "title": "Directeurendag",
        "starts": at(4, 16, 13),
        "ends": at(4, 16, 18),
        "location": Location(name="De Moestuin", street="Laan van Maarschalkerweerd 2", city="Utrecht"),
        "registration": Registration(url=URL, deadline=at(4, 2, 23, 59)),
        "catering": Catering(deadline=at(4, 9, 23, 59)),
        "programme": (
            ProgrammeItem(time=time(12), until=time(13), title="Inlooplunch"),
            ProgrammeItem(time=time(13, 15), title="Opening"),
        ),
        "pe_points": 3,
        "mailings": {"invitation": Mailing(send=at(2, 17, 9), text=text or None)},
    }
    return Event.model_validate({**given, **changed})


def said(event: Event) -> list[str]:
    return [each.fault for each in text_warnings(event, "events/dag.yaml")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("We zien je graag op 17 april.", "17 april"),
        ("Graag nodigen we je uit voor de Directeurendag van vrijdag 17 april 2020.", "vrijdag 17 april 2020"),
        ("De Directeurendag is op 16 april 2019.", "16 april 2019"),
        ("Welkom op de Directeurendag op 16-5-2020.", "16-5-2020"),
        ("We zien je graag vrijdagmiddag.", "vrijdag"),
        ("De bijeenkomst is op een woensdag.", "woensdag"),
        ("We beginnen om 14.00 uur.", "14.00 uur"),
        ("De middag begint om 13.30 uur in de grote zaal.", "13.30 uur"),
        ("We sluiten af om 17.00 uur.", "17.00 uur"),
        ("Het programma duurt van 13.00 tot 17.30 uur.", "17.30 uur"),
        ("We nodigen je uit op donderdag 16 april om 15.00 uur.", "15.00 uur"),
        ("De start is om 10 uur.", "10 uur"),
        ("De bijeenkomst in Zwolle belooft veel.", "Zwolle"),
        ("Van harte welkom in Amersfoort!", "Amersfoort"),
        ("De Directeurendag in Den Haag gaat over netwerken.", "Den Haag"),
        ("Aanmelden kan tot en met 3 april.", "tot en met 3 april"),
        ("Meld je uiterlijk 26 maart aan.", "uiterlijk 26 maart"),
        ("Meld je vóór 10 april aan.", "vóór 10 april"),
        ("Aanmelden voor de dag kan tot maandag.", "tot maandag"),
        ("Inschrijven kan t/m 9 april 2020.", "t/m 9 april 2020"),
    ],
)
def test_a_text_that_contradicts_the_event_is_named(text: str, wrong: str) -> None:
    (fault,) = said(an_event(text))
    assert f'mailings: invitation: text: says "{wrong}"' in fault
    (fault,) = said(an_event(introduction=f"Iets over netwerken.\n\n{text}\n"))
    assert fault.startswith(f'introduction: says "{wrong}"')


@pytest.mark.parametrize(
    "text",
    [
        "We zien je graag op 16 april.",
        "Graag nodigen we je uit voor de Directeurendag van donderdag 16 april 2020 om 13.00 uur.",
        "Aanmelden kan tot en met 2 april.",
        "Meld je aan vóór 3 april.",
        "Geef je dieetwensen door vóór 9 april.",
        "De uitnodiging volgt op 17 februari.",
        "Op 9 april ontvang je het essay.",
        "Vorig jaar kwamen we samen op 11 april 2019 in Zwolle.",
        "In 2017 zetten we op een themabijeenkomst vormen van samenwerking naast elkaar.",
        "De ledenvergadering is op 12 mei.",
        "Vanaf 12.30 uur staat de koffie klaar; om 13.00 uur beginnen we.",
        "We beginnen om 13.15 uur met de opening.",
        "De inlooplunch begint om 12.15 uur.",
        "De trein van 12.17 uur uit Zwolle komt op tijd aan.",
        "Woonstede in Ede vertelt op de Directeurendag over haar aanpak.",
        "Een corporatie in Zwolle deelt haar ervaringen.",
        "Het kost 25 euro, voor 8 uur werk, en levert 3 PE-punten op.",
        "De volgende Directeurendag is op 12 november in Amersfoort.",
        "Meld je aan via de knop. Tot de zestiende!",
        "Na afloop is er tot 19.30 uur een borrel.",
        "Lees het essay vooraf: hoofdstuk 3 en 4, bladzijde 12.30.",
        "Bel bij vragen op vrijdag.",
    ],
)
def test_what_is_right_or_about_something_else_is_not_named(text: str) -> None:
    assert said(an_event(text)) == []


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"registration": Registration(url="https://aanmelden.example.org/dag")}, "has no {code}"),
        ({"registration": Registration(url="https://mkw@aanmelden.example.org/?lid={code}")}, "before its host"),
        ({"online": Online(url="https://teams.example.com@kwaad.example.net/x")}, "before its host"),
        ({"introduction": "Zie https://user:pass@example.org/x."}, "before its host"),
        ({"starts": at(4, 27, 13), "ends": at(4, 27, 18)}, "Koningsdag"),
        ({"starts": at(4, 12, 13), "ends": at(4, 14, 18), "title": "Reis"}, "paasdag"),
        ({"mailings": {"reminder": Mailing(send=at(4, 10, 9))}}, "Goede vrijdag"),
    ],
)
def test_links_and_days_that_are_odd_are_named(changed: dict[str, object], wrong: str) -> None:
    found = said(an_event(**changed))  # type: ignore[arg-type]
    assert found and all(wrong in fault for fault in found)


def test_missing_pe_points_are_named_and_false_is_not_missing() -> None:
    event = an_event()
    without = Event.model_validate({k: getattr(event, k) for k in type(event).model_fields if k != "pe_points"})
    (fault,) = said(without)
    assert "pe_points: is missing" in fault
    assert said(an_event(pe_points=False)) == []


REAL = (
    (
        "lentedag",
        at(3, 12, 10),
        at(3, 12, 16, 30),
        "Ede",
        "Beste collega’s,\n\nOp 12 maart zijn we te gast bij een corporatie in Ede. De ontvangst is vanaf 9.30 uur. We "
        "sluiten om 16.30 uur af met een borrel, die tot ongeveer 17.30 uur duurt.\n\n- 10.00 uur: opening\n- 12.30 "
        "uur: lunch\n\nAanmelden kan tot en met 27 februari. De presentaties van 14 november 2019 staan online.",
        at(2, 27, 23, 59),
    ),
    (
        "online",
        at(6, 10, 15),
        at(6, 10, 16, 30),
        None,
        "Vanwege de maatregelen is de bijeenkomst van 10 juni online. We beginnen om 15.00 uur; inloggen kan vanaf "
        "14.45 uur. Meld je aan vóór maandag 8 juni. In september hopen we elkaar in Zwolle te zien.",
        at(6, 7, 23, 59),
    ),
    (
        "tweedaagse",
        at(11, 5, 10),
        at(11, 6, 16),
        "Lunteren",
        "Op 5 en 6 november komen we samen in Lunteren. Donderdag staat in het teken van wonen en zorg, vrijdag gaan "
        "we op werkbezoek in Barneveld. Het hotel is open vanaf 14.00 uur; ontbijt is vrijdag vanaf 7.30 uur.",
        at(10, 8, 23, 59),
    ),
    (
        "verplaatst",
        at(9, 24, 13),
        at(9, 24, 18),
        "Utrecht",
        "De Directeurendag van 16 april kon niet doorgaan. De nieuwe datum is 24 september. Had je je aangemeld voor "
        "16 april? Dan hoef je niets te doen. Nieuwe aanmeldingen graag uiterlijk donderdag 10 september.",
        at(9, 10, 23, 59),
    ),
    (
        "alv",
        at(5, 14, 14),
        at(5, 14, 17),
        "Amersfoort",
        "De ALV begint om 14.00 uur. De stukken volgen op 30 april. De vorige vergadering was op 21 november 2019 in "
        "Houten. Voor de rondleiding van 13.00 uur is plaats voor 20 mensen. Neem contact op vóór 1 mei als je een "
        "agendapunt hebt.",
        None,
    ),
    (
        "diner",
        at(12, 10, 17, 30),
        at(12, 10, 22),
        "Den Haag",
        "Graag ontvangen we je op 10 december in Den Haag. Het diner begint om 18.30 uur. Geef allergieën door tot "
        "3 december. Aanmelden kan tot 27 november. Tussen 25 december en 4 januari is het secretariaat gesloten.",
        at(11, 26, 23, 59),
    ),
    (
        "studiereis",
        at(6, 17, 8),
        at(6, 19, 20),
        "Wenen",
        "Van 17 tot en met 19 juni gaan we op studiereis. De trein uit Utrecht vertrekt om 6.52 uur. Inschrijven kan "
        "t/m 1 april; op 6 mei is er een voorbereidende avond om 19.30 uur in Utrecht.",
        at(4, 1, 23, 59),
    ),
    (
        "themamiddag",
        at(1, 23, 13, year=2021),
        at(1, 23, 17, year=2021),
        "Nieuwegein",
        "We zien je graag op 23 januari. De inloop is vanaf 12.30 uur. Een directeur uit Zwolle vertelt over 2020, en "
        "op 1 januari 2021 is de nieuwe wet ingegaan. Aanmelden kan tot en met 8 januari.",
        at(1, 8, 23, 59, year=2021),
    ),
)


@pytest.mark.parametrize(("title", "starts", "ends", "city", "text", "deadline"), REAL)
def test_texts_like_real_ones_give_no_false_alarm(
    title: str, starts: datetime, ends: datetime, city: str | None, text: str, deadline: datetime | None
) -> None:
    event = an_event(
        text,
        title=title.capitalize(),
        starts=starts,
        ends=ends,
        location=Location(city=city) if city else None,
        online=None if city else Online(url="https://vergadering.example.org/x"),
        registration=Registration(url=URL, deadline=deadline),
        programme=(ProgrammeItem(time=starts.time(), title="Opening"), ProgrammeItem(time=time(18, 30), title="Diner")),
        catering=None,
    )
    assert said(event) == []


def test_the_example_event_gives_no_alarm() -> None:
    path = next(shipped("events").glob("*.yaml"))
    assert said(read_event(path, WorkingFolder(path.parent.parent)).value) == []
