"""Changes by an export: only new rows, and never a later answer. Each rule alone, then in any order."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.ledger.models import Answer, KeptSignup
from mkwmail.responses.answers import Answered, questions
from mkwmail.responses.signup_changes import SOURCE, Changes, Invited, changes, kept_signup, match_signups
from mkwmail.responses.signups import Signup

NOW = datetime(2020, 3, 10, 9, 0, tzinfo=ZONE)
KIM = Invited("k", "Kim Verbeek", ("kim@example.org",), "Woonstede")


def row(
    answer: Answered = Answered.ATTENDING, day: int | None = None, was: str | None = None, number: int = 2
) -> Signup:
    moment = NOW.replace(day=day) if day else None
    return Signup(number, answer, address="kim@example.org", name="Kim Verbeek", moment=moment, was=was)


def after(*rows: Signup, kept: tuple[KeptSignup, ...] = (), held: Answer | None = None) -> Changes:
    return changes(match_signups(rows, [KIM]), kept, {"k": held} if held else {}, {"k": KIM})


def said(answer: str, day: int, source: str = "said") -> Answer:
    return Answer("k", answer, source, NOW.replace(day=day))


def noted(signup: Signup, day: int) -> KeptSignup:
    (match,) = match_signups([signup], [KIM])
    kept = kept_signup(match, "k")
    return KeptSignup(kept.key, kept.person, kept.digest, kept.answer, moment=kept.moment, at=NOW.replace(day=day))


def test_a_changed_row_without_a_date_counts_after_a_word_that_is_older_than_the_last_import() -> None:
    kept = (noted(row(), 8),)
    assert after(row(Answered.DECLINED), kept=kept, held=said("attending", 7)).news


def test_a_changed_row_without_a_date_is_doubtful_if_somebody_answered_since_the_last_import() -> None:
    kept = (noted(row(Answered.TENTATIVE), 6),)
    found = after(row(Answered.ATTENDING), kept=kept, held=said("declined", 7))
    assert not found.news and "declined" in found.doubtful[0].doubt
    # The next export asks again.
    again = (replace(noted(row(Answered.ATTENDING), 8), person=None, doubt=found.doubtful[0].doubt),)
    assert after(row(Answered.ATTENDING), kept=again, held=said("declined", 7)).doubtful


def test_an_unknown_answer_is_doubtful_and_changes_nothing() -> None:
    unknown = Signup(2, None, address="kim@example.org", doubt='"wachtlijst" is not a known answer')
    found = after(unknown, held=said("attending", 1))
    assert [each.doubt for each in found.doubtful] == ['"wachtlijst" is not a known answer']


def test_presence_is_not_overruled_by_a_form() -> None:
    assert after(row(day=9), held=said("absent", 8)).stands


def test_a_list_that_was_edited_while_somebody_telephoned_is_asked_about() -> None:
    found = after(row(Answered.PRESENT, was="attending"), held=said("declined", 9))
    assert found.doubtful and not found.news
    found = after(row(Answered.TENTATIVE, was="attending"), held=said("declined", 9))
    assert found.doubtful and not found.news


def test_our_own_list_never_makes_rows_of_the_form_missing() -> None:
    other = KeptSignup("other", "x", "d", "attending", "Jan")
    assert not after(row(was="attending"), kept=(other,)).missing
    assert after(row(), kept=(other,)).missing == (other,)


def test_a_row_that_is_gone_is_not_asked_about_if_the_person_said_what_it_means() -> None:
    kept = (noted(row(), 6),)
    other = Signup(3, Answered.ATTENDING, address="jan@example.org")
    asked = {
        "came by the form": after(other, kept=kept, held=said("attending", 5, SOURCE)).missing,
        "spoke before the last import": after(other, kept=kept, held=said("attending", 5)).missing,
        "cancelled by telephone": after(other, kept=kept, held=said("declined", 8)).missing,
        "still comes, as was said since": after(other, kept=kept, held=said("attending", 8)).missing,
    }
    assert [why for why, missing in asked.items() if missing] == ["came by the form", "spoke before the last import"]


def test_filled_in_twice_the_last_moment_counts_whatever_the_order_of_the_rows() -> None:
    first, last = row(Answered.ATTENDING, day=5, number=3), row(Answered.DECLINED, day=6, number=2)
    found = after(first, last)
    assert [each.signup.answer for each in found.news] == [Answered.DECLINED]
    assert found.superseded == 1


def test_a_cancelled_ticket_that_keeps_its_date_is_not_overruled_by_what_was_said_before() -> None:
    cancelled = row(Answered.DECLINED, day=2)
    assert after(cancelled, kept=(noted(row(day=2), 8),), held=said("attending", 7)).news
    asked = after(cancelled, kept=(noted(row(day=2), 6),), held=said("attending", 7))
    assert not asked.news and not asked.stands and "declined" in asked.doubtful[0].doubt
    # The next export asks again.
    again = (replace(noted(cancelled, 8), person=None, doubt=asked.doubtful[0].doubt),)
    assert after(cancelled, kept=again, held=said("attending", 7)).doubtful
    # An older row than the one that was seen was not edited.
    assert after(cancelled, kept=(noted(row(day=5), 6),), held=said("attending", 7)).stands


def test_a_row_that_may_be_somebodys_is_not_asked_about_as_missing_too() -> None:
    other = Signup(2, Answered.ATTENDING, address="kim@example.org", name="Bo Kok", moment=NOW)
    found = after(other, kept=(noted(row(day=2), 8),), held=said("attending", 2, SOURCE))
    assert found.doubtful and not found.missing


def test_filled_in_twice_without_two_moments_is_asked_about_whatever_the_order_of_the_rows() -> None:
    for days in ((None, None), (5, None), (None, 5), (5, 5)):
        first, last = row(Answered.ATTENDING, days[0], number=2), row(Answered.DECLINED, days[1], number=3)
        for rows in ((first, last), (last, first)):
            found = after(*rows)
            assert not found.news and [each.signup.answer for each in found.doubtful] == [None]
    assert [each.signup.answer for each in after(row(number=2), row(number=3)).news] == [Answered.ATTENDING]


ANSWERS = st.sampled_from([Answered.ATTENDING, Answered.DECLINED, Answered.TENTATIVE])
STEPS = st.lists(st.tuples(st.sampled_from(["form", "import", "phone"]), ANSWERS), max_size=12)


@given(STEPS)
def test_whatever_the_order_the_last_word_with_a_date_holds(steps: list[tuple[str, Answered]]) -> None:
    """The form, its imports and phone calls in any order: after an import the newest of form and phone holds."""
    moment = NOW
    form: Signup | None = None
    kept: tuple[KeptSignup, ...] = ()
    held: Answer | None = None
    spoken: Answer | None = None
    for step, answer in steps:
        moment += timedelta(hours=1)
        if step == "form":
            form = Signup(2, answer, address="kim@example.org", name="Kim Verbeek", moment=moment)
        elif step == "phone":
            spoken = held = Answer("k", answer, "said", moment)
        elif form is not None and form.moment is not None:
            found = after(form, kept=kept, held=held)
            assert not found.doubtful
            for match in found.news:
                held = Answer("k", match.signup.answer or "", SOURCE, form.moment)
            kept = (noted(form, 10),)
            newest = form.answer if spoken is None or spoken.given < form.moment else spoken.answer
            assert held is not None and held.answer == newest


def test_choices_of_one_question_are_counted_one_by_one_and_texts_are_not() -> None:
    rows = [
        KeptSignup(
            str(n),
            f"p{n}",
            "d",
            "attending",
            asked={"Waaraan?": "Inlooplunch;Buffet;" if n % 2 else "Inlooplunch", "Opmerking": f"Eigen tekst {n}."},
            dietary={"Dieet": "Vegetarisch" if n % 3 else "geen"},
        )
        for n in range(14)
    ]
    answers = {f"p{n}": "attending" for n in range(13)} | {"p13": "declined"}
    choice, remark, diet = questions(rows, answers)
    assert choice.counts == {"Inlooplunch": 13, "Buffet": 6}
    assert (remark.counts, remark.filled) == ({}, 13)
    assert (diet.counts, diet.filled, diet.dietary) == ({"Vegetarisch": 8}, 8, True)


def test_what_tells_who_somebody_is_and_what_they_remark_is_never_a_total() -> None:
    asked = {"Telefoonnummer": "06 12345678", "Waar te bereiken?": "kim@example.org", "Opmerkingen": "Ik kom later"}
    rows = [KeptSignup("1", "k", "d", "attending", asked={**asked, "Lunch?": "ja"})]
    totals = questions(rows, {"k": "attending"})
    assert {each.question: each.counts for each in totals} == {**{each: {} for each in asked}, "Lunch?": {"ja": 1}}
