"""Decodes vmkernel logs: finds every vmkernel code, SCSI status and storage name, with its position and meaning.

Start at ``decode_line`` or ``decode_text``; ``stream.decode_stream`` reads logs of any size. ``codes``, ``storage`` and
``names`` each find one sort of thing, and ``origin`` infers the ESX release that wrote a line.

>>> [finding.summary for finding in decode_line("Migrate: 269: Failed: IO was aborted (0xbad00e0) @0x41801e280b11")]
['0xbad00e0 IO was aborted (VMK_ABORTED)']
"""

from knowledge.vmklog.decoding import decode_line, decode_text
from knowledge.vmklog.finding import Finding, Meaning, summarize

__all__ = ["Finding", "Meaning", "decode_line", "decode_text", "summarize"]
