"""What traces of a lab, and all that is made of them, do not tell: content, folders, addresses.

Addresses are told unless it is asked for that they are not.
"""

from __future__ import annotations

import base64
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.lab.made_content import make_files
from actortorrent.tracing.reader import TraceFile
from tests.lab.runs import Seen

EXPORTS = {
    "perfetto": [],
    "shiviz": ["--actor", "PieceManager"],
    "mermaid": ["--piece", "3"],
    "pcap": [],
    "otlp": ["--actor", "PieceManager"],
}
BLOCK_BYTES = 16 * 1024
EVERY_BLOCK = 20  # is looked for: each of them is as likely to be told
PCAP_HEADERS = (24, 16)  # of the file, of each packet


@pytest.fixture(scope="module")
def seen(labs: dict[str, Seen]) -> Seen:
    return labs["basic"]


@pytest.fixture(scope="module")
def traces(seen: Seen) -> list[Path]:
    return [*seen.outcome.traces.values(), seen.aftermath.merged]


@pytest.fixture(scope="module")
def public(seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return what was made of the trace of a leech, and anonymised ones of it and of all."""
    folder = tmp_path_factory.mktemp("public")
    trace = str(seen.outcome.traces["leech-1"])
    made = {"report": folder / "report.html"}
    assert run(["trace", "report", trace, "-o", str(made["report"])]) == ExitCode.DONE
    for name, source in (("one", trace), ("all", str(seen.aftermath.merged))):
        made[name] = folder / f"{name}.trace"
        assert run(["trace", "anonymise", source, "-o", str(made[name])]) == ExitCode.DONE
    for kind, options in EXPORTS.items():
        made[kind] = folder / kind
        asked = ["trace", "export", trace, "--format", kind, "-o", str(made[kind]), *options]
        assert run(asked) == ExitCode.DONE
    return made


def test_no_bytes_of_the_content(
    seen: Seen, traces: list[Path], public: dict[str, Path], tmp_path: Path
) -> None:
    plan = seen.outcome.plan
    make_files(tmp_path, plan.size, plan.seed)
    pieces = list(_pieces_in(tmp_path))
    assert len(pieces) > 10
    for path in (*traces, *public.values()):
        told = _told(path)
        assert not [written for piece in pieces for written in _ways(piece) if written in told], (
            path.name
        )


def test_no_folders(seen: Seen, traces: list[Path], public: dict[str, Path]) -> None:
    folders = (seen.outcome.places.folder, Path.home(), Path.cwd(), Path(sys.prefix))
    roots = {f"/{folder.parts[1]}/".encode() for folder in folders}
    for path in (*traces, *public.values()):
        told = _told(path)
        assert not [root for root in roots if root in told], path.name


def test_no_addresses_where_it_is_asked_for(seen: Seen, public: dict[str, Path]) -> None:
    with TraceFile(public["all"]) as after, TraceFile(seen.aftermath.merged) as before:
        assert len(list(after.events())) == len(list(before.events()))
        ids = {node.header.peer_id for node in before.header.nodes}
        info_hash = before.header.info_hash
    report = public["one"].with_suffix(".html")
    assert run(["trace", "report", str(public["one"]), "-o", str(report)]) == ExitCode.DONE
    secrets = [b"127.0.0.1", b"gallery", *_both_ways(info_hash)]
    secrets += [written for peer_id in ids for written in _both_ways(peer_id)]
    for path in (public["one"], public["all"], report):
        told = _told(path)
        assert not [secret for secret in secrets if secret in told], path.name


def test_packets_made_of_an_anonymised_trace_are_of_nobody(public: dict[str, Path]) -> None:
    capture = public["one"].with_suffix(".pcap")
    asked = ["trace", "export", str(public["one"]), "--format", "pcap", "-o", str(capture)]
    assert run(asked) == ExitCode.DONE
    addresses = set(_addresses_in(capture.read_bytes()))
    assert addresses
    assert {one.partition(".")[0] for one in addresses} == {"10"}


def _both_ways(in_hex: str) -> tuple[bytes, bytes]:
    return in_hex.encode(), bytes.fromhex(in_hex)


def _addresses_in(capture: bytes) -> Iterator[str]:
    """Yield where each packet of a capture comes from and goes to (IPv4, no link layer)."""
    file_header, packet_header = PCAP_HEADERS
    at = file_header
    while at < len(capture):
        size = int.from_bytes(capture[at + 8 : at + 12], "big")
        packet = capture[at + packet_header : at + packet_header + size]
        yield from (".".join(map(str, packet[start : start + 4])) for start in (12, 16))
        at += packet_header + size


def _told(path: Path) -> bytes:
    """Return the bytes of a file; of a page, the data in it as well."""
    raw = path.read_bytes()
    if path.suffix != ".html":
        return raw
    packed = max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", raw), key=len)
    return zlib.decompress(base64.b64decode(packed))


def _pieces_in(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            starts = range(0, len(content) - 30, EVERY_BLOCK * BLOCK_BYTES)
            yield from (content[start : start + 12] for start in starts)


def _ways(piece: bytes) -> Iterator[bytes]:
    """Yield bytes as they are, and as text may have them."""
    yield piece
    yield piece.hex().encode()
    yield base64.b64encode(piece)
    yield repr(piece)[2:-1].encode()
