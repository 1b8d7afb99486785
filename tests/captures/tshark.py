"""tshark as the judge of a capture: what Wireshark makes of each packet."""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.needs import need_command

FIELDS = (
    "tcp.stream",
    "bittorrent.info_hash",
    "bittorrent.protocol.name",
    "tcp.pdu.size",
    "bittorrent.msg.type",
    "_ws.expert.severity",
    "_ws.malformed",
)
WORST_ALLOWED = 0x400000  # a note; above it are warnings and errors
KINDS = ("choke", "unchoke", "interested", "not interested", "have", "bitfield", "request")
KINDS += ("piece", "cancel", "port")
OTHERS = {13: "suggest", 14: "have all", 15: "have none", 16: "reject", 17: "allowed fast"}
OTHERS |= {20: "extended"}


@dataclass
class Judged:
    """What tshark says of the packets: messages by their type, and packets it complains of."""

    messages: Counter[str] = field(default_factory=Counter)
    complaints: int = 0


def judge(path: Path, info_hash: bytes = b"") -> Judged:
    """Let tshark read a capture, checksums too; only the connections of a torrent, if named."""
    options = [part for name in FIELDS for part in ("-e", name)]
    # Or a port that some other protocol claims would decide.
    options += ["-o", "tcp.try_heuristic_first:TRUE"]
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    command = [need_command("tshark"), "-r", str(path), "-T", "fields", *options]
    command += checks if not info_hash else []
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    of_stream: defaultdict[str, Judged] = defaultdict(Judged)
    wanted = set()
    for line in output.splitlines():
        stream, hashes, *rest = line.split("\t")
        if not info_hash or info_hash.hex() in hashes:
            wanted.add(stream)
        _count(of_stream[stream], *rest)
    chosen = [judged for stream, judged in of_stream.items() if stream in wanted]
    messages = sum((one.messages for one in chosen), Counter[str]())
    return Judged(messages, sum(one.complaints for one in chosen))


def _count(judged: Judged, names: str, sizes: str, kinds: str, severity: str, bad: str) -> None:
    judged.messages["handshake"] += len(names.split(",")) if names else 0
    judged.messages["keep-alive"] += sizes.split(",").count("4")  # it shows no field
    for kind in kinds.split(",") if kinds else ():
        number = int(kind)
        name = KINDS[number] if number < len(KINDS) else OTHERS.get(number, "unknown")
        judged.messages[name] += 1
    worst = max((int(one) for one in severity.split(",") if one), default=0)
    judged.complaints += bool(bad) or worst > WORST_ALLOWED
    judged.messages += Counter()  # forget what there is none of
