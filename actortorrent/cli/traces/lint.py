"""`actortorrent trace lint`: where a trace breaks a rule, and which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural
from actortorrent.cli.traces.telling import TRACE_PATH, print_json, print_lines
from actortorrent.errors import ExitCode
from actortorrent.tracing.linting import RULES, Finding
from actortorrent.tracing.linting import lint as find
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.show import Line, Part

MOST_OF_A_RULE = 10  # findings shown of one rule; --json has up to a hundred
EXAMPLES = (
    ("is all as it should be?", "actortorrent trace lint fetch.jsonl"),
    ("the same of both ends at once", "actortorrent trace lint fetch.jsonl seed.jsonl"),
    ("what is looked for", "actortorrent trace lint --rules"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, type=TRACE_PATH)
@option("--rules", is_flag=True, group="What is shown", help="The rules, and nothing else.")
@option("--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object.")
def lint(files: tuple[Path, ...], *, rules: bool, as_json: bool) -> int:
    """Find where a trace breaks a rule of the peer protocol, or one of our own actors'.

    Each finding has the event that shows it (actortorrent trace show FILE --causes ID tells
    how it came about), and the BEP or document where its rule stands. Exits with 0 if all
    is right, with 8 if there are findings.
    """
    if rules:
        _print_rules(as_json=as_json)
        return ExitCode.DONE
    if not files:
        raise click.UsageError("expected the file of a trace")
    with open_traces(files) as (header, events):
        begin_ns, findings = header.monotonic_ns, find(header, events)
    if as_json:
        print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        print_lines(_lines(findings, begin_ns))
    return ExitCode.FINDINGS if findings else ExitCode.DONE


def _print_rules(*, as_json: bool) -> None:
    if as_json:
        print_json([{"rule": name, **_said(name)} for name in RULES])
        return
    width = max(map(len, RULES))
    for name, rule in RULES.items():
        click.echo(f"{name:<{width}}  {rule.says} ({rule.source})")


def _said(name: str) -> dict[str, str]:
    return {"says": RULES[name].says, "source": RULES[name].source}


def _lines(findings: Sequence[Finding], begin_ns: int) -> Iterator[Line]:
    by_rule: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.rule].append(finding)
    for name, found in by_rule.items():
        rule = RULES[name]
        yield (Part("trouble", name), Part("quiet", f"  {rule.says} ({rule.source})"))
        for one in found[:MOST_OF_A_RULE]:
            yield _finding_line(one, begin_ns)
        if len(found) > MOST_OF_A_RULE:
            yield (Part("quiet", f"           ... and {len(found) - MOST_OF_A_RULE} more"),)
    if findings:
        yield (Part("heading", plural(len(findings), "finding")),)
    else:
        yield (Part("heading", f"nothing found: none of {len(RULES)} rules is broken"),)


def _finding_line(finding: Finding, begin_ns: int) -> Line:
    seconds = (finding.time_ns - begin_ns) / 1e9
    return (
        Part("time", f"{seconds:9.4f}  "),
        Part("actor", f"{finding.event_id}  "),
        Part("plain", finding.text),
    )
