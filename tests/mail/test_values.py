"""Data stays data: quoting comes back as it went in, and means nothing on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from mkwmail.config.event import LINK_FIELDS
from mkwmail.mail.context import signup_link
from mkwmail.mail.markdown import html_of, text_of
from mkwmail.mail.merge import Link, Value, printed, quote, quote_link, unquote
from tests.mail.workshop import a_member

texts = st.text(st.characters(exclude_categories=["Cs", "Co", "Cc"]))


@given(texts)
def test_quoting_comes_back_and_keeps_the_length(text: str) -> None:
    assert unquote(quote(text)) == text
    assert unquote(quote_link(text)) == text
    assert len(quote(text)) == len(text)


@given(st.text(st.sampled_from("*_[]<>&\"'`#-+.!(){}|~\\ ab1"), max_size=30))
def test_quoted_text_is_one_paragraph_of_markdown_and_nothing_else(text: str) -> None:
    quoted = quote(f"x{text}")
    assert html_of(quoted) == f"<p>{quoted}</p>\n"
    assert text_of(quoted) == quoted


def test_every_field_of_the_sign_up_link_is_filled_percent_encoded() -> None:
    member = a_member("Zoë & Kim", "d'Hont", "Wonen/Zorg + meer", number="0012", prefix="van", code="k7m2")
    url = "https://formulier.example.org/?" + "&".join(f"{field}={{{field}}}" for field in LINK_FIELDS)
    assert signup_link(url, member) == (
        "https://formulier.example.org/?code=k7m2&member_id=0012&email=kim%40woonstede.example.org"
        "&name=Zo%C3%AB%20%26%20Kim%20van%20d%27Hont&first_name=Zo%C3%AB%20%26%20Kim"
        "&organisation=Wonen%2FZorg%20%2B%20meer"
    )


def test_a_value_is_itself_in_tests_and_its_mark_in_print() -> None:
    value = Value("Jan *", "Qm0w1z")
    assert value == "Jan *" and len(value) == 5 and value.startswith("Jan")
    assert printed(value) == Markup("Qm0w1z")


@pytest.mark.parametrize("method", ["upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip"])
def test_what_is_made_of_a_value_is_data_also_behind_safe(method: str) -> None:
    derived = getattr(Value("<b>*x*", "Qm0w1z"), method)()
    assert "<" not in Markup(derived) and "*" not in Markup(derived)


def test_a_cut_value_is_data_also_behind_safe() -> None:
    assert Markup(Value("<b>", "Qm0w1z")[0:2]) == quote("<b")


def test_an_empty_value_has_no_mark() -> None:
    assert printed(Value("", "Qm0w1z")) == ""
    assert not Value("", "Qm0w1z")


def test_nothing_prints_nothing() -> None:
    assert printed(None) == ""


def test_a_link_keeps_its_syntax_where_data_does_not() -> None:
    assert str(printed(Link("https://x.example/?a=1"))) == quote_link("https://x.example/?a=1")
    assert quote_link("a/b") != quote("a/b")
