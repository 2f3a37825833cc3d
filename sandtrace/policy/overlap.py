# SPDX-License-Identifier: GPL-2.0-or-later
"""Which entries can never win: every target that they name is decided by a stricter entry.

An entry is tried with samples that stand for all it matches: a wildcard is filled with a character
of Unicode's private use, which another entry matches by a wildcard alone; a network is tried at
both its ends. An answer "never" is sure but for negated sets; an answer "sometimes" may be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.errors import Problem
from sandtrace.operations import STRICTNESS, Operation, Question
from sandtrace.policy.addresses import ABSTRACT, InetPattern, WordPattern
from sandtrace.policy.engine import Match
from sandtrace.policy.entries import COMMAND_LINE, Entry, Pattern
from sandtrace.policy.globs import Glob
from sandtrace.policy.model import Policy
from sandtrace.policy.names import Names
from sandtrace.policy.paths import PathPattern

_ANY = "\ue000"


def samples(op: Operation, pattern: Pattern, names: Names) -> list[Question]:
    """Questions that together stand for all targets of a pattern; none where there are no such."""
    if isinstance(pattern, PathPattern):
        return [_path_sample(op, pattern)]
    if isinstance(pattern, InetPattern):
        return [Question(op, target) for target in _inet_samples(pattern, names)]
    if isinstance(pattern, WordPattern):
        return [] if pattern.text == "self" else [Question(op, pattern.text)]
    return []


def _path_sample(op: Operation, pattern: PathPattern) -> Question:
    words = []
    for part in pattern.parts:
        if part is None:
            words.append(_ANY)
        else:
            words.append(part.sample(_ANY) if isinstance(part, Glob) else part)
    path = "/" + "/".join(words)
    if op in {"connect", "bind"}:
        return Question(op, f"unix:@{path[1:]}" if pattern.scheme == ABSTRACT else f"unix:{path}")
    if pattern.scheme:
        rest = path if pattern.scheme == "deleted:" else path[1:]
        return Question(op, pattern.scheme + rest)
    return Question(op, path, is_dir=pattern.directory)


def _inet_samples(pattern: InetPattern, names: Names) -> Iterator[str]:
    bits = 32 if pattern.version == 4 else 128
    last = pattern.network | ((1 << (bits - pattern.prefix)) - 1)
    ends = [(pattern.version, pattern.network), (pattern.version, last)]
    if pattern.name is not None:
        ends = names.addresses(pattern.name)
    for version, value in dict.fromkeys(ends):
        host = _host(version, value)
        for port in dict.fromkeys(pattern.ports):
            for scheme in [pattern.scheme] if pattern.scheme else ["tcp", "udp"]:
                yield f"{scheme}://{host}:{port}"


def _host(version: int, value: int) -> str:
    from ipaddress import IPv4Address, IPv6Address

    return str(IPv4Address(value)) if version == 4 else f"[{IPv6Address(value)}]"


def winner_over(policy: Policy, entry: Entry, action: str = "deny") -> Match | None:
    """An entry, at least as strict as ``action``, that wins wherever ``entry`` matches.

    Only what applies to every program counts: entries of a section, or with ``unless``, leave
    some case open. None where ``entry`` may win.
    """
    table = policy.tables[entry.op]
    found: Match | None = None
    tried = False
    for pattern in entry.patterns:
        for question in samples(entry.op, pattern, policy.names):
            tried = True
            best: Match | None = None
            for match in table.matches(question):
                other = match.entry
                if (
                    STRICTNESS[other.action] > STRICTNESS[entry.action]
                    and STRICTNESS[other.action]
                    >= STRICTNESS["deny" if action == "deny" else "log"]
                    and match.obstacle is None
                    and not other.unless
                    and (other.section is None or other.section == entry.section)
                    and (best is None or match.rank < best.rank)
                ):
                    best = match
            if best is None:
                return None
            found = found or best
    return found if tried else None


def losing(policy: Policy) -> list[Problem]:
    """The entries of ``--allow`` that could never win, each with the entry that beats it."""
    out = []
    for table in policy.tables.values():
        for entry in table.entries:
            if entry.origin.source.name == COMMAND_LINE and entry.action == "allow":
                match = winner_over(policy, entry)
                if match is not None:
                    out.append(_lost(entry, match.entry))
    return out


def _lost(entry: Entry, winner: Entry) -> Problem:
    source = winner.origin.source
    place = f"{source.file or COMMAND_LINE}:{winner.origin.line}" if source.file else COMMAND_LINE
    removal = f"remove it with --without {source.name}:{winner.id}" if winner.id else None
    return Problem(
        f"--allow {entry.op}={entry.target} would never win: {place} says "
        f'{winner.action} "{winner.target}", and the strictest entry wins',
        hint=removal or "the entry that wins has no id to remove it by",
    )
