# SPDX-License-Identifier: GPL-2.0-or-later
"""All commands as click's: help, shell completion, and every command but `run` and `strace`.

Each command's module is imported when it is asked for. `run` and `strace` declare their options
as data (`sandtrace.cli.options`); here click's commands are built from that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import click

from sandtrace.cli import completion
from sandtrace.cli.options import Option, UsageError, nearest

COMMANDS: dict[str, str] = {
    "run": "Run a command under a policy, or audit it.",
    "strace": "Trace a command as strace does, without any policy.",
    "learn": "Write a policy from what a run, or recorded runs, did.",
    "replay": "Ask what a policy would have decided about a recorded run.",
    "check": "Load policies, lint them and run their tests.",
    "explain": "Tell which entry of a policy decides, and what would change it.",
    "report": "Make a report from recorded logs.",
    "policies": "List the shipped policies, or print one.",
    "doctor": "Tell what this machine offers and lacks for sandboxing.",
}
_DECLARED = ("run", "strace")


class Commands(click.Group):
    """The top command; looks its commands up by name and imports them one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the manual."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None for a name that there is none of."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"sandtrace.cli.{cmd_name}")
        if cmd_name in _DECLARED:
            return _declared(cmd_name, module)
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name in the error."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], list(COMMANDS))
            message = f"there is no command {args[0]!r}{hint}"
            raise UsageError(message, "")
        return super().resolve_command(ctx, args)


def _declared(name: str, module: ModuleType) -> click.Command:
    """A click command from a module's ``OPTIONS``, for its help, completion and tests."""
    params: list[click.Parameter] = [_option(option) for option in module.OPTIONS]
    params.append(
        click.Argument(
            ["command"], nargs=-1, type=click.UNPROCESSED, metavar="CMD...",
            shell_complete=completion.files,
        )
    )  # fmt: skip

    def callback(command: tuple[str, ...], **values: object) -> int:
        status: int = module.execute(values, list(command))
        return status

    return click.Command(
        name,
        params=params,
        callback=callback,
        help=module.HELP,
        short_help=COMMANDS[name],
        options_metavar="[OPTIONS]",
        add_help_option=True,
        context_settings={"allow_interspersed_args": False},
    )


def _option(option: Option) -> click.Option:
    names = [*option.names, option.dest]
    if option.dest == "help":
        names = ["--help-declared", "help"]  # click has its own --help
    if option.metavar is None:
        return click.Option(names, count=True, help=option.help, hidden=_hidden(option))
    return click.Option(
        names,
        metavar=option.metavar,
        multiple=option.multiple,
        default=None if option.multiple else option.default,
        help=option.help,
        hidden=_hidden(option),
        callback=_reader(option),
        expose_value=True,
        shell_complete=completion.for_value(option.metavar, option.choices, option.names),
    )


def _hidden(option: Option) -> bool:
    return option.hidden or option.dest == "help"


def _reader(option: Option) -> Callable[[click.Context, click.Parameter, object], object]:
    """What click calls with the words of one option; errors are ours, worded as `parse` does."""

    def read(ctx: click.Context, _param: click.Parameter, words: object) -> object:
        command = ctx.info_name or ""
        if isinstance(words, (tuple, list)):
            return [option.value(word, command) for word in words]
        if not isinstance(words, str) or words == option.default:
            return words
        return option.value(words, command)

    return read


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, help="Show the versions and exit.")
@click.pass_context
def sandtrace(ctx: click.Context, version: bool) -> int:
    r"""Run a command under a policy, see what it did, and which rule denied what.

    \b
    sandtrace run --policy net-off curl https://example.org
    sandtrace run --audit make
    sandtrace strace -e trace=%network curl https://example.org
    """
    if version:
        from sandtrace.cli.version import version_text

        click.echo(version_text())
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    return 0


def execute(words: list[str]) -> int:
    """Run ``words`` by click; usage errors become ours."""
    try:
        result = sandtrace.main(args=words, prog_name="sandtrace", standalone_mode=False)
    except click.UsageError as error:
        names = error.ctx.command_path.split()[1:] if error.ctx else []
        raise UsageError(error.format_message(), " ".join(names)) from None
    except click.ClickException as error:
        sys.stderr.write(f"sandtrace: {error.format_message()}\n")
        return 125
    except click.Abort:
        return 130
    except SystemExit:  # how click ends where the reader of its output is gone
        raise BrokenPipeError from None
    return result if isinstance(result, int) else 0
