"""What is said of features: each names a test that exists, and the README says the same."""

from __future__ import annotations

import ast
import json

import pytest
from click.testing import CliRunner

from actortorrent.cli.features import FEATURES, Feature, markdown_table
from actortorrent.cli.main import cli
from tests.documents import ROOT


def names_in(file: str) -> set[str]:
    """Return the tests of a file, as pytest names them behind the file's name."""
    module = ast.parse((ROOT / file).read_text("utf-8"))
    names = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
            names |= {f"{node.name}::{method.name}" for method in methods}
    return names


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name)
def test_the_tests_that_are_named_exist(feature: Feature) -> None:
    assert feature.tests
    for test in feature.tests:
        file, _, name = test.partition("::")
        assert name.rpartition("::")[2].startswith("test_")
        assert name in names_in(file)


def test_they_are_listed_by_number_and_none_twice() -> None:
    numbers = [one.bep for one in FEATURES if one.bep is not None]
    assert numbers == sorted(set(numbers))


def test_json_has_all_of_them() -> None:
    result = CliRunner().invoke(cli, ["features", "--json"])
    told = json.loads(result.stdout)
    assert [(one["bep"], one["name"], tuple(one["tests"])) for one in told] == [
        (one.bep, one.name, one.tests) for one in FEATURES
    ]


def test_people_get_a_line_each_and_one_for_each_test() -> None:
    lines = CliRunner().invoke(cli, ["features"]).stdout.splitlines()
    assert len(lines) == sum(1 + len(one.tests) for one in FEATURES)
    assert lines[0] == " BEP 3  the protocol"


def test_the_readme_shows_the_same_table() -> None:
    assert markdown_table() in (ROOT / "README.md").read_text("utf-8")
