from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.geometry import FileMap
from actortorrent.rules.web_seed_ranges import Part, WebSeedFiles
from actortorrent.wire.torrent_files import FileEntry

URL = "http://mirror.example/pub/"


def several(*files: tuple[str, int], url: str = URL, piece_length: int = 10) -> WebSeedFiles:
    """Return a folder `name` with files of these paths and lengths; `.pad` is padding."""
    entries, offset = [], 0
    for path, length in files:
        attributes = "p" if path.startswith(".pad") else ""
        entries.append(FileEntry(tuple(path.split("/")), length, offset, attributes))
        offset += length
    return WebSeedFiles(url, "name", entries, is_single_file=False, piece_length=piece_length)


def single(url: str, name: str = "file.iso") -> WebSeedFiles:
    return WebSeedFiles(
        url, name, [FileEntry((name,), 100, 0)], is_single_file=True, piece_length=10
    )


class TestUrls:
    def test_the_url_of_a_single_file_is_that_file(self) -> None:
        assert single("http://m.example/x.iso?a=b").url_of(0) == "http://m.example/x.iso?a=b"

    def test_the_name_is_added_to_a_url_that_ends_in_a_slash(self) -> None:
        assert single(URL, "a b.iso").url_of(0) == f"{URL}a%20b.iso"

    def test_of_a_folder_name_and_path_are_added(self) -> None:
        assert several(("sub/Readme.txt", 5)).url_of(0) == f"{URL}name/sub/Readme.txt"

    def test_a_slash_that_is_missing_before_a_folder_is_added(self) -> None:
        files = several(("a", 5), url="http://mirror.example/pub")
        assert files.url_of(0) == "http://mirror.example/pub/name/a"

    def test_whatever_a_name_holds_is_quoted(self) -> None:
        path = "50% ü?#&+/a;b"
        quoted = several((path, 5)).url_of(0)
        assert quoted is not None
        assert quoted.isascii()
        assert not set("?#;+&") & set(quoted)
        assert unquote(quoted) == f"{URL}name/{path}"

    def test_a_path_that_leads_elsewhere_is_not_asked_for(self) -> None:
        files = several(("a", 15), ("../../secret", 10), ("b", 15))
        assert files.url_of(1) is None
        assert files.pieces() == 0b1001


class TestParts:
    def test_a_stretch_goes_through_several_files(self) -> None:
        files = several(("a", 4), ("empty", 0), ("b", 3), ("c", 9))
        assert files.parts(2, 8) == (
            Part(0, 2, 2, 4, f"{URL}name/a"),
            Part(2, 0, 3, 3, f"{URL}name/b"),
            Part(3, 0, 3, 9, f"{URL}name/c"),
        )

    def test_padding_is_not_on_the_server(self) -> None:
        (a, padding, b) = several(("a", 4), (".pad/6", 6), ("b", 5)).parts(0, 15)
        assert (a.is_padding, padding.is_padding, b.is_padding) == (False, True, False)
        assert (padding.length, b.first_byte, b.last_byte) == (6, 0, 4)

    def test_padding_belongs_to_the_pieces_that_it_has(self) -> None:
        assert several(("a", 4), (".pad/6", 6), ("b", 5)).pieces() == 0b11

    def test_a_file_lies_in_the_pieces_with_any_byte_of_it(self) -> None:
        files = several(("a", 15), ("empty", 0), ("b", 10))
        assert [files.pieces_of(index) for index in range(3)] == [0b011, 0, 0b110]

    @given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.data())
    def test_parts_are_all_bytes_in_their_order(
        self, lengths: list[int], data: st.DataObject
    ) -> None:
        total = sum(lengths)
        offset = data.draw(st.integers(0, total))
        length = data.draw(st.integers(0, total - offset))
        files = several(*((f"f{index}", n) for index, n in enumerate(lengths)))
        starts = FileMap(lengths)
        covered = [
            starts.start(part.file_index) + byte
            for part in files.parts(offset, length)
            for byte in range(part.first_byte, part.last_byte + 1)
        ]
        assert covered == list(range(offset, offset + length))
