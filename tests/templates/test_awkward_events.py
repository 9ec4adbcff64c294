"""Events that leave something open, or have more of it than usual, read as naturally as a complete one."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

import pytest

from mkwmail.config.event import Feedback, Host, Location, Online, ProgrammeItem, Registration
from mkwmail.dutch.dates import forms_in
from mkwmail.mail.context import Form
from tests.kinds import Kind
from tests.templates.scenes import Mail, a_mail, a_reader, an_event, moment

URL = "https://aanmelden.example.org/?lid={code}"
MEET = "https://vergaderen.example.org/kamer"

EVENTS: Mapping[str, Mapping[str, Any]] = {
    "everything": {},
    "only a city": {"location": Location(city="Utrecht")},
    "only a name": {"location": Location(name="De Moestuin")},
    "no place": {"location": None},
    "an empty place": {"location": Location()},
    "online": {"location": None, "online": Online(url=MEET)},
    "online, no link yet": {"location": None, "online": Online()},
    "online and a place": {"online": Online(url=MEET)},
    "provisional": {"provisional": True},
    "no programme": {"programme": ()},
    "one optional part": {"programme": (ProgrammeItem(time=time(12), title="Lunch", optional=True),)},
    "no registration": {"registration": None},
    "only a deadline": {"registration": Registration(deadline=moment(2020, 4, 2, 23, 59))},
    "no deadline": {"registration": Registration(url=URL)},
    "a deadline at noon": {"registration": Registration(url=URL, deadline=moment(2020, 4, 2, 12))},
    "no PE points": {"pe_points": None},
    "PE points, number unknown": {"pe_points": True},
    "half PE points": {"pe_points": 3.5},
    "no hosts": {"hosts": ()},
    "one host": {"hosts": (Host(name="Bram Lipsch"),)},
    "two days": {"ends": moment(2020, 4, 17, 16)},
    "a programme of two days": {
        "ends": moment(2020, 4, 17, 16),
        "programme": (
            ProgrammeItem(time=time(13), title="Opening"),
            ProgrammeItem(day=date(2020, 4, 17), time=time(9), title="Wandeling"),
            ProgrammeItem(time=time(15), title="Afsluiting"),
        ),
    },
    "three days, provisional": {"ends": moment(2020, 4, 18, 16), "provisional": True},
    "over new year": {"starts": moment(2020, 12, 30, 13), "ends": moment(2021, 1, 2, 16), "registration": None},
    "past midnight": {"starts": moment(2020, 4, 16, 20), "ends": moment(2020, 4, 17, 0, 30)},
    "no theme": {"theme": None},
    "no introduction": {"introduction": None},
    "a sentence for a title": {"title": "Samen sterker: hoe dan?"},
    "nothing but what is required": {
        "theme": None,
        "location": None,
        "introduction": None,
        "programme": (),
        "hosts": (),
        "registration": None,
        "pe_points": None,
        "mailings": {},
    },
}

# Aligned columns: a fact's label, a programme item's time, an indented line.
_COLUMN = re.compile(r"^(?:\s+(?:was:|wordt:)?\s*|[\w-]+: +|\d\d?\.\d\d(?:-\d\d?\.\d\d)? uur +)")
_ORPHAN = re.compile(r" [,.;:!?)]|[,;:(]\s*[,.;:!)]|[(] |(?<!\.)\.\.(?!\.)|\(\)|‘’")


def flaws(mail: Mail, form: Form) -> list[str]:
    """Return the parts of a mail that no secretary would have written."""
    text = mail.text.replace("\r\n", "\n")
    lines = [_COLUMN.sub("", line) for line in text.splitlines()]
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    prose = [mail.subject, mail.preheader, mail.shown, *paragraphs]
    found = [f"None: {part}" for part in prose if re.search(r"\b(None|none|True|False|namespace)\b", part)]
    found += [f"double space: {line}" for line in [mail.subject, mail.preheader, *lines] if "  " in line]
    found += [f"orphan: {part}" for part in prose[:2] + paragraphs if _ORPHAN.search(part)]
    found += [f"unfinished: {part}" for part in paragraphs[1:] if part.endswith(",") and "groet," not in part]
    found += [
        f"Markdown or quoting left over: {part}" for part in prose if re.search(r"[\ue000-\uf8ff*_{}]|&amp;", part)
    ]
    found += [f"forms mixed: {forms_in(part)}" for part in prose if set(forms_in(part)) - {form}]
    found += ["empty lines" for _ in re.findall(r"\n\s*\n\s*\n", text)]
    found += [f"too long: {line}" for line in text.splitlines() if len(line) > 76 and "https://" not in line]
    return found


# The sentences that an event changes are the same in both forms, save for these.
IN_BOTH_FORMS = ("everything", "online", "no registration", "two days", "nothing but what is required")


@pytest.mark.parametrize(
    ("awkward", "form"),
    [(awkward, "je") for awkward in EVENTS] + [(awkward, "u") for awkward in IN_BOTH_FORMS],
)
def test_nothing_in_any_mail_shows_what_is_missing(awkward: str, form: Form) -> None:
    event = an_event(**EVENTS[awkward])
    found = {kind: flaws(a_mail(kind, form, event), form) for kind in Kind}
    assert not {kind: there for kind, there in found.items() if there}


@pytest.mark.parametrize("form", ["je", "u"])
@pytest.mark.parametrize("kind", list(Kind))
def test_the_mailings_own_words_answers_and_files_fit_in(kind: Kind, form: Form) -> None:
    for answer in (None, "attending", "declined", "tentative"):
        assert not flaws(a_mail(kind, form, answer=answer, text="De zaal is om de hoek."), form)
    for files in (("a.pdf",), ("a.pdf", "b.pdf"), ("a.pdf", "b.pdf", "c.pdf")):
        assert not flaws(a_mail(kind, form, attachments=files), form)
    assert not flaws(a_mail(kind, form, changes=(), original=None, association=""), form)


SAYS = [
    ("only a city", "invitation", "Utrecht (de precieze locatie volgt nog)"),
    ("no place", "invitation", "Locatie: volgt nog"),
    ("no place", "invitation", "uit voor de Directeurendag op donderdag 16 april."),
    ("online", "invitation", "Directeurendag op donderdag 16 april, online."),
    ("online", "invitation", "Link: je krijgt de link als je je hebt aangemeld"),
    ("online", "practical", f"Link: {MEET}"),
    ("online and a place", "practical", "Laan van Maarschalkerweerd 2, Utrecht, of online"),
    ("provisional", "invitation", "Tijd: 13.00-18.00 uur (onder voorbehoud)"),
    ("provisional", "invitation", "Programma (onder voorbehoud)"),
    ("one optional part", "invitation", "Kom je ook naar de lunch? Geef dat aan bij je aanmelding."),
    ("everything", "practical", "Buffet (voor wie zich heeft opgegeven)"),
    ("no registration", "invitation", "Aanmelden kan met een antwoord op deze mail."),
    ("no registration", "reminder", "Aanmelden kan met een antwoord op deze mail."),
    ("only a deadline", "invitation", "Aanmelden: tot en met donderdag 2 april"),
    ("a deadline at noon", "invitation", "Aanmelden: tot donderdag 2 april, 12.00 uur"),
    ("PE points, number unknown", "invitation", "PE-punten: ja, het aantal volgt nog"),
    ("half PE points", "invitation", "PE-punten: 3,5"),
    ("one host", "invitation", "Het programma is samengesteld door Bram Lipsch."),
    ("two days", "save-the-date", "Houd je donderdag 16 april en vrijdag 17 april 2020 alvast vrij?"),
    (
        "a programme of two days",
        "invitation",
        "Vrijdag 17 april 9.00",
    ),
    (
        "three days, provisional",
        "cancellation",
        "De Directeurendag van donderdag 16 april tot en met zaterdag 18 april 2020",
    ),
    ("over new year", "invitation", "van woensdag 30 december 2020 tot en met zaterdag 2 januari 2021"),
    ("past midnight", "invitation", "de Directeurendag op donderdag 16 april in Utrecht"),
    ("a sentence for a title", "invitation", "uit voor de bijeenkomst ‘Samen sterker: hoe dan?’ op"),
    ("everything", "save-the-date", "De uitnodiging met het programma volgt half februari."),
    ("everything", "cancellation", "De Directeurendag van donderdag 16 april 2020 gaat helaas niet door."),
]


@pytest.mark.parametrize(("awkward", "kind", "words"), SAYS)
def test_what_is_open_is_said_in_words(awkward: str, kind: str, words: str) -> None:
    mail = a_mail(kind, event=an_event(**EVENTS[awkward]))
    assert words in " ".join(mail.text.split())
    if ":" not in words or words.startswith("De "):
        assert words in " ".join(mail.shown.split())


SILENT = [
    ("no PE points", "invitation", "PE-punten"),
    ("no deadline", "invitation", "Aanmelden:"),
    ("no programme", "invitation", "Programma"),
    ("no hosts", "invitation", "leiding"),
    ("no introduction", "invitation", "Toelichting"),
    ("no registration", "invitation", "https://"),
    ("everything", "save-the-date", "https://"),
    ("online", "invitation", MEET),
    ("everything", "cancellation", "https://"),
]


@pytest.mark.parametrize(("awkward", "kind", "words"), SILENT)
def test_what_does_not_apply_is_not_mentioned(awkward: str, kind: str, words: str) -> None:
    mail = a_mail(kind, event=an_event(**EVENTS[awkward]))
    assert words not in mail.text
    assert words not in mail.html


@pytest.mark.parametrize("kind", ["update", "correction"])
def test_the_online_link_is_for_those_who_attend(kind: str) -> None:
    event = an_event(online=Online(url=MEET))
    assert MEET in a_mail(kind, event=event, answer="attending").text
    for answer in (None, "declined", "tentative"):
        mail = a_mail(kind, event=event, answer=answer)
        assert MEET not in mail.text + mail.html


@pytest.mark.parametrize("form", ["je", "u"])
@pytest.mark.parametrize("kind", ["invitation", "reminder", "update", "correction"])
def test_after_the_deadline_nobody_is_asked_to_sign_up(kind: str, form: Form) -> None:
    closed = f"De aanmelding is gesloten. {'Wil je' if form == 'je' else 'Wilt u'} toch komen?"
    for at, is_closed in ((moment(2020, 4, 2, 23), False), (moment(2020, 4, 3, 9), True)):
        for answer in (None, "tentative"):
            mail = a_mail(kind, form, answer=answer, at=at)
            assert ("https://aanmelden" in mail.html + mail.text) is not is_closed
            assert ("https://aanmelden" in mail.entry) is not is_closed
            assert ("tot en met donderdag 2 april" in mail.text + mail.preheader) is not is_closed
            assert ("aan bij je aanmelding" in mail.shown or "aan bij uw aanmelding" in mail.shown) is (
                not is_closed and kind != "reminder"
            )
            assert (closed in mail.shown and closed in " ".join(mail.text.split())) is is_closed
            assert not flaws(mail, form)


def test_a_mail_goes_by_the_answer_that_was_given() -> None:
    says = {
        ("cancellation", None): "Had je je aangemeld? Dan hoef je je niet af te melden.",
        ("cancellation", "attending"): "Je hoeft je niet af te melden.",
        ("cancellation", "declined"): "Dat spijt ons. De afspraak kun je uit je agenda halen.",
        ("confirmation", "attending"): "Klopt er iets niet, of ben je toch verhinderd?",
        ("confirmation", "tentative"): "Weet je het zeker?",
        ("confirmation", "declined"): "Kun je toch komen?",
        ("update", "attending"): "Je aanmelding blijft staan. Je hoeft niets te doen.",
        ("update", "declined"): "Kun je door deze wijziging toch komen?",
        ("correction", "attending"): "Je aanmelding blijft gewoon staan.",
    }
    for (kind, answer), words in says.items():
        mail = a_mail(kind, answer=answer)
        for part in (mail.shown, " ".join(mail.text.split())):
            assert words in part
            others = [said for (of, _), said in says.items() if of == kind and said != words]
            assert not [said for said in others if said in part]
        if answer == "declined":
            assert "aan bij je aanmelding" not in mail.shown, "somebody who does not come chooses no parts"


def test_the_entry_has_what_its_reader_needs() -> None:
    assert a_mail("invitation").entry == (
        "Samen verder komen met andersoortige organisaties\n\nAanmelden tot en met donderdag 2 april: "
        "https://aanmelden.example.org/directeurendag-2020?lid=k7m2p9q4rs\nPE-punten: 3"
    )
    assert "aanmelden" not in a_mail("save-the-date").entry.casefold(), "that comes with the invitation"
    days = "Donderdag 16 april\n13.00 Opening\nVrijdag 17 april\n9.00 Wandeling\n15.00 Afsluiting"
    event = an_event(**EVENTS["a programme of two days"])
    for answer in (None, "attending"):
        entry = a_mail("invitation", event=event, answer=answer).entry
        assert f"\n\nProgramma:\n{days}\n\nPE-punten: 3" in entry and "\n\n\n" not in entry
    assert "Programma" not in a_mail("cancellation", event=event).entry


def test_the_link_is_promised_to_those_who_can_still_get_it() -> None:
    event = an_event(online=Online(url=MEET), location=None)
    late = moment(2020, 4, 3, 9)
    for answer, at, promised in (
        (None, None, True),
        ("tentative", None, True),
        ("declined", None, False),
        (None, late, False),
        ("declined", late, False),
    ):
        mail = a_mail("update", event=event, answer=answer, at=at)
        for part in (mail.shown, " ".join(mail.text.split())):
            assert ("je krijgt de link als je je hebt aangemeld" in part) is promised


def test_own_words_that_invite_take_the_place_of_the_standard_sentence() -> None:
    assert "Graag nodigen we" in a_mail("invitation", text="De zaal is om de hoek.").text
    assert "Graag nodigen we" not in a_mail("invitation", text="Van harte nodig ik je uit.").text


def test_own_words_come_before_the_facts_and_a_cancellation_says_first_what_it_is() -> None:
    own = "De zaal is om de hoek."
    for kind in Kind:
        text = a_mail(kind, text=own).text
        assert text.index("Beste Anneke,") < text.index(own) < text.index("Hartelijke groet,")
        assert "Datum:" not in text[: text.index(own)]
    cancelled = a_mail("cancellation", text=own).text
    assert cancelled.index("gaat helaas niet door") < cancelled.index(own)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_is_light_and_asks_for_nothing_outside(kind: Kind) -> None:
    html = a_mail(kind).html
    assert len(html.encode()) < 25_000
    assert '<html lang="nl"' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert not re.search(r"<(?:script|link|iframe)\b|url\(|src=\"http", html)


def test_everybody_reads_why_they_get_the_mail() -> None:
    guest = a_reader()._replace(member=a_reader().member._replace(row=0))
    reasons = {
        "je op de ledenlijst van MKW Platform staat.": a_mail("practical"),
        "je je hebt aangemeld voor de Directeurendag.": a_mail("practical", reader=guest),
        "je e-mailadres daarvoor op de ledenlijst van MKW Platform staat.": a_mail("practical", copy_of=(a_reader(),)),
        "je op onze ledenlijst staat.": a_mail("practical", association=""),
    }
    for reason, mail in reasons.items():
        for part in (" ".join(mail.text.split()), mail.shown):
            assert f"omdat {reason}" in part


def test_links_to_the_place_and_to_the_form_for_opinions_are_in_both_parts() -> None:
    links = {"route": "https://route.example.org/u", "website": "https://moestuin.example.org/"}
    place = Location(name="De Moestuin", city="Utrecht", **links)
    form = "https://mening.example.org/d"
    mail = a_mail("practical", event=an_event(location=place))
    thanks = a_mail("thanks", event=an_event(feedback=Feedback(url=form)))
    for link, of in (*((link, mail) for link in links.values()), (form, thanks)):
        assert link in of.text and f'href="{link}"' in of.html
    assert not flaws(mail, "je") and not flaws(thanks, "je")
    assert "Geef je mening" in thanks.shown and "mening" not in a_mail("thanks").shown
