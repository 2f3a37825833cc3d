# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of constants, and the generator that makes them from headers."""

from __future__ import annotations

import errno
import os
import runpy
import shutil
import signal
import socket
from pathlib import Path

import pytest

from sandtrace.syscalls import generate, xlat
from sandtrace.syscalls.model import ARCHES

SPEC = Path(generate.__file__).with_name("constants.spec")
PRELUDE = ("linux/types.h", "linux/ioctl.h", "linux/time.h")


def test_every_table_of_the_specification_was_made() -> None:
    """The data are those of the specification: none is missing, none is left over."""
    assert list(xlat.FLAGS) == [table.name for table in generate.read_spec(SPEC.read_text())]


@pytest.mark.parametrize("arch", ARCHES)
def test_a_table_names_nothing_twice(arch: str) -> None:
    """A name has one value within a table, and every table has names, but for foreign arches'."""
    for name in xlat.FLAGS:
        rows = xlat.table(name, arch)
        texts = [text for _, text in rows]
        assert len(set(texts)) == len(texts), name
        assert rows or arch == "aarch64", name


def test_values_are_the_c_librarys() -> None:
    """What Python's own modules know from the C library has the same value here."""
    opens = xlat.values("open_mode_flags")
    for name in ("O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_CLOEXEC", "O_PATH", "O_NOFOLLOW"):
        assert opens[name] == getattr(os, name)
    for text, value in xlat.values("addrfams").items():
        assert getattr(socket, text, value) == value
    for value, text in xlat.FLAGS["signals"]:
        assert (
            text == "SIGRTMIN" or getattr(signal, text, value) == value
        )  # the C library's is later
    errnos = xlat.values("errnos")
    for value, text in errno.errorcode.items():
        assert errnos.get(text, value) == value


def test_arches_differ_where_the_kernel_does() -> None:
    """arm64 has its own O_DIRECTORY and O_NOFOLLOW, i386 its own sizes in ioctl requests."""
    assert xlat.values("open_mode_flags")["O_DIRECTORY"] == 0o200000
    assert xlat.values("open_mode_flags", "aarch64")["O_DIRECTORY"] == 0o40000
    assert xlat.values("open_mode_flags", "aarch64")["O_NOFOLLOW"] == 0o100000
    assert xlat.values("ioctls")["FS_IOC_GETVERSION"] == 0x80087601
    assert xlat.values("ioctls", "i386")["FS_IOC_GETVERSION"] == 0x80047601
    assert xlat.table("whence_codes", "aarch64") == xlat.FLAGS["whence_codes"]
    with pytest.raises(KeyError):
        xlat.table("no_such_table")
    assert xlat.table("archvals", "aarch64") == ()  # arch_prctl is x86's


def test_flags_are_unsigned() -> None:
    """A flag in bit 31 is no negative number; an enumeration may hold -1."""
    assert xlat.values("epollevents")["EPOLLET"] == 1 << 31
    assert xlat.values("usagewho")["RUSAGE_CHILDREN"] == -1


@pytest.fixture
def headers(tmp_path: Path) -> generate.Headers:
    """A small tree of headers, seen as x86_64."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    include, stand_ins = tmp_path / "include", tmp_path / "stand-ins"
    for folder in ("linux", "x86_64-linux-gnu/asm", "i386-linux-gnu/asm"):
        (include / folder).mkdir(parents=True)
    (stand_ins / "sys").mkdir(parents=True)
    (stand_ins / "sys/socket.h").write_text("")
    for name in PRELUDE:
        (include / name).write_text("")
    (include / "linux/ioctl.h").write_text("#define _IOW(t, n, s) (1U << 30 | sizeof(s) << 16)\n")
    (include / "linux/sample.h").write_text(
        "/* #define S_COMMENTED 1 */\n"
        "#define S_SECOND 0x2 /* two */\n"
        "#define S_FIRST \\\n    1\n"
        '#define S_TEXT "no number"\n'
        "#define S_CALL(x) x\n"
        "#define S_TOP (1 << 31)\n"
        "#define EACH(F) F(A) F(B)\n"
        "#define MAKE(x) E_##x,\n"
        "enum sample { E_ZERO, EACH(MAKE) E_LAST = -5 };\n"
        "#define S_IOCTL _IOW('s', 1, long)\n"
    )
    return generate.Headers(include, "x86_64", "cc", stand_ins)


def make(spec: str, headers: generate.Headers) -> dict[str, generate.Rows]:
    """Table name -> rows."""
    made = generate._make(generate.read_spec(f"include linux/sample.h\n{spec}"), headers)
    return {name: rows for name, (_, rows) in made.items()}


def test_generator_reads_macros_and_enumerators(headers: generate.Headers) -> None:
    """Patterns take names in the order of definition; what is no number is passed over."""
    made = make("flags s: S_* -S_IOCTL\nenum e: E_*\n", headers)
    assert made["s"] == ((2, "S_SECOND"), (1, "S_FIRST"), (1 << 31, "S_TOP"))
    assert made["e"] == ((0, "E_ZERO"), (1, "E_A"), (2, "E_B"), (-5, "E_LAST"))


def test_generator_keeps_the_specifications_order(headers: generate.Headers) -> None:
    """Names that are written come as written, with values of ours and names of strace's."""
    made = make("enum s: S_FIRST OWN=7 SHOWN:S_SECOND ?S_NOT_HERE\n  E_A # more\n", headers)
    assert made["s"] == ((1, "S_FIRST"), (7, "OWN"), (2, "SHOWN"), (1, "E_A"))


def test_generator_knows_requests_by_their_definition(headers: generate.Headers) -> None:
    """ioctls are the macros made by _IOW and its kin, whatever their names."""
    made = make("enum own: MY_REQUEST=3\nioctls i: * +own\n", headers)
    assert made["i"] == ((3, "MY_REQUEST"), (1 << 30 | 8 << 16, "S_IOCTL"))


def test_generator_tells_what_is_missing(
    headers: generate.Headers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that the headers do not define is told, with the table and the headers."""
    make("flags s: S_FIRST S_GONE\n", headers)
    assert "s: not in linux/sample.h: S_GONE" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["flag s: A", "flags s A", "  S_FIRST"])
def test_specification_with_a_slip_is_refused(line: str) -> None:
    """A line that is no table stops the generator and is told with its number."""
    with pytest.raises(SystemExit, match=r"constants\.spec:1"):
        generate.read_spec(line)


def test_generator_writes_modules_that_give_the_data_back(tmp_path: Path) -> None:
    """What is written for a table is what a reader of the module finds."""
    rows = ((0x40, "O_CREAT"), (1 << 31, "TOP"), (0, "ZERO"))
    text = generate._module("Sample.", {"one": ("flags", rows), "none": ("enum", ())})
    (tmp_path / "made.py").write_text(text)
    assert runpy.run_path(str(tmp_path / "made.py"))["TABLES"] == {"one": rows, "none": ()}
