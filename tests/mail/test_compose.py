"""Composed once, addressed many times: every message says what rendering that member's mail directly says."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mkwmail.errors import UserError
from mkwmail.mail import compose as composing
from mkwmail.mail.compose import letter_of
from mkwmail.mail.context import Addressee, personal_values
from mkwmail.mail.letter import Letter
from mkwmail.mail.templates import Templates
from tests.mail.workshop import (
    MOMENT,
    Workshop,
    a_member,
    a_workshop,
    an_occasion,
    html_text,
    plain_text,
    read,
    said,
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return a_workshop(tmp_path_factory.mktemp("templates"))


BODIES = [
    "{{ salutation }},\n\n{{ member.name }} van *{{ member.organisation }}*.\n\n{{ facts() }}\n\n"
    "{{ signup('Meld je') }}\n",
    "{% if member.surname == 'Verbeek' %}Dag Verbeek{% else %}Dag {{ member.surname }}{% endif %} {{ member.regio }}",
    "{% for letter in member.first_name %}[{{ letter }}]{% endfor %}",
    "{{ 'Beste ' ~ member.name ~ ' (' ~ member.organisation ~ ')' }} en {{ 'x' + member.surname }}",
    "{{ [member.first_name, member.surname]|join(' * ') }} {{ member.surname|upper }} {{ member.name|e }}",
    "[lees]({{ signup_link }}) [zoek](https://x.example.org/?q={{ member.name }}) ![{{ member.name }}](cid:x)",
    "{{ member.name|replace(' ', '_') }} {{ '%s!'|format(member.name) }} {{ member.name|safe }}",
    "{% filter upper %}{{ member.name }} en zo{% endfilter %}",
    "{% set kop %}Geachte {{ member.name }}, dit is lang{% endset %}{{ kop|truncate(14) }} {{ kop|length }}",
    "# {{ member.name }}\n\n1. {{ member.name }}\n2. {{ member.organisation }}\n\n> {{ member.name }}\n\n"
    "`{{ member.name }}`",
    "{% macro wie(m) %}**{{ m.name }}**{% endmacro %}{{ wie(member) }}, {{ wie(member)|length > 0 }}",
    "{{ member.name }}  \n{{ member.organisation }}\n{{ member.name|truncate(5, true, '') }} {{ member.name[:1] }}",
]

tricky = st.text(
    st.one_of(
        st.sampled_from("*_[]<>&\"'{}%#|\\`~.,;:!?()-+=/@ ^$"),
        st.sampled_from(" éëïçßIJijﬀ한\u200b\u200d\u2066\u202e\u00a0ab1Z"),
        st.characters(exclude_categories=["Cs", "Co", "Cc"]),
    ),
    max_size=24,
).map(lambda text: " ".join(text.split()))


@st.composite
def addressees(draw: st.DrawFn) -> list[Addressee]:
    return [
        a_member(
            draw(tricky),
            draw(st.one_of(tricky, st.just("Verbeek"), st.just("x" * 90))),
            draw(tricky),
            regio=draw(tricky),
            email=f"lid{number}@example.org",
            code=draw(st.text("abcdefgh23", min_size=8, max_size=8)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


@pytest.mark.long
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(BODIES), st.sampled_from(["Over {{ event.title }}", "Aan {{ member.name }}"]), addressees())
def test_a_message_says_what_direct_rendering_says(
    workshop: Workshop, body: str, subject: str, members: list[Addressee]
) -> None:
    workshop.body(body, subject)
    templates = Templates((workshop.folder,))
    occasion = an_occasion()
    pass_over = composing._Composing(occasion, templates)
    pass_over.sorted(members, lambda done: None)
    for addressed in composing.compose(occasion, templates, members).addressed:
        values = personal_values(
            addressed.addressee, {"signup_link": "https://aanmelden.example.org/?lid={code}"}, "je"
        )
        rendering = pass_over._render(addressed.addressee, values, lambda field: "")
        direct = letter_of(rendering, pass_over._context, pass_over._layout, pass_over._marks)
        sent = read(addressed.message("id@example.org", MOMENT))
        message = addressed.message("id@example.org", MOMENT)
        assert message.dotless is (b"\n." not in message.data)
        spoken = read(direct.address(addressed.complete("id@example.org", MOMENT)))
        assert _without_boundary(said(sent)) == _without_boundary(said(spoken))


def _without_boundary(words: dict[str, str]) -> dict[str, str]:
    return {**words, "Content-Type": re.sub("boundary=.*", "", words["Content-Type"])}


@settings(deadline=None, max_examples=100)
@given(addressees())
def test_no_value_adds_a_header_a_part_markup_or_a_link(workshop: Workshop, members: list[Addressee]) -> None:
    workshop.body("{{ member.name }} {{ member.organisation }}\n\n[x]({{ member.surname }})", "{{ member.name }}")
    plain = workshop.message(a_member("a", "b", "c"))
    for addressed in workshop.compose(*members).addressed:
        parsed = read(addressed.message("id@example.org", MOMENT))
        assert parsed.keys() == plain.keys()
        assert [p.get_content_type() for p in parsed.walk()] == [p.get_content_type() for p in plain.walk()]
        html = html_text(parsed)
        tags = re.findall(r"<(/?\w+)", html)
        known = {"html", "head", "title", "style", "body", "div", "p", "a", "br"}
        assert {tag.removeprefix("/") for tag in tags} <= known
        for target in re.findall(r'href="([^"]*)"', html):
            assert re.fullmatch(r"[A-Za-z0-9%._~-]*", target)


def test_members_share_a_letter_where_only_values_differ(workshop: Workshop) -> None:
    workshop.body("{{ salutation }}, {% if member.function == 'directeur' %}directeur{% else %}lid{% endif %}")
    composition = workshop.compose(
        a_member("Kim", email="a@example.org", function="directeur"),
        a_member("Jan", email="b@example.org", function="directeur"),
        a_member("Els", email="c@example.org"),
    )
    assert len(composition.letters) == 2
    assert composition.addressed[0].letter is composition.addressed[1].letter


_WHO = "{% if member.function == 'directeur' %}D{% else %}L{% endif %}"


@pytest.mark.parametrize(
    "body",
    [
        "{% if 'dir' in member.function %}D{% else %}L{% endif %}",
        "{% if 'directeur' == member.function %}D{% else %}L{% endif %}",
        "{% if 0 < 3 < member.function|length %}D{% else %}L{% endif %}",
        "{% macro m(x) %}{% if x == 'directeur' %}D{% else %}L{% endif %}{% endmacro %}{{ m(x=member.function) }}",
        "{% for one in {'x': member.function}.values() %}{{ 'D' if one == 'directeur' else 'L' }}{% endfor %}",
        f"{{% macro m() %}}{_WHO}{{% endmacro %}}{{% set other = m %}}{{{{ other() }}}}",
        f"{{% macro m() %}}{_WHO}{{% endmacro %}}{{{{ {{'x': m}}.x() }}}}",
        "{% include 'part.md' %}",
        "{% import 'part.md' as part with context %}{{ part.who() }}",
        "{% from 'part.md' import who as this with context %}{{ this() }}",
    ],
)
def test_each_member_gets_what_the_template_says_for_them(workshop: Workshop, body: str) -> None:
    workshop.write("part.md", f"{{% macro who() %}}{_WHO}{{% endmacro %}}{{{{ who() }}}}")
    workshop.body(f"Je bent {body}.")
    composition = workshop.compose(
        a_member("Kim", email="a@example.org", function="directeur"),
        a_member("Els", email="c@example.org", function="lid"),
    )
    texts = [plain_text(read(each.message("id@example.org", MOMENT))) for each in composition.addressed]
    assert [text.split(".")[0] for text in texts] == ["Je bent D", "Je bent L"]


@pytest.mark.parametrize(
    "body",
    [
        "{% if member.prefix %}D{% else %}L{% endif %}",
        "{{ 'D' if not not member['prefix'] else 'L' }}",
        "{% macro m(x) %}{% if x.prefix %}D{% else %}L{% endif %}{% endmacro %}{{ m(member) }}",
        "{% macro m() %}{% if choices %}D{% else %}L{% endif %}{% endmacro %}{{ m() }}",
        "{% if choices is none %}L{% else %}D{% endif %}",
        "{% include 'part.md' %}",
    ],
)
def test_each_member_gets_what_the_template_says_if_a_value_is_there_or_not(workshop: Workshop, body: str) -> None:
    workshop.write("part.md", "{% if choices or member.prefix %}D{% else %}L{% endif %}")
    workshop.body(f"Je bent {body}.")
    with_it = a_member("Kim")._replace(choices="de excursie") if "choices" in body else a_member("Kim", prefix="de")
    composition = workshop.compose(a_member("Els", email="c@example.org"), with_it)
    texts = [plain_text(read(each.message("id@example.org", MOMENT))) for each in composition.addressed]
    assert [text.split(".")[0] for text in texts] == ["Je bent L", "Je bent D"]


def test_members_who_differ_in_what_no_template_uses_are_rendered_once(workshop: Workshop) -> None:
    workshop.body("{{ salutation }}, {{ member.surname }}")
    pass_over = composing._Composing(an_occasion(), Templates((workshop.folder,)))
    members = [a_member("Kim", "Vos"), a_member("", "Haas", prefix="de", number="", regio="Oost"), a_member("Jo", "")]
    assert list(pass_over.sorted(members, lambda done: None)) == [0, 0, 1]


def test_a_template_that_cuts_a_mark_is_composed_directly(workshop: Workshop) -> None:
    workshop.body("{% filter upper %}{{ member.name }}{% endfilter %}")
    (addressed,) = workshop.compose(a_member("Zoë", "Ruiter")).addressed
    assert addressed.direct
    assert "ZOË RUITER" in plain_text(read(addressed.message("id@example.org", MOMENT)))


def test_a_kept_letter_gives_the_same_bytes(workshop: Workshop) -> None:
    workshop.body("{{ salutation }}\n\n{{ facts() }}\n\n{{ signup('Aanmelden') }}", "Voor {{ member.first_name }}")
    (addressed,) = workshop.compose(a_member("Zoë")).addressed
    kept = Letter.load(addressed.letter.dump())
    assert kept == addressed.letter
    values = addressed.complete("id@example.org", MOMENT)
    assert kept.address(values) == addressed.message("id@example.org", MOMENT)


@settings(deadline=None, max_examples=50)
@given(addressees(), st.sampled_from(["{{ salutation }}", "{{ member.name }}\n\n{{ member.organisation }}"]))
def test_a_digest_tells_messages_apart_as_their_bytes_do(
    workshop: Workshop, members: list[Addressee], body: str
) -> None:
    messages = []
    for text in (body, f"{body}!"):
        workshop.body(text, "Aan {{ member.first_name }}")
        messages += [addressed.message("id@example.org", MOMENT) for addressed in workshop.compose(*members).addressed]
    assert len({each.digest for each in messages}) == len({each.data for each in messages})
    assert len({(each.digest, each.data) for each in messages}) == len({each.data for each in messages})


def test_composing_again_gives_the_same_bytes(workshop: Workshop) -> None:
    workshop.body("{{ salutation }}\n\n{{ facts() }}")
    first, second = (workshop.compose(a_member()).addressed[0] for _ in range(2))
    assert first.message("id@example.org", MOMENT).data == second.message("id@example.org", MOMENT).data


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("Dag\n\n{{ evnt.title }}\n", 7, 'perhaps "event"'),
        ("{{ event.titel }}\n", 5, 'perhaps "title"'),
        ("{{ member.voornaam }}\n", 5, '"voornaam"'),
        ("Dag\n{% if %}\n", 6, "syntax error"),
        ("Dag\n{% if titel %}\nx\n", 7, "{% if %} is opened in this template, and never closed by {% endif %}"),
        ("Dag\n{{ titel|hoofdletters }}\n", 6, "there is no filter called hoofdletters"),
        ("Dag\n{% endfor %}\n", 6, "{% endfor %} cannot be used here"),
        ("{{ event.starts|datum }}\n", 5, "datum"),
        ("{{ ''.__class__.__mro__ }}\n", 5, "__class__"),
        ("{{ 1 / 0 }}\n", 5, "divides by zero"),
        ("{{ 'a' + 1 }}\n", 5, "do not fit together"),
        ("{{ member first }}\n", 5, "syntax error"),
        ("{{ } }}\n", 5, '"}" was not expected'),
        ("Dag\nBeste {voornaam},\n", 6, "{voornaam} would be mailed as it is: a name to fill in has two braces"),
        ("{# {x} #}\n{ { member.first_name } }\n", 6, "would be mailed as it is"),
        ("Beste «Voornaam»,\n", 5, "«Voornaam» would be mailed as it is"),
        ("Beste [naam],\n", 5, "[naam] would be mailed as it is"),
        ("Zaal: TODO\n", 5, '"TODO" looks like something still to be filled in'),
    ],
)
def test_a_faulty_template_is_named_with_its_line(workshop: Workshop, body: str, line: int, words: str) -> None:
    workshop.body(body)
    with pytest.raises(UserError) as raised:
        workshop.compose(a_member())
    fault = raised.value.faults[0]
    assert fault.place == f"templates/invitation.md:{line}"
    assert words in f"{fault.fault} {fault.remedy}"


def test_every_member_whose_mail_fails_is_named(workshop: Workshop) -> None:
    workshop.body("{% if member.function == 'x' %}{{ member.onbekend }}{% endif %}")
    with pytest.raises(UserError) as raised:
        workshop.compose(a_member("Kim"), a_member("Jan", function="x"), a_member("Els", function="x"))
    (fault,) = raised.value.faults
    assert "Jan Verbeek, Els Verbeek" in fault.fault


def test_one_fault_in_every_mail_is_said_once(workshop: Workshop) -> None:
    workshop.body("{{ member.onbekend }}")
    with pytest.raises(UserError) as raised:
        workshop.compose(*(a_member(email=f"lid{number}@example.org") for number in range(50)))
    (fault,) = raised.value.faults
    assert "in every mail" in fault.fault


def test_a_block_within_a_sentence_is_refused(workshop: Workshop) -> None:
    workshop.body("Zie {{ facts() }} hier")
    with pytest.raises(UserError, match="line of its own"):
        workshop.compose(a_member())


def test_an_empty_block_leaves_nothing(workshop: Workshop) -> None:
    workshop.body("Een\n\n{{ nothing() }}\n\nTwee")
    assert plain_text(workshop.message(a_member())).splitlines()[:3] == ["Een", "", "Twee"]


def test_a_template_cannot_reach_files_or_the_environment(workshop: Workshop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("geheim")
    for body in (
        f"{{% include '{secret}' %}}",
        "{% include '../secret.md' %}",
        "{{ self._TemplateReference__context }}",
    ):
        workshop.body(body)
        with pytest.raises(UserError):
            workshop.compose(a_member())


def test_a_picture_in_a_text_is_a_link_and_nothing_is_fetched(workshop: Workshop) -> None:
    workshop.body("![De zaal & zo](https://x.example.org/zaal.jpg?a=1&b=2)")
    parsed = workshop.message(a_member())
    assert "<img" not in html_text(parsed)
    assert '<a href="https://x.example.org/zaal.jpg?a=1&amp;b=2">De zaal &amp; zo</a>' in html_text(parsed)
    assert "De zaal & zo (https://x.example.org/zaal.jpg?a=1&b=2)" in plain_text(parsed)
