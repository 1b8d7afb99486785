"""A lab as a packet capture: tshark finds in it what the merged trace says, and nothing wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.captures.test_exporting import exported, said_once
from tests.captures.tshark import judge
from tests.lab.runs import Seen


def test_tshark_counts_what_the_merged_trace_of_a_lab_has(
    labs: dict[str, Seen], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = labs["bad-peer"].aftermath.merged
    judged = judge(exported([merged], tmp_path / "lab.pcap"))
    assert judged.messages == said_once([merged])
    assert judged.complaints == 0
    assert judged.messages["piece"] > 800
    assert "of blocks\n" in capsys.readouterr().out, "nothing else is made up"
