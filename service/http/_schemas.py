"""JSON schemas of the values that cross the API, named and described as they are declared."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import CoreModeRef, CoreRef, DefsRef, GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from service.api import lookups, p2v, runs
from service.api.adapter import adapter

Kind = tuple[type[Any], JsonSchemaMode]
"""A type, and whether callers send it (`validation`) or get it (`serialization`)."""
Schema = dict[str, Any]

PUBLIC_NAMES = {
    value: name
    for module in (lookups, p2v, runs)
    for name, value in vars(module).items()
    if isinstance(value, type) and name in module.__all__
}
"""The names that the API has for values of `knowledge`."""


def schemas(kinds: Iterable[Kind]) -> tuple[Mapping[Kind, Schema], Schema]:
    """The schema of each type, which is a reference, and the components that they refer to."""
    inputs: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
        (kind, mode, adapter(kind)) for kind, mode in dict.fromkeys(kinds)
    ]
    found, rest = TypeAdapter.json_schemas(
        inputs, ref_template="#/components/schemas/{model}", schema_generator=_Schemas
    )
    return found, rest.get("$defs", {})


class _Schemas(GenerateJsonSchema):
    """Uses the API's own names, and the docstrings below fields as their descriptions."""

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        """Name a component as the API names its type: pydantic would take the name of the class."""
        core_ref, mode = core_mode_ref
        qualified, _, number = core_ref.rpartition(":")
        public = _BY_QUALIFIED_NAME.get(qualified)
        return super().get_defs_ref((CoreRef(f"{public}:{number}") if public else core_ref, mode))

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Whether a field is always there: in what callers get, all are."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Describe a model."""
        return _described(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> Schema:
        """Describe a dataclass."""
        return _described(super().dataclass_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> Schema:
        """Describe a record."""
        return _described(super().typed_dict_schema(schema), schema["cls"])


_BY_QUALIFIED_NAME = {f"{kind.__module__}.{kind.__qualname__}": name for kind, name in PUBLIC_NAMES.items()}


def _described(schema: Schema, kind: type[Any]) -> Schema:
    """The schema with the public name of its type, and what the docstrings below the fields say."""
    schema["title"] = PUBLIC_NAMES.get(kind, kind.__name__)
    properties = schema.get("properties", {})
    for base in reversed(kind.__mro__):
        for name, text in _field_docstrings(base):
            if name in properties:
                properties[name].setdefault("description", text)
    return schema


def _field_docstrings(kind: type[Any]) -> Iterator[tuple[str, str]]:
    """The name of each annotated field with the docstring below it."""
    if kind.__module__.partition(".")[0] not in ("knowledge", "service"):
        return
    (declaration,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(declaration, ast.ClassDef)
    for field, below in zip(declaration.body, declaration.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
