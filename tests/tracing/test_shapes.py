from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import pytest
from msgspec import Struct

from actortorrent.tracing.shapes import (
    annotations_of,
    field_names,
    has_fields,
    is_frozen,
    made_of,
)


class Base(Struct, frozen=True):
    kind: ClassVar[str] = "base"
    number: int


class Frozen(Base, frozen=True, kw_only=True):
    text: str = ""


class Open(Struct):
    number: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class FrozenClass:
    number: int
    text: str = field(default="", repr=False)


@dataclass(slots=True)
class OpenClass:
    number: int
    text: str = ""


class Row(NamedTuple):
    number: int
    text: str = ""


@pytest.mark.parametrize("kind", [Frozen, Open, FrozenClass, OpenClass, Row])
def test_fields_are_named_in_order_and_those_inherited_come_first(kind: type) -> None:
    assert field_names(kind) == ("number", "text")


def test_what_is_none_of_these_has_no_fields() -> None:
    assert field_names(int) == ()
    assert not has_fields(3)
    assert not is_frozen(dict)


@pytest.mark.parametrize("kind", [Frozen, Open, FrozenClass, OpenClass])
def test_structs_and_dataclasses_have_fields_and_say_how_these_are_annotated(kind: Any) -> None:
    assert has_fields(kind(number=1))
    assert annotations_of(kind) == {"number": "int", "text": "str"}


@pytest.mark.parametrize(
    ("kind", "expected"), [(Frozen, True), (FrozenClass, True), (Open, False), (OpenClass, False)]
)
def test_only_those_are_frozen_that_nobody_can_change(kind: Any, expected: bool) -> None:
    value = kind(number=1)
    assert is_frozen(kind) == expected
    try:
        value.number = 2
    except AttributeError:
        assert value.number == 1
    assert (value.number == 1) == expected


@pytest.mark.parametrize("kind", [Frozen, FrozenClass])
def test_a_value_is_made_of_whatever_its_fields_are_to_be(kind: Any) -> None:
    value: Any = made_of(kind, [None, ["not a text"]])
    assert type(value) is kind
    assert (value.number, value.text) == (None, ["not a text"])
