"""What values are made of: Structs of msgspec, dataclasses and named tuples, read alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from msgspec import Struct


def field_names(kind: Any) -> tuple[str, ...]:
    """Return the names of a kind's fields, in order; none of a kind that has no fields."""
    names: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
    if names is None:
        names = getattr(kind, "_fields", None)
    if names is None and dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
    return names or ()


def has_fields(value: object) -> bool:
    """Say whether a value is a Struct or a dataclass."""
    return isinstance(value, Struct) or dataclasses.is_dataclass(value)


def is_frozen(kind: type) -> bool:
    """Say whether a kind is a Struct or dataclass that nobody can change."""
    if issubclass(kind, Struct):
        return kind.__struct_config__.frozen
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and parameters.frozen


def annotations_of(kind: type) -> dict[str, Any]:
    """Return how the fields of a kind are annotated, those that it inherits, too."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        found |= vars(base).get("__annotations__", {})
    return {name: found[name] for name in field_names(kind)}


def made_of(kind: type, values: Iterable[object]) -> object:
    """Return a value with these fields, whatever they are."""
    fields = dict(zip(field_names(kind), values, strict=True))
    if issubclass(kind, Struct):
        return kind(**fields)
    like_it: object = object.__new__(kind)
    for name, item in fields.items():
        object.__setattr__(like_it, name, item)
    return like_it
