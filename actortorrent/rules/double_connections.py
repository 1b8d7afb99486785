"""Which of two connections to the same peer is kept.

Two peers that dial each other at the same moment end with two connections, and each
must drop the same one without a word about it. So the one is kept that the side with
the larger peer id has dialled. Where both were dialled by the same side, the older.
"""

from __future__ import annotations


def keep_newer(our_id: bytes, peer_id: bytes, *, older_is_ours: bool, newer_is_ours: bool) -> bool:
    """Say whether the newer connection is kept; `..._is_ours`: it was dialled by us."""
    if older_is_ours == newer_is_ours:
        return False
    return newer_is_ours == (our_id > peer_id)
