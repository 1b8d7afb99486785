"""`actortorrent features`: what of BitTorrent this client speaks, and which tests show each."""

from __future__ import annotations

import json

import click
from msgspec import Struct
from msgspec.structs import asdict

from actortorrent.cli.grouped import GroupedCommand, option

EXAMPLES = (
    ("what it speaks", "actortorrent features"),
    ("for a script", "actortorrent features --json | jq -r '.[].bep'"),
)


class Feature(Struct, frozen=True):
    """Name something that this client speaks.

    Attributes:
        bep: the number of the BitTorrent enhancement proposal; None: there is none.
        tests: those that show it best, as pytest names them.
        remark: how far it goes; empty: all of it.
    """

    bep: int | None
    name: str
    tests: tuple[str, ...]
    remark: str = ""


FEATURES = (
    Feature(
        3,
        "the protocol",
        (
            "tests/peers/test_interoperation.py::test_we_fetch_from_libtorrent",
            "tests/peers/test_interoperation.py::test_libtorrent_fetches_from_us",
            "tests/peers/test_interoperation.py::test_we_fetch_from_aria2",
            "tests/peers/test_interoperation.py::test_aria2_fetches_from_us",
            "tests/peers/test_interoperation.py::test_we_fetch_from_transmission",
            "tests/peers/test_interoperation.py::test_transmission_fetches_from_us",
        ),
    ),
    Feature(
        5,
        "DHT",
        (
            "tests/peers/test_dht_sessions.py::test_a_link_with_nothing_but_the_info_hash_leads_to_libtorrent",
            "tests/peers/test_dht_sessions.py::test_libtorrent_finds_us_by_a_link_with_nothing_but_the_info_hash",
            "tests/peers/test_dht_of_other_clients.py::test_aria2_is_found_and_fetched_from",
            "tests/peers/test_dht_of_other_clients.py::test_aria2_finds_us_and_fetches_from_us",
            "tests/peers/test_dht_of_other_clients.py::test_transmission_is_found_and_fetched_from",
            "tests/peers/test_dht_of_other_clients.py::test_transmission_finds_us_and_fetches_from_us",
        ),
    ),
    Feature(
        6,
        "Fast extension",
        (
            "tests/peers/test_fast.py::test_what_libtorrent_allows_we_fetch_though_it_never_unchokes_us",
            "tests/peers/test_fast.py::test_libtorrent_is_given_pieces_and_told_what_it_does_not_get",
        ),
        "suggestions are taken and not followed",
    ),
    Feature(
        7,
        "IPv6",
        ("tests/sessions/test_connections.py::test_ipv6_is_spoken_both_ways",),
    ),
    Feature(
        9,
        "magnet links, metadata from peers",
        (
            "tests/peers/test_magnet.py::test_the_torrent_and_its_content_come_from_two_of_libtorrent",
            "tests/peers/test_magnet.py::test_the_torrent_comes_from_aria2",
            "tests/peers/test_magnet.py::test_the_torrent_comes_from_transmission",
            "tests/peers/test_magnet.py::test_transmission_learns_the_torrent_from_us",
        ),
    ),
    Feature(
        10,
        "extension protocol",
        (
            "tests/peers/test_magnet.py::test_libtorrent_fetches_from_us_by_our_link",
            "tests/sessions/test_extensions.py::test_a_seed_says_who_it_is_before_what_it_has_and_gives_the_torrent",
        ),
    ),
    Feature(
        11,
        "exchange of peers",
        (
            "tests/peers/test_peer_exchange.py::test_of_three_of_libtorrent_we_are_told_one_and_meet_all",
            "tests/peers/test_peer_exchange.py::test_libtorrent_fetches_from_one_that_only_we_know_of",
        ),
    ),
    Feature(
        12,
        "several trackers",
        (
            "tests/rules/test_announcing.py::TestOrder::test_a_tier_is_shuffled_and_tiers_are_not",
            "tests/peers/test_added_trackers.py::test_of_a_torrent_whose_trackers_are_dead_two_of_ours_meet_at_one_that_both_add",
        ),
    ),
    Feature(
        14,
        "local service discovery",
        (
            "tests/peers/test_local_discovery.py::test_two_of_ours_and_one_libtorrent_find_each_other",
        ),
    ),
    Feature(
        15,
        "UDP trackers",
        ("tests/actors/test_tracker_with_opentracker.py::test_two_peers_learn_of_each_other",),
    ),
    Feature(
        19,
        "web seeds",
        (
            "tests/peers/test_web_seeds.py::test_beside_a_peer_both_give_their_share",
            "tests/peers/test_web_seeds.py::test_of_many_web_seeds_one_that_serves_is_found",
            "tests/sessions/test_web_seeds.py::TestSpares::test_who_wants_no_web_seeds_asks_none",
        ),
        "by http and https",
    ),
    Feature(
        20,
        "peer ids by client",
        (
            "tests/sessions/test_connections.py::test_who_dials_itself_notices_on_both_ends_and_never_does_it_again",
        ),
    ),
    Feature(
        21,
        "who only uploads says so",
        ("tests/sessions/test_extensions.py::test_who_fetches_says_so_until_it_is_complete",),
        "`upload_only` of the extension protocol",
    ),
    Feature(
        23,
        "compact lists of peers",
        ("tests/wire/test_addresses.py::test_ipv4_packs_into_six_bytes_and_ipv6_into_eighteen",),
    ),
    Feature(
        24,
        "our address, as trackers and peers see it",
        (
            "tests/peers/test_own_address.py::test_a_tracker_says_it_and_our_id_in_the_dht_is_made_to_fit",
            "tests/peers/test_own_address.py::test_peers_of_libtorrent_say_it",
        ),
    ),
    Feature(
        27,
        "private torrents",
        (
            "tests/peers/test_local_discovery.py::test_who_is_to_be_silent_sends_not_one_datagram",
            "tests/peers/test_peer_exchange.py::test_of_a_private_torrent_it_is_not_even_offered",
            "tests/peers/test_dht_sessions.py::test_a_link_whose_torrent_is_private_is_looked_for_until_that_is_known",
            "tests/tracing/linting/test_private.py::test_two_of_ours_with_a_private_torrent_break_no_rule",
        ),
    ),
    Feature(
        32,
        "DHT over IPv6",
        ("tests/actors/test_dht.py::test_there_are_two_dhts_where_there_is_ipv6",),
    ),
    Feature(
        40,
        "priority of peers where slots are scarce",
        (
            "tests/peers/test_peer_priority.py::test_a_newcomer_of_higher_priority_takes_the_place_of_the_lowest",
            "tests/peers/test_peer_priority.py::test_whom_we_dial_is_a_decision_and_when_we_know_who_we_are_no_chance",
        ),
    ),
    Feature(
        41,
        "paths of UDP trackers",
        ("tests/wire/test_tracker_udp.py::test_a_path_follows_as_options_of_bep_41",),
    ),
    Feature(
        42,
        "DHT ids that fit their addresses",
        (
            "tests/rules/test_dht_ids.py::test_the_ids_of_bep_42_fit_their_addresses",
            "tests/peers/test_dht.py::test_the_same_among_addresses_of_the_internet",
        ),
    ),
    Feature(
        43,
        "read-only DHT nodes",
        ("tests/actors/test_dht.py::test_a_read_only_node_answers_nobody_and_finds_peers",),
    ),
    Feature(
        47,
        "padding files",
        ("tests/actors/test_storage_selection.py::test_padding_is_zeros_that_lie_in_no_file",),
    ),
    Feature(
        48,
        "scrape",
        ("tests/cli/test_asking.py::test_announce_and_scrape_with_a_real_tracker",),
    ),
    Feature(
        53,
        "files selected by a magnet link",
        ("tests/peers/test_magnet.py::test_the_link_says_which_files_unless_the_user_does",),
    ),
    Feature(
        None,
        "encrypted streams (MSE/PE)",
        (
            "tests/peers/test_encrypted_peers.py::test_we_fetch_from_libtorrent_and_it_from_us_whatever_either_insists_on",
            "tests/peers/test_encrypted_peers.py::test_we_fetch_from_aria2_that_requires_encryption",
            "tests/peers/test_encrypted_peers.py::test_aria2_that_requires_encryption_fetches_from_us",
        ),
    ),
    Feature(
        None,
        "PCP, NAT-PMP and UPnP",
        (
            "tests/peers/test_port_mapping.py::test_a_seed_behind_a_router_is_reached_from_outside_while_it_runs",
        ),
    ),
    Feature(
        None,
        "SOCKS5 and HTTP proxies",
        (
            "tests/peers/test_proxies.py::test_we_fetch_through_a_proxy_and_nothing_goes_around_it",
            "tests/peers/test_web_seeds.py::TestProxies::test_a_web_seed_is_asked_through_a_socks_proxy",
            "tests/cli/test_asking.py::test_a_real_tracker_is_asked_through_a_real_proxy_and_one_by_udp_is_not",
        ),
    ),
)


def markdown_table() -> str:
    """Return the features as a table, each with links to its tests."""
    rows = [
        f"| {_number(one)} | {_described(one)} | {'<br>'.join(map(_linked, one.tests))} |"
        for one in FEATURES
    ]
    return "\n".join(["| BEP | what | shown by |", "|---|---|---|", *rows])


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON array.")
def features(*, as_json: bool) -> None:
    """Say what of BitTorrent this client speaks, and which of its tests show each."""
    if as_json:
        click.echo(json.dumps([asdict(one) for one in FEATURES], indent=2))
        return
    for one in FEATURES:
        click.echo(f"{_number(one):>6}  {_described(one)}")
        for test in one.tests:
            click.echo(f"        {test}")


def _number(feature: Feature) -> str:
    return "" if feature.bep is None else f"BEP {feature.bep}"


def _described(feature: Feature) -> str:
    return f"{feature.name}; {feature.remark}" if feature.remark else feature.name


def _linked(test: str) -> str:
    return f"[{test.rpartition('::')[2]}]({test.partition('::')[0]})"
