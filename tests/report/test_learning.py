# SPDX-License-Identifier: GPL-2.0-or-later
"""A learnt policy allows all that was seen, generalised by rules that a reviewer can follow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.report import destinations
from sandtrace.report.learning import Circumstances, Learnt, learn
from sandtrace.report.naming import literal, temporary, versioned
from sandtrace.report.needs import Needs, host_in
from sandtrace.report.policy_text import quoted
from tests.harness.examples import examples
from tests.report.made import HOSTILE

WORK, HOME = "/work/app", "/home/me"
ENVIRON = {"HOME": HOME}


def seen(*things: tuple[str, ...], log_all: bool = True) -> Needs:
    """Needs of one run of ``make``; each thing is (operation, target, program, more...).

    ``dir`` says that the target is a directory, ``mkdir`` that the run made it (unless ``there``),
    ``absent`` that it was not there, ``denied`` that it was really denied.
    """
    needs = Needs()
    start = {"v": 1, "ts": "", "event": "start", "argv": ["make", "all"], "pid": 1, "cwd": WORK,
             "log_all": log_all}  # fmt: skip
    needs.add(1, "log", start)
    process = {"pid": 1, "tid": 1, "ppid": 0, "cwd": WORK}
    needs.add(1, "log", {"event": "exec", "exe": "/usr/bin/make", "argv": ["make"], **process})
    for op, target, *more in things:
        words = set(more[1:])
        record: dict[str, Any] = {
            **process, "event": "decision", "op": op, "target": target,
            "exe": more[0] if more else "/usr/bin/make",
            "syscall": "mkdir" if "mkdir" in words else
                       "unlink" if "removes" in words else "openat",
            "strace": "openat(, O_CREAT)" if "creates" in words else "openat()",
            "verdict": "deny" if "denied" in words else "log", "enforced": True,
            "rule": {"policy": "audit-all", "id": None, "line": None},
        }  # fmt: skip
        if words & {"dir", "mkdir"}:
            record["is_dir"] = True
        if not words & {"absent", "creates", "mkdir"} or "there" in words:
            record["identity"] = [1, 2]
        needs.add(1, "log", record)
    return needs


def learnt(needs: Needs, base: str | None = None, hosts: dict[str, str] | None = None) -> Learnt:
    """What is learnt from ``needs``."""
    names = hosts or {}
    return learn(needs, Circumstances(WORK, ENVIRON, lambda name: [names.get(name, "")]), base)


def policy_of(text: str, folder: Path) -> Policy:
    """The policy that ``text`` is, read as from the workspace."""
    path = folder / "learnt.toml"
    path.write_text(text)
    return load([str(path)], cwd=WORK, environ=ENVIRON)


def table(text: str, op: str) -> list[str]:
    """The targets that a table allows, but for the sockets that may always be made."""
    rows = tomli.loads(text)[op].get("allow", [])
    targets = [row if isinstance(row, str) else row["target"] for row in rows]
    return [target for target in targets if not target.startswith("family:")]


def denies(policy: Policy, op: str, target: str) -> bool:
    """Whether the policy denies."""
    return policy.decide(op, target).verdict == "deny"  # type: ignore[arg-type]


# --- generalising -------------------------------------------------------------------------------


def test_what_the_run_made_is_its_own(tmp_path: Path) -> None:
    """A directory that was made by the run is one entry; its sibling stays denied."""
    result = learnt(seen(
        ("write", f"{WORK}/build", "/usr/bin/mkdir", "mkdir"),
        ("write", f"{WORK}/build/a.o"), ("write", f"{WORK}/build/sub/x"),
        ("read", f"{WORK}/build/a.o"),
    ))  # fmt: skip
    assert table(result.text, "write") == ["build"]
    policy = policy_of(result.text, tmp_path)
    assert not denies(policy, "write", f"{WORK}/build/new/file")
    for other in ("build2/x", "buildx", "src/a.c"):
        assert denies(policy, "write", f"{WORK}/{other}")


def test_a_directory_that_was_there_is_not_its_own() -> None:
    """``mkdir -p`` of what is there makes nothing; the folder is no entry whole."""
    result = learnt(seen(
        ("read", f"{WORK}/out/config"),
        ("write", f"{WORK}/out", "/usr/bin/mkdir", "mkdir", "there"),
        ("write", f"{WORK}/out/a", "/usr/bin/cp", "creates"),
    ))  # fmt: skip
    assert table(result.text, "write") == ["out", "out/a"]
    assert '{ target = "out", except = ["out/*"] }' in result.text


def test_files_of_one_suffix(tmp_path: Path) -> None:
    """Three sources become a pattern; a hidden file or a key beside them stays denied."""
    result = learnt(seen(*[("read", f"{WORK}/src/{name}.c") for name in "abc"]))
    assert table(result.text, "read") == ["src/*.c"]
    policy = policy_of(result.text, tmp_path)
    assert not denies(policy, "read", f"{WORK}/src/d.c")
    for other in ("src/.env", "src/id_rsa", "src/server.key", "other/a.c"):
        assert denies(policy, "read", f"{WORK}/{other}")


def test_keys_are_never_put_under_a_pattern() -> None:
    """Five certificates' keys are five entries."""
    result = learnt(seen(*[("read", f"{WORK}/tls/{name}.key") for name in "abcde"]))
    assert table(result.text, "read") == [f"tls/{name}.key" for name in "abcde"]


def test_a_suffix_in_many_folders() -> None:
    """Headers all over a tree are one pattern at the nearest directory that has them all."""
    result = learnt(seen(*[
        ("read", f"{WORK}/include/lib/{folder}/{name}.h") for folder in "abcd" for name in "xy"
    ]))  # fmt: skip
    assert table(result.text, "read") == ["include/lib/**/*.h"]


def test_system_directories_are_read_whole_but_programs_named() -> None:
    """/usr for reading; each program that was executed for executing."""
    result = learnt(seen(
        ("read", "/usr/lib/x/libc.so.6"), ("read", "/usr/share/y"), ("read", "/etc/passwd"),
        ("exec", "/usr/bin/gcc-12"), ("exec", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1"),
    ))  # fmt: skip
    assert table(result.text, "read") == ["/etc/passwd", "/usr"]
    assert table(result.text, "exec") == [
        "/usr/bin/gcc-[0-9]*", "/usr/lib/gcc/x86_64-linux-gnu/[0-9]*/cc1",
    ]  # fmt: skip


def test_many_names_become_their_directory_but_never_a_home() -> None:
    """Fifty files of a cache are the cache; fifty files of a home are fifty entries."""
    cache = [("read", f"{HOME}/.cache/tool/{number}x") for number in range(50)]
    home = [("read", f"{HOME}/{number}x") for number in range(50)]
    assert table(learnt(seen(*cache)).text, "read") == ["~/.cache/tool"]
    assert len(table(learnt(seen(*home)).text, "read")) == 50


def test_listing_a_directory_allows_nothing_in_it(tmp_path: Path) -> None:
    """An entry covers what is beneath it, so a listed directory has an except."""
    result = learnt(
        seen(("read", f"{WORK}/src", "/bin/ls", "dir"), ("read", WORK, "/bin/ls", "dir"))
    )
    policy = policy_of(result.text, tmp_path)
    for path in (WORK, f"{WORK}/src"):
        assert policy.decide("read", path, is_dir=True).verdict == "allow"
    assert denies(policy, "read", f"{WORK}/src/a")
    assert denies(policy, "read", f"{WORK}/a")


def test_temporary_names_are_patterns(tmp_path: Path) -> None:
    """gcc's, Python's and mktemp's names differ from run to run."""
    result = learnt(seen(("write", "/tmp/ccAb3xYz.o"), ("write", "/tmp/tmpab_cd12x/f")))
    assert table(result.text, "write") == [
        "${TMPDIR:-/tmp}/cc??????.o", "${TMPDIR:-/tmp}/tmp????????/f",
    ]  # fmt: skip
    policy = policy_of(result.text, tmp_path)
    assert not denies(policy, "write", "/tmp/cczzzzzz.o")
    assert denies(policy, "write", "/tmp/other.o")
    assert denies(policy, "write", "/tmp/cczzzzzz.s")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("ccAb3xYz.o", "cc??????.o"), ("tmp.a1B2c3D4e5", "tmp.??????????"),
        ("GMfifo4711", "GMfifo[0-9]*"), ("tmpabcdefgh", "tmp????????"),
        ("npm-4711-a1b2c3d4", "npm-[0-9]*-????????"), ("pytest-of-root", "pytest-of-root"),
        ("config.log", "config.log"), ("7KihaA_H4p", "??????????"), ("config_file", "config_file"),
        ("test_1", "test_1"), ("python3", "python3"), ("a*b", r"a\*b"),
    ],
)  # fmt: skip
def test_temporary(name: str, pattern: str) -> None:
    """What looks random is open, character by character; what has meaning stays."""
    assert temporary(name) == pattern


def test_names_that_a_run_chose_are_random_sooner() -> None:
    """``abcde7`` may be a name or chance: chance, if the run made it in a temporary folder."""
    assert temporary("abcde7") == "abcde7"
    assert temporary("abcde7", created=True) == "??????"
    assert temporary("sorted", created=True) == "sorted"
    assert temporary("qsxaddzs", created=True) == "????????"  # as Python tries a folder


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("python3.11", "python[0-9]*"), ("gcc-12", "gcc-[0-9]*"), ("12", "[0-9]*"),
        ("node-v18.2.0-linux", "node-v[0-9]*-linux"), ("libz.so.1.2.13", "libz.so.[0-9]*"),
        ("x86_64-linux-gnu", "x86_64-linux-gnu"), ("a$b{c}", r"a\$b\{c\}"),
    ],
)  # fmt: skip
def test_versioned(name: str, pattern: str) -> None:
    """Version numbers are left open, other digits are not."""
    assert versioned(name) == pattern


# --- addresses ----------------------------------------------------------------------------------


def test_an_address_is_that_address(tmp_path: Path) -> None:
    """One bit off is denied, and so is another port."""
    result = learnt(seen(("connect", "tcp://192.0.2.6:443", "/usr/bin/curl")))
    policy = policy_of(result.text, tmp_path)
    allowed = policy.decide("connect", "tcp://192.0.2.6:443", exe="/usr/bin/curl")
    assert allowed.verdict == "allow"
    for other in ("tcp://192.0.2.7:443", "tcp://192.0.2.6:444", "udp://192.0.2.6:443"):
        assert policy.decide("connect", other, exe="/usr/bin/curl").verdict == "deny"


def test_an_address_is_for_the_programs_that_used_it(tmp_path: Path) -> None:
    """Where one program of several used it, a section narrows it to that one."""
    result = learnt(seen(
        ("connect", "tcp://192.0.2.6:443", "/usr/bin/curl"), ("read", "/etc/hosts", "/usr/bin/cc"),
    ))  # fmt: skip
    assert tomli.loads(result.text)["for"][0]["exe"] == ["/usr/bin/curl"]
    policy = policy_of(result.text, tmp_path)
    for exe, verdict in (("/usr/bin/curl", "allow"), ("/usr/bin/cc", "deny")):
        assert policy.decide("connect", "tcp://192.0.2.6:443", exe=exe).verdict == verdict


def test_names_among_the_arguments_name_addresses() -> None:
    """``https://files.example.test/x`` names the address that it resolves to."""
    needs = seen(("connect", "tcp://192.0.2.6:443"))
    needs.hosts["files.example.test"] = 1
    text = learnt(needs, hosts={"files.example.test": "192.0.2.6"}).text
    assert table(text, "connect") == ["tcp://files.example.test:443"]
    assert "was 192.0.2.6" in text


def test_what_the_runs_listen_on_is_self() -> None:
    """A test server's port differs from run to run."""
    text = learnt(seen(
        ("bind", "tcp://127.0.0.1:0"), ("bind", "tcp://127.0.0.1:41234"),
        ("connect", "tcp://127.0.0.1:41234"),
    )).text  # fmt: skip
    assert table(text, "connect") == ["self"]


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("https://pypi.example.org/simple", "pypi.example.org"), ("git@host.test:x/y", "host.test"),
        ("http://user:pw@a.test:80/", "a.test"), ("https://192.0.2.1/", None), ("/a/b", None),
        ("http://localhost/", None), ("a:b", None), ("http://-/", None), ("x://a..b/", None),
    ],
)  # fmt: skip
def test_hosts_in_arguments(word: str, host: str | None) -> None:
    """Host names, not addresses, paths or words."""
    assert host_in(word) == host


def test_one_bit_off() -> None:
    """The neighbour of an address; none for loopback and what is no inet address."""
    assert destinations.one_bit_off("tcp://192.0.2.1:443") == "tcp://192.0.2.0:443"
    assert destinations.one_bit_off("udp://[2001:db8::1]:53") == "udp://[2001:db8::]:53"
    assert destinations.one_bit_off("tcp://127.0.0.1:1") is None
    assert destinations.one_bit_off("unix:/run/x") is None


# --- the whole ----------------------------------------------------------------------------------


def test_every_entry_says_who_and_how_often() -> None:
    """A reviewer sees what an entry is for."""
    text = learnt(seen(
        *[("read", "/etc/passwd", "/usr/bin/id")] * 3, ("read", "/etc/passwd", "/usr/bin/ls"),
    )).text  # fmt: skip
    assert re.search(r'"/etc/passwd", +# id, ls 4x\n', text)


def test_what_was_really_denied_is_not_learnt(tmp_path: Path) -> None:
    """The command went on without it; it is counted."""
    needs = seen(("read", "/etc/shadow", "/bin/x", "denied"), ("read", "/etc/passwd"))
    assert needs.denied == 1
    assert denies(policy_of(learnt(needs).text, tmp_path), "read", "/etc/shadow")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("stNmiJB8", "st??????"), ("targetutrUcq", "target??????"), ("out.aB3dE6", "out.??????"),
        ("sedA1b2C3", "sed??????"), ("x-k9Lm2Q.tmp", "x-??????.tmp"),
        ("tmpabcdefgh", "tmp????????"),
        ("conftest.c", "conftest.c"), ("conftest", "conftest"), ("Makefile.new", "Makefile.new"),
    ],
)  # fmt: skip
def test_what_was_made_and_taken_away_in_the_workspace(name: str, pattern: str) -> None:
    """Its random part is open, its head is not; words are no random parts."""
    result = learnt(seen(
        ("write", f"{WORK}/lib/{name}", "/usr/bin/ar", "absent", "creates"),
        ("write", f"{WORK}/lib/{name}", "/usr/bin/ar", "removes"),
    ))  # fmt: skip
    assert table(result.text, "write") == [f"lib/{pattern}"]


def test_what_stays_in_the_workspace_has_its_name() -> None:
    """However random it looks: a class, a hash."""
    result = learnt(seen(("write", f"{WORK}/lib/HelloWorld.class", "/usr/bin/javac", "absent")))
    assert table(result.text, "write") == ["lib/HelloWorld.class"]


def test_a_port_that_the_system_chose(tmp_path: Path) -> None:
    """Listening after a bind to port 0 is learnt as the system's range, elsewhere as the port."""
    result = learnt(seen(
        ("bind", "tcp://127.0.0.1:0", "/usr/bin/perl"),
        ("bind", "tcp://127.0.0.1:35313", "/usr/bin/perl"),
        ("bind", "tcp://127.0.0.1:8080", "/usr/bin/perl"),
    ))  # fmt: skip
    policy = policy_of(result.text, tmp_path)
    assert not denies(policy, "bind", "tcp://127.0.0.1:40000")
    assert not denies(policy, "bind", "tcp://127.0.0.1:8080")
    assert denies(policy, "bind", "tcp://127.0.0.1:8081")
    fixed = learnt(seen(("bind", "tcp://127.0.0.1:35313", "/usr/bin/perl")))
    assert denies(policy_of(fixed.text, tmp_path), "bind", "tcp://127.0.0.1:40000")


def test_a_socket_in_the_temporary_folder(tmp_path: Path) -> None:
    """Its folder is the variable's, and the random parts of its name are open."""
    text = learnt(seen(("bind", "unix:/tmp/pymp-5knh1ar8/listener-x8m175lb"))).text
    assert table(text, "bind") == ["unix:${TMPDIR:-/tmp}/pymp-????????/listener-????????"]
    assert not denies(
        policy_of(text, tmp_path), "bind", "unix:/tmp/pymp-abcdefgh/listener-a2345678"
    )


def test_a_search_along_the_path_is_not_learnt(tmp_path: Path) -> None:
    """What was not there when it was to be executed needs no entry: it would be planted there."""
    needs = seen(("exec", "/usr/bin/as"), ("exec", "/usr/local/bin/as"))
    needs.needs["exec", "/usr/local/bin/as"].there = False
    policy = policy_of(learnt(needs).text, tmp_path)
    assert denies(policy, "exec", "/usr/local/bin/as")
    assert not denies(policy, "exec", "/usr/bin/as")


def test_on_top_of_a_base_that_judges_metadata(tmp_path: Path) -> None:
    """What is looked at is needed too, and so is to be told that a program is not there."""
    base = tmp_path / "strict.toml"
    base.write_text('version = 1\n[stat]\ndefault = "deny"\n[exec]\ndefault = "deny"\n')
    needs = Needs(stat=True)
    start = {"v": 1, "ts": "", "event": "start", "argv": ["x"], "pid": 1, "cwd": WORK,
             "log_all": True}  # fmt: skip
    needs.add(1, "log", start)
    for op, target in (("stat", "/etc/hosts"), ("exec", "/srv/bin/as"), ("exec", "/usr/bin/as")):
        record = {
            "event": "decision", "op": op, "target": target, "exe": "/bin/x", "pid": 2, "tid": 2,
            "ppid": 1, "cwd": WORK, "syscall": "x", "verdict": "log", "enforced": True,
            "rule": {"policy": "audit-all", "id": None, "line": None},
        }  # fmt: skip
        needs.add(1, "log", record if "srv" in target else {**record, "identity": [1, 2]})
    text = learnt(needs, base=str(base)).text
    assert table(text, "stat") == ["/etc/hosts", "/srv/bin/as"]
    assert table(text, "exec") == ["/usr/bin/as"]


def test_on_top_of_a_base(tmp_path: Path) -> None:
    """Only what the base denies is written, and told."""
    base = tmp_path / "strict.toml"
    base.write_text('version = 1\n[read]\ndefault = "deny"\nallow = ["/usr"]\n')
    result = learnt(seen(("read", "/usr/lib/x"), ("read", "/etc/passwd")), base=str(base))
    assert [need.target for need in result.by_base] == ["/etc/passwd"]
    assert table(result.text, "read") == ["/etc/passwd"]
    assert "default" not in tomli.loads(result.text)["read"]


def test_secrets_stay_secret_but_for_what_was_needed(tmp_path: Path) -> None:
    """It stands on no-secrets; an entry of it that was in the way is removed, with the reason."""
    text = learnt(seen(("read", "/etc/passwd"))).text
    assert tomli.loads(text)["extends"] == ["no-secrets"]
    assert "without" not in tomli.loads(text)
    result = learnt(seen(("read", f"{HOME}/.netrc", "/usr/bin/curl")))
    assert result.missing == []
    [removed] = tomli.loads(result.text)["without"]
    assert removed.startswith("no-secrets:")
    assert f"# curl needed {HOME}/.netrc" in result.text
    policy = policy_of(result.text, tmp_path)
    assert not denies(policy, "read", f"{HOME}/.netrc")
    assert denies(policy, "read", f"{HOME}/.ssh/id_rsa")


def test_the_tests_in_it_pass(tmp_path: Path) -> None:
    """It carries tests of what it allows and of what it must not."""
    result = learnt(seen(
        ("read", f"{WORK}/src/a.c"), ("write", f"{WORK}/out", "/bin/mkdir", "mkdir"),
        ("connect", "tcp://192.0.2.6:443", "/usr/bin/make"),
    ))  # fmt: skip
    policy = policy_of(result.text, tmp_path)
    tests = tomli.loads(result.text)["test"]
    assert {(test["op"], test["want"]) for test in tests} >= {
        ("read", "allow"), ("read", "deny"), ("write", "deny"), ("connect", "deny"),
    }  # fmt: skip
    for test in tests:
        target = test["target"]
        if test["op"] in {"read", "write", "exec"} and not target.startswith("/"):
            target = f"{WORK}/{target}"
        assert policy.decide(test["op"], target).verdict == test["want"]


def test_a_partial_log_is_told() -> None:
    """A log without its allowed operations is no ground to learn from."""
    assert list(seen(("read", "/x"), log_all=False).partial) == ["log"]


NAMES = st.one_of(
    st.sampled_from([name.replace("/", "_").replace("\0", "") for name in HOSTILE]),
    st.text(st.characters(exclude_characters="/\0", codec=None, exclude_categories=()), min_size=1,
            max_size=12),
    st.sampled_from(["a.c", "b.c", "c.c", "*", "{a,b}", "~", "${HOME}", "$x", "[a]", "\\", "**",
                     "-", "!", "a b", "tmp12345678"]),
).filter(lambda name: name not in {".", ".."})  # fmt: skip
PATHS = st.builds(
    lambda top, names: "/".join([top, *names]),
    st.sampled_from([WORK, HOME, "/tmp", "/etc", "/srv/data", "/usr/lib"]),
    st.lists(NAMES, min_size=1, max_size=3),
)
ADDRESSES = st.sampled_from(
    ["tcp://192.0.2.1:443", "udp://192.0.2.1:53", "tcp://[2001:db8::1]:80", "tcp://127.0.0.1:8080",
     "tcp://[::1]:1", "tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://[::ffff:192.0.2.7]:22",
     "udp://[fe80::1%2]:5353", "unix:", "unix:/run/x.sock", "unix:/tmp/dir.a1B2c3/s", "unix:@",
     "unix:@abstract-1234", "unix:@/tmp/.X11-unix/X0", f"unix:{WORK}/s", "family:netlink",
     "family:inet", "family:inet6", "family:alg", "family:40", "raw:", "proto:sctp", "proto:132"]
)  # fmt: skip
NEEDS = st.lists(
    st.one_of(
    st.tuples(st.sampled_from(["connect", "bind"]), ADDRESSES,
              st.sampled_from(["/bin/a", "/b", "/usr/bin/make"]), st.just("")),
    st.tuples(st.sampled_from(["read", "write", "exec"]), PATHS, st.sampled_from(["/bin/a", "/b"]),
              st.sampled_from(["", "dir", "mkdir", "absent"]))),
    max_size=25,
)  # fmt: skip


@examples(60)
@given(NEEDS)
def test_whatever_was_seen_is_allowed(things: list[tuple[str, ...]]) -> None:
    """The law of learning: the policy loads, and denies nothing of what it was learnt from."""
    result = learnt(seen(*things))
    tomli.loads(result.text)
    unsayable = {"unix:@", "malformed:"}  # the language has no entry for these
    assert {need.target for need, _ in result.missing} <= unsayable


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=20))
def test_strings_survive_toml(text: str) -> None:
    """Every string comes back from TOML, but for lone surrogates, which it cannot hold."""
    back = tomli.loads(f"x = {quoted(text)}")["x"]
    assert back == re.sub("[\ud800-\udfff]", "?", text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1))
def test_a_literal_matches_its_name_alone(name: str) -> None:
    """The pattern of a name has no wildcard that is not escaped."""
    if name in {".", ".."}:
        return
    from sandtrace.policy.globs import has_wildcard

    assert not has_wildcard(literal(name))
