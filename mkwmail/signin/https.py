"""Questions to the provider over HTTPS, with the certificates and the proxy that the system knows.

The standard library's own client: it trusts what the mail session trusts (the system's authorities, or SSL_CERT_FILE),
so that it works behind a proxy that an organisation reads along with, and it tells nobody who it is.
"""

import ssl
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from mkwmail.language import _
from mkwmail.signin.faults import unreachable
from mkwmail.system import reason_of

_SECONDS = 30.0
_MOST = 1_000_000  # octets of an answer


class _NoRedirect(HTTPRedirectHandler):
    """A token endpoint that sends us elsewhere is none: what is asked holds secrets."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def post(url: str, body: str) -> tuple[int, bytes]:
    """Ask, as a form (RFC 6749 §4.1.3); status and body of the answer, whatever the status.

    :raises SignInError: code SERVER where there is no answer, or from nobody who can be trusted.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = Request(url, body.encode("ascii"), headers)
    problem: OSError | HTTPException | None = None
    try:
        with _opener().open(request, timeout=_SECONDS) as answer:
            return answer.status, answer.read(_MOST)
    except HTTPError as error:
        with error:
            return error.code, error.read(_MOST)
    except (OSError, HTTPException) as error:
        problem = error
    # Raised here and not within: no exception carries frames in which what was asked is at hand.
    raise _unreachable(urlsplit(url).netloc, problem)


def _opener() -> OpenerDirector:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return build_opener(HTTPSHandler(context=context), _NoRedirect())


def _unreachable(place: str, error: OSError | HTTPException) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        fault = _("its certificate cannot be trusted: %(reason)s") % {"reason": reason.verify_message}
        remedy = _(
            "if your organisation reads along with a proxy of its own: let SSL_CERT_FILE name a file with its authority"
        )
        return unreachable(place, fault, remedy, lasting=True)
    words = reason_of(reason) if isinstance(reason, OSError) else str(reason)
    return unreachable(place, words, _("check the network, and give the command again"))
