"""Answers as people and services write them, Dutch and English; and how many come along."""

import pytest

from mkwmail.ledger.models import KeptSignup
from mkwmail.responses.answers import numbers_of, read_answer, read_companions

ANSWERS = {
    "attending": """
Ja
ja
JA
Ja!
ja.
Ja, ik kom
Ja, ik kom graag
Ja, graag
ja graag
Ja hoor
Ja, zeker
Jazeker
Jawel
Jep
J
Ja, ik ben erbij
Ja, met lunch
Ja, zonder lunch
Ja, maar niet bij de lunch
Ja, maar alleen 's middags
Ja, maar ik blijf niet eten
Ja, maar helaas niet bij het buffet
Ja, ik kom alleen
Ja, ik kom met mijn partner
Ja, ik neem Piet mee
Ja 👍
Oui
Ja voor de middag, nee voor de lunch
✅ Ja
Ja (lunch en buffet)
Ja; ik ben er om 13 uur
Ja - graag vegetarisch
ja, ik ben aanwezig
Ja, ik meld me aan
Ja, wij komen met z'n tweeën
Ik kom
Ik kom graag
Ik kom graag!
Ik kom zeker
ik kom later
Ik kom om 14.00 uur
Ik ben erbij
Ik ben er
Ik ben er graag bij aanwezig
Ik doe mee
Ik neem deel
Ik neem graag deel
Wij komen
We komen
Aanwezig
aanwezig
Aangemeld
Ingeschreven
Bevestigd
Definitief
Actief
Graag
Zeker
Natuurlijk
Uiteraard
x
X
1
✓
✔
waar
TRUE
true
Yes
yes
YES
Yes!
Y
Yes, I will attend
Yes, I am coming
Yes please
Yes, but not for lunch
Yep
Sure
Of course
I will attend
I'm coming
I will be there
I'll be there
Count me in
Attending
Will attend
Going
Accepted
accept
Approved
Confirmed
Registered
active
ACTIVE
Completed
Complete
paid
Valid
Graag aanwezig
Hierbij meld ik mij aan
Ik wil me graag aanmelden.
Ik ben van de partij
Geen probleem, ik kom
👍
👍🏻
""",
    "declined": """
Nee
nee
NEE
Nee.
Neen
N
Nee, helaas
Nee, helaas niet
Nee, ik kom niet
Nee, ik ben verhinderd
Nee, ik kan niet
Nee, dit jaar niet
Nee, maar mijn collega komt wel
Nee, in mijn plaats komt Piet
Nee, volgende keer beter
Nee, vakantie
Nee bedankt
Helaas
Helaas niet
Helaas, ik kan niet
Helaas kan ik niet komen
Helaas verhinderd
Helaas ben ik verhinderd
Ik kom niet
ik kom niet
Ik kan niet
Ik kan niet komen
Ik kan helaas niet
Ik kan helaas niet komen
Ik kan er niet bij zijn
Ik kan er helaas niet bij zijn
Ik ben er niet bij
Ik ben er niet
Ik ben verhinderd
Ik ben helaas verhinderd
Ik ben afwezig
Ik doe niet mee
Ik neem niet deel
Ik meld me af
Ik moet afzeggen
Wij komen niet
We komen niet
Wij kunnen niet komen
Kom niet
Komt niet
Kan niet
Niet aanwezig
niet
Verhinderd
Afgemeld
Afmelding
Afmelden
Afgezegd
Afwezig
Geannuleerd
Annulering
Uitgeschreven
Ingetrokken
Geweigerd
Vervallen
0
onwaar
FALSE
No
no
NO
No.
No, sorry
No, I can't
No, unfortunately not
No, I will not attend
No thanks
Nope
Not attending
Not going
Not coming
Will not attend
I can't make it
I cannot attend
Can't make it
Unable to attend
I am not able to attend
Declined
declined
Decline
Rejected
Nein, leider nicht
Non, désolé
Cancelled
Canceled
CANCELLED
Refunded
Void
Regrets
Hierbij meld ik mij af
Ik ben die dag verhinderd
Dan kan ik niet
Dit keer niet
Dat lukt niet
Ik kan helaas niet aanwezig zijn, veel succes
Ik kom niet, groet Jan
👎
""",
    "tentative": """
Misschien
misschien
Misschien wel
Wellicht
Mogelijk
Onder voorbehoud
Ja, onder voorbehoud
Ja, misschien
Weet ik nog niet
Ik weet het nog niet
Weet het nog niet
Nog niet zeker
Nog niet bekend
Ik twijfel
Ik twijfel nog
Waarschijnlijk
Waarschijnlijk wel
Ik kom misschien
Ik weet nog niet of ik kom
Maybe
maybe
Perhaps
Possibly
Tentative
Not sure yet
I don't know yet
Probably
Interested
Ik kom er nog op terug
Ik kom hier later op terug
Ik laat het nog weten
""",
    "absent": "no-show\nNo show\nNiet verschenen\nNiet op komen dagen\nabsent",
    "present": "present\nIngecheckt\nGeweest\nAanwezig geweest\nChecked in\nAttended",
    "": """
Deze keer komt Piet
Ik kom niet alleen, ik neem Piet mee
Ik kom, maar niet bij de lunch
Ja, ik ben verhinderd
Ja, ik kan niet
Ja, ik kom niet
Ja, helaas
Ja nee
Ja/Nee
ja / nee
Nee hoor, ik kom gewoon
Nee, geen probleem
No problem
No worries, I'll be there
No answer
Geen antwoord
Geen idee
Zeker niet
Natuurlijk niet
Mijn collega komt
Mijn collega komt in mijn plaats
Piet komt in plaats van mij
Ja, mijn collega komt in mijn plaats
Ja, mits er een lunch is
Ja, tenzij er iets tussenkomt
Yes, if I can
Yes, unless
Yes, if it does not rain
Ja, als het lukt
Ja, afhankelijk van het vervoer
Ja, maar ik weet nog niet zeker
Ja wordt nee
Ja -> nee
Ja, maar ik stuur mijn collega
Ja, mijn collega Bert komt
Yes, but I am sending my deputy
Nee voor de lunch, ja voor de middag
Nee, alleen de borrel
Nee tegen de lunch, verder ja
Nee, ja toch
No, only the drinks
Yes, I cannot come
Yes, but I cannot stay for dinner
wachtlijst
waitlist
Waiting list
pending
pending_approval
In behandeling
expired
transferred
Niet beantwoord
Nog niet
Not yet
niet ingevuld
Alleen de lunch
Alleen online
Online
januari
noord
42
2
=1+1
?
-
n.v.t.
Zie mail
Bel me even
""",
}
CASES = [(text, answer) for answer, lines in ANSWERS.items() for text in lines.splitlines() if text]


@pytest.mark.parametrize(("text", "answer"), CASES)
def test_what_an_answer_says(text: str, answer: str) -> None:
    assert (read_answer(text) or "") == answer


def test_there_are_many_answers() -> None:
    assert len({text for text, _answer in CASES}) >= 200


@pytest.mark.parametrize(
    ("text", "companions", "of_persons"),
    [
        ("2", 2, 1),
        ("0", 0, 0),
        ("1", 1, 0),
        ("1 persoon", 1, 0),
        ("3 personen", 3, 2),
        ("twee", 2, 1),
        ("geen", 0, 0),
        ("Nee", 0, 0),
        ("n.v.t.", 0, 0),
        ("-", 0, 0),
        ("ja", 1, 0),
        ("ja, mijn partner", 1, None),
        ("Piet en Els", 2, None),
        ("Piet Jansen, Els Smit & Bo Kok", 3, None),
        ("alleen", 0, 0),
        ("een paar", None, None),
        ("misschien 1", None, None),
        ("100", None, None),
    ],
)
def test_how_many_come_along(text: str, companions: int | None, of_persons: int | None) -> None:
    assert read_companions(text) == companions
    assert read_companions(text, of_persons=True) == of_persons


def test_the_numbers_count_those_who_come_and_whom_they_bring() -> None:
    def row(person: str, lunch: str, companions: int = 0, diet: str = "") -> KeptSignup:
        asked = {"Blijf je lunchen?": lunch} if person == "a" else {"Waaraan neem je deel?": lunch}
        return KeptSignup(
            person,
            person,
            "d",
            "attending",
            asked=asked,
            dietary={"Dieet": diet} if diet else {},
            companions=companions,
        )

    rows = [
        row("a", "ja", 2, "vegetarisch"),
        row("b", "Inlooplunch;Buffet;", 1, "vegetarisch"),
        row("c", "Buffet"),
        row("d", "Inlooplunch;", 3, "halal"),
    ]
    answers = {"a": "attending", "b": "present", "c": "attending", "d": "declined", "e": "attending"}
    numbers = numbers_of(rows, answers, ["Inlooplunch", "Buffet"])
    assert (numbers.coming, numbers.companions, numbers.total) == (4, 3, 7)
    assert numbers.parts == {"Inlooplunch": 5, "Buffet": 3}
    assert numbers.dietary == {"vegetarisch": 2}
