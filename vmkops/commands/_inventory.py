"""What the commands of the live inventory share: ask the service, and print what it answers."""

from __future__ import annotations

import json

from vmkops.commands._color import show_lines


async def print_answer(path: str, query: dict[str, str], *, as_json: bool) -> int:
    """Print the answer of GET `path` as text or as JSON, and return 0."""
    from vmkops.commands._console import client
    from vmkops.commands._shown import for_people

    async with client() as service:
        if as_json:
            print(json.dumps(await service.get(path, **query)))
        else:
            text = await service.get_text(path, **query)
            show_lines([for_people(text.removesuffix("\n"))])
    return 0
