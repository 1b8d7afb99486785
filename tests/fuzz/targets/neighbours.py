"""Those of our own network: local discovery, and routers that answer NAT-PMP and PCP."""

from __future__ import annotations

from actortorrent.errors import PortMappingError
from actortorrent.wire.local_discovery import (
    GROUP_IPV4,
    MAX_COOKIE,
    MAX_INFO_HASHES,
    LocalAnnounce,
    read_local_announce,
)
from actortorrent.wire.port_mapping import (
    MappingGranted,
    MappingRequest,
    Transport,
    read_nat_pmp_reply,
    read_pcp_reply,
    speaks_only_nat_pmp,
)
from tests.fuzz.refusing import check_refusal

REQUEST = MappingRequest(Transport.TCP, 6881, 6881, 3600)
NONCE = b"n" * 12


def seeds() -> list[bytes]:
    ports = b"\x1a\xe1" * 2
    head = b"\2\x81\0\0" + (3600).to_bytes(4) + bytes(16)
    mapped = NONCE + b"\6\0\0\0" + ports + bytes(10) + b"\xff\xff\xc0\0\2\1"
    return [
        LocalAnnounce(6881, (b"h" * 20, b"i" * 20), "cookie").encode(GROUP_IPV4),
        b"\0\x82\0\0" + bytes(4) + ports + (3600).to_bytes(4),
        b"\0\x82\0\3" + bytes(4) + ports + (3600).to_bytes(4),
        head + mapped,
        b"\0\x81\0\1",
    ]


def check(data: bytes) -> None:
    announce = read_local_announce(data)
    if announce is not None:
        assert 0 < announce.port < 65_536
        assert 0 < len(announce.info_hashes) <= MAX_INFO_HASHES
        assert len(announce.cookie) <= MAX_COOKIE
    assert speaks_only_nat_pmp(data) in (True, False)
    try:
        for granted in (
            read_nat_pmp_reply(data, REQUEST),
            read_pcp_reply(data, REQUEST, NONCE),
        ):
            _check_granted(granted)
    except PortMappingError as error:
        check_refusal(error)


def _check_granted(granted: MappingGranted | None) -> None:
    if granted is not None:
        assert 0 <= granted.external_port < 65_536
        assert 0 <= granted.lifetime_seconds < 2**32
        assert len(granted.external_host) <= len("ffff:" * 8)
