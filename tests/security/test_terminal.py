"""What strangers write reaches no terminal as it is: by the bytes that a terminal got."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest

from tests.security.conftest import Fetched
from tests.security.strangers import EVIL, STEERING, on_a_terminal

OUR_OWN = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")  # colours, and moves of the live view
THEIRS = b"7777"  # in none of ours
LINE_ENDS = "\r\n"
HARMFUL = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
NOT_THERE = f"not there {STEERING}"


# All in one process, since each takes a while to start.
ONE_AFTER_ANOTHER = """
import json, sys
from actortorrent.cli.main import run
for arguments in json.loads(sys.argv[1]):
    print("### " + ascii(arguments), flush=True)
    run(arguments)
"""


def harmful(got: bytes) -> set[str]:
    """Return what would steer a terminal, of all that is not our own."""
    theirs = {found[0].decode() for found in OUR_OWN.finditer(got) if THEIRS in found[0]}
    text = OUR_OWN.sub(b"", got).decode()
    found = {one for one in set(text) if unicodedata.category(one) in HARMFUL}
    return theirs | (found - set(LINE_ENDS))


def test_the_test_sees_what_is_harmful() -> None:
    assert harmful(b"\x1b[1mbold\x1b[0m\r\n\x1b[2K\x1b[1A\x1b[?25l") == set()
    assert harmful(EVIL.encode()) == {*STEERING} - {*"]0;owned[7777mn\r\n"} | {"\x1b[7777m"}
    assert harmful("\x85".encode()) == {"\x85"}


def test_a_fetch_from_strangers_is_shown_and_told_harmlessly(fetched: Fetched) -> None:
    assert harmful(fetched.got) == set()
    told = fetched.got.decode()
    assert "complete" in told
    assert told.count("\\x1b]0;owned") >= 3, "the name, the warning, the files"


@pytest.mark.timeout(100)
def test_commands_that_tell_of_strangers_do_so_harmlessly(fetched: Fetched) -> None:
    """All in one terminal; also what is said of files, options and links with such names."""
    torrent, trace = str(fetched.content.torrent), str(fetched.trace)
    into = str(fetched.folder / "into")
    made = str(fetched.folder / f"made{STEERING}")
    (fetched.folder / f"x{STEERING}").write_text("x")
    (fetched.folder / f"bad{STEERING}.torrent").write_bytes(b"d4:infoi1ee")
    (fetched.folder / f"bad{STEERING}.trace").write_bytes(b"nothing")
    alone = ["--no-trackers", "--no-dht", "--bind", "127.0.0.1", "--port", "0"]
    telling = [
        ["show", torrent],
        ["show", torrent, "--json"],
        ["fetch", torrent, "--list"],
        ["magnet", torrent],
        ["verify", torrent, into],
        ["verify", torrent, str(fetched.folder)],
        ["verify", torrent, into, "--json"],
        ["fetch", torrent, "-o", into, "--progress", "lines", *alone],
        ["fetch", torrent, "-o", into, "--progress", "json", *alone],
        ["fetch", torrent, "-o", into, "--quiet", *alone],
        ["create", f"x{STEERING}", "-o", made, "--comment", EVIL],
        ["show", made],
        ["announce", torrent],
        ["scrape", torrent],
        ["trace", "show", trace],
        ["trace", "show", trace, "--json"],
        ["trace", "show", trace, "--anonymise"],
        ["trace", "show", trace, "--actor", STEERING],
        ["trace", "lint", trace],
        ["trace", "stats", trace],
        ["trace", "diff", trace, trace],
        ["trace", "why", "slow", trace],
        ["trace", "why", "piece", trace, "0"],
        ["trace", "why", "choke", trace, "--peer", STEERING],
        ["seed", into, torrent, "--seed-time", "0.001", "--trace", f"seed{STEERING}", *alone],
        ["trace", "merge", trace, f"seed{STEERING}", "-o", f"merged{STEERING}"],
        ["trace", "stats", f"merged{STEERING}"],
        ["trace", "lint", f"merged{STEERING}"],
        ["trace", "why", "slow", f"merged{STEERING}"],
        ["trace", "anonymise", trace, "-o", f"other{STEERING}"],
        ["trace", "report", trace, "-o", f"page{STEERING}.html"],
        ["trace", "export", trace, "--format", "mermaid", "-o", f"picture{STEERING}"],
        ["trace", "export", trace, "--format", "pcap", "-o", f"capture{STEERING}"],
        ["trace", "import", f"capture{STEERING}", "-o", f"imported{STEERING}"],
        *(["trace", what, NOT_THERE] for what in ("show", "lint", "stats", "report")),
        *(["trace", what, f"bad{STEERING}.trace"] for what in ("show", "lint", "stats", "report")),
        ["show", NOT_THERE],
        ["show", f"bad{STEERING}.torrent"],
        ["fetch", f"magnet:?xt=urn:btih:{EVIL}&dn={EVIL}"],
        ["fetch", f"http://127.0.0.1:1/{EVIL}"],
        ["fetch", torrent, "--peer", EVIL],
        ["fetch", torrent, "--proxy", EVIL],
        ["fetch", torrent, "--bind", EVIL],
        ["fetch", torrent, "--match", EVIL],
        ["fetch", torrent, "--select", EVIL],
        ["fetch", torrent, "--picker", EVIL],
        ["fetch", torrent, "-o", f"x{STEERING}"],
        ["seed", NOT_THERE, torrent],
        ["announce", torrent, "--tracker", f"http://127.0.0.1:1/{EVIL}"],
        ["dht", "ping", EVIL],
        ["dht", "peers", EVIL],
        ["lab", "--scenario", EVIL],
        [EVIL],
        ["show", f"--{EVIL}"],
    ]
    got = on_a_terminal(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(telling)], fetched.folder
    )
    parts = got.split(b"### ")[1:]
    assert len(parts) == len(telling)
    assert {part.partition(b"\r")[0]: harmful(part) for part in parts if harmful(part)} == {}
    assert b"Traceback" not in got
    silent = [part for part in parts if part.count(b"\n") < 2]
    assert len(silent) == 1, "only --quiet is"
