"""A seed behind a real router, and somebody on the other side of it who wants what it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content import Content
from tests.peers.own import own_fetch, own_seed
from tests.peers.router import INSIDE_HOST, OUTSIDE_HOST, ROUTER_OUTSIDE, router


@pytest.mark.parametrize("way", ["PCP", "UPnP"])
def test_a_seed_behind_a_router_is_reached_from_outside_while_it_runs(
    content: Content, tmp_path: Path, way: str
) -> None:
    speaks = {"speaks_upnp": way == "UPnP", "speaks_pcp": way == "PCP"}
    with router(tmp_path, **speaks) as names:
        with own_seed(content, host=INSIDE_HOST, namespace=names.home) as seed:
            notice = rf"can reach us on port (\d+) of {ROUTER_OUTSIDE} \({way}\)"
            port = seed.process.wait_for_line(notice)[1]
            assert seed.address == f"{INSIDE_HOST}:{port}"
            (led,) = names.leads_to()
            assert INSIDE_HOST in led
            with own_fetch(
                content,
                tmp_path / "into",
                peers=[f"{ROUTER_OUTSIDE}:{port}"],
                host=OUTSIDE_HOST,
                namespace=names.internet,
            ) as leech:
                leech.finish()
            seed.interrupt()
        assert names.leads_to() == []
    content.assert_same_in(tmp_path / "into")


def test_with_no_portmap_the_router_is_told_nothing(content: Content, tmp_path: Path) -> None:
    extra = ["--no-portmap", "--seed-time", "0.05"]
    with (
        router(tmp_path, speaks_upnp=False, speaks_pcp=True) as names,
        own_seed(content, host=INSIDE_HOST, namespace=names.home, extra=extra) as seed,
    ):
        seed.finish()
        assert not [one for one in seed.events("notice") if "reach us" in one["text"]]
        assert names.leads_to() == []


def test_a_network_without_a_router_that_answers_delays_neither_start_nor_end(
    content: Content, tmp_path: Path
) -> None:
    with (
        router(tmp_path, speaks_upnp=False, speaks_pcp=False) as names,  # cables, and no router
        own_seed(
            content, host=INSIDE_HOST, namespace=names.home, extra=["--seed-time", "0.03"]
        ) as seed,
    ):
        done = seed.finish()
    assert done["elapsed_seconds"] < 1.8 + 2.0, "to look for a router takes four"
