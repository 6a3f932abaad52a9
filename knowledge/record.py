"""The base of records that a lookup on a terminal needs before it can answer.

``import dataclasses`` alone takes as long as Python's own start, so these records are ``collections.namedtuple`` with
the types of their fields written beneath. ``Record`` makes pydantic, which only the service imports, treat them as it
treats dataclasses: in JSON a record is an object of its fields.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Record:
    """Mixed into a ``namedtuple`` whose class body annotates each field.

    A field that is named after a keyword of Python has an underscore at its end (``class_``), which JSON does not have.
    """

    __slots__ = ()

    def as_object(self) -> dict[str, Any]:
        """Return the fields by the names that they have in JSON."""
        names: tuple[str, ...] = self._fields  # type: ignore[attr-defined]  # of the namedtuple that this is mixed into
        return {name.removesuffix("_"): getattr(self, name) for name in names}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Describe the record to pydantic: how to check, read and write it, and its JSON schema.

        Annotations may use ``Literal`` and the names of ``knowledge.diagnosis`` without importing them: the module that
        declares a record does not import typing.
        """
        from typing import Literal, get_type_hints

        from pydantic_core import core_schema

        from knowledge import diagnosis

        hints = get_type_hints(cls, localns={"Literal": Literal, **vars(diagnosis)})
        names = {name.removesuffix("_"): name for name in source._fields}
        fields = {
            key: core_schema.typed_dict_field(
                handler.generate_schema(hints[name]), required=name not in source._field_defaults
            )
            for key, name in names.items()
        }
        as_object = core_schema.typed_dict_schema(fields, cls=cls)
        return core_schema.no_info_wrap_validator_function(
            lambda value, read: (
                value if isinstance(value, cls) else source(**{names[key]: each for key, each in read(value).items()})
            ),
            as_object,
            serialization=core_schema.plain_serializer_function_ser_schema(source.as_object, return_schema=as_object),
            ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        )
