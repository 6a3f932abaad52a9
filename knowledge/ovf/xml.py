"""Parses untrusted XML: no document type, so no entities of any kind, and limits on size, depth and elements.

It uses the standard library's expat directly, because expat has line numbers and applies the limits while it reads,
before a large tree exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn
from xml.parsers import expat

from knowledge.errors import Unreadable
from knowledge.for_people import amount

LARGEST_DOCUMENT = 4 * 1024 * 1024
"""The largest document, in bytes; descriptors have tens of kilobytes, or hundreds with long license texts."""
DEEPEST = 64
MOST_ELEMENTS = 200_000

_CHUNK = 16 * 1024
_SEPARATOR = "\f"
"""The separator between namespace and name: XML does not allow this character, so no namespace contains it."""


class XmlRefused(Unreadable):
    """The document is damaged or unsafe; ``rule`` is the id of the finding, ``line`` its line or 0."""

    def __init__(self, rule: str, message: str, line: int) -> None:
        super().__init__(message)
        self.rule = rule
        self.line = line


class Element:
    """One element: its name and attributes (without namespaces), its namespace, its children, text and line."""

    __slots__ = ("attributes", "children", "line", "name", "namespace", "pieces")

    def __init__(self, name: str, namespace: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.namespace = namespace
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.pieces: list[str] = []

    @property
    def text(self) -> str:
        """The text directly inside the element, without whitespace at the ends."""
        return "".join(self.pieces).strip()

    def walk(self) -> Iterator[Element]:
        """Yield this element and everything below it, in document order."""
        pending = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))


def parse(data: bytes) -> Element:
    """Return the root element of ``data``; raises XmlRefused."""
    if len(data) > LARGEST_DOCUMENT:
        raise XmlRefused("xml-too-large", f"The document is larger than {amount(LARGEST_DOCUMENT)}.", 0)
    reader = _Reader()
    reader.read(data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    if reader.root is None:
        raise XmlRefused("xml-malformed", "The document is empty.", 1)
    return reader.root


class _Reader:
    """Builds the tree while expat reads, and stops at the first limit."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[Element] = []
        self.elements = 0
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def read(self, chunks: Iterable[bytes]) -> None:
        try:
            for chunk in chunks:
                self.parser.Parse(chunk, False)
            self.parser.Parse(b"", True)
        except XmlRefused:
            raise
        except expat.ExpatError as broken:
            raise XmlRefused("xml-malformed", _explained(broken.code), broken.lineno) from broken
        except (LookupError, ValueError) as broken:
            message = "The document is in an encoding that cannot be read."
            raise XmlRefused("xml-malformed", message, self.parser.CurrentLineNumber) from broken

    def _doctype(self, *_: object) -> NoReturn:
        message = "The document has a document type declaration, whose entities could read files or fill the memory."
        raise XmlRefused("xml-doctype", message, self.parser.CurrentLineNumber)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise XmlRefused("xml-too-large", f"The document has more than {MOST_ELEMENTS} elements.", line)
        if len(self.open) >= DEEPEST:
            raise XmlRefused("xml-too-deep", f"Elements are nested more than {DEEPEST} levels deep.", line)
        namespace, _, local = name.rpartition(_SEPARATOR)
        element = Element(local, namespace, {_local(key): value for key, value in attributes.items()}, line)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, _name: str) -> None:
        self.open.pop()

    def _characters(self, text: str) -> None:
        self.open[-1].pieces.append(text)


def _explained(code: int) -> str:
    reason = expat.ErrorString(code)
    if reason == expat.errors.XML_ERROR_UNBOUND_PREFIX:
        return f"A name begins with a prefix that no xmlns attribute declares, such as xmlns:vmw ({reason})."
    return f"{reason}."


def _local(name: str) -> str:
    """Return the name without its namespace: OVF 0.9, 1 and 2 have different namespaces but the same names."""
    return name.rpartition(_SEPARATOR)[2]
