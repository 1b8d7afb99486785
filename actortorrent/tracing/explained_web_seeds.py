"""Web seeds explained: what their actor is told, what it decides, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.explained import Explanation

BEP = "BEP 19"
_PAGE = "docs/architecture.md, web seeds"


def _of(name: str, meaning: str, duty: str, source: str = _PAGE) -> tuple[str, Explanation]:
    return name, Explanation(meaning, duty, source, name)


WEB_SEED_MESSAGES: Mapping[str, Explanation] = dict(
    [
        _of(
            "WebSeeds.begin",
            "What is on the disk is known.",
            "Ask the first few web seeds from now on.",
        ),
        _of(
            "WebSeeds.begin_no_more",
            "The session ends.",
            "Let no spare take the place of another.",
        ),
        _of(
            "WebSeeds.web_seed_left",
            "A web seed is asked no more.",
            "If anything is lacking still, let the next of the torrent's list take its place.",
        ),
        _of("WebSeed.begin", "What is on the disk is known.", "Take leases from now on."),
        _of(
            "WebSeed.introduce",
            "These are the pieces we have.",
            "Nothing: a web server wants none of them.",
        ),
        _of(
            "WebSeed.we_have",
            "These pieces are verified.",
            "Nothing: a web server wants none of them.",
        ),
        _of("WebSeed.we_are_complete", "We fetch nothing more.", "Ask for no more work."),
        _of(
            "WebSeed.show_interest",
            "The server has something we lack, or no longer has.",
            "Ask for work, or no longer.",
        ),
        _of(
            "WebSeed.lease",
            "These runs are yours to fetch.",
            "Ask the server for their ranges, neighbours in one, as soon as no other call is "
            "under way; give those back that touch a file which the server lacks.",
            BEP,
        ),
        _of(
            "WebSeed.cancel_leases",
            "Others were quicker (endgame).",
            "Hang up, if nothing else was asked for.",
        ),
        _of(
            "WebSeed.grant_download",
            "So many bytes more may be read (a limit is set).",
            "Let the running call read on.",
        ),
        _of(
            "WebSeed.leave",
            "Ask this server no more: it lied, or nothing is lacking.",
            "Hang up, and give back what was lent.",
        ),
        _of(
            "WebSeed.bytes_came",
            "Bytes of the running call, in the order in which they were asked for.",
            "Cut them into blocks, and hand over the runs that are whole by that.",
        ),
        _of(
            "WebSeed.call_ended",
            "A call is over: all came, or why not.",
            "Begin the next; or rest, ask no more for a file, or give the server up.",
        ),
    ]
)

WEB_SEED_DECISIONS: Mapping[str, Explanation] = {
    "rest_web_seed": Explanation(
        "A web seed is busy, or does not answer: how long it is left alone. Each failure in a row "
        "doubles the time; a server that says when to come again is believed, within limits.",
        "What it was lent goes to others.",
        f"{BEP}; our rule: rules/web_seeds.py",
        "WebSeed._rest",
    ),
    "replace_web_seed": Explanation(
        "A web seed was given up, and the torrent names more than are asked at once: the next takes "
        "its place. So many `spares` remain.",
        "It is begun.",
        f"{BEP}; our rule: rules/web_seeds.py",
        "WebSeeds.web_seed_left",
    ),
}

WEB_SEED_FACTS: Mapping[str, Explanation] = {
    "bt:web_seed_begun": Explanation("A web server is asked for content from now on.", source=BEP),
    "bt:web_seed_answered": Explanation(
        "A web seed has answered the question for a range of a file; `status` is HTTP's: 206 a "
        "part, 200 the whole file.",
        "If it is what was asked for, read so many bytes of it, and not one more.",
        BEP,
    ),
    "bt:web_seed_failed": Explanation(
        "A call to a web seed has failed; `fault` says what it means: `busy`, `lacks the file` or "
        "`useless`.",
        source=BEP,
    ),
    "bt:web_seed_left": Explanation("A web seed is asked no more; `why` says why.", source=BEP),
}
