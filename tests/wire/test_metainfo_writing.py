"""A .torrent file around an info dictionary: every byte of that stays as it is."""

from __future__ import annotations

import bencodepy
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import document_around, document_of

# Its keys are in no order, as some clients write it: written anew it would be another torrent.
RAW_INFO = b"d6:pieces20:aaaaaaaaaaaaaaaaaaaa4:name1:n12:piece lengthi16384e6:lengthi3ee"
urls = st.from_regex(r"(http|udp)://[a-z]{1,10}\.example:[1-9][0-9]{1,3}/[a-z]*", fullmatch=True)
tiers = st.lists(urls, unique=True, max_size=4).map(lambda all_urls: [[url] for url in all_urls])


@given(tiers, st.lists(urls, unique=True, max_size=3), st.none() | st.integers(0, 2**32))
def test_what_is_written_is_read_back(
    tracker_tiers: list[list[str]], web_seeds: list[str], date: int | None
) -> None:
    document = document_around(
        RAW_INFO,
        tracker_tiers=tracker_tiers,
        web_seeds=web_seeds,
        comment="hello",
        creation_date=date,
    )
    metainfo = Metainfo.from_bytes(document)
    assert metainfo.raw_info == RAW_INFO
    assert metainfo.tracker_tiers == tuple(map(tuple, tracker_tiers))
    assert metainfo.web_seeds == tuple(web_seeds)
    assert (metainfo.comment, metainfo.creation_date) == ("hello", date)
    assert document_of(metainfo) == document
    keys = list(bencodepy.decode(document))
    assert keys == sorted(keys)


def test_of_an_info_dictionary_alone_nothing_else_is_said() -> None:
    assert document_around(RAW_INFO) == b"d4:info" + RAW_INFO + b"e"
