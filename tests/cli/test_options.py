# SPDX-License-Identifier: GPL-2.0-or-later
"""Options are read by the rules of getopt, without click, and click reads them alike."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.cli import group
from sandtrace.cli.duration import seconds
from sandtrace.cli.options import Option, UsageError, parse
from sandtrace.cli.run import OPTIONS as RUN

OPTIONS = (
    Option(("-o", "--output"), "", "F"),
    Option(("-p", "--policy"), "", "P", multiple=True),
    Option(("-f",), "", key="follow"),
    Option(("-y", "--paths"), ""),
    Option(("--form",), "", "FORM", default="json", choices=("json", "console")),
    Option(("--timeout",), "", "S", read=seconds),
)


def read(*words: str) -> tuple[dict[str, Any], list[str]]:
    """What the lean reader makes of ``words``."""
    return parse(OPTIONS, words, "test")


def test_values_may_be_apart_joined_or_after_an_equals_sign() -> None:
    """``-o F``, ``-oF``, ``--output F`` and ``--output=F`` are one thing."""
    for words in (["-o", "F"], ["-oF"], ["--output", "F"], ["--output=F"]):
        assert read(*words, "true")[0]["output"] == "F"
    assert read("--output=", "x")[0]["output"] == ""
    assert read("-o", "-x", "y") == (read("-o-x")[0], ["y"])


def test_flags_count_and_may_be_joined() -> None:
    """``-ff`` is twice ``-f``; the last of joined letters may take a value."""
    values, rest = read("-ffyy", "-fo", "F", "cmd")
    assert (values["follow"], values["paths"], values["output"], rest) == (3, 2, "F", ["cmd"])


def test_options_end_at_the_first_word_or_two_dashes() -> None:
    """The command's own options are the command's."""
    assert read("-f", "cmd", "-o", "x")[1] == ["cmd", "-o", "x"]
    assert read("--", "-o")[1] == ["-o"]
    assert read("cmd", "--")[1] == ["cmd", "--"]
    assert read("-", "x")[1] == ["-", "x"]
    assert read()[1] == []


def test_what_was_not_given_has_its_default() -> None:
    """0 for flags, [] for what may be repeated, else the stated default."""
    assert read()[0] == {
        "output": None, "policy": [], "follow": 0, "paths": 0, "form": "json", "timeout": None,
    }  # fmt: skip
    assert read("-p", "a", "--policy", "b")[0]["policy"] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--polcy", "x"], "there is no option '--polcy' (did you mean --policy?)"),
        (["-policy=x", "y"], None),  # -p with the value "olicy=x", as getopt reads it
        (["-z"], "there is no option '-z'"),
        (["--output"], "--output needs a value: F"),
        (["-o"], "-o needs a value: F"),
        (["--paths=1"], "--paths takes no value"),
        (["--form", "jsn"], "--form: 'jsn' is none of json, console (did you mean json?)"),
        (["--timeout", "soon"], "--timeout: 'soon' is no duration"),
        (["-yaths"], "there is no option '-a' (did you mean --paths?)"),
    ],
)
def test_errors_name_what_was_expected(words: list[str], message: str | None) -> None:
    """An unknown option, a missing value or a bad one is one clear sentence."""
    if message is None:
        assert read(*words)[0]["policy"] == ["olicy=x"]
        return
    with pytest.raises(UsageError) as caught:
        read(*words)
    assert str(caught.value).startswith(message)


def by_click(options: tuple[Option, ...], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """What click makes of ``words``, from the same declarations."""
    seen: list[tuple[dict[str, Any], list[str]]] = []

    class Module:
        """As `sandtrace.cli.run` is: options, help, and what to do with them."""

        OPTIONS = options
        HELP = ""

        @staticmethod
        def execute(values: dict[str, Any], rest: list[str]) -> int:
            seen.append((values, rest))
            return 0

    command = group._declared("run", Module)  # type: ignore[arg-type]
    command.main(args=words, standalone_mode=False)
    return seen[0]


WORD = st.one_of(
    st.sampled_from(
        ["-o", "-p", "-f", "-y", "-ff", "-fo", "-oF", "--", "-", "--output", "--output=a",
         "--policy=b", "--policy", "--paths", "--form", "--form=console", "json", "--nope", "-z",
         "cmd", "--timeout=5m", "--timeout", "9"]
    ),
    st.text("ab-=", max_size=4),
)  # fmt: skip


@given(st.lists(WORD, max_size=7))
def test_click_reads_the_same(words: list[str]) -> None:
    """Both readers accept the same command lines and find the same values in them."""
    try:
        expected = read(*words)
    except UsageError:
        with pytest.raises((click.UsageError, UsageError)):
            by_click(OPTIONS, words)
        return
    values, rest = by_click(OPTIONS, words)
    assert (values, rest) == expected


def test_the_options_of_run_have_distinct_names() -> None:
    """No two options share a name or a value."""
    names = [name for option in RUN for name in option.names]
    assert len(names) == len(set(names))
    assert len({option.dest for option in RUN}) == len(RUN)


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("0.5", 0.5), ("90s", 90), ("10m", 600), ("2h", 7200), ("250ms", 0.25)],
)
def test_durations(text: str, value: float) -> None:
    """Seconds, or a number with a unit."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1d", "s", "nan", "inf", "1e99", "+5", " 5"])
def test_no_durations(text: str) -> None:
    """Anything else, zero and infinity included, is told as such."""
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
