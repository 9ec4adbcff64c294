"""Output for people and programs: no markup, no control characters, no formulas."""

import io
from datetime import datetime, timedelta

import pytest
from rich.color import Color

from mkwmail.clock import ZONE, day_and_time, moment_from
from mkwmail.errors import Fault
from mkwmail.i18n import size, some
from mkwmail.report.recipients import explained, spreadsheet
from mkwmail.report.terminal import (
    STYLES,
    Terminal,
    column_widths,
    duration,
    fault_lines,
    fault_values,
    printable,
    styled,
    wrapped,
)


def test_data_is_never_markup(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.say("[bold]Kim[/bold] :smile: [link=x]")
    terminal.facts([("[red]", "[/nothing]")])
    terminal.table(["[b]"], [["[i]x"]])
    out = capsys.readouterr().out
    for text in ("[bold]Kim[/bold] :smile: [link=x]", "[red]", "[/nothing]", "[b]", "[i]x"):
        assert text in out


def test_control_characters_of_a_server_do_not_reach_the_terminal() -> None:
    assert printable("550 \x1b]0;pwned\x07 no\x9b1m") == "550 ?]0;pwned? no?1m"
    assert printable("Zoë\u00a0’t\n\tHart") == "Zoë\u00a0’t\n\tHart"


def test_into_a_file_a_sentence_is_one_line_without_trailing_space(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.say("woord " * 40 + "einde")
    terminal.table(["Mailing", "to go"], [["invitation", ""]], numbers=1)
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith("einde")
    assert all(line == line.rstrip() for line in out.splitlines())


def test_a_command_in_a_sentence_stays_in_one_piece() -> None:
    command = "mkwmail send dag-van-de-wijk-2026 update"
    sentence = f"To tell the 3 who do not know what has changed since then: {command}"
    assert wrapped(sentence, 80) == ["To tell the 3 who do not know what has changed since then:", f"  {command}"]
    assert wrapped(f"Long enough a sentence to be broken at eighty columns; `{command}` says more", 80) == [
        "Long enough a sentence to be broken at eighty columns;",
        f"  `{command}` says more",
    ]
    assert wrapped(f"Delete it, and type: {command} (it asks for it, and keeps it in another place)", 60) == [
        "Delete it, and type:",
        f"  {command} (it asks for it,",
        "  and keeps it in another place)",
    ]
    said = "mkwmail invites members to an event: one event file and one member list for everything"
    assert all(len(line) <= 80 for line in wrapped(said, 80))


def test_no_word_in_a_table_is_broken_while_there_is_room_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    captured = io.StringIO()
    monkeypatch.setattr("sys.stdout", captured)
    event, approval = "een-evenement-met-een-lange-naam-2026", "changed since it was approved"
    Terminal().table(
        ["When", "Event", "Mailing", "Approval", "mails"],
        [["18-02-2026 09:00", event, "save-the-date", approval, "41"]],
        numbers=1,
    )
    assert event in captured.getvalue() and "save-the-date" in captured.getvalue()
    assert all(len(line) <= 80 for line in captured.getvalue().splitlines())


def test_a_table_is_never_cut_off_at_the_edge_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    captured = io.StringIO()
    monkeypatch.setattr("sys.stdout", captured)
    Terminal().table(
        ["Mailing", "Gepland", "verstuurd", "uitgesteld", "geweigerd", "onzeker", "nog te versturen"],
        [["vooraankondiging", "18-01-2027 09.00", "24", "1", "1", "1", "1127"]],
        numbers=5,
    )
    Terminal().table(["Rij", "Aanhef", "Naam"], [["12", "Geachte mevrouw Van den Berg-Jansen " * 2, "x" * 90]])
    printed = captured.getvalue()
    assert "1127" in printed and "versturen" in printed
    assert printed.count("Berg-Jansen") == 2 and printed.count("x") == 90
    assert all(len(line) <= 80 for line in printed.splitlines())


def test_columns_that_cannot_fit_keep_their_words() -> None:
    assert column_widths([["abcdef", "a b"], ["one two three"]], 5) == [6, 5]


def test_a_spreadsheet_opens_in_dutch_excel_and_calculates_nothing() -> None:
    data = spreadsheet(["naam", "reden"], [["=1+1", "a;b"], ["+31 6", '"x"'], ["@sum", "-1"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig").split("\r\n") == [
        "naam;reden",
        '\'=1+1;"a;b"',
        '\'+31 6;"""x"""',
        "'@sum;'-1",
        "",
    ]


def test_faults_as_lines_and_as_values() -> None:
    fault = Fault("x.yaml:1", "wrong", "write\nthis")
    assert list(fault_lines([fault, Fault("", "bare")])) == [
        "x.yaml:1: wrong",
        "    → write",
        "      this",
        "bare",
    ]
    assert fault_values([fault]) == [{"place": "x.yaml:1", "fault": "wrong", "remedy": "write\nthis"}]


def test_a_faulty_line_is_shown_with_a_mark_at_its_column() -> None:
    colon = Fault("x.yaml:12:11", "wrong", 'street: "a: b"', line="   street: a: b")
    assert list(fault_lines([colon])) == [
        "x.yaml:12:11: wrong",
        "    12 │    street: a: b",
        "       │           ^",
        '       →    street: "a: b"',
    ]
    indented = Fault("x.yaml:3:4", "too far", "  street: a", line="   street: a")
    assert list(fault_lines([indented]))[-1] == "      →   street: a"
    words = Fault("x.yaml:3:4", "wrong", "choose another", line="\tstreet: a")
    assert list(fault_lines([words]))[1:] == ["    3 │ →street: a", "      │    ^", "    → choose another"]


def test_of_a_long_line_the_part_around_the_mark_is_shown() -> None:
    text = "introduction: " + "woord " * 60 + "FOUT " + "woord " * 60
    shown = list(fault_lines([Fault(f"x.yaml:3:{text.index('FOUT') + 1}", "wrong", line=text)]))
    assert all(len(line) <= 78 for line in shown)
    assert shown[1][shown[2].index("^") :].startswith("FOUT")
    assert shown[1].startswith("    3 │ …") and shown[1].endswith("…")


def test_every_colour_can_be_read_on_white_and_on_black() -> None:
    for style in STYLES.values():
        number = next(word for word in style.split() if word.startswith("color("))
        parts = [part / 255 for part in Color.parse(number).get_truecolor()]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        light = sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (light + 0.05) > 3.9 and (light + 0.05) / 0.05 > 3.8, style


def test_what_is_to_be_typed_has_the_colour_of_a_command() -> None:
    def typed(text: str) -> list[str]:
        spans = styled(text).spans
        return [text[each.start : each.end] for each in spans if each.style == STYLES["command"]]

    assert typed("To decide about them: mkwmail resolve x") == ["mkwmail resolve x"]
    assert typed("    → type mkwmail login") == []
    assert typed("    → mkwmail login") == ["mkwmail login"]
    assert typed("  1  Look  mkwmail preview x") == ["mkwmail preview x"]
    assert typed("`mkwmail due` last ran") == ["mkwmail due"]
    assert typed("To tell those who do not know it yet:\n  mkwmail send x update") == ["mkwmail send x update"]
    assert typed("It waits until\n  mkwmail due runs") == []
    assert typed("mkwmail invites members.") == []


def test_words() -> None:
    noon = datetime(2020, 2, 17, 12, tzinfo=ZONE)
    assert day_and_time(noon) == "17 February 2020 12:00"
    assert day_and_time(datetime(2020, 4, 2, 23, 59, 59, tzinfo=ZONE)) == "end of 2 April 2020"
    assert moment_from(noon, noon + timedelta(hours=1)) == "13:00"
    assert moment_from(noon, noon + timedelta(days=1)) == "18 February 2020 12:00"
    assert [size(1), size(120_400), size(3_400_000)] == ["1 kB", "120 kB", "3.4 MB"]
    assert [duration(timedelta(seconds=61)), duration(timedelta(minutes=91))] == ["2 minutes", "2 hours"]
    assert [some(["a", "b"]), some(list("abcd")), some(list("abcde"))] == ["a, b", "a, b, c, d", "a, b, c and 2 more"]


def test_what_goes_on_looks_like_no_other_line_of_a_list() -> None:
    assert wrapped("  Kim Verbeek: refused, for the mailbox is full", 30) == [
        "  Kim Verbeek: refused, for",
        "    the mailbox is full",
    ]
    assert wrapped("    → close it where it is open, then again", 30) == [
        "    → close it where it is",
        "      open, then again",
    ]


def test_a_gap_is_one_blank_line_and_none_at_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for step in (terminal.gap, lambda: terminal.table(["a"], [["b"]]), terminal.gap, terminal.gap):
        step()
    terminal.say("c")
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["a", "b", "", "c"]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("550 5.1.1 no such user", "the address is wrong (550 5.1.1 no such user)"),
        ("invitation: 552 5.2.2 over quota", "invitation: the mailbox is full (552 5.2.2 over quota)"),
        ("451 4.7.1 greylisted", "their server does not take the mail yet (451 4.7.1 greylisted)"),
        ("554 5.7.1 spam", "their server refuses the mail, not the address (554 5.7.1 spam)"),
        ("550 rejected", "their server refuses the mail (550 rejected)"),
        ("554 transaction failed", "their server refuses the mail, not the address (554 transaction failed)"),
        ("already sent on 17 February 2020", "already sent on 17 February 2020"),
    ],
)
def test_a_reply_is_shown_with_what_it_means(reason: str, shown: str) -> None:
    assert explained(reason) == shown


def test_a_command_behind_other_words_stays_on_one_line() -> None:
    command = "mkwmail send directeurendag-2020 praktische-informatie --rehearse"
    broken = wrapped(f"  1  {'Praktische informatie versturen':<33}  {command}", 80)
    assert broken[1].strip() == command
    assert broken[0].strip() == "1  Praktische informatie versturen"
