"""Text of torrents, which is UTF-8 (BEP 3) save where it is not: read it, whatever it is.

Old programs wrote names in the code page of their user and UTF-8 beside it, under a
key with `.utf-8` at its end; some say in `encoding` which code page that was.
Reading never fails: what no encoding explains becomes U+FFFD.
"""

from __future__ import annotations

from actortorrent.wire.bencoding import Bencoded
from actortorrent.wire.fields import Fields

MAX_URL_LENGTH = 4096

# Those that old programs wrote. Not any codec by name: some are slow, some are no text.
LEGACY_ENCODINGS = frozenset(
    {"gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "koi8_r", "latin_1"}
    | {"iso8859_1", "iso_8859_1", *(f"cp{page}" for page in (932, 936, 949, 950, 1250, 1251, 1252))}
    | {f"windows_{page}" for page in (1250, 1251, 1252)}
)


def declared_encoding(torrent: Fields) -> str:
    """Return the encoding that a torrent's names are in, as Python knows it: mostly utf-8."""
    declared = torrent.find_text(b"encoding").strip().lower().replace("-", "_")
    return declared if declared in LEGACY_ENCODINGS else "utf-8"


def decode_text(raw: bytes, encoding: str) -> str:
    """Decode text as UTF-8 if it is, else in `encoding`, else with replacements."""
    for candidate in ("utf-8", encoding):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def clean_url(value: Bencoded) -> str | None:
    """Return a URL of a torrent, or None for what cannot be one."""
    if not isinstance(value, bytes):
        return None
    url = value.decode("utf-8", "replace").strip()
    is_usable = "://" in url and url.isprintable() and " " not in url
    return url if is_usable and len(url) <= MAX_URL_LENGTH else None
