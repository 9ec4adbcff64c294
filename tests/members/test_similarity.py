"""Names that may be one person's, and names that are not."""

import pytest

from mkwmail.ledger.models import KeptSignup
from mkwmail.members.same_name import alike, same_first_name, same_place
from mkwmail.responses.answers import Answered
from mkwmail.responses.signup_changes import By, Invited, changes, match_signups
from mkwmail.responses.signups import Signup

ALIKE = """
Jan de Vries|Jan de Vries
Jan de Vries|jan de vries
Jan de Vries|JAN DE VRIES
Jan de Vries|Jan De Vries
Jan de Vries|de Vries, Jan
Jan de Vries|Vries, Jan de
Jan de Vries|Vries Jan de
Jan de Vries|J. de Vries
Jan de Vries|J de Vries
Jan de Vries|J.H. de Vries
Jan de Vries|Jan H. de Vries
Jan de Vries|drs. J. de Vries
Jan de Vries|Drs. Jan de Vries MSc
Jan de Vries|ir. J. de Vries
Jan de Vries|dhr. De Vries
Jan de Vries|Dhr. J. de Vries
Jan de Vries|de heer De Vries
Jan de Vries|De Vries
Jan de Vries|Vries
Jan de Vries|Jan
Jan de Vries|Jan Vries
Jan de Vries|Jan de Vreis
Jan de Vries|Jan de Vriess
Jan de Vries|Jan d. Vries
Jan de Vries|Johan de Vries
Jan de Vries|Jan de Vries (bestuurder)
Gerrit Smit|Dhr. Smit
Gerrit Smit|Smit
Gerrit Smit|G. Smit
Gerrit Smit|Gerrit-Jan Smit
Gerrit Smit|Gerrit Smith
Gerrit Smit|A. Pot namens G. Smit
Gerrit Smit|A. Pot voor Gerrit Smit
Gerrit Smit|Smit, G.
Henk Jansen|Henk
Henk Jansen|Henk Janssen
Henk Jansen|H. Jansen
Henk Jansen|Henk Jansens
Henk Jansen|mr. H. Jansen
Annemarie van den Berg-Jansen|Annemarie van den Berg
Annemarie van den Berg-Jansen|Annemarie Jansen
Annemarie van den Berg-Jansen|A. van den Berg
Annemarie van den Berg-Jansen|A. Jansen
Annemarie van den Berg-Jansen|Jansen-van den Berg
Annemarie van den Berg-Jansen|mevr. Van den Berg
Annemarie van den Berg-Jansen|Mw. A. v.d. Berg
Annemarie van den Berg - Jansen|Annemarie van den Berg
Katharina Mulder|Nina Mulder
Katharina Mulder|K. Mulder
Katharina Mulder|Katharina Muller
Marieke van der Velde|M. van der Velde
Marieke van der Velde|Marieke vd Velde
Marieke van der Velde|Marieke v.d. Velde
Marieke van der Velde|M. v.d. Velde
Marieke van der Velde|Velde, M. van der
Marieke van der Velde|Mareike van der Velde
Kees 't Hart|K. 't Hart
Kees 't Hart|Kees ’t Hart
Kees 't Hart|Kees t Hart
Kees 't Hart|Hart, Kees 't
Zoë Beëlen|Zoe Beelen
Zoë Beëlen|Z. Beelen
Lilian van Zandbrink|Lilian Zandbrink
Lilian van Zandbrink|L. v Zandbrink
Lilian van Zandbrink|Van Zandbrink
Jos Brouwers|Jos Brouwer
Toos van de Ven-van Dijk|Toos van Dijk
Toos van de Ven-van Dijk|Toos van de Ven
Mohammed El Amrani|M. El Amrani
Mohammed El Amrani|Mohamed Amrani
Bo Kok|B. Kok
"""
DIFFERENT = """
Jan de Vries|Jan de Boer
Jan de Vries|Piet Smit
Jan Smit|Jan Bos
Jan Bos|Jan Vos
J. Bos|J. Vos
Mevr. Velde|dhr. Hart
Sanne Bos|Marieke van der Velde
Marieke de Vries|Marieke van der Velde
Piet van den Berg|Piet van den Bosch
Annemarie de Boer|Annemarie van den Berg-Jansen
Jan|Piet Bos
Smit|Gerrit Mulder
Kees 't Hart|Piet 't Sas
Bo Kok|Bo Tak
Henk Jansen|Henk Willemsen
"""
PAIRS = [(*line.split("|"), True) for line in ALIKE.splitlines() if line]
PAIRS += [(*line.split("|"), False) for line in DIFFERENT.splitlines() if line]


@pytest.mark.parametrize(("one", "other", "same"), PAIRS)
def test_names_that_may_be_one_persons(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same
    assert alike(other, one) is same


def test_there_are_many_pairs() -> None:
    assert len(PAIRS) >= 80


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Jan de Vries", "J. de Vries", True),
        ("Jan de Vries", "de Vries", True),
        ("Theo Mulder", "Theodorus Mulder", True),
        ("Katharina Mulder", "Piet Mulder", False),
        ("Jan de Vries", "P. de Vries", False),
    ],
)
def test_first_names_tell_relatives_apart(one: str, other: str, same: bool) -> None:
    assert same_first_name(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Stichting Rietdijk", "rietdijk wonen", True),
        ("Woon-Stede", "Woonstede", True),
        ("Wonen Noord", "Wonen Zuid", False),
    ],
)
def test_places(one: str, other: str, same: bool) -> None:
    assert same_place(one, other) is same


PLACE = "Woonstede"
MEMBERS = tuple(
    Invited(name, name, (f"lid{number}@woonstede.example.org",), PLACE)
    for number, name in enumerate(("Gerrit Smit", "Henk Jansen", "Annemarie van den Berg-Jansen", "Katharina Mulder"))
)


@pytest.mark.parametrize(
    "name",
    [
        *("Dhr. Smit", "Smit", "Henk", "drs. H. Jansen", "Jansen, Henk", "Annemarie van den Berg", "Nina Mulder"),
        *("A. Pot namens G. Smit", "Gerrit-Jan Smit", "Gerit Smit", "Annemarie Jansen"),
    ],
)
def test_a_member_under_another_spelling_is_never_a_guest(name: str) -> None:
    signup = Signup(2, Answered.ATTENDING, address="privé@example.net", name=name, organisation=PLACE)
    (found,) = match_signups([signup], MEMBERS)
    assert found.by is By.DOUBTFUL and found.candidates


def test_a_new_colleague_is_a_guest_and_a_stranger_who_declines_is_asked_about() -> None:
    coming = Signup(2, Answered.ATTENDING, address="sanne@woonstede.example.org", name="Sanne Bos", organisation=PLACE)
    declining = Signup(3, Answered.DECLINED, address="bo@elders.example.net", name="Bo Tak", organisation="Elders")
    found = match_signups([coming, declining], MEMBERS)
    assert [each.by for each in found] == [By.GUEST, By.DOUBTFUL]


def test_a_decision_is_kept_while_the_row_stays_the_same() -> None:
    signup = Signup(2, Answered.ATTENDING, address="nina@example.net", name="Nina Mulder", organisation=PLACE)
    people = {each.key: each for each in MEMBERS}
    matches = match_signups([signup], MEMBERS)
    assert changes(matches, (), {}, people).doubtful
    settled = {signup.key: "Katharina Mulder"}
    (news,) = changes(matches, (), {}, people, settled).news
    assert news.person is people["Katharina Mulder"]
    kept = KeptSignup(signup.key, "Katharina Mulder", signup.digest, "attending", signup.name)
    assert not changes(matches, (kept,), {}, people).doubtful
