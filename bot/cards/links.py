"""Links to the pages of the service. Pure: no I/O."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.blocks import code, escape

LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}


def page_link(service_url: str, path: str, text: str) -> str:
    """A mrkdwn link to a page of the service, with this text.

    When the bot knows the service by an address of its own machine, a link would not work for the readers. The text
    and the path are shown then.
    """
    if urlsplit(service_url).hostname in LOCAL_HOSTS:
        return f"{escape(text)}: {code(path)} on the vmkops service"
    return f"<{escape(service_url + path)}|{escape(text)}>"
