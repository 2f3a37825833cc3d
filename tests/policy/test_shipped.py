# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped policies, and what is made from the code about them."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import tomli

from sandtrace.operations import STRICTNESS
from sandtrace.policy import reference, schema, shipped
from sandtrace.policy.entries import Source
from sandtrace.policy.examples import run_examples
from sandtrace.policy.lint import lint
from sandtrace.policy.load import load
from sandtrace.policy.surroundings import Surroundings
from tests.policy.made import verdict, world

ROOT = Path(__file__).parents[2]
NAMES = shipped.names()
WANTED = {
    "base", "net-off", "net-self", "net-none", "read-only", "ci-build", "ci-fetch", "no-secrets",
    "paranoid", "audit-all",
}  # fmt: skip


def test_all_are_there() -> None:
    """P9: the shipped policies are those of the interface, no more and no fewer."""
    assert set(NAMES) == WANTED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("environ", [{}, {"TMPDIR": "/tmp", "HOME": "/", "XDG_CACHE_HOME": "/c"}])
def test_tests_pass(name: str, environ: dict[str, str]) -> None:
    """P51: each shipped policy has tests, and they pass whatever the environment is."""

    def reload(elsewhere: Surroundings) -> object:
        return load([name], surroundings=elsewhere)

    around = world(environ=environ)
    policy = load([name], surroundings=around)
    examples = run_examples(policy, around, reload)  # type: ignore[arg-type]
    assert len(examples) >= 4
    assert [one.problem for one in examples if one.problem is not None] == []


@pytest.mark.parametrize("name", NAMES)
def test_denying_entries_have_ids(name: str) -> None:
    """P11: every denying entry and default of a shipped policy has an id and a reason."""
    policy = load([name], surroundings=world())
    for table in policy.tables.values():
        for entry in table.entries:
            if STRICTNESS[entry.action] >= STRICTNESS["deny"]:
                assert entry.id, entry.target
                assert entry.reason, entry.target
        for default in table.defaults:
            if default.origin is not None and STRICTNESS[default.action] >= STRICTNESS["deny"]:
                assert default.id
                assert default.reason


@pytest.mark.parametrize("name", NAMES)
def test_no_warnings(name: str) -> None:
    """A shipped policy has nothing that can never match or win."""
    assert lint(load([name], surroundings=world())) == []


@pytest.mark.parametrize("name", NAMES)
def test_fits_the_schema(name: str) -> None:
    """The editor's schema takes every shipped policy, and each names the schema."""
    text = shipped.text(name) or ""
    jsonschema.validate(tomli.loads(text), schema.schema())
    assert "\n#:schema ./policy.schema.json\n" in text


@pytest.mark.parametrize(
    "text",
    ["version = 2", "version = 1\n[read]\ndeny = [1]", "version = 1\n[conect]",
     "version = 1\n[read]\ndefault = 'ask'", "version = 1\n[[for]]\nread.deny = ['x']",
     "version = 1\n[connect]\nerrno = 'ENONE'", "version = 1\n[limits]\ntimeout = 'x'"],
)  # fmt: skip
def test_schema_refuses(text: str) -> None:
    """What the loader refuses for its shape, the schema refuses."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomli.loads(text), schema.schema())


def test_made_files_are_fresh() -> None:
    """The schema and the reference pages are those that the code makes."""
    made = (ROOT / "policies/policy.schema.json").read_text(encoding="utf-8")
    assert made == schema.text(), "python -m sandtrace.policy.schema > policies/policy.schema.json"
    for name, text in reference.pages().items():
        page = (ROOT / "docs/reference/policy" / name).read_text(encoding="utf-8")
        assert page == text, "python -m sandtrace.policy.reference docs/reference/policy"


def test_net_off_is_what_the_log_shows() -> None:
    """The example in the interface: net-off:6, id net, "no network", ENETUNREACH."""
    decision = load(["net-off"], surroundings=world()).decide("connect", "tcp://192.0.2.1:443")
    rule = decision.rule
    assert (rule.id, rule.policy, rule.file) == ("net", "net-off", "policies/net-off.toml")
    assert (rule.line, rule.entry, rule.reason) == (6, "default", "no network")
    assert decision.errno == "ENETUNREACH"
    assert rule.place == "net-off:6"


def test_net_off_stops_no_open() -> None:
    """A policy of the network alone stops no file call and no program."""
    policy = load(["net-off"], surroundings=world())
    for op in ("read", "write", "stat", "exec", "syscall"):
        assert policy.silent(op)
    assert policy.silent("connect", "family:unix")
    assert policy.silent("connect", "family:netlink")


def test_ci_build_is_a_union() -> None:
    """P10: ci-build denies what net-off and no-secrets deny."""
    policy = load(["ci-build"], surroundings=world(cwd="/src"))
    assert verdict(policy, "connect", "tcp://192.0.2.1:443") == "deny"
    assert verdict(policy, "read", "/home/user/.ssh/id_rsa") == "deny"
    assert verdict(policy, "write", "/src/x") == "allow"
    assert verdict(policy, "write", "/home/user/.profile") == "deny"
    assert policy.decide("write", "/etc/x").errno == "EACCES"


def test_every_rule_has_a_test() -> None:
    """The rules of the reference are numbered without gaps, and a test names each number."""
    page = (ROOT / "docs/reference/policy.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^- \*\*P(\d+)\*\*", page, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named: set[int] = set()
    for words in re.findall(r'"""((?:P\d+(?:, )?)+):', tests):
        named |= {int(number) for number in re.findall(r"\d+", words)}
    assert set(numbers) - named == set()
    assert named - set(numbers) == set()


def test_unread_source() -> None:
    """A source without a file has no lines."""
    problem = Source("command-line", None).problem(("x",), "wrong")
    assert (problem.file, problem.line) == (None, None)
