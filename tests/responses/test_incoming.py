"""Answers by mail, as people write them around the text that a button fills in."""

import pytest

from mkwmail.responses.incoming import Kind, Ours, read_incoming, said_by_mail

CODE = "7k2m9qx4vd"
OURS = Ours(codes={CODE: ("dag", "jan")}, addresses={"jan@example.org": "jan"})
SIGNED = (
    "\n\nMet vriendelijke groet,\n\nJan Jansen\nDirecteur\n\nDit bericht is uitsluitend bestemd voor de geadresseerde. "
    "Indien u niet de geadresseerde bent, verzoeken wij u dit te melden.\nU kunt er geen rechten aan ontlenen."
)
QUOTED = "\n\nOp ma 17 feb 2031 om 09:00 schreef Ilse Hof:\n> Kom je niet? Laat het weten.\n"


def said(subject: str, text: str, kind: str = "text/plain") -> str:
    head = f"From: Jan <jan@example.org>\nSubject: {subject} [mkw-{CODE}]\nContent-Type: {kind}; charset=utf-8\n\n"
    mail = read_incoming(f"{head}{text}".encode(), "x", OURS)
    assert mail.kind is Kind.ANSWER
    return said_by_mail(mail) or ""


@pytest.mark.parametrize(
    ("subject", "text", "answer"),
    [
        ("Ik kom", "", "attending"),
        ("Ik kom", "Ik kom." + SIGNED + QUOTED, "attending"),
        ("Ik kom", "Beste Ilse,\n\nIk kom graag!\n\nVerstuurd vanaf mijn iPhone", "attending"),
        ("Ik kom", "Ik kom.\nLunch (ja of nee): nee\nOpmerking: geen noten", "attending"),
        ("Ik kom", "Ja, maar niet bij de lunch", "attending"),
        ("Ik kom niet", "Ik kom niet." + SIGNED + QUOTED, "declined"),
        ("Ik kom niet", "Ik kom niet, maar Bert komt in mijn plaats", "declined"),
        ("Ik kom niet", "Ik kom niet.\nOpmerking: volgende keer graag", "declined"),
        # The subject was changed: the first line says it.
        ("Re: Uitnodiging", "Beste Ilse,\n\nHelaas kan ik er niet bij zijn." + SIGNED, "declined"),
        ("Re: Uitnodiging", "Dag Ilse,\nIk kom graag." + QUOTED, "attending"),
        # Two things are said, or one with a doubt.
        ("Ik kom", "Nee, dat lukt niet", ""),
        ("Ik kom", "Ik kom, als het lukt met de trein.", ""),
        ("Ik kom", "Onder voorbehoud.", ""),
        ("Ik kom", "Ik kom.\nMijn collega Bert vervangt mij.", ""),
        ("Ik kom", "Ik kom." + SIGNED + "\nPS: ik kan toch niet", ""),
        ("Ik kom", "Ik kom.\nOpmerking: kan toch niet", ""),
        ("Ik kom niet", "Sorry, verkeerde knop: ik kom wel!", ""),
        ("Ik kom niet", "Ik kom toch graag, mijn afspraak is vervallen.", ""),
        ("Ik kom niet", "Ja, ik kom", ""),
        ("Ik kom niet", "Ik kom niet.\nOpmerking: ik kom toch", ""),
        ("Re: Uitnodiging", "Ik kom graag.\nTenzij mijn collega gaat.", ""),
        ("Fwd: Ik kom", "Ik kom.", ""),
        # Answered below what it quotes.
        ("Re: Uitnodiging", "Op ma 17 feb 2031 om 09:00 schreef Ilse Hof:\n> Kom je?\n\nNee, ik kan niet.", "declined"),
        (
            "Re: Dag",
            "Op ma 17 feb schreef Ilse Hof\n<ilse@example.org>:\n\n> Kom je niet?\n\nIk kom graag." + SIGNED,
            "attending",
        ),
        ("Re: Dag", "Ilse Hof schreef op 17-02-2031:\n> Kom je?\n\n> Tot dan!\nJa, ik kom!", "attending"),
        # An answer to a question that is not known here, and the end of a long line.
        ("Re: Dag", "> Neem je iemand mee?\nNee\n> Ilse", ""),
        ("Re: Dag", "> Neem je iemand mee?\n\nNee, helaas.", ""),
        ("Re: Dag", "> Laat het weten als je verhinderd bent. Je antwoordt met\nIk kom niet\n> in je mail.", ""),
        ("Ik kom", "Ik kom.\n\n> Kom je?\n\nBij nader inzien kan ik toch niet.", ""),
        ("Re: Dag", "> Ik kom niet\n", ""),
        ("Re: Dag", "> Kom je?\n\nVan: Ilse Hof\nIk kom niet", ""),
    ],
)
def test_a_mail_says_one_thing_or_is_asked_about(subject: str, text: str, answer: str) -> None:
    assert said(subject, text) == answer


def test_a_mail_in_html_alone_is_read() -> None:
    assert said("Ik kom niet", "<p class=MsoNormal>Ik kom niet.</p><p>Groet,<br>Jan</p>", "text/html") == "declined"
    assert said("Ik kom niet", "<p>Toch wel!</p><p>Groet,<br>Jan</p>", "text/html") == ""
