"""What tests with real peers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.namespaces import Namespace, network_namespace


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    """Return a few files with pieces across their borders."""
    return content_maker({"a.bin": 700_000, "b/c.bin": 300_001, "empty": 0})


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """Return a network whose addresses Transmission takes for real ones."""
    with network_namespace() as made:
        yield made
