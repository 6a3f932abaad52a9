"""What is kept of the output of a save command."""

from __future__ import annotations

from service.saving.process import MOST_OUT, SaveProcess


async def test_end_of_the_output_is_kept_and_more_where_a_list_needs_it() -> None:
    for kept in (MOST_OUT, 1 << 20):
        words = ["sh", "-c", "head -c 500000 /dev/zero | tr '\\0' x; echo end"]
        process = await SaveProcess.start(words, {"PATH": "/usr/bin:/bin"}, most_out=kept)
        try:
            ended = await process.ended()
        finally:
            await process.stop()

        assert ended.out.endswith("xend\n")
        assert len(ended.out) == min(kept, 500_004)
