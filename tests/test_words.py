"""The Dutch of the program and the guide: one word for one thing, and turns that are kept out of it."""

import re

import pytest

from tests.test_language import _texts, _without_code
from tests.workplace import ROOT
from tools import messages

#: The English word, and the beginning of the only Dutch one for it.
GLOSSARY = (
    ("ledger", "logboek"),
    ("member list", "ledenlijst"),
    ("sign-ups?(?! form)", "aanmeld|opgegeven|opgaf"),
    ("guests?", "gast"),
    ("successors?", "opvolger"),
    ("assistants?", "assistent"),
    ("certificates", "bewijzen|certificates"),
    ("in doubt", "onzeker"),
    ("refused(?! if)", "geweiger|weiger"),
    ("skipped", "overgeslagen|overslaa|slaat"),
    ("cancellation", "annulering|cancellation"),
    ("calendar entry", "afspraak"),
    ("audiences?", "doelgroep|audience"),
)

OFFICE = "office language: say it as you would aloud"
SENT = "a mail does not go: mkwmail verstuurt it, or it wordt verstuurd"
MAILING = "the mailing has another name in the guide"
#: A pattern of what may not be said, and the reason.
NOT_SAID = (
    (r"vanzelf", "automatisch"),
    (r"\b(?:mails?|mailings?|herinnering|uitnodiging|bedankmail) (?:gaat|gaan)\b(?! het)", SENT),
    (r"\bgaa[nt] (?:er )?(?:mails?|niets|uit|weg|de deur uit)\b|\bgaan? niet uit\b", SENT),
    (r"\b(?:nog )?te gaan\b(?! staan)", "nog te versturen"),
    (
        r"\b(?:server|bestand|export|mail|status|formulier|provider|agenda|programma|lijst)`? zeg(?:t|gen)\b",
        "things do not speak: in the file staat, the server meldt",
    ),
    (r"tot je dat zegt|als jij dat zegt|dat jij dat zegt", "tot je dat hebt beslist"),
    (r"meermaals|eenieder|ieder(?:e)? van hen", "Flemish, or stiff: vaker, iedereen"),
    (r"\bvolsta(?:at|an)\b|voortaan aanhouden|gekruist|\bheden\b|\bgelieve\b|\bhierbij\b|\bbetreffende\b", OFFICE),
    (r"\b(?:indien|teneinde|middels|tevens|reeds|omtrent|alsmede|conform|derhalve)\b|\bdient te\b", OFFICE),
    (r"\b(?:met betrekking tot|ten behoeve van|in verband met|ten aanzien van|onder vermelding van)\b", OFFICE),
    (r"\bwelke?\b[^.,;:]{0,30}\book\b|\bw(?:ie|at) dan ook\b", "translated from English"),
    (r"rectificatie", f"{MAILING}: correctie"),
    (r"afzegging|afgezegd", f"{MAILING}: annulering, geannuleerd"),
    (r"bedankje\b", f"{MAILING}: bedankmail"),
    (r"save the date", f"{MAILING}: vooraankondiging"),
    (r"\b(?:de|een) proef\b", "proefmail"),
    (r"(?<!reserve)kopie(?:ën)? van het logboek", "reservekopie, if mkwmail made it"),
    (r"op toestemming wach|wach\w+ op toestemming", "goedkeuring: toestemming is the provider's"),
    (r"komt niemand\b", "niet vertegenwoordigd"),
    (r"zoals het was op", "stand op"),
    (r"\blege Enter\b", "druk dan op Enter"),
    (r"\bduidelijk woord\b|\bdragen alle mail\b|in de plaats van het\b", "translated from English"),
    (r"[a-z]'[a-z]", "curly apostrophes: zo’n, foto’s"),
    (r"\btemplates?\b(?!/)", "sjabloon"),
    (r"\be-mail adres|\bemail ?adres", "mailadres or e-mailadres, one word"),
    (r"\bis vergeten\b|\(vergeten\)", "nobody is forgotten: de gegevens zijn verwijderd"),
    (r"wordt iedereen onzeker|, wordt onzeker", "a mail is in doubt, not a person"),
    (r"generale repetitie", "oefenen, oefenmails"),
    (r"\bgaa[nt] (?:niet )?mee\b", "translated from English: dit zit erin"),
    (r"per post of bellen", "half a sentence: stuur een brief of bel"),
    (r"\bzeg dat (?:dan )?in een terminal|tot(?:dat)? jij het zegt", "bevestig, or beslis"),
    (r"naar een nieuwe werkmap|\bExcel-werkmap", "werkmap is the working folder: Excel-bestand"),
    (r"\bbedorven\b", "beschadigd, as everywhere"),
    (r'"%\(\w+\)s" (?:is|ligt|in|heeft)\b', "curly quotes: “…”"),
)

#: The same for the English of the messages.
NOT_WRITTEN = (
    (r"\b(?:anew|hence|whoever|thereof|mend(?:s|ed)?|beside|to be had|in so many words)\b", "archaic"),
    (r"\bgive the command\b", "run the command"),
    (r"\b(?:is|was) spoiled\b", "damaged"),
    (r"without your word|until you say so|\bsay so\b", "unless you decide so, until you decide, confirm it"),
    (r"\b(?:column|row|heading) tells\b", "shows"),
    (r"\bput off\b", "deferred, as in the tables"),
    (r"\bno [a-z ]+ is named\b", "is set"),
    (r", for (?:it|YAML|nothing|nobody)\b", "because"),
    (r"\bkept (?:of|by|in step)\b", "stored about; synchronised by"),
    (r"\bgo(?:es)? (?:along|readable|on here)\b|\bwent out\b", "is included, is sent, continues"),
    (r"\bhas (?:%\(size\)|%\(size\)d)|\bhave %\(size\)", "is … in size"),
    (r"\bis no (?:date|time|id|answer|name|link)\b", "is not a date"),
)


def _dutch() -> list[tuple[str, str]]:
    """Return every message of the program: the English, and the Dutch."""
    return [
        (_texts(message.id)[0], text)
        for message in messages.catalogue("nl")
        if message.id
        for text in _texts(message.string)
    ]


@pytest.mark.parametrize(("english", "dutch"), GLOSSARY, ids=[english for english, _ in GLOSSARY])
def test_one_thing_has_one_word(english: str, dutch: str) -> None:
    told = [(said, text) for said, text in _dutch() if re.search(rf"\b{english}\b", _without_code(said), re.IGNORECASE)]
    assert told
    assert [(said, text) for said, text in told if not re.search(dutch, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(("pattern", "reason"), NOT_SAID, ids=[pattern for pattern, _ in NOT_SAID])
def test_the_program_does_not_say(pattern: str, reason: str) -> None:
    assert [text for _, text in _dutch() if re.search(pattern, _without_code(text), re.IGNORECASE)] == [], reason


@pytest.mark.parametrize(("pattern", "reason"), NOT_WRITTEN, ids=[pattern for pattern, _ in NOT_WRITTEN])
def test_the_program_does_not_write(pattern: str, reason: str) -> None:
    english = {text for text, _ in _dutch()}
    assert [text for text in english if re.search(pattern, _without_code(text), re.IGNORECASE)] == [], reason


#: Pages in Dutch.
GUIDE = ("handleiding", "overnemen", "beheer", "formulieren", "microsoft365", "google")


@pytest.mark.parametrize("page", GUIDE)
def test_the_guide_does_not_say(page: str) -> None:
    text, _, _glossary = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").partition("## Woordenlijst")
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    said = [(found[0], reason) for pattern, reason in NOT_SAID for found in [re.search(pattern, prose, re.I)] if found]
    assert said == []
