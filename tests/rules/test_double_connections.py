from __future__ import annotations

import pytest

from actortorrent.rules.double_connections import keep_newer

SMALL, LARGE = b"-AT0001-aaaaaaaaaaaa", b"-AT0001-bbbbbbbbbbbb"


@pytest.mark.parametrize("we_dialled_first_there", [True, False])
@pytest.mark.parametrize("we_dialled_first_here", [True, False])
@pytest.mark.parametrize(("our_id", "peer_id"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_both_sides_keep_the_connection_that_the_larger_id_dialled(
    our_id: bytes, peer_id: bytes, we_dialled_first_here: bool, we_dialled_first_there: bool
) -> None:
    """Each side may see the two connections come up in either order."""

    def kept_is_ours(own: bytes, other: bytes, *, older_is_ours: bool) -> bool:
        newer_stays = keep_newer(
            own, other, older_is_ours=older_is_ours, newer_is_ours=not older_is_ours
        )
        return (not older_is_ours) if newer_stays else older_is_ours

    here = kept_is_ours(our_id, peer_id, older_is_ours=we_dialled_first_here)
    there = kept_is_ours(peer_id, our_id, older_is_ours=we_dialled_first_there)
    assert here == (our_id == LARGE)
    assert there == (not here)


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize(("our_id", "peer_id"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_of_two_that_the_same_side_dialled_the_older_stays(
    our_id: bytes, peer_id: bytes, is_ours: bool
) -> None:
    assert not keep_newer(our_id, peer_id, older_is_ours=is_ours, newer_is_ours=is_ours)
