"""Signing in with a code on another device, against a provider over TLS."""

from dataclasses import dataclass, field

import pytest

from mkwmail.auth.credentials import SignInError
from mkwmail.auth.oauth_protocol import DeviceCode, Patience, sign_in_by_device
from mkwmail.errors import ExitCode
from tests.auth.people import NAME, application_of
from tests.authorization_server import AuthorizationServer
from tests.delivery.certificates import Certificate


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    waited: list[float] = field(default_factory=list)

    def patience(self) -> Patience:
        return Patience(self.waited.append, lambda: sum(self.waited))


def refusal(provider: AuthorizationServer, clock: Clock | None = None) -> SignInError:
    with pytest.raises(SignInError) as caught:
        sign_in_by_device(application_of(provider), lambda code: None, (clock or Clock()).patience())
    assert caught.value.faults[0].remedy
    return caught.value


def test_a_code_is_shown_and_tokens_come_when_it_is_approved(provider: AuthorizationServer) -> None:
    shown: list[DeviceCode] = []
    issued = sign_in_by_device(application_of(provider), shown.append, Clock().patience())
    assert (shown[0].user, shown[0].address) == ("WXYZ-1234", f"{provider.url}/apparaat")
    assert provider.is_good(NAME, issued.access.reveal())
    assert issued.refresh is not None and issued.refresh.reveal() in provider.refreshed
    assert shown[0].device.reveal() not in repr(shown) and "***" in repr(issued)


def test_slow_approval_is_waited_for_at_the_providers_pace(provider: AuthorizationServer) -> None:
    provider.pending, provider.slow_down, provider.interval = 3, 2, 5
    clock = Clock()
    sign_in_by_device(application_of(provider), lambda code: None, clock.patience())
    # Five seconds more for each slow_down, for good (RFC 8628 §3.5).
    assert clock.waited == [5, 10, 15, 15, 15, 15]


def test_who_refuses_is_heard(provider: AuthorizationServer) -> None:
    for error in ("access_denied", "authorization_declined"):
        provider.refuse("device_code", error)
        told = refusal(provider)
        assert (told.code, told.lasting) == (ExitCode.LOGIN, True)
        assert "the sign-in was refused" in str(told)


def test_a_code_that_expires_is_no_longer_asked_about(provider: AuthorizationServer) -> None:
    provider.pending, provider.interval, provider.code_lifetime = 10**6, 60, 900
    clock = Clock()
    assert "nobody approved the sign-in in time" in str(refusal(provider, clock))
    assert sum(clock.waited) == 900
    provider.refuse("device_code", "expired_token")
    assert "nobody approved the sign-in in time" in str(refusal(provider))


def test_a_provider_that_is_out_for_a_moment_is_asked_again(provider: AuthorizationServer) -> None:
    provider.refuse("device_code", "503")
    clock = Clock()

    def back(seconds: float) -> None:
        clock.waited.append(seconds)
        if len(clock.waited) == 3:
            provider.allow()

    issued = sign_in_by_device(application_of(provider), lambda code: None, Patience(back, lambda: sum(clock.waited)))
    assert issued.access.reveal() in provider.issued


@pytest.mark.parametrize(
    ("error", "description", "words", "remedy"),
    [
        ("invalid_grant", "AADSTS530033: Access has been blocked by policies.", "signing in with a code", "--browser"),
        ("interaction_required", "AADSTS50199: For security reasons", "signing in with a code", "--browser"),
        ("invalid_grant", "AADSTS53003: blocked by Conditional Access", "signing in with a code", "--browser"),
        ("invalid_grant", "AADSTS65001: The user or administrator has not consented", "nobody has agreed", "consent"),
        ("invalid_client", "AADSTS7000218: must contain client_assertion", "a client secret", "public client flows"),
        (
            "unauthorized_client",
            "AADSTS700016: not found in the directory",
            "does not know this",
            "client_id and tenant",
        ),
        ("invalid_request", "AADSTS90002: Tenant 'x' not found", "does not know this application", "tenant"),
        (
            "invalid_grant",
            "AADSTS50020: User account from identity provider",
            "does not belong to the organisation",
            NAME,
        ),
        ("invalid_scope", "", "right to send mail", "permission"),
        ("made_up", "Something new. Trace ID: 12-34 Timestamp: 2026", "Something new", "mkwmail login"),
    ],
)
def test_what_the_provider_says_is_shown_in_a_sentence_with_a_remedy(
    provider: AuthorizationServer, error: str, description: str, words: str, remedy: str
) -> None:
    for what in ("device", "device_code"):
        provider.allow()
        provider.refuse(what, error, description)
        told = refusal(provider)
        assert told.code == ExitCode.LOGIN and told.lasting
        assert words in told.faults[0].fault and remedy in told.faults[0].remedy
        # A text that differs each time would be news each time.
        assert "Trace" not in str(told)


def test_a_provider_whose_certificate_nobody_vouches_for_gets_nothing(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with AuthorizationServer(certificate) as provider:
        told = refusal(provider)
        assert provider.asked == []
    assert (told.code, told.lasting) == (ExitCode.SERVER, True)
    assert "SSL_CERT_FILE" in told.faults[0].remedy


def test_nobody_answers_or_something_else_does(provider: AuthorizationServer) -> None:
    provider.refuse("device", "404")
    told = refusal(provider)
    assert "does not support OAuth" in str(told) and told.lasting
    provider.refuse("device", "500")
    assert (refusal(provider).code, refusal(provider).lasting) == (ExitCode.SERVER, False)
    provider.__exit__(None, None, None)
    told = refusal(provider)
    assert (told.code, told.lasting) == (ExitCode.SERVER, False)


def test_a_provider_that_sends_us_elsewhere_is_not_followed(provider: AuthorizationServer) -> None:
    provider.refuse("device", "302")
    assert "does not support OAuth" in str(refusal(provider))
    assert [path for path, _form in provider.asked] == ["/device"]
