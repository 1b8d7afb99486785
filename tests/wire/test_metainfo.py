from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import ExitCode, InvalidTorrentError, MetainfoError
from actortorrent.wire import metainfo as limits
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import Bencoded, encode
from actortorrent.wire.magnet import Magnet, parse_magnet
from actortorrent.wire.metainfo import MAX_DHT_NODES, Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo
from actortorrent.wire.torrent_files import MAX_FILES, MAX_TOTAL_BYTES, FileEntry
from actortorrent.wire.torrent_text import LEGACY_ENCODINGS

Info = dict[bytes, Bencoded]


def single(**changes: Any) -> Info:
    """Return an info dictionary of one file of 100 bytes, changed."""
    info: Info = {b"length": 100, b"name": b"x", b"piece length": 64, b"pieces": bytes(40)}
    return change(info, changes)


def multi(*files: Bencoded, **changes: Any) -> Info:
    """Return an info dictionary of these files and one piece of 1 MiB, changed."""
    info: Info = {
        b"files": list(files),
        b"name": b"x",
        b"piece length": 2**20,
        b"pieces": bytes(20),
    }
    return change(info, changes)


def change(values: Info, changes: dict[str, Bencoded]) -> Info:
    return values | {key.replace("_", " ").encode(): value for key, value in changes.items()}


def file(length: int, *path: bytes, **more: Any) -> Info:
    return change({b"length": length, b"path": list(path)}, more)


def read(info: Bencoded, **beside: Bencoded) -> Metainfo:
    return Metainfo.from_bytes(encode(change({b"info": info}, beside)))


class TestSingleFile:
    def test_its_one_file_has_its_name(self) -> None:
        torrent = read(single())
        assert torrent.is_single_file
        assert torrent.files == (FileEntry(("x",), 100, 0),)
        assert (torrent.total_length, torrent.piece_length, torrent.piece_count) == (100, 64, 2)

    def test_each_piece_has_its_hash(self) -> None:
        torrent = read(single(pieces=b"a" * 20 + b"b" * 20))
        assert [torrent.piece_hash(index) for index in range(2)] == [b"a" * 20, b"b" * 20]

    @pytest.mark.parametrize(("length", "piece_count"), [(0, 0), (1, 1), (63, 1), (64, 1), (65, 2)])
    def test_the_last_piece_may_have_any_size(self, length: int, piece_count: int) -> None:
        assert (
            read(single(length=length, pieces=bytes(20 * piece_count))).piece_count == piece_count
        )


class TestMultiFile:
    def test_files_follow_each_other(self) -> None:
        torrent = read(multi(file(3, b"a"), file(0, b"b"), file(4, b"d", b"e")))
        assert not torrent.is_single_file
        assert [(entry.path, entry.offset) for entry in torrent.files] == [
            (("a",), 0),
            (("b",), 3),
            (("d", "e"), 3),
        ]
        assert torrent.total_length == 7

    def test_padding_is_known_by_its_attribute(self) -> None:
        files = (file(3, b"a"), file(5, b".pad", b"5", attr=b"p"), file(4, b"b", attr=b"xh"))
        torrent = read(multi(*files))
        assert [entry.is_padding for entry in torrent.files] == [False, True, False]
        assert torrent.files[2].attributes == "xh"
        assert torrent.files[2].offset == 8

    def test_padding_needs_no_path(self) -> None:
        padding: Info = {b"attr": b"p", b"length": 5}
        assert read(multi(file(3, b"a"), padding)).files[1].path == (".pad", "5")

    def test_a_link_is_a_file_of_no_bytes_and_leads_nowhere(self) -> None:
        link = file(999, b"l", attr=b"l", **{"symlink path": [b"..", b"etc"]})
        assert read(multi(file(3, b"a"), link)).files[1] == FileEntry(("l",), 0, 3, "l")

    def test_tens_of_thousands_of_files_are_taken(self) -> None:
        files = [file(1, b"folder", b"%d" % number) for number in range(30_000)]
        assert len(read(multi(*files)).files) == 30_000

    def test_paths_are_kept_as_they_stand(self) -> None:
        assert read(multi(file(1, b"..", b"/etc"))).files[0].path == ("..", "/etc")


class TestInfoHash:
    def test_it_is_taken_over_the_bytes_as_they_stand(self) -> None:
        info = b"d6:pieces20:" + bytes(20) + b"4:name1:x12:piece lengthi64e6:lengthi9ee"  # unsorted
        torrent = Metainfo.from_bytes(b"d1:zi0e4:info" + info + b"e")
        assert torrent.info_hash == hashlib.sha1(info).digest()
        assert torrent.raw_info == info
        assert torrent.info_hash_hex == hashlib.sha1(info).hexdigest()

    def test_a_key_twice_within_info_is_refused(self) -> None:
        raw = encode({b"info": single()}).replace(b"6:lengthi100e", b"6:lengthi99e6:lengthi100e")
        with pytest.raises(InvalidTorrentError, match="a key that its dictionary does not have"):
            Metainfo.from_bytes(raw)

    def test_info_twice_is_refused(self) -> None:
        info = b"4:info" + encode(single())
        with pytest.raises(InvalidTorrentError, match="a key that this document does not have"):
            Metainfo.from_bytes(b"d" + info + info + b"e")

    def test_a_key_twice_beside_info_is_taken(self) -> None:
        raw = b"d7:comment1:a7:comment1:b4:info" + encode(single()) + b"e"
        assert Metainfo.from_bytes(raw).comment == "b"


class TestText:
    def test_the_utf_8_name_goes_before_the_other(self) -> None:
        info = single(name=b"\xff", **{"name.utf-8": "é".encode()})
        assert read(info).name == "é"

    def test_the_utf_8_path_goes_before_the_other(self) -> None:
        assert read(multi(file(1, b"\xff", **{"path.utf-8": [b"a"]}))).files[0].path == ("a",)

    def test_names_are_read_in_the_declared_encoding(self) -> None:
        name = "文件".encode("gbk")
        assert read(single(name=name), encoding=b"GBK").name == "文件"

    def test_utf_8_is_utf_8_whatever_is_declared(self) -> None:
        assert read(single(name="文件".encode()), encoding=b"GBK").name == "文件"

    @pytest.mark.parametrize("encoding", [b"", b"zip", b"idna", b"\xff", b"UTF-8", b"x" * 1000])
    def test_a_name_in_no_known_encoding_is_read_with_replacements(self, encoding: bytes) -> None:
        assert read(single(name=b"a\xffb"), encoding=encoding).name == "a\N{REPLACEMENT CHARACTER}b"

    @given(st.binary(max_size=30), st.sampled_from(sorted(LEGACY_ENCODINGS)))
    def test_any_name_becomes_text_that_can_be_written(self, name: bytes, encoding: str) -> None:
        read(single(name=name), encoding=encoding.encode()).name.encode()


class TestTrackers:
    def test_tiers_keep_their_order(self) -> None:
        tiers: list[Bencoded] = [[b"udp://a:1", b"http://b/x"], [b"https://c/"]]
        torrent = read(single(), **{"announce-list": tiers}, announce=b"http://other/")
        assert torrent.tracker_tiers == (("udp://a:1", "http://b/x"), ("https://c/",))

    def test_announce_alone_is_one_tier(self) -> None:
        assert read(single(), announce=b" http://a/ ").tracker_tiers == (("http://a/",),)

    def test_what_is_no_url_is_left_out_and_nothing_is_there_twice(self) -> None:
        tiers: list[Bencoded] = [
            [b"", b"http://a/", 5, b"http://a/", b"nonsense"],
            b"http://single/",
            [],
            [b"http://a/", b"http://x/\x1b[31m", b"http://b/ c"],
            {},
        ]
        torrent = read(single(), **{"announce-list": tiers})
        assert torrent.tracker_tiers == (("http://a/",), ("http://single/",))

    @pytest.mark.parametrize("tiers", [[], [[]], [[b""]], 5, b"", {}])
    def test_a_list_without_trackers_leaves_announce(self, tiers: Bencoded) -> None:
        torrent = read(single(), **{"announce-list": tiers}, announce=b"http://a/")
        assert torrent.tracker_tiers == (("http://a/",),)

    def test_there_may_be_none(self) -> None:
        assert read(single()).tracker_tiers == ()

    def test_no_more_than_the_limit_are_kept(self) -> None:
        tiers: list[Bencoded] = [[b"http://%d/" % number] for number in range(2000)]
        torrent = read(single(), **{"announce-list": tiers})
        assert len(torrent.tracker_tiers) == limits.MAX_TRACKERS


class TestWhatIsNiceToKnow:
    def test_it_is_read(self) -> None:
        torrent = read(
            single(private=1),
            comment=b"c",
            created_by=b"me",
            creation_date=5,
            **{"url-list": b"http://w/"},
        )
        assert torrent.is_private
        assert (torrent.comment, torrent.created_by, torrent.creation_date) == ("c", "me", 5)
        assert torrent.web_seeds == ("http://w/",)

    def test_nodes_of_the_dht_are_read_as_far_as_they_can_be_some(self) -> None:
        nodes: Bencoded = [[b"192.0.2.1", 6881], [b"router.example", 25401], [b"", 1], [b"x", 0]]
        assert read(
            single(), nodes=[*nodes, [b"\xff", 1], [b"h" * 256, 1], 7, [b"a"]]
        ).dht_nodes == (
            Address("192.0.2.1", 6881),
            Address("router.example", 25401),
        )
        assert len(read(single(), nodes=[[b"a", 1]] * 1000).dht_nodes) == MAX_DHT_NODES
        assert read(single(), nodes=b"none").dht_nodes == ()

    def test_web_seeds_may_be_a_list(self) -> None:
        seeds: list[Bencoded] = [b"http://w/", b"", 7, b"http://v/"]
        assert read(single(), **{"url-list": seeds}).web_seeds == ("http://w/", "http://v/")

    def test_nonsense_is_as_good_as_nothing(self) -> None:
        torrent = read(
            single(private=b"1"), comment=5, created_by=[], creation_date=b"x", **{"url-list": 5}
        )
        assert not torrent.is_private
        assert (torrent.comment, torrent.created_by, torrent.creation_date) == ("", "", None)
        assert torrent.web_seeds == ()

    @pytest.mark.parametrize("date", [-1, 10**19])
    def test_a_date_that_no_calendar_has_is_none(self, date: int) -> None:
        assert read(single(), creation_date=date).creation_date is None


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ([], "'info' of the torrent to be a dictionary, found a list"),
        ({}, "'name' of info to be a string, found nothing"),
        (single(name=5), "'name' of info to be a string, found an integer"),
        (single(length=-1), "'length' of info to be from 0"),
        (single(length=MAX_TOTAL_BYTES + 1), "'length' of info to be from 0"),
        (single(length=b"1"), "'length' of info to be an integer, found a string"),
        (single(piece_length=0), "'piece length' of info to be from 1"),
        (single(piece_length=-64), "'piece length' of info to be from 1"),
        (single(piece_length=limits.MAX_PIECE_BYTES + 1), "to be from 1 to 67108864"),
        (single(pieces=bytes(39)), "20 bytes for each of 2 pieces, found 39 bytes"),
        (single(pieces=bytes(20)), "20 bytes for each of 2 pieces, found 20 bytes"),
        (single(pieces=bytes(60)), "20 bytes for each of 2 pieces, found 60 bytes"),
        (single(pieces=[]), "'pieces' of info to be a string, found a list"),
        (
            single(length=10**9, piece_length=16),
            "at most 1600000 hashes .MAX_PIECES., found 62500000",
        ),
        (multi(), f"'files' of info to be 1 to {MAX_FILES} files, found 0"),
        (multi(5), "file 0 to be a dictionary, found an integer"),
        (multi(file(1)), "'path' of file 0 to be 1 to 128 names, found 0"),
        (multi(file(1, *[b"a"] * 129)), "'path' of file 0 to be 1 to 128 names, found 129"),
        (multi(file(1, b"a"), file(-1, b"b")), "'length' of file 1 to be from 0"),
        (multi({b"length": 1}), "'path' of file 0 to be a list, found nothing"),
        (multi({b"path": [b"a"]}), "'length' of file 0 to be an integer, found nothing"),
        (multi(file(1, b"a", path=[5])), "the path of file 0 to be a list of strings"),
        (multi(files=b""), "'files' of info to be a list, found a string"),
        (multi(file(2**50, b"a"), file(2**50, b"b")), "bytes together"),
    ],
)
def test_what_the_transfer_rests_upon_is_checked(info: Bencoded, message: str) -> None:
    with pytest.raises(MetainfoError, match=f"expected .*{message}") as refused:
        read(info)
    assert refused.value.exit_code is ExitCode.INVALID_TORRENT


def test_a_torrent_without_info_is_refused() -> None:
    with pytest.raises(MetainfoError, match="'info' of the torrent to be a dictionary, found noth"):
        Metainfo.from_bytes(b"de")


def test_too_many_pieces_are_refused_by_name() -> None:
    count = limits.MAX_PIECES + 1
    info = single(length=count, piece_length=1, pieces=bytes(20 * count))
    with pytest.raises(MetainfoError, match="MAX_PIECES"):
        read(info)


def test_a_torrent_of_version_2_alone_is_refused_in_words() -> None:
    info: Info = {b"meta version": 2, b"name": b"x", b"piece length": 65536, b"file tree": {}}
    with pytest.raises(
        MetainfoError, match=r"one of version 2 only \(BEP 52\), which is not"
    ) as refused:
        read(info)
    assert "hybrid" in refused.value.hint


def test_a_hybrid_is_read_as_version_1() -> None:
    assert read(single(**{"meta version": 2, "file tree": {}})).piece_count == 2


class TestFromFile:
    def test_it_reads_what_the_file_holds(self, tmp_path: Path) -> None:
        path = tmp_path / "x.torrent"
        path.write_bytes(encode({b"info": single()}))
        assert Metainfo.from_file(path) == Metainfo.from_file(str(path)) == read(single())

    def test_what_is_no_torrent_is_refused_by_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "page.torrent"
        path.write_bytes(b"<html>404</html>")
        with pytest.raises(
            InvalidTorrentError, match=r"page.torrent is not a torrent .*at byte 0: .* '<html>404"
        ):
            Metainfo.from_file(path)

    def test_the_hint_survives(self, tmp_path: Path) -> None:
        path = tmp_path / "v2.torrent"
        path.write_bytes(encode({b"info": {b"meta version": 2}}))
        with pytest.raises(InvalidTorrentError) as refused:
            Metainfo.from_file(path)
        assert "hybrid" in refused.value.hint

    def test_what_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "missing"):
            with pytest.raises(InvalidTorrentError, match="cannot read"):
                Metainfo.from_file(path)

    def test_a_file_beyond_the_limit_is_not_read_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.torrent"
        with path.open("wb") as huge:
            huge.write(b"d")
            huge.truncate(10**12)
        with pytest.raises(InvalidTorrentError, match="at most 33554432 bytes"):
            Metainfo.from_file(path)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(
    name=texts,
    files=st.lists(st.tuples(st.tuples(texts, texts), st.integers(0, 500)), min_size=1, max_size=5),
    is_private=st.booleans(),
    comment=st.just("") | texts,
    creation_date=st.none() | st.integers(0, 2**33),
)
def test_what_was_built_reads_the_same(
    name: str,
    files: list[tuple[tuple[str, ...], int]],
    is_private: bool,
    comment: str,
    creation_date: int | None,
) -> None:
    raw = build_metainfo(
        name=name,
        piece_length=32,
        piece_hashes=bytes(20 * -(-sum(length for _, length in files) // 32)),
        files=files,
        is_single_file=False,
        tracker_tiers=[["http://a/", "http://b/"], ["udp://c:1"]],
        web_seeds=["http://w/"],
        is_private=is_private,
        comment=comment,
        created_by="us",
        creation_date=creation_date,
    )
    torrent = Metainfo.from_bytes(raw)
    assert (torrent.name, torrent.comment, torrent.created_by) == (name, comment, "us")
    assert [(entry.path, entry.length) for entry in torrent.files] == files
    assert torrent.tracker_tiers == (("http://a/", "http://b/"), ("udp://c:1",))
    assert torrent.web_seeds == ("http://w/",)
    assert (torrent.is_private, torrent.creation_date) == (is_private, creation_date)


def test_the_magnet_link_names_the_torrent_its_trackers_and_its_web_seeds() -> None:
    raw = build_metainfo(
        name="a é",
        piece_length=64,
        piece_hashes=bytes(20),
        files=[(("x",), 5)],
        is_single_file=True,
        tracker_tiers=[["http://a/", "http://b/"], ["udp://c:1"]],
        web_seeds=["http://w/"],
    )
    torrent = Metainfo.from_bytes(raw)
    assert parse_magnet(torrent.magnet_link) == Magnet(
        torrent.info_hash, "a é", ("http://a/", "http://b/", "udp://c:1"), ("http://w/",)
    )


def test_what_is_empty_is_left_out() -> None:
    raw = build_metainfo(
        name="x", piece_length=64, piece_hashes=bytes(20), files=[(("x",), 5)], is_single_file=True
    )
    assert raw == b"d4:infod6:lengthi5e4:name1:x12:piece lengthi64e6:pieces20:" + bytes(20) + b"ee"
