# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding policies, their union, variables."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sandtrace.errors import PolicyError
from sandtrace.policy import shipped
from sandtrace.policy.load import load
from tests.policy.made import policy, problems, verdict, world


def write(folder: Path, **files: str) -> None:
    """Policy files, each without its version."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(f"version = 1\n{text}", encoding="utf-8")


def messages(*names: str, **options: object) -> str:
    """All that is wrong, as one text."""
    with pytest.raises(PolicyError) as caught:
        load([str(name) for name in names], surroundings=world(), **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_all_errors_at_once() -> None:
    """P8: every mistake of a file is told, with its line and column."""
    found = problems(
        '[conect]\n[read]\ndeny = [1, ""]\ndefault = "block"\n[limits]\ntimeout = "x"\n'
    )
    places = [(problem.line, problem.column) for problem in found]
    assert sorted(places) == [(2, 2), (4, 9), (4, 12), (5, 11), (7, 11)]
    assert found[0].hint == 'did you mean "connect"?'


def test_version() -> None:
    """P8: the version is required, and is 1."""
    for text, hint in (("", "begin with"), ("version = 2", "newer"), ('version = "1"', "write"),
                       ("version = true", "write"), ("version = 1.0", "write")):  # fmt: skip
        path = Path("/tmp", f"v{os.getpid()}.toml")
        path.write_text(text)
        try:
            assert hint in messages(str(path))
        finally:
            path.unlink()


def test_extends(tmp_path: Path) -> None:
    """P9: shipped names, and paths relative to the file that names them; a union."""
    (tmp_path / "sub").mkdir()
    write(tmp_path, team='[read]\ndeny = ["/team"]\n')
    write(tmp_path / "sub", own='extends = ["net-off", "../team.toml"]\n[read]\ndeny = ["/own"]\n')
    loaded = load([str(tmp_path / "sub/own.toml")], surroundings=world(cwd="/"))
    assert verdict(loaded, "read", "/team/x") == "deny"
    assert verdict(loaded, "read", "/own/x") == "deny"
    rule = loaded.decide("connect", "tcp://192.0.2.1:1").rule
    assert (rule.policy, rule.file, rule.line) == ("net-off", "policies/net-off.toml", 6)
    assert [name for name, _, _ in loaded.digests] == ["own", "net-off", "team"]
    digest = hashlib.sha256((tmp_path / "team.toml").read_bytes()).hexdigest()
    assert loaded.digests[2] == ("team", f"{tmp_path}/team.toml", digest)


def test_union_never_loosens_denials() -> None:
    """P10: what an entry of one denies stays denied; the strictest default counts."""
    loaded = policy(
        '[read]\ndefault = "allow"\nallow = ["/a"]\n[write]\ndefault = "log"\n',
        '[read]\ndefault = "deny"\ndeny = ["/a/b"]\nerrno = "EACCES"\n[write]\ndefault = "deny"\n',
    )
    assert verdict(loaded, "read", "/a/x") == "allow"
    assert verdict(loaded, "read", "/a/b") == "deny"
    assert loaded.decide("read", "/c").errno == "EACCES"
    assert loaded.decide("write", "/c").rule.policy == "p1"


def test_same_file_twice_is_once(tmp_path: Path) -> None:
    """P9: a file reached on two ways, or by a link, is one."""
    write(tmp_path, base='[read]\ndeny = [{ target = "/x", id = "x" }]\n')
    write(tmp_path, left='extends = ["base.toml"]\n', right='extends = ["./base.toml"]\n')
    write(tmp_path, top='extends = ["left.toml", "right.toml"]\n')
    loaded = load([str(tmp_path / "top.toml"), str(tmp_path / "top.toml")], surroundings=world())
    assert len(loaded.tables["read"].entries) == 1


def test_without(tmp_path: Path) -> None:
    """P11: removes an entry by policy and id, and says so; nothing else changes."""
    write(
        tmp_path, base='[read]\ndeny = [{ target = "/x", id = "x" }, { target = "/y", id = "y" }]\n'
    )
    write(tmp_path, top='extends = ["base.toml"]\nwithout = ["base:x"]\n')
    loaded = load([str(tmp_path / "top.toml")], surroundings=world())
    assert verdict(loaded, "read", "/x") == "allow"
    assert verdict(loaded, "read", "/y") == "deny"
    assert loaded.removals == ("base:x",)
    cut = load([str(tmp_path / "base.toml")], surroundings=world(), without=["base:y"])
    assert verdict(cut, "read", "/y") == "allow"
    assert cut.removals == ("base:y",)


def test_without_removes_a_default(tmp_path: Path) -> None:
    """P11: a default that has an id can be removed like an entry."""
    write(tmp_path, top='extends = ["net-none"]\nwithout = ["net-none:sockets"]\n')
    loaded = load([str(tmp_path / "top.toml")], surroundings=world())
    assert verdict(loaded, "connect", "tcp://192.0.2.1:1") == "allow"


def test_without_reaches_its_own_parents_only(tmp_path: Path) -> None:
    """P11: where another policy extends the same one, the entry stays, with a warning."""
    write(tmp_path, base='[read]\ndeny = [{ target = "/x", id = "x" }]\n')
    write(tmp_path, loose='extends = ["base.toml"]\nwithout = ["base:x"]\n')
    write(tmp_path, strict='extends = ["base.toml"]\n')
    names = [str(tmp_path / "loose.toml"), str(tmp_path / "strict.toml")]
    loaded = load(names, surroundings=world())
    assert verdict(loaded, "read", "/x") == "deny"
    assert any("base:x stays" in text for text in loaded.warnings)
    assert verdict(load(names[:1], surroundings=world()), "read", "/x") == "allow"


def test_wrong_removals(tmp_path: Path) -> None:
    """P11: an id that is not there is an error with the nearest one."""
    write(tmp_path, base='[read]\ndeny = [{ target = "/x", id = "secret" }]\n')
    write(tmp_path, top='extends = ["base.toml"]\nwithout = ["base:secrt", "other:x", "base"]\n')
    text = messages(str(tmp_path / "top.toml"))
    assert 'did you mean "base:secret"?' in text
    assert "this file extends base" in text
    assert "names no entry" in text
    write(tmp_path, own='without = ["own:a"]\n[read]\ndeny = [{ target = "/x", id = "a" }]\n')
    assert "extends nothing" in messages(str(tmp_path / "own.toml"))  # its own is not extended
    assert "--without base:zzz" in messages(str(tmp_path / "base.toml"), without=["base:zzz"])


def test_circles_and_missing_files(tmp_path: Path) -> None:
    """P12: a circle, a missing file, two files of one name: told where they are named."""
    write(tmp_path, a='extends = ["b.toml"]\n', b='extends = ["./c.toml"]\n')
    write(tmp_path, c='extends = ["a.toml"]\n')
    assert "a.toml -> b.toml -> c.toml -> a.toml" in messages(str(tmp_path / "a.toml"))
    write(tmp_path, d='extends = ["gone.toml", "net-of", "./sub/"]\n')
    (tmp_path / "sub").mkdir()
    text = messages(str(tmp_path / "d.toml"))
    assert "gone.toml" in text
    assert 'did you mean "net-off"?' in text
    assert "is a directory" in text
    write(tmp_path / "sub", a="", net_off="")
    write(tmp_path, e='extends = ["sub/a.toml", "f.toml"]\n', f='extends = ["a2.toml"]\n', a2="")
    (tmp_path / "a2.toml").rename(tmp_path / "sub" / "x.toml")
    write(tmp_path, f='extends = ["other/a.toml"]\n')
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", a="")
    assert "two policies are named" in messages(str(tmp_path / "e.toml"))


def test_deep_chains(tmp_path: Path) -> None:
    """P12: a very long chain of extends is an error, not a crash."""
    for place in range(80):
        write(tmp_path, **{f"n{place}": f'extends = ["n{place + 1}.toml"]\n'})
    write(tmp_path, n80="")
    assert "extend one another" in messages(str(tmp_path / "n0.toml"))


def test_names_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P13: a bare name is shipped; NAME.toml is the file if there is one; hiding is told."""
    monkeypatch.chdir(tmp_path)
    assert load(["net-off.toml"], surroundings=world()).sources[0].file == "policies/net-off.toml"
    write(tmp_path, **{"net-off": '[read]\ndeny = ["/mine"]\n'})
    assert load(["net-off"], surroundings=world()).sources[0].file == "policies/net-off.toml"
    mine = load(["net-off.toml"], surroundings=world())
    assert verdict(mine, "read", "/mine") == "deny"
    assert "hides the shipped policy" in mine.warnings[0]
    write(tmp_path, own="")
    assert "the file is named own.toml" in messages("own")
    (tmp_path / "plain").write_text("version = 1\n")
    assert "./plain" in messages("plain")
    assert load(["./plain"], surroundings=world()).name == "plain"
    assert "net-off" in messages("net-of")
    assert "No such file" in messages("gone.toml") or "there is no policy" in messages("gone.toml")


@pytest.mark.parametrize(
    "text",
    [
        '[read]\ndeny = ["/a", "/a"]\n',
        '[read]\nallow = ["/a"]\ndeny = ["/a"]\n',
        '[read]\ndeny = ["/a", { target = "/./a", reason = "x", errno = "EIO", id = "y" }]\n',
        '[connect]\nallow = ["10.0.0.1"]\ndeny = ["10.0.0.1:*"]\n',
        '[read]\ndeny = [{ target = "/a", id = "x" }, { target = "/b", id = "x" }]\n',
    ],
)
def test_contradictions(text: str) -> None:
    """P14: the same target twice, or one id twice, is an error."""
    found = problems(text)
    assert len(found) == 1
    assert "stands" in found[0].message or "is taken" in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        '[read]\nallow = ["/a"]\ndeny = [{ target = "/a", unless = ["/x"] }]\n',
        '[read]\ndeny = [{ target = "/a", except = ["/b"] }, { target = "/a", except = ["/c"] }]\n',
        '[read]\ndeny = ["/a"]\n[write]\ndeny = ["/a"]\n',
        '[read]\ndeny = ["/a"]\n[[for]]\nexe = ["/x"]\nread.deny = ["/a"]\n',
        '[syscall]\ndeny = [{ target = "prctl", arg0 = 1 }, { target = "prctl", arg0 = 2 }]\n',
    ],
)
def test_no_contradiction(text: str) -> None:
    """P14: what is told apart by except, unless, arguments or section may stand twice."""
    policy(text)


def test_command_line_entries() -> None:
    """P15: entries of the command line; an --allow that must lose is an error with the winner."""
    loaded = policy(
        '[connect]\ndefault = "deny"\ndeny = [{ target = "10.0.0.0/8", id = "lan" }]\n',
        allow=["connect=192.0.2.1:443", "read=x"],
        deny=["write=/etc"],
    )
    assert verdict(loaded, "connect", "tcp://192.0.2.1:443") == "allow"
    assert verdict(loaded, "write", "/etc/x") == "deny"
    rule = loaded.decide("write", "/etc/x").rule
    assert (rule.policy, rule.file, rule.line, rule.entry) == ("command-line", None, None, "/etc")
    for entry in ("connect=10.1.0.0/16", "connect=10.1.2.3:80"):
        found = problems(
            '[connect]\ndefault = "deny"\ndeny = [{ target = "10.0.0.0/8", id = "lan" }]\n',
            allow=[entry],
        )
        assert "would never win" in found[0].message
        assert "--without p0:lan" in (found[0].hint or "")
    policy('[connect]\ndeny = ["10.0.0.0/8"]\n', allow=["connect=:443"])  # may win elsewhere
    for entry in ("connect", "conect=1.2.3.4", "connect=", "=x", "read=/a/**.b"):
        assert problems("", allow=[entry])[0].message.startswith(f"--allow {entry}")


# --- variables -----------------------------------------------------------------------------------


def test_variables() -> None:
    """P16: [vars] first, the environment underneath, defaults, ~, an escaped dollar sign."""
    loaded = policy(
        """
[vars]
OUT = "${WORKSPACE:-.}/build"
HOME_BIN = "~/bin"
X = "${X:-fallback}"
NESTED = "${A:-${B:-deep}}"
[write]
deny = ["${OUT}", "${HOME_BIN}", "/x/${X}", "/n/${NESTED}", "/e/${E}",
    "/d/\\\\$\\\\{OUT\\\\}", "/q/$E"]
""",
        surroundings=world(environ={"E": "env", "X": "outer", "OUT": "never"}),
    )
    for target in ("/work/dir/build/o", "/home/user/bin/x", "/x/outer", "/n/deep", "/e/env",
                   "/d/${OUT}", "/q/$E"):  # fmt: skip
        assert verdict(loaded, "write", target) == "deny", target
    assert any("${E}" in text for text in loaded.warnings)


def test_values_are_literal() -> None:
    """P17: wildcards, braces, backslashes and ~ in a value mean themselves."""
    for value in ("a*", "{a,b}", "[x]", "\\", "~", "**", "a?b"):
        loaded = policy(
            '[read]\ndeny = ["/d/${V}", "${V}/x"]\n', surroundings=world(environ={"V": value})
        )
        assert verdict(loaded, "read", f"/d/{value}") == "deny"
        assert verdict(loaded, "read", f"/work/dir/{value}/x") == "deny"
        assert verdict(loaded, "read", "/d/ab") == "allow"
    literal = policy("[vars]\nV = 'a*'\n[read]\ndeny = ['/${V}', '/${W:-b*}']\n")
    assert verdict(literal, "read", "/a*") == "deny"
    assert verdict(literal, "read", "/b*") == "deny"
    assert verdict(literal, "read", "/ab") == "allow"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[read]\ndeny = ["${NONE}/x"]\n', "NONE is not set"),
        ('[read]\ndeny = ["${EMPTY}/x"]\n', "EMPTY is empty"),
        ('[read]\ndeny = ["${EMPTY:-}"]\n', "empty"),
        ('[vars]\nA = "${B}"\nB = "${A}"\n', "circle"),
        ('[vars]\nA = "${UNSET}"\n', "UNSET is not set"),
        ('[vars]\n"a-b" = "x"\n', "no variable's name"),
        ("[vars]\nA = 1\n", "must be a string"),
        ('[read]\ndeny = ["${a b}"]\n', "is no variable"),
        ('[read]\ndeny = ["${A"]\n', "not closed"),
        ('[connect]\ndeny = ["${EMPTY:- }"]\n', "empty"),
    ],
)
def test_wrong_variables(text: str, message: str) -> None:
    """P18: a variable without value and default, or an empty one, is an error."""
    found = problems(text, surroundings=world(environ={"EMPTY": ""}))
    assert any(message in problem.message for problem in found), found


def test_variables_do_not_explode() -> None:
    """P18: values that double again and again are an error, not a full memory."""
    lines = "".join(f'V{place} = "${{V{place + 1}}}${{V{place + 1}}}"\n' for place in range(60))
    found = problems(f'[vars]\n{lines}V60 = "xx"\n')
    assert "longer than" in found[0].message


def test_vars_belong_to_their_file(tmp_path: Path) -> None:
    """P19: a child cannot redefine what its parent's entries mean."""
    write(tmp_path, base='[vars]\nD = "/parent"\n[read]\ndeny = ["${D}", "${E:-/none}"]\n')
    write(tmp_path, top='extends = ["base.toml"]\n[vars]\nD = "/child"\nE = "/child"\n')
    loaded = load([str(tmp_path / "top.toml")], surroundings=world())
    assert verdict(loaded, "read", "/parent") == "deny"
    assert verdict(loaded, "read", "/child") == "allow"
    assert verdict(loaded, "read", "/none") == "deny"


def test_env_conflict() -> None:
    """P49: two policies that set one variable to two values contradict."""
    with pytest.raises(PolicyError, match="X is set to another value"):
        policy('[env]\nset = { X = "1" }\n', '[env]\nset = { X = "2" }\n')


# --- files that are no policies -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"version = 1\n[read]\ndeny = ['\xe4']\n", ":3:10: the file is not UTF-8"),
        (b"\xef\xbb\xbfversion = 1\n", "byte order mark"),
        (b"version = 1\nversion = 1\n", "already"),
        (b"version = 1\n[read]\ndeny = [/a]\n", "quotes"),
        (b"version = 1\n[read]\ndefault = deny\n", 'quotes: "deny"'),
        (b"a = " + b"[" * 5000, "nested"),
        (b"a = " + b"1" * 10000, "no TOML"),
        (b"\0", "no TOML"),
        (b"", "version"),
    ],
)
def test_no_policy_at_all(tmp_path: Path, raw: bytes, message: str) -> None:
    """P8: a file that is no TOML is told where and why."""
    path = tmp_path / "p.toml"
    path.write_bytes(raw)
    assert message in messages(str(path))


def test_odd_files(tmp_path: Path) -> None:
    """P8: directories, devices and huge files are errors; a pipe is read."""
    assert "a directory" in messages(f"{tmp_path}/")
    assert "no regular file" in messages("/dev/zero")
    (tmp_path / "big.toml").write_bytes(b"#" * (17 << 20))
    assert "larger than" in messages(str(tmp_path / "big.toml"))
    assert "null" in messages("./a\0b") or "NUL" in messages("./a\0b")
    reader, writer = os.pipe()
    os.write(writer, b'version = 1\n[read]\ndeny = ["/a"]\n')
    os.close(writer)
    try:
        assert verdict(load([f"/dev/fd/{reader}"], surroundings=world()), "read", "/a") == "deny"
    finally:
        os.close(reader)


def test_hostile_text_is_harmless(tmp_path: Path) -> None:
    """P8: control characters of a policy come out escaped, in every message."""
    from sandtrace.policy.problems import render

    (tmp_path / "p.toml").write_text('version = 1\n"\\u001b[31m\\n::error::x" = 1\n')
    with pytest.raises(PolicyError) as caught:
        load([str(tmp_path / "p.toml")], surroundings=world())
    shown = render(caught.value.problems)
    assert "\x1b" not in shown
    assert "\n::error" not in shown


def test_shipped_are_found() -> None:
    """P9: the shipped policies are there, and each loads."""
    assert {"base", "net-off", "net-self", "net-none", "audit-all"} <= set(shipped.names())
    assert shipped.path("../net-off") is None
    assert shipped.text("nothing") is None
