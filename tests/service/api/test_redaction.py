"""A signed URL keeps its secret wherever people can read it."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.api.redaction import is_redacted, redact, redact_params, redact_url, without_secrets

SECRET = "s3cret"
URLS = {
    "https://h.example.com/x.ova?X-Amz-Signature=s3cret": "https://h.example.com/x.ova?REDACTED",
    "https://h.example.com:8443/x.ova?a=1&sig=s3cret#part": "https://h.example.com:8443/x.ova?REDACTED",
    "https://h.example.com/x.ova#token=s3cret": "https://h.example.com/x.ova#REDACTED",
    "https://user:s3cret@h.example.com/x.ova": "https://REDACTED@h.example.com/x.ova",
    "https://user:s3/cret@s3cret@h.example.com/x?s3cret": "https://REDACTED@h.example.com/x?REDACTED",
    "https://user:s3/s3cret@h.example.com/x": "https://REDACTED@h.example.com/x",
    "//user:s3cret@h.example.com/x": "//REDACTED@h.example.com/x",
    "https:/h.example.com/x?token=s3cret": "https:/h.example.com/x?REDACTED",
    "postgresql://vmkops:s3cret@db/vmkops": "postgresql://REDACTED@db/vmkops",
}


@pytest.mark.parametrize("url", URLS)
def test_secret_parts_of_a_url_are_replaced(url: str) -> None:
    assert redact_url(url) == URLS[url]
    assert redact(f"The download of {url} failed.") == f"The download of {URLS[url]} failed."
    assert redact(f"'{url}' (see {url}), or {url}: no") == f"'{URLS[url]}' (see {URLS[url]}), or {URLS[url]}: no"


@pytest.mark.parametrize("url", URLS)
def test_redacted_url_stays_as_it_is_and_is_recognized(url: str) -> None:
    assert redact(URLS[url]) == redact_url(URLS[url]) == URLS[url]
    assert is_redacted(URLS[url])
    assert not is_redacted(url)


@pytest.mark.parametrize(
    "text",
    [
        "https://h.example.com/x.ova",
        "https://h.example.com:8443/@scope/x.ova",
        "https://[2001:db8::1]:8443/x@y.ova",
        "https://[2001:db8::1]/x",
        "team/web-01.ova",
        "2 files, 5 bytes; see GET /jobs?live=true",
        "name:web-01",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == redact_url(text) == text


@pytest.mark.parametrize("text", ["x.vmdk?sig=s3cret", "/x?X-Amz-Security-Token=s3cret&a=b", "X-Goog-Signature=s3cret"])
def test_signature_outside_of_a_whole_url_is_replaced(text: str) -> None:
    assert SECRET not in redact(text)


@pytest.mark.parametrize("url", ["https://h/x?sig=a s3cret", "https://us er:s3cret@h/x", 'https://h/x?a="s3cret'])
def test_parameter_is_redacted_to_its_end(url: str) -> None:
    assert SECRET not in str(redact_params({"source": url, "more": [{"deep": url}]}))


def test_other_parameters_stay_as_they_are() -> None:
    params = {
        "name": "web-01",
        "size": 5,
        "on": True,
        "none": None,
        "networks": {"a?b": "c?d", "/e?f": "/g?h#i"},
        "list": ["x"],
    }

    assert redact_params(params) == params


def test_title_is_the_url_without_its_secret_parts() -> None:
    assert without_secrets(" https://u:s3cret@h.example.com/x.ova?s=s3cret#part ") == "https://h.example.com/x.ova"
    assert len(without_secrets("https://h.example.com/" + "x" * 500)) == 200


@pytest.mark.parametrize(
    "token",
    ["vmkops_" + "aB3-_" * 9, "xoxb-1234-5678-abcdEFGH", "xapp-1-A0123-456-abcdef"],
)
def test_tokens_are_replaced(token: str) -> None:
    assert redact(f"it sent {token}, then") == "it sent REDACTED, then"
    assert redact("Authorization: Bearer eyJhbGciOi.J9") == "Authorization: Bearer REDACTED"
    assert redact("vmkops_tokens and vmkops_json are names") == "vmkops_tokens and vmkops_json are names"


unreserved = st.text("abcXYZ019-._~!$&'()*+,;=:@/?%", min_size=0, max_size=20)


@given(before=unreserved, after=unreserved, part=st.sampled_from(["?{}", "#{}", "?a=b#{}", "?a=b&c={}"]))
def test_no_query_is_shown_whatever_it_contains(before: str, after: str, part: str) -> None:
    url = "https://h.example.com/x.ova" + part.format(f"{before}{SECRET}{after}")

    assert SECRET not in redact(url)
    assert SECRET not in redact(f"see {url}, or not")
    assert SECRET not in redact_url(url)
    assert SECRET not in without_secrets(url)


@given(before=unreserved, after=st.text("abcXYZ019-._~!$&'()*+,;=:%", max_size=20))
def test_no_password_is_shown_whatever_it_contains(before: str, after: str) -> None:
    password = f"{before.replace('?', '')}{SECRET}{after}"
    assume(not re.match(r"\d+/", password))  # by the standard, this is a port and a path
    url = f"https://user:{password}@h.example.com/x.ova"

    assert SECRET not in redact(f"see {url}, or not")
    assert SECRET not in redact_url(url)
    assert SECRET not in without_secrets(url)


@pytest.mark.parametrize("text", ["A" * 300_000, "a:/" * 100_000, "x//" * 100_000, "vmkops_" * 40_000, "sig=" * 70_000])
def test_time_grows_with_the_length_of_the_text(text: str) -> None:
    """With a cost that grows with its square, the first of these takes an hour."""
    assert redact(text)
