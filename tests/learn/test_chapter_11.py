"""What chapter 11 says of a magnet link and a liar is true in a new run."""

from __future__ import annotations

from pathlib import Path

from actortorrent import Metainfo
from actortorrent.wire.magnet import parse_magnet
from tests.learn.claims import by_time, decisions, events_of, wire
from tests.learn.running import in_most_runs_of

FETCH = "magnet/fetch.trace"
WANTED = [0, 500, 501, 502]


def parts(path: Path, actor: str) -> list[tuple[str, str]]:
    """Return what a connection said of parts: `sent` or `received`, and the words."""
    told = [
        (way, data["fields"]["says"]) for way, kind, data in wire(path, actor) if kind == "extended"
    ]
    return [(way, says) for way, says in told if says.startswith("metadata ")]


def liar_in(path: Path) -> str:
    """Return the actor of the connection with the liar."""
    (found,) = (
        event.actor
        for event in events_of(path)
        if event.data.get("type") == "handshake"
        and event.data["fields"]["peer_id"].startswith("-LI0001-")
    )
    return found


def test_the_link_has_nothing_of_the_torrent_but_its_info_hash(fresh: Path) -> None:
    link = parse_magnet((fresh / "magnet/link.txt").read_text("utf-8"))
    torrent = Metainfo.from_file(fresh / "magnet/book.torrent")
    assert link.info_hash == torrent.info_hash
    assert len(link.peers) == 3
    assert link.selected_files(1000) == set(WANTED)


def test_the_liar_hears_the_bit_the_handshake_and_its_own_number(fresh: Path) -> None:
    heard = (fresh / "magnet/liar.txt").read_text("utf-8").splitlines()[1:]
    assert heard[0].split()[6] == "10"
    assert heard[1].startswith("20 0 b'd")
    assert "11:ut_metadatai1e" in heard[1]
    assert all(line.startswith("20 7 b'd8:msg_typei0e5:piecei") for line in heard[2:])


def test_the_liar_gives_one_part_and_the_seeds_the_others(fresh: Path) -> None:
    path = fresh / FETCH
    came = [says for way, says in parts(path, liar_in(path)) if way == "received"]
    assert came[0].startswith("metadata data part 0")
    assert {says.split(" part")[0] for says in came[1:]} == {"metadata reject"}


def test_the_hash_is_wrong_then_right_and_only_the_liar_is_banned(fresh: Path) -> None:
    path = fresh / FETCH
    liar = liar_in(path)
    told = sorted((one for one in events_of(path) if "metadata_" in one.name), key=by_time)
    assert [one.name for one in told] == ["bt:metadata_failed", "bt:metadata_verified"]
    assert int(liar.removeprefix("Peer-")) in told[0].data["contributors"]
    assert len(told[0].data["contributors"]) > 1
    (ban,) = decisions(path, "ban_peer")
    assert ban["chosen"] == liar


@in_most_runs_of(11)  # the liar may be the one who is asked, and it refuses
def test_after_that_one_peer_alone_is_asked_for_everything(fresh: Path) -> None:
    path = fresh / FETCH
    asked = [one for one in events_of(path) if one.data.get("type") == "ask_part"]
    (failed,) = (one for one in events_of(path) if one.name == "bt:metadata_failed")
    again = [one.data for one in asked if one.data["lc"][0] > failed.lc]
    parts_again = {one["args"]["part_index"] for one in again}
    assert {0} <= parts_again <= set(range(6)), "but for what that one still had to send"
    assert len({one["to"] for one in again}) == 1


def test_who_stores_and_who_picks_are_started_when_the_torrent_is_known(fresh: Path) -> None:
    begun = [one for one in events_of(fresh / FETCH) if one.name == "actor:spawned"]
    classes = [one.data["class"] for one in sorted(begun, key=by_time)]
    assert set(classes[: classes.index("Storage")]) >= {"Metadata", "MetadataPeerActor"}
    assert "PeerActor" not in classes[: classes.index("PieceManager")]
    assert "MetadataPeerActor" not in classes[classes.index("Storage") :]


def test_only_the_pages_of_the_link_are_fetched_under_their_true_names(fresh: Path) -> None:
    pages = sorted(path.name for path in (fresh / "magnet/to/book").iterdir() if path.is_file())
    assert [int(name[-3:]) for name in pages] == WANTED
    for name in pages:
        assert "only numbers" in name
        assert (fresh / "magnet/to/book" / name).read_bytes() == (
            fresh / "magnet/book" / name
        ).read_bytes()
