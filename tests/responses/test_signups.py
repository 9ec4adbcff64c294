"""Sign-up exports as form services write them: fifteen shapes, two of them hostile, and whose each sign-up is."""

import io
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import UserError
from mkwmail.members.same_name import alike, same_place
from mkwmail.responses.answers import Answered, read_answer
from mkwmail.responses.form_columns import meaning_of, read_form_moment
from mkwmail.responses.signup_changes import By, Invited, Match, match_signups
from mkwmail.responses.signups import Export, Signup, read_signups

CODE = "7k2m9qx4vd"
MARIEKE = Invited(
    "m", "Marieke van der Velde", ("m.vandervelde@eikenhage.example.org",), "Woongoed Eikenhage", "1001", CODE
)
PIETER = Invited(
    "p", "Pieter Hoekstra", ("p.hoekstra@eikenhage.example.org",), "Woongoed Eikenhage", "1001", "abcdefgh23"
)
KEES = Invited(
    "k", "Kees 't Hart", ("kees.thart@rietdijk.example.org", "kees@oud.example.org"), "Rietdijk Wonen", "1003"
)
INVITED = (MARIEKE, PIETER, KEES)
OPTIONAL = ("Inlooplunch", "Buffet")


def read(tmp_path: Path, text: str | bytes, name: str = "aanmeldingen.csv", begun: bool = False) -> Export:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8-sig") if isinstance(text, str) else text)
    return read_signups(path, name, [each.code for each in INVITED if each.code], OPTIONAL, begun=begun)


def matched(export: Export) -> list[tuple[By, str, str]]:
    found = match_signups(export.signups, INVITED)
    return [(each.by, each.person.key if each.person else "", each.signup.answer or "") for each in found]


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_google_forms(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Tijdstempel,E-mailadres,Wat is uw naam?,Komt u naar de Directeurendag?,Sluit u aan bij de lunch?,Dieetwensen\n"
        '2-3-2020 14:05:01,m.vandervelde@EIKENHAGE.example.org,Marieke van der Velde,"Ja, ik kom",Ja,vegetarisch\n'
        '3-3-2020 9:00:00,kees@oud.example.org,K. \'t Hart,"Nee, helaas niet",,\n',
    )
    assert matched(export) == [(By.ADDRESS, "m", "attending"), (By.ADDRESS, "k", "declined")]
    first = export.signups[0]
    assert first.moment == datetime(2020, 3, 2, 14, 5, 1, tzinfo=ZONE)
    assert first.beside == {"Sluit u aan bij de lunch?": "Ja"}
    assert first.dietary == {"Dieetwensen": "vegetarisch"}


def test_microsoft_forms_if_its_own_columns_say_anonymous(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [
            "ID",
            "Begintijd",
            "Tijd van voltooien",
            "E-mail",
            "Naam",
            "Uw naam",
            "Uw e-mailadres",
            "Waaraan neemt u deel?",
        ],
        [
            1,
            datetime(2020, 3, 2, 14, 1),
            datetime(2020, 3, 2, 14, 5),
            "anonymous",
            None,
            "Marieke van der Velde",
            "m.vandervelde@eikenhage.example.org",
            "Inlooplunch;Buffet;",
        ],
    ]
    export = read(tmp_path, workbook(rows), "formulier.xlsx")
    (signup,) = export.signups
    assert (signup.name, signup.address) == ("Marieke van der Velde", "m.vandervelde@eikenhage.example.org")
    assert signup.moment == datetime(2020, 3, 2, 14, 5, tzinfo=ZONE)
    assert matched(export) == [(By.ADDRESS, "m", "attending")]
    assert signup.beside == {"Waaraan neemt u deel?": "Inlooplunch;Buffet;"}


def test_typeform_with_the_code_in_a_hidden_field(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "#,Hoe heet je?,Ben je erbij?,lid,Submit Date (UTC),Network ID\n"
        f"abc,Marieke,1,{CODE},2020-03-02 13:05:01,9f9f\n",
    )
    assert matched(export) == [(By.CODE, "m", "attending")]


def test_gravity_forms_with_the_link_as_its_source(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Naam (Voornaam);Naam (Achternaam);Organisatie;Datum invoer;Bron URL;IP van gebruiker\n"
        f"Marieke;Velde;Eikenhage;2020-03-02 14:05:01;https://example.org/aanmelden?lid={CODE}&x=1;192.0.2.1\n",
    )
    assert matched(export) == [(By.CODE, "m", "attending")]
    assert not any("192.0.2.1" in value for value in export.signups[0].beside.values())


def test_eventbrite(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Order #,Order Date,First Name,Surname,Email,Quantity,Ticket Type,Attendee Status\n"
        "1,2020-03-02 14:05:01,Kees,'t Hart,kees.thart@rietdijk.example.org,1,Lid,Attending\n"
        "2,2020-03-02 14:06:01,Pieter,Hoekstra,p.hoekstra@eikenhage.example.org,1,Lid,Not Attending\n",
    )
    assert matched(export) == [(By.ADDRESS, "k", "attending"), (By.ADDRESS, "p", "declined")]


def test_a_platform_with_a_status_and_a_date_of_cancelling(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Status;Voornaam;Tussenvoegsel;Achternaam;Bedrijf;E-mail;Aanmelddatum;Afgemeld op\n"
        "Aangemeld;Marieke;van der;Velde;Woongoed Eikenhage;;1-3-2020;\n"
        "Aangemeld;Pieter;;Hoekstra;Woongoed Eikenhage;;1-3-2020;5-3-2020 10:00\n",
    )
    assert matched(export) == [(By.NAME, "m", "attending"), (By.NAME, "p", "declined")]


def test_surveymonkey_with_its_second_row_of_headings(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,Naam\n"
        ",,,,,Open-Ended Response,\n"
        "1,2,03/02/2020 02:01:00 PM,03/02/2020 02:05:00 PM,192.0.2.1,,Kees 't Hart\n"
        "2,2,03/14/2020 02:01:00 PM,03/14/2020 02:05:00 PM,192.0.2.1,kees@oud.example.org,\n",
    )
    assert [each.moment for each in export.signups] == [
        datetime(2020, 3, 2, 14, 5, tzinfo=ZONE),
        datetime(2020, 3, 14, 14, 5, tzinfo=ZONE),
    ]
    assert [each[0] for each in matched(export)] == [By.DOUBTFUL, By.ADDRESS]


def test_a_list_kept_by_hand_under_a_title(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Aanmeldingen Directeurendag"],
        [],
        ["naam", "corporatie", "komt?", "lunch", "buffet"],
        ["Marieke van der Velde", "Eikenhage", "x", "x", None],
        ["Kees 't Hart", "Rietdijk", "nee", None, None],
        ["Jan Nieuw", "Rietdijk", "misschien", None, "x"],
    ]
    export = read(tmp_path, workbook(rows), "lijst.xlsx")
    found = matched(export)
    assert [each[2] for each in found] == ["attending", "declined", "tentative"]
    assert [each[0] for each in found] == [By.NAME, By.NAME, By.GUEST]
    assert export.signups[0].beside == {"lunch": "x"}


def test_member_numbers_alone(tmp_path: Path) -> None:
    export = read(tmp_path, "Lidnummer;Aanwezig\n1003;ja\n1001;ja\n9999;ja\n")
    assert [each[:2] for each in matched(export)] == [(By.NUMBER, "k"), (By.DOUBTFUL, ""), (By.DOUBTFUL, "")]


def test_tabs_in_utf_16_as_excel_writes_unicode_text(tmp_path: Path) -> None:
    export = read(tmp_path, "Naam\tE-mailadres\nKees 't Hart\tkees.thart@rietdijk.example.org\n".encode("utf-16"))
    assert matched(export) == [(By.ADDRESS, "k", "attending")]


def test_windows_1252_without_a_separator_anywhere(tmp_path: Path) -> None:
    export = read(tmp_path, "E-mailadres\nkees.thart@rietdijk.example.org\nrenée@elders.example.org\n".encode("cp1252"))
    assert [each[0] for each in matched(export)] == [By.ADDRESS, By.GUEST]


def test_presence_of_a_check_in_app(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "Email,Name,Checked In\nkees.thart@rietdijk.example.org,Kees 't Hart,Yes\n"
        "p.hoekstra@eikenhage.example.org,Pieter Hoekstra,No\n",
        begun=True,
    )
    assert [each[2] for each in matched(export)] == ["present", "absent"]


def test_who_cancelled_was_not_absent(tmp_path: Path) -> None:
    text = (
        "E-mail;Status;Checked In\njan@example.org;Attending;Yes\nkim@example.org;Attending;No\n"
        "els@example.org;Cancelled;No\nbo@example.org;Cancelled;Yes\n"
    )
    said = [each.answer for each in read(tmp_path, text, begun=True).signups]
    assert said == [Answered.PRESENT, Answered.ABSENT, Answered.DECLINED, Answered.PRESENT]


def test_our_own_list_edited_in_excel(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        "code;name;organisation;e-mail;answer;answer when listed\r\n"
        f"{CODE};Marieke van der Velde;Woongoed Eikenhage;m@x.example.org;present;attending\r\n"
        "abcdefgh23;Pieter Hoekstra;Woongoed Eikenhage;;;\r\n",
    )
    assert [(each.answer, each.was) for each in export.signups] == [(Answered.PRESENT, "attending"), (None, "")]


def test_hostile_formulas_are_text_and_never_answers(tmp_path: Path) -> None:
    export = read(
        tmp_path,
        'Naam;E-mailadres;Komt u?;Opmerking\n=HYPERLINK("http://x");kees.thart@rietdijk.example.org;=1+1;\u202egnp\n'
        "@SUM(1);<script>@x;ja;\x07\n",
    )
    assert [each.answer for each in export.signups] == [None, Answered.ATTENDING]
    assert "=1+1" in export.signups[0].doubt
    assert all(char.isprintable() for each in export.signups for text in each.beside.values() for char in text)


def test_hostile_widths_are_refused_with_a_word(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="50000 columns"):
        read(tmp_path, ";".join(f"vraag {n}" for n in range(50_000)) + "\n" + ";".join("x" * 50_000) + "\n")


def test_a_file_without_anybody_in_it_names_its_headings(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='"Kleur"'):
        read(tmp_path, "Kleur;Smaak\nrood;zoet\nblauw;zuur\n")


@pytest.mark.parametrize(
    ("heading", "meaning"),
    [
        ("Van welke corporatie bent u?", "organisation"),
        ("Namens welke organisatie komt u?", "organisation"),
        ("Met welke organisaties werkt u samen?", "beside"),
        ("Op welk e-mailadres bereiken we u?", "email"),
        ("Welke dag bent u aanwezig?", "beside"),
        ("Welke workshop kiest u?", "beside"),
        ("Vraag 3: Uw naam", "written"),
        ("2. Bent u aanwezig?", "answer"),
        ("Vragen of opmerkingen", "beside"),
    ],
)
def test_what_a_heading_asks(heading: str, meaning: str) -> None:
    assert meaning_of(heading) == meaning


# Whose it is


def one(name: str = "", address: str = "", organisation: str = "", code: str = "", number: str = "") -> Match:
    signup = Signup(2, Answered.ATTENDING, code, address, name, organisation, number)
    (found,) = match_signups([signup], INVITED)
    return found


def test_a_link_that_was_passed_on_is_doubtful_and_names_both() -> None:
    found = one(code=CODE, name="Sanne Bos", address="s.bos@eikenhage.example.org")
    assert (found.by, found.candidates) == (By.DOUBTFUL, (MARIEKE,))
    assert "Sanne Bos" in found.doubt and "Marieke" in found.doubt


def test_two_sign_ups_from_one_mailbox_are_told_apart() -> None:
    address = "m.vandervelde@eikenhage.example.org"
    assert one(name="M. van der Velde", address=address).person is MARIEKE
    found = one(name="Pieter Hoekstra", address=address, organisation="Woongoed Eikenhage")
    assert (found.by, found.candidates) == (By.DOUBTFUL, (MARIEKE, PIETER))


def test_the_code_counts_before_the_address() -> None:
    assert one(code=CODE, address="kees@oud.example.org").person is MARIEKE


def test_a_colleague_with_an_address_of_their_own_is_a_guest() -> None:
    assert (
        one(name="Sanne Bos", address="s.bos@eikenhage.example.org", organisation="Woongoed Eikenhage").by is By.GUEST
    )


def test_a_corporations_number_does_not_make_somebody_else_of_a_colleague() -> None:
    assert one(name="Sanne Bos", number="1003").by is By.GUEST


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("K. Jansen", "Kees Jansen", True),
        ("Mevr. Velde", "dhr. Hart", False),
        ("Zoë", "Zoe Bos", True),
        ("", "x", True),
    ],
)
def test_names_are_compared_without_accents_and_titles(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_organisations_are_the_same_but_for_words_that_many_have() -> None:
    assert same_place("Stichting Rietdijk", "rietdijk wonen")
    assert not same_place("Wonen", "Stichting Wonen Zuid")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Ja", "attending"),
        ("ja, met lunch", "attending"),
        ("Ik kom graag", "attending"),
        ("JA!", "attending"),
        ("Aanwezig", "attending"),
        ("Ik ben er niet bij", "declined"),
        ("Nee", "declined"),
        ("niet aanwezig", "declined"),
        ("Verhinderd", "declined"),
        ("Geannuleerd", "declined"),
        ("Cancelled", "declined"),
        ("weet ik nog niet", "tentative"),
        ("Misschien", "tentative"),
        ("no-show", "absent"),
        ("ingecheckt", "present"),
        ("niet verschenen", "absent"),
        ("januari", None),
        ("noord", None),
        ("wachtlijst", None),
        ("42", None),
    ],
)
def test_answers_as_people_write_them(text: str, answer: str | None) -> None:
    assert read_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "american", "expected"),
    [
        ("2-3-2020 14:05", False, datetime(2020, 3, 2, 14, 5)),
        ("2020/03/02 14:05:01", False, datetime(2020, 3, 2, 14, 5, 1)),
        ("2020-03-02T13:05:01.250Z", False, datetime(2020, 3, 2, 14, 5, 1, 250_000)),
        ("2020-03-02 13:05:01 UTC", False, datetime(2020, 3, 2, 14, 5, 1)),
        ("3/2/2020 2:05:01 PM", True, datetime(2020, 3, 2, 14, 5, 1)),
        ("2-3-2020", False, datetime(2020, 3, 2, 23, 59)),
        ("gisteren", False, None),
    ],
)
def test_moments_as_form_services_write_them(text: str, american: bool, expected: datetime | None) -> None:
    assert read_form_moment(text, american) == (expected and expected.replace(tzinfo=ZONE))
