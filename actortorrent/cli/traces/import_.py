"""`actortorrent trace import`: a trace of a packet capture, whichever clients spoke in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from actortorrent import Metainfo
from actortorrent.captures.importing import Imported, import_capture
from actortorrent.captures.talking import Nature
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH, print_json
from actortorrent.errors import UsageError
from actortorrent.tracing.wording import size_text

IN_IT = "What is in it"
SHOWN = "What is shown"
EXAMPLES = (
    ("what other clients say to each other", "actortorrent trace import swarm.pcap"),
    (
        "the view of one of them, and what the torrent is like",
        "actortorrent trace import swarm.pcap --us 10.0.0.5 --torrent photos.torrent",
    ),
    ("is all as the protocol wants it?", "actortorrent trace lint swarm.trace"),
)
INFO_HASH_BYTES = 20


@click.command("import", cls=GroupedCommand, examples=EXAMPLES)
@click.argument("capture", type=TRACE_PATH)
@option(
    "-o",
    "--output",
    type=OUT_PATH,
    metavar="FILE",
    group="What is written",
    help="Write the trace to FILE.  [default: the capture's name, with .trace]",
)
@option(
    "--us",
    default="",
    metavar="HOST[:PORT]",
    group=IN_IT,
    help="Take the view of the client there.  [default: of one that is in all connections; "
    "if there is none, of all clients]",
)
@option(
    "--torrent",
    type=TRACE_PATH,
    metavar="TORRENT",
    group=IN_IT,
    help="The torrent: else its pieces are inferred from what is said of them.",
)
@option(
    "--info-hash",
    "info_hash",
    default="",
    metavar="HEX",
    group=IN_IT,
    help="Of several torrents, take this.  [default: that of which most is said]",
)
@option("--json", "as_json", is_flag=True, group=SHOWN, help="Print one JSON object.")
def import_(
    capture: Path,
    *,
    output: Path | None,
    us: str,
    torrent: Path | None,
    info_hash: str,
    as_json: bool,
) -> None:
    """Make a trace of a packet capture (pcap or pcapng): of what any clients say to each other.

    It has the wire's side only: connections and messages, without blocks' bytes. trace show,
    lint, stats and report read it. Connections that are encrypted cannot be read, nor uTP;
    capture from the beginning of connections, with whole packets.
    """
    out = output or capture.with_suffix(".trace")
    made = import_capture(
        capture,
        out,
        us=us,
        info_hash=_hash(info_hash),
        torrent=Metainfo.from_file(torrent) if torrent is not None else None,
    )
    if as_json:
        print_json(_as_json(made))
        return
    for line in _lines(made, out):
        click.echo(safe_text(line))


def _hash(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if text and len(raw) != INFO_HASH_BYTES:
        digits = 2 * INFO_HASH_BYTES
        raise UsageError(f"expected an info-hash of {digits} digits, found {text!r}")
    return raw


def _lines(made: Imported, out: Path) -> Iterator[str]:
    header = made.header
    nodes = [node.name for node in header.nodes]
    whose = f"between {', '.join(nodes)}" if nodes else f"as {header.node} had them"
    said = plural(made.by_type.total(), "message")
    yield f"imported  {said} in {plural(made.connections, 'connection')} {whose}"
    guess = " (inferred; --torrent makes it sure)" if made.is_inferred else ""
    yield (
        f"torrent   {size_text(header.total_length)} in {plural(header.piece_count, 'piece')} of "
        f"{size_text(header.piece_length)}, info-hash {header.info_hash}{guess}"
    )
    yield from _troubles(made)
    yield from _ignored(made)
    yield f"trace     {out} (actortorrent trace show {out})"


def _troubles(made: Imported) -> Iterator[str]:
    if made.gaps:
        lost = f"{size_text(made.lost_bytes)} in {plural(made.gaps, 'place')}"
        yield f"missing   {lost} of these connections are not in the capture"
    if made.malformed:
        yield f"malformed {plural(made.malformed, 'message')}"
    if made.is_cut_off:
        yield "cut off   the capture ends within a packet"


def _ignored(made: Imported) -> Iterator[str]:
    counts = made.counts
    for info_hash, count in made.other_torrents.most_common():
        which = f"torrent {info_hash}" if info_hash else "an unknown torrent"
        yield f"ignored   {plural(count, 'connection')} of {which}"
    encrypted = counts.connections[Nature.ENCRYPTED]
    if encrypted:
        yield f"ignored   {plural(encrypted, 'connection')} likely encrypted, which cannot be read"
    others = counts.connections[Nature.OTHER] + counts.connections[Nature.UNDECIDED]
    if others:
        yield f"ignored   {plural(others, 'other connection')} of TCP"
    for why, count in counts.others.most_common():
        yield f"ignored   {plural(count, 'packet')}: {why.value}"
    if counts.unheeded:
        yield f"ignored   {plural(counts.unheeded, 'packet')} of too many connections"


def _as_json(made: Imported) -> dict[str, Any]:
    header, counts = made.header, made.counts
    return {
        "events": made.events,
        "nodes": [node.name for node in header.nodes] or [header.node],
        "connections": made.connections,
        "messages": dict(made.by_type),
        "torrent": {
            "info_hash": header.info_hash,
            "piece_count": header.piece_count,
            "piece_length": header.piece_length,
            "total_length": header.total_length,
            "is_inferred": made.is_inferred,
        },
        "gaps": made.gaps,
        "lost_bytes": made.lost_bytes,
        "malformed": made.malformed,
        "is_cut_off": made.is_cut_off,
        "packets": counts.packets,
        "packets_of_peers": counts.talking,
        "ignored": {
            "torrents": dict(made.other_torrents),
            "connections": {kind.name.lower(): n for kind, n in counts.connections.items()},
            "packets": {why.name.lower(): count for why, count in counts.others.items()},
            "unheeded": counts.unheeded,
        },
    }
