"""Behind a real proxy, with nothing around it: what leaves the house is looked at on the cable."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actortorrent.lab.processes import Running
from actortorrent.wire.proxy_handshake import Proxy
from tests.content import Content
from tests.peers.libtorrent import Libtorrent, libtorrent_seed
from tests.peers.needs import need_command
from tests.peers.own import own_fetch
from tests.peers.processes import within
from tests.peers.proxies import microsocks, tinyproxy
from tests.peers.router import INSIDE_HOST, OUTSIDE_HOST, ROUTER_HOST, Router, networks

LOGIN = ("me", "secret9word")
LAST_WORD = "that was all"
TRACKER = "tracker.test"  # known to the proxy alone, as `PEER`
PEER = "peer.test"


@pytest.fixture
def names() -> Iterator[Router]:
    """Return the networks; only what is between them knows the internet's names."""
    with networks() as names:
        folder = Path("/etc/netns") / names.itself
        folder.mkdir(parents=True)
        hosts = folder / "hosts"
        hosts.write_text(f"{OUTSIDE_HOST} {TRACKER} {PEER}\n")
        try:
            yield names
        finally:
            hosts.unlink()
            folder.rmdir()


@contextmanager
def proxy(kind: str, folder: Path, names: Router, login: tuple[str, str] | None) -> Iterator[Proxy]:
    where = {"host": ROUTER_HOST, "namespace": names.itself}
    if kind == "socks5":
        with microsocks(login=login, **where) as one:
            yield one
    else:
        with tinyproxy(folder, login=login, **where) as one:
            yield one


def written(proxy: Proxy) -> str:
    """Return a proxy as users write it."""
    login = f"{proxy.user}:{proxy.password}@"
    return f"{proxy.scheme}://{login if proxy.user else ''}{proxy.address}"


@contextmanager
def tracked_seed(content: Content, names: Router) -> Iterator[tuple[Content, Libtorrent]]:
    """Seed in the internet, known to a tracker there; yield a torrent that names it."""
    where = {"host": OUTSIDE_HOST, "namespace": names.internet}
    command = [sys.executable, "-m", "actortorrent.lab.tracker", "--host", OUTSIDE_HOST]
    with Running(within(names.internet, command)) as tracker:
        url = tracker.wait_for_line(r'"url": "([^"]+)"')[1]
        with libtorrent_seed(content.naming(url), extra=["--trackers"], **where) as seed:
            tracker.wait_for_line('"announced"')
            port = url.rpartition(":")[2].partition("/")[0]
            yield content.naming(f"http://{TRACKER}:{port}/announce", f"udp://{TRACKER}:1"), seed


@contextmanager
def watched_cable(names: Router, folder: Path, port: int) -> Iterator[None]:
    """Fail if anything leaves the house while the block runs, but to the proxy."""
    capture = folder / "cable.pcapng"
    capturing = [need_command("dumpcap"), "-q", "-i", "eth0", "-f", "tcp or udp", "-w", capture]
    with Running(within(names.home, capturing)) as process:
        process.wait_for_line("File: ")
        yield
        end = f"echo {LAST_WORD} >/dev/tcp/{ROUTER_HOST}/{port}"
        subprocess.run(within(names.home, ["bash", "-c", end]), check=True)
        while LAST_WORD.encode() not in capture.read_bytes():
            assert not process.ends_within(0.02)
        process.interrupt()
        process.wait()
    shown = [need_command("tshark"), "-n", "-r", capture, "-Y"]
    to_proxy = f"ip.addr == {ROUTER_HOST} && tcp.port == {port}"

    def packets(which: str) -> list[str]:
        told = subprocess.run([*shown, which], check=True, capture_output=True, text=True)
        return told.stdout.splitlines()

    assert packets(to_proxy)
    assert packets(f"not ({to_proxy})") == []


@pytest.mark.parametrize("login", [None, LOGIN], ids=["open", "with a login"])
@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_we_fetch_through_a_proxy_and_nothing_goes_around_it(
    content: Content, tmp_path: Path, names: Router, kind: str, login: tuple[str, str] | None
) -> None:
    with (
        tracked_seed(content, names) as (tracked, _),
        proxy(kind, tmp_path, names, login) as behind,
        watched_cable(names, tmp_path, behind.port),
        own_fetch(
            tracked,
            tmp_path / "into",
            namespace=names.home,
            host=INSIDE_HOST,
            listens=False,
            extra=["--proxy", written(behind), "--verbose"],
        ) as leech,
    ):
        leech.finish()
        assert not leech.events("listening")
        told = "\n".join(leech.process.lines)
        assert "would go around the proxy" in told
        assert LOGIN[1] not in told
    content.assert_same_in(tmp_path / "into")


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize("encryption", ["require", "prefer", "off"])
def test_a_peer_is_dialled_by_its_name_through_a_proxy_encrypted_or_not(
    content: Content, tmp_path: Path, names: Router, kind: str, encryption: str
) -> None:
    they = {"require": "rc4", "prefer": "off", "off": "off"}[encryption]
    seed_extra = ["--encryption", they]
    with (
        libtorrent_seed(
            content, host=OUTSIDE_HOST, namespace=names.internet, extra=seed_extra
        ) as seed,
        proxy(kind, tmp_path, names, None) as behind,
        watched_cable(names, tmp_path, behind.port),
        own_fetch(
            content,
            tmp_path / "into",
            peers=[f"{PEER}:{seed.port}"],
            namespace=names.home,
            host=INSIDE_HOST,
            listens=False,
            extra=["--proxy", written(behind), "--encryption", encryption],
        ) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_where_the_proxy_will_not_we_do_not_go_around_it(
    content: Content, tmp_path: Path, kind: str
) -> None:
    open_proxy = microsocks(login=LOGIN) if kind == "socks5" else tinyproxy(tmp_path, login=LOGIN)
    with libtorrent_seed(content) as seed, open_proxy as behind:
        wrong = Proxy(kind, behind.host, behind.port, "me", "wrong")
        for told in (written(wrong), f"{kind}://127.0.0.1:1"):
            with own_fetch(
                content,
                tmp_path / "into",
                peers=[f"127.0.0.1:{seed.port}"],
                listens=False,
                extra=["--proxy", told, "--stall-timeout", "2"],
            ) as leech:
                assert leech.process.wait() == 4
                assert "wrong@" not in "\n".join(leech.process.lines)


def test_who_asks_for_a_port_listens_beside_the_proxy(content: Content, tmp_path: Path) -> None:
    with microsocks() as behind:
        extra = ["--proxy", written(behind)]
        with own_fetch(content, tmp_path / "into", extra=extra) as leech:
            assert leech.address
