"""The shape of an explanation: what the tables of `explanations.py` are made of."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Field(Struct, frozen=True):
    """Say where in a wire message a field stands.

    Attributes:
        name: as the trace has it, where it does.
        size: in bytes; 0 for all the rest.
        meaning: what it holds.
    """

    name: str
    size: int
    meaning: str


class Explanation(Struct, frozen=True):
    """Explain one kind of message, decision or fact.

    Attributes:
        meaning: what it says.
        duty: what whoever receives it has to do; empty where nothing is to be done.
        source: the BEP and its section, or the page of ours that says so.
        handler: our method that takes it, as `Class.method`; empty where there is none.
        fields: of a wire message, in the order in which they travel.
    """

    meaning: str
    duty: str = ""
    source: str = ""
    handler: str = ""
    fields: tuple[Field, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as a report has it."""
        told = {
            "meaning": self.meaning,
            "duty": self.duty,
            "source": self.source,
            "handler": self.handler,
            "fields": [[field.name, field.size, field.meaning] for field in self.fields],
        }
        return {key: value for key, value in told.items() if value}
