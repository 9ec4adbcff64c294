"""Templates cannot fill the memory or run without end, and an unknown name is a fault in every place."""

import time

import pytest
from jinja2 import DictLoader, UndefinedError
from jinja2.exceptions import SecurityError

from mkwmail.mail.sandbox import ForbiddenError, Names, TemplateEnvironment
from tests.torture.inputs import most_memory

_ITEMS = "'" + "x" * 40 + "'"


def _rendered(source: str) -> str:
    environment = TemplateEnvironment(DictLoader({}))
    return environment.from_string(source).render(
        event=Names({"title": "Directeurendag", "hosts": (Names({"name": "Bram"}), Names({"name": "Kim"}))})
    )


def _growing(change: str, start: str = "'xy'") -> str:
    return f"{{% set n = namespace(l={start}) %}}{{% for i in {_ITEMS} %}}{{% set n.l = {change} %}}{{% endfor %}}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ '\\t'.expandtabs(999999999) }}",
        "{{ '\\t'.expandtabs(tabsize=999999999)|length }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ '%999999999s'|format('x') }}",
        "{{ '%*d' % (999999999, 1) }}",
        _growing("n.l ~ n.l"),
        _growing("n.l + n.l"),
        _growing("n.l + n.l", "[1]"),
        _growing("[n.l, n.l]") + "{{ n.l }}",
        _growing("(n.l, n.l)") + "{{ n.l }}",
        _growing("{'a': n.l, 'b': n.l}") + "{{ n.l }}",
        _growing("n.l.replace('x', n.l)", "'xx'"),
        _growing("n.l.replace('', n.l)"),
        _growing("n.l|replace('x', n.l)", "'xx'"),
        _growing("n.l.translate({120: n.l})", "'xx'"),
        _growing("n.l.join([n.l, n.l])"),
        _growing("n.l|join(n.l)"),
        _growing("'%s%s'|format(n.l, n.l)"),
        _growing("'%s%s' % (n.l, n.l)"),
        _growing("'%(a)s%(a)s'|format(a=n.l)"),
        _growing("n.l|wordwrap(1, wrapstring=n.l)"),
        _growing("('\\t' ~ n.l).expandtabs(1000) ~ '\\t' ~ n.l"),
        _growing("n.l|urlencode", "'é'"),
        _growing("dict(a=n.l, b=n.l)|string"),
        _growing("dict(n.l, b=n.l.items()|list|string)", "{'a': 'x'}"),
        f"{{% for a in {_ITEMS} %}}{{% for b in {_ITEMS} %}}{{% for c in {_ITEMS} %}}{{% for d in {_ITEMS} %}}"
        f"{{% for e in {_ITEMS} %}}x{{% endfor %}}{{% endfor %}}{{% endfor %}}{{% endfor %}}{{% endfor %}}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    ],
)
def test_growth_is_refused(source: str) -> None:
    began = time.monotonic()
    with pytest.raises(ForbiddenError):
        _rendered(source)
    assert time.monotonic() - began < 10
    assert most_memory() < 500


@pytest.mark.parametrize("change", ["n.l.encode().hex()", "n.l.encode('utf-32')|string", "n.l|attr('encode')()"])
def test_no_octets_are_made_of_a_text(change: str) -> None:
    with pytest.raises(SecurityError, match="encode"):
        _rendered(_growing(change))


def test_each_text_has_the_whole_measure() -> None:
    environment = TemplateEnvironment(DictLoader({}))
    template = environment.from_string("{% for i in items %}{{ i }}{% endfor %}")
    for _time in range(4):
        assert len(template.render(items=["x" * 1000] * 900)) == 900_000


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.hosts|map(attribute='naam')|list }}",
        "{{ event.hosts|map(attribute='naam')|list|length }}",
        "{{ event.hosts|map(attribute='naam')|join(', ') }}",
        "{{ [event.titel] }}",
        "{{ {'a': event.titel} }}",
        "{{ (event.titel, 1)|string }}",
        "{{ event.hosts|groupby('naam') }}",
        "{{ event.hosts|sort(attribute='naam') }}",
    ],
)
def test_an_unknown_name_is_a_fault_wherever_it_is(source: str) -> None:
    with pytest.raises(UndefinedError, match=r"naam|titel"):
        _rendered(source)


def test_map_with_a_known_name_or_a_default() -> None:
    assert _rendered("{{ event.hosts|map(attribute='name')|join }}") == "BramKim"
    assert _rendered("{{ event.hosts|map(attribute='naam', default='x')|join }}") == "xx"
    assert _rendered("{{ ['a', 'b']|map('upper')|join }}") == "AB"
