"""Numbers as Excel shows them."""

import pytest

from mkwmail.members.workbook import shown_number

EUROS = '_ [$€-413] * #,##0.00_ ;_ [$€-413] * \\-#,##0.00_ ;_ [$€-413] * "-"??_ ;_ @_ '
TELEPHONE = "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####"


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (12, "0000", "0012"),
        (12345, "0000", "12345"),
        (12, '000" lid"', "012 lid"),
        (0.5, "0%", "50%"),
        (0.125, "0.0%", "12,5%"),
        (612345678, "0#########", "0612345678"),
        (612345678, "00-00000000", "06-12345678"),
        (612345678, '"+31"0', "+31612345678"),
        (31612345678, "\\+00\\ 0\\ 00000000", "+31 6 12345678"),
        (5551234, TELEPHONE, "555-1234"),
        (2125551234, TELEPHONE, "(212) 555-1234"),
        (1234567.891, "#,##0.00", "1.234.567,89"),
        (1234, "#,##0", "1.234"),
        (1234, "0,000", "1.234"),
        (999, "#,##0", "999"),
        (1500000, '0.0,,"M"', "1,5M"),
        (7.5, "0.##", "7,5"),
        (7, "0.0#", "7,0"),
        (-5, "0", "-5"),
        (-5, "0;(0)", "(5)"),
        (-0.001, "0", "0"),
        (2.5, "0", "3"),
        (12, "[Red]00", "12"),
        (1234.5, EUROS, " €  1.234,50 "),
        (-1234.5, EUROS, " €  -1.234,50 "),
    ],
)
def test_a_number_is_shown_by_its_format(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


@pytest.mark.parametrize(
    "code", ["General", "d-m-yyyy", "# ?/?", "0.00E+00", ";;;", "@", "[h]:mm", '"n.v.t."', "", '0;"-"', "dddd"]
)
def test_other_formats_are_left_to_the_caller(code: str) -> None:
    assert shown_number(-12 if code.startswith("0;") else 12, code) is None
