"""Numbers as Excel shows them by the format of their cell (ECMA-376 part 1 §18.8.31).

Dutch marks are used: a comma before the decimals, a dot between thousands. Formats of dates, fractions and powers of
ten are left to the caller.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

#: The formats that a workbook names by number only (ECMA-376 part 1 §18.8.30), without those of dates.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
}

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>General)|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?[0-9.]+)")
_CURRENCY = re.compile(r"\$([^-]*)(?:-[0-9A-Fa-f]+)?")
_COLOURS = re.compile(r"(?:black|blue|cyan|green|magenta|red|white|yellow|color\s*[0-9]+)", re.IGNORECASE)
_PLACES = "0#?"
_ELSEWHERE = frozenset("dmyhsbgeaDMYHSBGEA@/")  # of dates, powers of ten, texts and fractions


class _Section(NamedTuple):
    """One of the parts of a format between semicolons.

    ``parts`` are placeholders and the marks ``.``, ``,`` and ``%``, or else literal texts; True marks a literal.
    """

    condition: tuple[str, Decimal] | None
    parts: tuple[tuple[bool, str], ...]


def shown_number(value: float, code: str) -> str | None:
    """Return a number as a cell with this format shows it, in Dutch.

    None if the format shows something else than the number's digits: nothing, a date, a fraction.

    >>> shown_number(12, "0000"), shown_number(0.5, "0%"), shown_number(612345678, "00-00000000")
    ('0012', '50%', '06-12345678')
    """
    sections = _sections(code)
    if not sections:
        return None
    number = Decimal(f"{value:.15g}")  # 15 digits: all that Excel keeps of a number
    section, signed = _section_for(number, sections)
    if section is None or not any(not literal and part in _PLACES for literal, part in section.parts):
        return None
    shown = _filled(abs(number), section.parts)
    return f"-{shown}" if signed and number < 0 and re.search(r"[1-9]", shown) else shown


def _section_for(number: Decimal, sections: tuple[_Section, ...]) -> tuple[_Section | None, bool]:
    """Return the section for a number, and whether a minus sign is to be added."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _holds(number, *section.condition):
                return section, True
        return None, False
    if number < 0 and len(sections) > 1:
        return sections[1], False
    return (sections[2] if number == 0 and len(sections) > 2 else sections[0]), True


def _holds(number: Decimal, sign: str, bound: Decimal) -> bool:
    return {
        "<": number < bound,
        "<=": number <= bound,
        ">": number > bound,
        ">=": number >= bound,
        "=": number == bound,
        "<>": number != bound,
    }[sign]


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Section, ...]:
    """Return the sections for numbers; none if the format is of another kind."""
    sections: list[_Section] = []
    condition: tuple[str, Decimal] | None = None
    parts: list[tuple[bool, str]] = []
    for token in _TOKEN.finditer(code):
        sign, bracket = token["sign"], token["bracket"]
        if token["quoted"] is not None or token["escaped"]:
            parts.append((True, token["quoted"] or token["escaped"] or ""))
        elif token["general"]:
            return ()
        elif bracket is not None:
            if bound := _CONDITION.fullmatch(bracket):
                condition = (bound[1], Decimal(bound[2]))
            elif money := _CURRENCY.fullmatch(bracket):
                parts.append((True, money[1]))
            elif not _COLOURS.fullmatch(bracket):
                return ()
        elif sign == ";":
            sections.append(_Section(condition, tuple(parts)))
            condition, parts = None, []
        elif sign is None:
            parts.append((True, " "))
        elif sign in _ELSEWHERE:
            if sign == "@" and len(sections) == 3:
                break
            return ()
        else:
            parts.append((sign not in "0#?.,%", sign))
    sections.append(_Section(condition, tuple(parts)))
    return tuple(sections[:3])


def _filled(number: Decimal, parts: tuple[tuple[bool, str], ...]) -> str:
    marks = [part for literal, part in parts if not literal]
    places = [index for index, (literal, part) in enumerate(parts) if not literal and part in _PLACES]
    point = next((index for index, part in enumerate(parts) if part == (False, ".")), len(parts))
    whole = [index for index in places if index < point]
    decimals = [index for index in places if index > point]
    commas = [index for index, part in enumerate(parts) if part == (False, ",")]
    number *= 100 ** marks.count("%")
    # A comma behind the digits divides by a thousand; a comma between them sets marks between the thousands.
    number /= 1000 ** sum(bool(whole) and index > whole[-1] for index in commas)
    grouped = any(whole[0] < index < whole[-1] for index in commas) if whole else False
    rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), rounding=ROUND_HALF_UP)
    before, _point, after = f"{rounded:f}".partition(".")
    texts = dict(_whole(before.lstrip("0"), whole, parts, grouped))
    texts |= dict(_decimals(after, decimals, parts))
    if point < len(parts):
        texts[point] = ","
    return "".join(
        texts.get(index, "") if not literal and part != "%" else part for index, (literal, part) in enumerate(parts)
    )


def _whole(
    digits: str, places: list[int], parts: tuple[tuple[bool, str], ...], grouped: bool
) -> Iterator[tuple[int, str]]:
    """Yield the text at each place before the point, from the last to the first.

    The first place takes all digits that are left.
    """
    done = 0
    for turn, index in enumerate(reversed(places)):
        is_first = turn == len(places) - 1
        digits, taken = ("", digits) if is_first else (digits[:-1], digits[-1:])
        taken = taken or {"0": "0", "#": "", "?": " "}[parts[index][1]]
        text = ""
        for digit in reversed(taken):
            if grouped and done and done % 3 == 0 and digit.isdigit():
                text = f".{text}"
            text = f"{digit}{text}"
            done += digit.isdigit()
        yield index, text


def _decimals(digits: str, places: list[int], parts: tuple[tuple[bool, str], ...]) -> Iterator[tuple[int, str]]:
    significant = len(digits.rstrip("0"))
    for turn, index in enumerate(places):
        digit = digits[turn] if turn < len(digits) else "0"
        yield index, digit if turn < significant or parts[index][1] == "0" else {"#": "", "?": " "}[parts[index][1]]
