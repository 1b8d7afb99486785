"""What is told of a trace node by node: as JSON, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from actortorrent.tracing.show import Line


class _OfNode(Protocol):
    def to_json(self) -> dict[str, Any]: ...

    def lines(self) -> Iterator[Line]: ...


T = TypeVar("T", bound=_OfNode)


class NodeByNode(Generic[T]):
    """Hold what there is to tell of each node."""

    def __init__(self, nodes: Sequence[T]) -> None:
        self.nodes = tuple(nodes)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"nodes": [node.to_json() for node in self.nodes]}

    def lines(self) -> Iterator[Line]:
        """Yield it for people, an empty line between nodes."""
        for number, node in enumerate(self.nodes):
            if number:
                yield ()
            yield from node.lines()
