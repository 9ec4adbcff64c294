"""An own text that says u in a mail that says je, or the other way round, is noticed; anything else is not."""

import pytest

from mkwmail.dutch.names import Form
from mkwmail.letters.tone import mixed_forms
from mkwmail.sources.kinds import Kind
from tests.templates.scenes import a_mail


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("Je bent van harte welkom; neem jouw collega’s mee.", "je", ()),
        ("Je bent van harte welkom; neem jouw collega’s mee.", "u", ("je", "jouw")),
        ("Wij zien **u** graag, en ook uw _collega’s_. Wilt U bellen?", "je", ("u", "uw")),
        ("Wij zien **u** graag, en ook uw _collega’s_. Wilt U bellen?", "u", ()),
        ("Wilt u bellen, of kun je mailen?", "je", ("u",)),
        ("Wilt u bellen, of kun je mailen?", "u", ("je",)),
        ("Jullie zijn welkom.", "u", ("jullie",)),
        ("De zaal gaat om 12.30 u open, van 13 u. tot 18u.", "je", ()),
        ("Zie [de kaart](https://kaart.example.org/u/uw) of mail u@example.org.", "je", ()),
        ("Zie [uw kaart](https://kaart.example.org/je).", "je", ("uw",)),
        ("- Neem *uw* pas mee\n- Meld u\n\n> aan bij uzelf", "je", ("uw", "u", "uzelf")),
        ("Juist nu, in Utrecht, is er jeugd in de buurt.", "je", ()),
        ("", "u", ()),
    ],
)
def test_words_of_the_other_form(text: str, form: Form, words: tuple[str, ...]) -> None:
    assert mixed_forms(text, form) == words


@pytest.mark.parametrize("form", ["je", "u"])
@pytest.mark.parametrize("kind", list(Kind))
def test_our_own_words_keep_one_form_and_an_own_text_is_noticed_among_them(kind: Kind, form: Form) -> None:
    mail = a_mail(kind, form)
    assert mixed_forms(mail.text, form) == mixed_forms(mail.subject, form) == mixed_forms(mail.preheader, form) == ()
    slip = "Neemt u uw pas mee?" if form == "je" else "Neem je jouw pas mee?"
    mixed = a_mail(kind, form, text=slip)
    assert mixed_forms(mixed.text, form) == (("u", "uw") if form == "je" else ("je", "jouw"))
