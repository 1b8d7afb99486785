"""What a peer says that it has is told together, and each word of it is in the trace."""

from __future__ import annotations

from pathlib import Path

from actortorrent.tracing.capture import capture_trace
from actortorrent.wire.messages import Have, Interested, KeepAlive
from tests.conftest import ContentMaker
from tests.sessions.running import fetch
from tests.sessions.scripted_peer import ScriptedPeer, Talk

PIECE = 32 * 1024


def test_what_comes_together_is_told_at_once_and_the_last_word_of_it_is_the_cause(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(5 * PIECE, piece_length=PIECE)

    def tell_little_by_little(talk: Talk) -> None:
        talk.greet(pieces=1)
        talk.say(Have(1), Interested(), Have(2), Have(3), KeepAlive())
        talk.say(Have(4))
        talk.serve()

    with ScriptedPeer(content, tell_little_by_little) as peer, capture_trace() as trace:
        fetch(content, tmp_path / "into", [peer])
    told = {event.cause: event for event in trace.messages("peer_has")}
    haves = [event for event in trace.named("bt:message_received") if event.data["type"] == "have"]
    assert len(haves) == 4, "each is in the trace"
    assert 1 <= len(told) <= 2, "two sayings, perhaps read at once"
    assert haves[-1].id in told
    assert set(told) <= {haves[2].id, haves[3].id}
