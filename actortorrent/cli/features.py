"""`actortorrent features`: what of BitTorrent this client speaks, and which test shows each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import click

from actortorrent.cli.grouped import GroupedCommand, option

EXAMPLES = (
    ("what it speaks", "actortorrent features"),
    ("for a script", "actortorrent features --json | jq -r '.[].bep'"),
)


@dataclass(frozen=True, slots=True)
class Feature:
    """Name something that this client speaks.

    Attributes:
        bep: the number of the BitTorrent enhancement proposal; None: there is none.
        test: the one that shows it best, as pytest names it.
        remark: how far it goes; empty: all of it.
    """

    bep: int | None
    name: str
    test: str
    remark: str = ""


FEATURES = (
    Feature(
        3, "the protocol", "tests/peers/test_interoperation.py::test_we_fetch_from_transmission"
    ),
    Feature(
        5,
        "DHT",
        "tests/peers/test_dht_sessions.py::test_a_link_with_nothing_but_the_info_hash_leads_to_libtorrent",
    ),
    Feature(
        6,
        "Fast extension",
        "tests/peers/test_fast.py::test_what_libtorrent_allows_we_fetch_though_it_never_unchokes_us",
        "suggestions are taken and not followed",
    ),
    Feature(7, "IPv6", "tests/sessions/test_connections.py::test_ipv6_is_spoken_both_ways"),
    Feature(
        9,
        "magnet links, metadata from peers",
        "tests/peers/test_magnet.py::test_the_torrent_and_its_content_come_from_two_of_libtorrent",
    ),
    Feature(
        10,
        "extension protocol",
        "tests/peers/test_magnet.py::test_libtorrent_fetches_from_us_by_our_link",
    ),
    Feature(
        11,
        "exchange of peers",
        "tests/peers/test_peer_exchange.py::test_of_three_of_libtorrent_we_are_told_one_and_meet_all",
    ),
    Feature(
        12,
        "several trackers",
        "tests/rules/test_announcing.py::TestOrder::test_a_tier_is_shuffled_and_tiers_are_not",
    ),
    Feature(
        14,
        "local service discovery",
        "tests/peers/test_local_discovery.py::test_two_of_ours_and_one_libtorrent_find_each_other",
    ),
    Feature(
        15,
        "UDP trackers",
        "tests/actors/test_tracker_with_opentracker.py::test_two_peers_learn_of_each_other",
    ),
    Feature(
        19,
        "web seeds",
        "tests/peers/test_web_seeds.py::test_beside_a_peer_both_give_their_share",
        "by http and https",
    ),
    Feature(
        20,
        "peer ids by client",
        "tests/sessions/test_connections.py::test_who_dials_itself_notices_on_both_ends_and_never_does_it_again",
    ),
    Feature(
        23,
        "compact lists of peers",
        "tests/wire/test_addresses.py::test_ipv4_packs_into_six_bytes_and_ipv6_into_eighteen",
    ),
    Feature(
        27,
        "private torrents",
        "tests/actors/test_tracker.py::TestAnnouncing::test_in_a_private_torrent_the_slow_one_is_waited_for",
    ),
    Feature(
        32, "DHT over IPv6", "tests/actors/test_dht.py::test_there_are_two_dhts_where_there_is_ipv6"
    ),
    Feature(
        41,
        "paths of UDP trackers",
        "tests/wire/test_tracker_udp.py::test_a_path_follows_as_options_of_bep_41",
    ),
    Feature(
        42,
        "DHT ids that fit their addresses",
        "tests/rules/test_dht_ids.py::test_the_ids_of_bep_42_fit_their_addresses",
    ),
    Feature(
        43,
        "read-only DHT nodes",
        "tests/actors/test_dht.py::test_a_read_only_node_answers_nobody_and_finds_peers",
    ),
    Feature(
        47,
        "padding files",
        "tests/actors/test_storage_selection.py::test_padding_is_zeros_that_lie_in_no_file",
    ),
    Feature(48, "scrape", "tests/cli/test_asking.py::test_announce_and_scrape_with_a_real_tracker"),
    Feature(
        53,
        "files selected by a magnet link",
        "tests/peers/test_magnet.py::test_the_link_says_which_files_unless_the_user_does",
    ),
    Feature(
        None,
        "encrypted streams (MSE/PE)",
        "tests/peers/test_encrypted_peers.py::test_we_fetch_from_libtorrent_and_it_from_us_whatever_either_insists_on",
    ),
    Feature(
        None,
        "PCP, NAT-PMP and UPnP",
        "tests/peers/test_port_mapping.py::test_a_seed_behind_a_router_is_reached_from_outside_while_it_runs",
    ),
    Feature(
        None,
        "SOCKS5 and HTTP proxies",
        "tests/peers/test_proxies.py::test_we_fetch_through_a_proxy_and_nothing_goes_around_it",
    ),
)


def markdown_table() -> str:
    """Return the features as a table, each with a link to its test."""
    rows = [
        f"| {_number(one)} | {_described(one)} | [{one.test.rpartition('::')[2]}]"
        f"({one.test.partition('::')[0]}) |"
        for one in FEATURES
    ]
    return "\n".join(["| BEP | what | shown by |", "|---|---|---|", *rows])


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON array.")
def features(*, as_json: bool) -> None:
    """Say what of BitTorrent this client speaks, and which of its tests shows each."""
    if as_json:
        click.echo(json.dumps([asdict(one) for one in FEATURES], indent=2))
        return
    for one in FEATURES:
        click.echo(f"{_number(one):>6}  {_described(one)}")
        click.echo(f"        {one.test}")


def _number(feature: Feature) -> str:
    return "" if feature.bep is None else f"BEP {feature.bep}"


def _described(feature: Feature) -> str:
    return f"{feature.name}; {feature.remark}" if feature.remark else feature.name
