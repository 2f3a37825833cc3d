# SPDX-License-Identifier: GPL-2.0-or-later
"""Random and mutated policies: each gives a policy or a told error, nothing else.

``python tests/policy/fuzz.py [COUNT] [SEED]`` tries COUNT of them (100,000 unless said) and prints
what came of it. Never an exception of another kind, never more than five seconds for one, never
more than 500 MB for all.
"""

from __future__ import annotations

import random
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from sandtrace.errors import PolicyError
from sandtrace.operations import Question
from sandtrace.policy import shipped
from sandtrace.policy.lint import lint
from sandtrace.policy.load import load
from sandtrace.policy.problems import render
from tests.policy.made import world

SLOWEST = 5.0  # seconds for one policy
LARGEST = 500 << 10  # KiB of resident memory
GOLDEN = Path(__file__).parent / "golden"
WORDS = [
    b"version = 1\n", b"[read]\n", b"[[for]]\n", b"[connect]\n", b"deny = [", b"]\n", b'"/a/**"',
    b'"{a,b}"', b'"${HOME}"', b"{ target = ", b" }", b"except = [", b"'", b'"', b'"""', b"=", b",",
    b"\\", b"{", b"}", b"*", b"**/", b"[", b"[!", b"..", b"~", b"\x00", b"\xff", b"\xed\xa0\x80",
    b"10.0.0.0/8", b":443", b"tcp://", b"[::1]", b"unix:@", b"family:", b"@mount", b"arg0 = ",
    b"0x", b"9" * 30, b"-1", b"1e999", b"nan", b"true", b"1979-05-27", b"default = ", b'"kill"',
    b"extends = [", b'"net-off"', b"without = [", b"[vars]\n", b"A = '${A}${A}'\n", b"\r\n", b"#",
    b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"{a,b}" * 12, b"[" * 300, b"exe = [", b"\n",
    b"op = ", b"[[test]]\n", b"[limits]\n", b"timeout = ", b"[env]\n", b"[syscall]\n", b"log = [",
]  # fmt: skip
STRING = re.compile(rb"\"[^\"\n]*\"|'[^'\n]*'")
TARGETS = {
    "read": "/a/b", "write": "/work/dir/x", "stat": "/", "exec": "memfd:x",
    "connect": "tcp://10.0.0.1:443", "bind": "unix:@x", "signal": "outside",
    "inspect": "sandbox", "syscall": "mount",
}  # fmt: skip


def seeds() -> list[bytes]:
    """Policies to begin with: the shipped ones and the wrong ones."""
    texts = [(shipped.text(name) or "").encode() for name in shipped.names()]
    return texts * 5 + [path.read_bytes() for path in sorted(GOLDEN.glob("*.toml"))]


def mutated(base: bytes, other: bytes, chance: random.Random) -> bytes:
    """A policy that is a little (or very) different from ``base``."""
    text = bytearray(base)
    strings = STRING.findall(other) or [b'""']
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3, 8, 30))):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((1, 1, 2, 5, 20, 200)))
        kind = chance.randrange(14)
        if kind > 6:  # another string in a string's place keeps the shape
            found = STRING.search(text, at)
            if found is not None:
                text[found.start() : found.end()] = chance.choice(strings)
        elif kind == 0:
            del text[at:end]
        elif kind == 1:
            text[at:at] = chance.choice(WORDS)
        elif kind == 2:
            text[at:end] = chance.choice(WORDS)
        elif kind == 3:
            text[at:at] = text[at:end] * chance.choice((2, 3, 50))
        elif kind == 4 and at < len(text):
            text[at] = chance.randrange(256)
        elif kind == 5:
            start = chance.randrange(len(other) + 1)
            text[at:end] = other[start : start + chance.randrange(200)]
        else:
            text[at:at] = bytes(chance.randrange(32, 127) for _ in range(chance.randrange(12)))
    return bytes(text[: 1 << 17])


def try_one(path: Path, raw: bytes) -> str:
    """Load, lint and ask one policy; ``policy`` or ``error``. Any other exception is a bug."""
    path.write_bytes(raw)
    try:
        policy = load([str(path)], surroundings=world(environ={"EMPTY": ""}))
    except PolicyError as error:
        return _told(error)
    for op, target in TARGETS.items():
        sections = tuple(range(len(policy.sections)))
        policy.decide(Question(op, target, sections=sections))  # type: ignore[arg-type]
        policy.silent(op)  # type: ignore[arg-type]
    if len(policy.tables["read"].entries) < 100:
        render(lint(policy), kind="warning")
    return "policy"


def _told(error: PolicyError) -> str:
    shown = render(error.problems)
    assert error.problems
    assert all(char == "\n" or char.isprintable() for char in shown), shown
    return "error"


def fuzz(count: int, seed: int) -> dict[str, int]:
    """Try ``count`` policies; how many of each kind came out."""
    chance = random.Random(seed)
    bases = seeds()
    tally = {"policy": 0, "error": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzzed.toml")
        for number in range(count):
            raw = mutated(chance.choice(bases), chance.choice(bases), chance)
            start = time.monotonic()
            try:
                tally[try_one(path, raw)] += 1
            except BaseException:
                kept = Path(tempfile.gettempdir(), f"fuzz-{seed}-{number}.toml")
                kept.write_bytes(raw)
                sys.stderr.write(f"number {number} of seed {seed} is kept as {kept}\n")
                raise
            took = time.monotonic() - start
            assert took < SLOWEST, f"number {number} of seed {seed} took {took:.1f} s"
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert used < LARGEST, f"{used >> 10} MB"
    return tally


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:3]]
    wanted, first = (*arguments, *(100_000, 1)[len(arguments) :])
    print(fuzz(wanted, first), f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
