# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed strace is the peer: its lines and ours of the same program, side by side.

Each victim makes hundreds of calls with chosen values. What differs between two runs of the same
program (addresses, pids, times, ports, random bytes) is taken out of both texts first; what is left
must be equal but for the lines that `KNOWN` explains.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

VICTIMS = Path(__file__).parents[1] / "victims" / "decode"
_PIDS = (
    r"\b(t?kill|tgkill|rt_t?g?sigqueueinfo|process_vm_\w+|pidfd_open|wait\w+|getp\w+|gettid"
    r"|setpgid|clone|fork)\((.*)$"
)
_NORMAL = tuple(
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"^\d+ +", ""),
        (r"0x[0-9a-f]{5,}", "ADDR"),
        (r" +=", " ="),
        (r"\d+ vars", "N vars"),
        (r"tv_sec=-?\d+, tv_([nu])sec=\d+", r"T\1"),
        (_PIDS, r"\1"),
        (r"(pid|lpid|cpid)=\d+", r"\1=P"),
        (r"(F_SETOWN|F_GETOWN).*", r"\1"),
        (r"\b(time|times|getcpu|sysinfo|adjtimex)\(.*", r"\1"),
        (r"= \d{4,}$", "= N"),
        (r"htons\([1-9]\d{4}\)", "htons(PORT)"),
        (r'"(\\x[0-9a-f]{2})+"', '"HEX"'),
        (r"victim-files-\w{6}", "DIR"),
        (r"\b((?:shm|sem|msg)\w+)\(\d+, ", r"\1(ID, "),
        (r"\b(shmget|semget|msgget|shmctl|semctl|msgctl)(.*) = \d+$", r"\1\2 = ID"),
        (r"(mtime|atime|ctime|stime|rtime|otime)=\d{4,}", r"\1=T"),
        (r"\[[A-Z][A-Z0-9_ ]+\], (sigsetsize|8\))", r"[SET], \1"),
        (r'sa_data="[^"]*"\}, \[4 => 16\]', "PORT"),
    )
)  # fmt: skip
# Where ours says more than strace 6.1 (constants that are newer), by what stands in our line.
_MAIN = "import sys; from sandtrace.cli.main import main; sys.exit(main(sys.argv[1:]))"
KNOWN = re.compile(
    r"RWF_DONTCACHE|FALLOC_FL_WRITE_ZEROES|PERF_ATTR_SIZE_VER8|IORING_FEAT_|KEYCTL_CAPS1_"
    r"|TCP_RTO|PASSPIDFD|DEVMEM|MEMBARRIER_CMD_GET_REGISTRATIONS"
)


def normal(text: str) -> list[str]:
    """The lines of a trace without what no two runs share."""
    lines = []
    for line in text.splitlines():
        left = line
        for pattern, shown in _NORMAL:
            left = pattern.sub(shown, left)
        lines.append(left)
    return lines


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the victims compiled."""
    if shutil.which("gcc") is None or shutil.which("strace") is None:
        pytest.skip("needs gcc and strace")
    folder = tmp_path_factory.mktemp("victims")
    for source in VICTIMS.glob("*.c"):
        subprocess.run(
            ["gcc", "-w", "-o", folder / source.stem, source], check=True, capture_output=True
        )
    return folder


def traced(tracer: list[str], program: Path, output: Path) -> list[str]:
    """The normalised trace of ``program``."""
    done = subprocess.run(
        [*tracer, "-o", str(output), str(program)], capture_output=True, timeout=60, cwd="/",
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return normal(output.read_text())


@pytest.mark.parametrize("name", ["files", "network", "process", "system"])
def test_lines_are_those_of_strace(name: str, built: Path, tmp_path: Path) -> None:
    """Every line of every victim reads as strace's, but for constants that strace doesn't know."""
    peer = traced(["strace", "-f"], built / name, tmp_path / "peer")
    ours = traced([sys.executable, "-c", _MAIN, "strace"], built / name, tmp_path / "ours")
    # Two tasks may take turns in another order, and mkdtemp asks for more random bytes at times.
    turns = re.compile("unfinished|resumed|set_robust_list|exit|getrandom")
    whole = Counter(line for line in peer if not turns.search(line))
    mine = Counter(line for line in ours if not turns.search(line))
    missing = sorted((whole - mine).elements())
    extra = sorted((mine - whole).elements())
    told = "\n".join([f"-{line}" for line in missing] + [f"+{line}" for line in extra])
    assert all(KNOWN.search(line) for line in extra), told
    assert len(missing) == len(extra), told
    assert sum(whole.values()) > 100


def test_the_normaliser_hides_no_corruption() -> None:
    """A changed flag, errno, name, string, count or punctuation survives normalisation."""
    line = 'openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3'
    corrupted = (
        line.replace("O_RDONLY", "O_WRONLY"),
        line.replace("passwd", "shadow"),
        line.replace("= 3", "= 4"),
        line.replace("openat", "open"),
        line.replace(", ", ","),
        line.replace("AT_FDCWD", "3"),
    )
    assert len({normal(text)[0] for text in (line, *corrupted)}) == len(corrupted) + 1
