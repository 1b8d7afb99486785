"""Whether connections are encrypted: what `--encryption` means at each of its decisions."""

from __future__ import annotations

from enum import StrEnum

from actortorrent.wire.encryption import BOTH, Method


class Encryption(StrEnum):
    """Say how connections begin and go on."""

    ALLOW = "allow"  # dial plain, then encrypted if the peer hangs up; take both
    PREFER = "prefer"  # dial encrypted, then plain if that fails; take both
    REQUIRE = "require"  # nothing but RC4
    OFF = "off"  # nothing but plain

    @property
    def is_on(self) -> bool:
        """Say whether connections may begin encrypted."""
        return self is not Encryption.OFF

    @property
    def dials_encrypted(self) -> bool:
        """Say whether connections that we dial begin encrypted at once."""
        return self in (Encryption.PREFER, Encryption.REQUIRE)

    @property
    def prefers_plain(self) -> bool:
        """Say whether a stream goes on plainly where the peer leaves it to us."""
        return self is Encryption.ALLOW

    @property
    def takes_plain(self) -> bool:
        """Say whether connections may begin plainly."""
        return self is not Encryption.REQUIRE

    @property
    def methods(self) -> Method:
        """Return how a stream may go on behind an encrypted beginning."""
        return BOTH if self.takes_plain else Method.RC4
