"""Why a program on the network does not answer, in words; pure."""

from __future__ import annotations

import os

import aiohttp

CONNECT_SECONDS = 10
"""How long a connection may take to be made."""
ANSWER_SECONDS = 60
"""How long one answer may take."""


def why_no_answer(error: aiohttp.ClientError | TimeoutError) -> str:
    """The reason without the terms of libraries, such as `connection refused`; in lower case and without a stop."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} is not known"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "it does not speak HTTPS, or not in a version that is safe"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {CONNECT_SECONDS} seconds"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_SECONDS} seconds"
    if isinstance(error, aiohttp.ClientOSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "it closed the connection"
    if isinstance(error, aiohttp.ClientResponseError):
        return "its answer is not HTTP; check the address and whether it begins with http or https"
    return str(error) or type(error).__name__
