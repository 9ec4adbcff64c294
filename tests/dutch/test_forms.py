"""Je and u: which one a text says, and what only looks like one."""

from collections.abc import Mapping

import pytest

from mkwmail.dutch.dates import forms_in


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Beste Lilian, kom je ook? Neem jouw collega’s mee. Je bent welkom.", {"je": ("je", "jouw")}),
        ("Geachte heer, wij zien U graag; meldt u zich aan met uw code.", {"u": ("u", "uw")}),
        ("Wilt u komen, of kun je niet?", {"u": ("u",), "je": ("je",)}),
        ("Jullie zijn welkom", {"je": ("jullie",)}),
        ("De dag begint om 13.00 u. en 13u30, tot 18 u", {}),
        ("Zie https://example.org/u/je en mail u@example.org.", {}),
        ("De U-bocht en de u’s, juist nu; uwaarts, jeugd en jegens.", {}),
        ("", {}),
    ],
)
def test_forms_of_address(text: str, forms: Mapping[str, tuple[str, ...]]) -> None:
    assert forms_in(text) == forms
