# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace check``, ``explain`` and ``policies``; running ``[[test]]`` entries; warnings."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sandtrace.cli.main import main
from sandtrace.policy.ask import questions
from sandtrace.policy.lint import lint
from sandtrace.policy.surroundings import TargetError
from tests.policy.made import policy, world

GOOD = """version = 1
[connect]
default = "deny"
errno = "ENETUNREACH"
allow = ["loopback", { target = "10.0.0.0/8:443", unless = ["/usr/bin/evil"] }]
deny = [{ target = "loopback:53", id = "dns", reason = "no names" }]
[[test]]
op = "connect"
target = "1.1.1.1:443"
want = "deny"
[[test]]
op = "connect"
target = "loopback:8080"
want = "allow"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good policy, where the commands run."""
    (tmp_path / "good.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def bad_test(folder: Path) -> None:
    """A policy with a test that fails, and one of each format's special characters."""
    hostile = 'target = "::error::<&>%"\n'
    (folder / "bad.toml").write_text(
        f'version = 1\n[[test]]\nop = "read"\n{hostile}want = "kill"\n'
    )


# --- check ---------------------------------------------------------------------------------------


def test_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P51: a policy whose tests come out as wanted is ok; a failing one is told and fails."""
    assert main(["check", "good.toml", "net-off"]) == 0
    out = capsys.readouterr().out
    assert "good.toml: ok, 2 tests passed\n" in out
    assert "net-off: ok, " in out
    bad_test(folder)
    assert main(["check", "bad.toml", "good.toml"]) == 1
    out = capsys.readouterr().out
    assert "bad.toml:5:8: failed: wanted kill, decided allow" in out
    assert "bad.toml: 1 of 1 test failed" in out


def test_check_of_a_wrong_policy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P8: a policy that does not load is told with its line, and the others are checked too."""
    (folder / "wrong.toml").write_text('version = 1\n[conect]\ndefault = "deny"\n')
    assert main(["check", "wrong.toml", "good.toml"]) == 1
    out = capsys.readouterr().out
    assert "wrong.toml:2:2: error: unknown key" in out
    assert " 2 | [conect]\n   |  ^^^^^^\n" in out
    assert "good.toml: ok" in out


def test_check_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings fail only where that is asked for."""
    (folder / "warn.toml").write_text('version = 1\n[read]\nallow = ["/a/b"]\ndeny = ["/a"]\n')
    assert main(["check", "warn.toml"]) == 0
    assert "can never win" in capsys.readouterr().out
    assert main(["check", "--strict", "warn.toml"]) == 1


def test_check_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON holds every test with its verdict, and every problem with its place."""
    bad_test(folder)
    assert main(["check", "--format", "json", "bad.toml", "good.toml", "none"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    bad, good, none = found["policies"]
    assert [test["passed"] for test in good["tests"]] == [True, True]
    assert good["tests"][0]["rule"] == "good:3"
    assert bad["tests"][0]["problem"]["line"] == 5
    assert none["errors"][0]["message"] == 'there is no policy "none"'


def test_check_junit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The XML parses whatever the policy says, and counts what it holds."""
    bad_test(folder)
    (folder / "odd.toml").write_bytes(b'version = 1\n"\\u0000\\u001b<\\ufffe" = 1\n')
    assert main(["check", "--format", "junit", "bad.toml", "good.toml", "odd.toml"]) == 1
    root = ET.fromstring(capsys.readouterr().out)
    assert root.attrib["failures"] == "1"
    assert root.attrib["errors"] == "1"
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase"))
    assert len(root.findall(".//failure")) == 1


def test_check_github(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations name file, line and column; what the policy says cannot forge a command."""
    bad_test(folder)
    (folder / "odd.toml").write_text('version = 1\n"a\\n::error::x" = 1\n')
    assert main(["check", "--format", "github", "bad.toml", "odd.toml"]) == 1
    lines = capsys.readouterr().out.splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == 2
    assert commands[0].startswith("::error file=bad.toml,line=5,col=8::wanted kill")
    assert commands[1].startswith("::error file=odd.toml,line=2,col=1::unknown key")


def test_examples_depend_on_what_they_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P51: exe, cwd, vars, args and bound are those of the test."""
    (folder / "p.toml").write_text(
        """version = 1
[write]
default = "deny"
allow = ["${OUT:-out}"]
[connect]
default = "deny"
allow = ["self", { target = ":443", unless = ["/bin/evil"] }]
[syscall]
deny = [{ target = "prctl", arg0 = "PR_SET_DUMPABLE" }]
[[for]]
exe = ["**/pip"]
connect.allow = [":80"]
"""
        + "".join(
            f"[[test]]\n{lines}\n"
            for lines in (
                'op="write"\ntarget="/src/out/x"\ncwd="/src"\nwant="allow"',
                'op="write"\ntarget="out/x"\ncwd="/other"\nwant="allow"',
                'op="write"\ntarget="/src/out/x"\ncwd="/other"\nwant="deny"',
                'op="write"\ntarget="${OUT}/x"\nvars={OUT="/elsewhere"}\nwant="allow"',
                'op="connect"\ntarget="192.0.2.1:443"\nexe="/bin/cat"\nwant="allow"',
                'op="connect"\ntarget="192.0.2.1:443"\nexe="/bin/evil"\nwant="deny"',
                'op="connect"\ntarget="192.0.2.1:80"\nexe="/opt/pip"\nwant="allow"',
                'op="connect"\ntarget="192.0.2.1:80"\nwant="deny"',
                'op="connect"\ntarget="tcp://127.0.0.1:9"\nbound=["tcp://0.0.0.0:9"]\nwant="allow"',
                'op="syscall"\ntarget="prctl"\nargs={arg0="PR_SET_DUMPABLE"}\nwant="deny"',
                'op="syscall"\ntarget="prctl"\nargs={arg0=3}\nwant="allow"',
            )
        )
    )
    assert main(["check", "p.toml"]) == 0, capsys.readouterr().out


# --- explain -------------------------------------------------------------------------------------


def test_explain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The entry that decides, where it stands, what lost and what would change it."""
    assert main(["explain", "good.toml", "connect", "udp://127.0.0.1:53"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("connect udp://127.0.0.1:53: deny, ENETUNREACH\n")
    assert 'decided by good.toml:6: deny "loopback:53"' in out
    assert "reason: no names" in out
    assert 'good.toml:5: allow "loopback": deny is stricter than allow' in out
    assert "--without good:dns" in out
    assert 'except = ["udp://127.0.0.1:53"]' in out


def test_explain_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a default decides, the entry that would allow it is written out."""
    assert main(["explain", "good.toml", "connect", "tcp://192.0.2.1:1"]) == 0
    out = capsys.readouterr().out
    assert "decided by good.toml:3: the default of [connect]" in out
    assert '[connect] allow = ["tcp://192.0.2.1:1"]' in out


def test_explain_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P6: an entry that spares the program is shown with the reason that it lost."""
    words = ["explain", "good.toml", "connect", "tcp://10.0.0.1:443", "--exe", "/usr/bin/evil"]
    assert main(words) == 0
    assert "the program is spared: unless" in capsys.readouterr().out


def test_explain_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON: one record for each question that the target stands for."""
    assert main(["explain", "good.toml", "connect", "1.1.1.1:443", "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [one["target"] for one in records] == ["tcp://1.1.1.1:443", "udp://1.1.1.1:443"]
    assert records[0]["verdict"] == "deny"
    assert records[0]["rule"]["line"] == 3
    assert records[0]["changes"]


def test_explain_built_in(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P46: a built-in default says that it is sandtrace's own, and what lifts it."""
    assert main(["explain", "good.toml", "signal", "outside"]) == 0
    out = capsys.readouterr().out
    assert "decided by sandtrace itself" in out
    assert '[signal] allow = ["outside"]' in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["good.toml", "conect", "x"], "did you mean"),
        (["good.toml", "connect", "10.0.0.1/8"], "bits set"),
        (["good.toml", "signal", "x"], "targets are"),
        (["good.toml", "syscall", "prctll"], "did you mean"),
        (["good.toml", "syscall", "prctl", "--arg", "9=1"], "write N=VALUE"),
        (["nothing", "read", "/"], "there is no policy"),
        (["good.toml", "read", "${UNSET_VARIABLE}"], "not set"),
    ],
)
def test_explain_told_errors(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """P8: what is wrong in a question is told, with status 125."""
    assert main(["explain", *words]) == 125
    assert message in capsys.readouterr().err


def test_questions_follow_links(tmp_path: Path) -> None:
    """P26: a path is asked about as the kernel would reach it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    around = world(cwd=str(tmp_path), links={f"{tmp_path}/link": "real"})
    (found,) = questions(policy(""), "read", "link/x", around)
    assert found.target == f"{tmp_path}/real/x"
    (found,) = questions(policy(""), "read", "real/", around)
    assert found.is_dir is True
    with pytest.raises(TargetError):
        questions(policy(""), "read", "", around)


# --- policies ------------------------------------------------------------------------------------


def test_policies(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has a line for each; a name prints the file; the schema is JSON."""
    assert main(["policies"]) == 0
    assert "net-off     No network" in capsys.readouterr().out
    assert main(["policies", "net-off"]) == 0
    assert '\n[connect]\ndefault = "deny"\n' in capsys.readouterr().out
    assert main(["policies", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "sandtrace policy"
    assert main(["policies", "net-of"]) == 125
    assert 'did you mean "net-off"?' in capsys.readouterr().err


# --- warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[read]\nallow = ["/a/b"]\ndeny = ["/a"]\n', 'allow "/a/b" can never win'),
        ('[read]\nlog = ["/a/*"]\ndeny = ["/**"]\n', 'log "/a/*" can never win'),
        ('[connect]\nallow = ["10.1.0.0/16:443"]\ndeny = ["10.0.0.0/8"]\n', "can never win"),
        ('[read]\ndeny = [{ target = "/a", except = ["/b"] }]\n', "lies outside"),
        ('[read]\ndeny = [{ target = "/a/b", except = ["/a"] }]\n', "cover all"),
        ('[read]\nallow = ["pipe:"]\n', "not needed"),
        ('[bind]\ndeny = ["raw:"]\n', "by [connect]"),
        ('[syscall]\nallow = [{ target = "clone", arg0 = 0 }]\n', "lifts no guard"),
        ('[read]\nallow = [{ target = "/a", errno = "EIO" }]\n', "has no effect"),
        ('[read]\ndeny = ["$HOME/x"]\n', "taken literally"),
        ('[[for]]\nexe = ["curl"]\nread.deny = ["/a"]\n', "names /work/dir/curl alone"),
        ('[[for]]\nexe = ["/opt/x"]\nconnect.deny = [":1"]\n', "lets the command write /opt/x"),
        ('[read]\ndeny = [{ target = "/a", unless = ["/opt/x"] }]\n', "lets the command write"),
        ('[[for]]\nexe = ["/opt/x"]\nread.deny = ["/a"]\n', "every read of every program"),
    ],
)
def test_warnings(text: str, message: str) -> None:
    """What can never match or win, or hardly means what it says, is warned of."""
    assert any(message in one.message for one in lint(policy(text))), lint(policy(text))


@pytest.mark.parametrize(
    "text",
    [
        '[read]\nallow = ["/a"]\ndeny = ["/a/b"]\n',
        '[write]\ndefault = "deny"\n[read]\nallow = ["/a/b"]\n'  # noqa: ISC004
        'deny = [{ target = "/a", unless = ["/x"] }]\n',
        '[read]\nallow = ["/a/b"]\ndeny = [{ target = "/a", except = ["/a/b"] }]\n',
        '[read]\nallow = ["/a/*"]\ndeny = ["/a/*.key"]\n',
        '[connect]\nallow = ["10.0.0.0/8"]\ndeny = ["10.1.0.0/16"]\n',
        '[[for]]\nexe = ["/usr/bin/x"]\nconnect.allow = [":443"]\n[write]\ndefault = "deny"\n',
    ],
)
def test_no_warnings(text: str) -> None:
    """What may match and win in some case is not warned of."""
    assert lint(policy(text)) == []


def test_overruled_default() -> None:
    """P10: a default that a stricter one overrules is warned of."""
    found = lint(policy('[read]\ndefault = "allow"\n', '[read]\ndefault = "deny"\n'))
    assert any('default = "allow" has no effect' in one.message for one in found)
