"""Trackers over HTTP: BEP 3, 7 (IPv6), 23 (compact peers), 24 (our address) and 48 (scrape)."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, urlsplit, urlunsplit

from actortorrent.errors import BencodeError, TrackerError, TrackerRefusalError
from actortorrent.wire.addresses import (
    COMPACT_IPV4_BYTES,
    COMPACT_IPV6_BYTES,
    MAX_PORT,
    Address,
    unpack_compact_ipv4,
    unpack_compact_ipv6,
)
from actortorrent.wire.announces import (
    MAX_PEERS,
    MAX_TRACKER_ID_BYTES,
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    Ask,
    Reply,
    ScrapeReply,
    ScrapeRequest,
    bounded_count,
    bounded_interval,
    bounded_min_interval,
    clean_text,
    usable_peers,
)
from actortorrent.wire.bencoding import Bencoded, Limits, decode
from actortorrent.wire.fields import Fields

MAX_REPLY_BYTES = 1024 * 1024
REPLY_LIMITS = Limits(size=MAX_REPLY_BYTES, depth=8, tokens=100_000)
HTTP_OK = 200
TRY_LATER = (408, 425, 429)  # no to this request, not to us
WHERE = "the tracker's reply"


def build_url(tracker_url: str, ask: Ask) -> str:
    """Return the URL to fetch; whatever query the tracker's URL has stays in it.

    Raises:
        TrackerError: if a scrape is asked of a tracker that has none (BEP 48).
    """
    if isinstance(ask, ScrapeRequest):
        tracker_url = derive_scrape_url(tracker_url)
        fields = [("info_hash", quote_from_bytes(ask.info_hash, safe=""))]
    else:
        fields = _announce_fields(ask)
    parts = urlsplit(tracker_url)
    own = "&".join(f"{key}={value}" for key, value in fields)
    query = f"{parts.query}&{own}" if parts.query else own
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def derive_scrape_url(announce_url: str) -> str:
    """Put `scrape` for `announce` where the last part of the path begins with it (BEP 48).

    Raises:
        TrackerError: if it does not: by that a tracker says that it has no scrape.
    """
    parts = urlsplit(announce_url)
    folder, slash, name = parts.path.rpartition("/")
    if not slash or not name.startswith("announce"):
        raise TrackerError("the tracker has no scrape: its URL does not end in /announce")
    return urlunsplit(parts._replace(path=f"{folder}/scrape{name.removeprefix('announce')}"))


def read_reply(status: int, body: bytes, ask: Ask) -> Reply:
    """Read the answer to `ask`, given the HTTP status it came with.

    Raises:
        TrackerRefusalError: if the tracker answered that it will not.
        TrackerError: if this is no answer.
    """
    try:
        values = decode(body, limits=REPLY_LIMITS)
    except BencodeError as error:
        _refuse_status(status)
        raise TrackerError(f"expected a bencoded reply, {error}") from None
    fields = Fields(values, WHERE, TrackerError)
    failure = fields.find_bytes(b"failure reason")
    if failure is not None:
        raise TrackerRefusalError(clean_text(failure) or "no reason given")
    _refuse_status(status)
    if isinstance(ask, ScrapeRequest):
        return _read_scrape(fields, ask.info_hash)
    return _read_announce(fields)


def _announce_fields(ask: AnnounceRequest) -> list[tuple[str, str]]:
    fields = [
        ("info_hash", quote_from_bytes(ask.info_hash, safe="")),
        ("peer_id", quote_from_bytes(ask.peer_id, safe="")),
        ("port", str(ask.port)),
        ("uploaded", str(ask.uploaded)),
        ("downloaded", str(ask.downloaded)),
        ("left", str(ask.left)),
        ("compact", "1"),
        ("numwant", str(ask.wanted_peers)),
        ("key", f"{ask.key:08x}"),
    ]
    if ask.event is not AnnounceEvent.NONE:
        fields.append(("event", str(ask.event)))
    if ask.tracker_id:
        fields.append(("trackerid", quote_from_bytes(ask.tracker_id, safe="")))
    if ask.ip:
        fields.append(("ip", quote_from_bytes(ask.ip.encode(), safe="")))
    return fields


def _refuse_status(status: int) -> None:
    if status == HTTP_OK:
        return
    if 400 <= status < 500 and status not in TRY_LATER:
        raise TrackerRefusalError(f"HTTP status {status}")
    raise TrackerError(f"expected HTTP status {HTTP_OK}, found {status}")


def _read_announce(fields: Fields) -> AnnounceReply:
    interval = bounded_interval(fields.find_int(b"interval"))
    return AnnounceReply(
        peers=usable_peers([*_peers(fields), *_peers_ipv6(fields)]),
        interval_seconds=interval,
        min_interval_seconds=bounded_min_interval(fields.find_int(b"min interval"), interval),
        seeders=_find_count(fields, b"complete"),
        leechers=_find_count(fields, b"incomplete"),
        tracker_id=(fields.find_bytes(b"tracker id") or b"")[:MAX_TRACKER_ID_BYTES],
        warning=clean_text(fields.find_bytes(b"warning message") or b""),
        external_host=fields.find_ip(b"external ip"),
    )


def _read_scrape(fields: Fields, info_hash: bytes) -> ScrapeReply:
    files = Fields(fields.need_dict(b"files"), f"'files' of {WHERE}", TrackerError)
    if info_hash not in files:
        raise TrackerRefusalError("it does not know this torrent")
    counts = Fields(files.values[info_hash], f"the torrent in {WHERE}", TrackerError)
    return ScrapeReply(
        seeders=_find_count(counts, b"complete") or 0,
        completed=_find_count(counts, b"downloaded") or 0,
        leechers=_find_count(counts, b"incomplete") or 0,
    )


def _find_count(fields: Fields, key: bytes) -> int | None:
    count = fields.find_int(key)
    return None if count is None else bounded_count(count)


def _peers(fields: Fields) -> tuple[Address, ...]:
    compact = fields.find_bytes(b"peers")
    if compact is not None:
        return unpack_compact_ipv4(compact[: MAX_PEERS * COMPACT_IPV4_BYTES])
    listed = (_listed_peer(entry) for entry in fields.find_list(b"peers")[:MAX_PEERS])
    return tuple(peer for peer in listed if peer is not None)


def _peers_ipv6(fields: Fields) -> tuple[Address, ...]:
    return unpack_compact_ipv6(
        (fields.find_bytes(b"peers6") or b"")[: MAX_PEERS * COMPACT_IPV6_BYTES]
    )


def _listed_peer(entry: Bencoded) -> Address | None:
    """Read a peer given as a dictionary (BEP 3); None where it makes no sense."""
    if not isinstance(entry, dict):
        return None
    host, port = entry.get(b"ip"), entry.get(b"port")
    if not isinstance(host, bytes) or not isinstance(port, int) or not 0 < port <= MAX_PORT:
        return None
    return Address(host.decode("ascii", "replace"), port)
