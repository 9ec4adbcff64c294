"""Signing in with the browser: PKCE, the way back over loopback, and other visitors."""

import ssl
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from mkwmail.auth.credentials import SignInError
from mkwmail.auth.oauth_protocol import sign_in_by_browser
from mkwmail.errors import ExitCode
from tests.auth.people import NAME, application_of
from tests.authorization_server import AuthorizationServer
from tests.browser import a_browser, needs_chromium


def visit(url: str) -> str:
    """Return the page that a browser shows in the end: it follows redirections."""
    with urllib.request.urlopen(url, context=ssl.create_default_context(), timeout=10) as page:
        return str(page.read().decode("utf-8"))


def test_the_browser_comes_back_with_a_code_that_is_redeemed(provider: AuthorizationServer) -> None:
    pages = []
    issued = sign_in_by_browser(application_of(provider), lambda url: pages.append(visit(url)))
    assert provider.is_good(NAME, issued.access.reveal())
    assert "You can close this window" in pages[0]
    (form,) = [form for path, form in provider.asked if path == "/token"]
    assert len(form["code_verifier"]) >= 43 and "client_secret" not in form


def test_two_sign_ins_have_nothing_in_common(provider: AuthorizationServer) -> None:
    urls: list[str] = []

    def show(url: str) -> None:
        urls.append(url)
        visit(url)

    for _each in range(2):
        sign_in_by_browser(application_of(provider), show)
    one, other = (parse_qs(urlsplit(url).query) for url in urls)
    assert all(one[key] != other[key] for key in ("state", "code_challenge", "redirect_uri"))


def test_a_client_secret_is_sent_if_there_is_one(provider: AuthorizationServer) -> None:
    provider.client_secret = "google's"
    with pytest.raises(SignInError) as caught:
        sign_in_by_browser(application_of(provider), visit)
    assert "client secret that goes with client_id" in caught.value.faults[0].remedy
    issued = sign_in_by_browser(application_of(provider, "google's"), visit)
    assert issued.access.reveal() in provider.issued


def test_who_comes_without_our_state_is_turned_away_and_the_sign_in_goes_on(provider: AuthorizationServer) -> None:
    turned_away = []

    def attack_then_visit(url: str) -> None:
        back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        for query in ("/?code=stolen&state=guessed", "/?code=stolen", "/favicon.ico", "/", "/?error=access_denied"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{back}{query}", timeout=10)
            turned_away.append(caught.value.code)
            caught.value.close()
        visit(url)

    issued = sign_in_by_browser(application_of(provider), attack_then_visit)
    assert issued.access.reveal() in provider.issued
    assert turned_away == [404] * 5


def test_a_refusal_in_the_browser_is_shown_there_and_here(provider: AuthorizationServer) -> None:
    provider.refuse("authorize", "access_denied", "AADSTS65004: User declined to consent")
    pages = []
    with pytest.raises(SignInError) as caught:
        sign_in_by_browser(application_of(provider), lambda url: pages.append(visit(url)))
    assert caught.value.code == ExitCode.LOGIN
    assert "You are not signed in" in pages[0]
    provider.refuse("authorize", "access_denied", "AADSTS53003: Blocked by Conditional Access.")
    with pytest.raises(SignInError) as caught:
        sign_in_by_browser(application_of(provider), visit)
    assert "mkwmail login --device" in caught.value.faults[0].remedy


def test_nobody_comes(provider: AuthorizationServer) -> None:
    with pytest.raises(SignInError) as caught:
        sign_in_by_browser(application_of(provider), lambda url: None, seconds=0.05)
    assert "nobody approved the sign-in in time" in str(caught.value)


def test_from_another_computer_the_address_is_pasted(provider: AuthorizationServer) -> None:
    ended: list[str] = []

    def show(url: str) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        # A slip first: what is no answer is waited past.
        ended.extend([f"{provider.authorize(query)}\n", "http://127.0.0.1/?code=x&state=y\n", "what?\n"])

    issued = sign_in_by_browser(application_of(provider), show, lambda: ended.pop() if ended else "")
    assert issued.access.reveal() in provider.issued


@needs_chromium
def test_a_real_browser_signs_in(provider: AuthorizationServer) -> None:
    with a_browser() as browser:
        page = browser.new_page(ignore_https_errors=True)
        issued = sign_in_by_browser(application_of(provider), page.goto)
        assert "You can close this window" in page.inner_text("body")
        assert page.title() == "mkwmail"
    assert issued.access.reveal() in provider.issued
