# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a decision so. Why it was taken is not known here.

A blocked call is skipped with an errno, in one stop. An allowed one is carried out so that nothing
can change between the judgement and the kernel's reading: done by the tracer on the object that it
judged (`perform`), or by the task on arguments that only the tracer can write (`handover`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from enum import Enum, auto
from typing import TYPE_CHECKING

from sandtrace.kernel import abi, arch
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.operations import MovedArg, PathArg, ProcessArg, SubcallArg
from sandtrace.resolve import Unjudgeable, arguments, mappings, messages
from sandtrace.syscalls import table
from sandtrace.tracer import arguments as pages
from sandtrace.tracer import by_itself, handover, light, perform, processes, walks
from sandtrace.tracer.handover import Pieces
from sandtrace.tracer.inject import Died, Injection
from sandtrace.tracer.performance import Refused

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.resolve.paths import Found
    from sandtrace.resolve.processes import Group
    from sandtrace.resolve.questions import Resolved
    from sandtrace.tracer.handover import Handed
    from sandtrace.tracer.loop import Loop, Tracee

_OWNER_SIZES = {"owner_ptr": 4, "owner_ex": 8}  # int; struct f_owner_ex
_SENDS = frozenset({"connect", "bind", "sendto", "sendmsg", "sendmmsg"})
_EXECS = frozenset({"execve", "execveat"})
_RESOLVE_SAFELY = 0x04 | 0x02  # RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
_ELOOP = 40
_TRIES = 1000  # then who changes the tree has its way: the open fails
PATH_MAX = 4096
_UNIX = abi.AF_UNIX.to_bytes(2, "little")
_SUN_PATH = 107  # bytes of a path in struct sockaddr_un, without its NUL (unix(7))
_AT_FDCWD = -100
_HOW_SIZE = 24  # sizeof(struct open_how)


class Deed(Enum):
    """What has become of an allowed call."""

    RUN = auto()  # the task does it on its own arguments
    HANDED = auto()  # the task does it on ours; its exit must be seen
    DONE = auto()  # it has been done, ``call.ret`` is the result
    AGAIN = auto()  # the task will make it once more, and stop at it again
    GONE = auto()  # the task has died


def skip(task: Tracee, call: Call, errno_name: str) -> bool:
    """The stopped call does not happen and its caller sees the errno, all in this one stop.

    False where the task died first: then nothing was enforced, and nothing may say so.
    """
    return answer(task, call, -arch.errno_number(errno_name))


def answer(task: Tracee, call: Call, result: int) -> bool:
    """The stopped call does not happen and returns ``result``. False where the task died first."""
    try:
        arch.skip_call(task.tid, arch.BY_NAME[call.arch], result)
    except TaskGone:
        return False
    call.ret = result
    return True


def answer_native(task: Tracee, result: int) -> None:
    """As `answer`, for a call of x86_64 of which nothing is told."""
    with contextlib.suppress(TaskGone):
        arch.skip_call(task.tid, arch.X86_64, result)


def carry_out(
    loop: Loop, tracee: Tracee, call: Call, resolved: Resolved, *, guards_only: bool = False
) -> Deed:
    """An allowed call of which something was judged. Unjudgeable where it can't be made safe.

    ``guards_only``: its path matters to no entry, only what it reaches to guards.
    """
    if call.name not in walks.CHANGES:
        return _carry_out(loop, tracee, call, resolved, guards_only=guards_only)
    walks.wait_for_others(loop, tracee, call)
    deed = _carry_out(loop, tracee, call, resolved, guards_only=guards_only)
    if deed is Deed.RUN:
        tracee.handed = walks.as_it_is(first=True)
        return Deed.HANDED
    if deed is Deed.HANDED and tracee.handed is not None:
        tracee.handed.first = True
    return deed


def _carry_out(
    loop: Loop, tracee: Tracee, call: Call, resolved: Resolved, *, guards_only: bool
) -> Deed:
    if resolved.group is not None and resolved.spared:
        return _deliver(loop, tracee, call, resolved.group, resolved.spared)
    if resolved.found and perform.performs(call.name):
        result = perform.perform(tracee, call, resolved, same_rights=not tracee.other_rights)
        if result is not None:
            return Deed.DONE if answer(tracee, call, result) else Deed.GONE
    held = tracee.filters and call.name in arguments.OPENS and not loop.alone(tracee)
    if held:
        _hold_others(loop, tracee, resolved.found.get("path"))
    try:
        handed = processes.by_number(loop, tracee, call, resolved)
        if guards_only and handed is None:
            handed = light.opens(loop, tracee, call, resolved.found.get("path"))
        handed = handed or _hand(loop, tracee, call, resolved)
        if handed is None:
            return Deed.RUN
        if handed is _IMPOSSIBLE:
            return _without_pages(loop, tracee, call, resolved)
    except Refused as refused:
        return Deed.DONE if answer(tracee, call, -refused.code) else Deed.GONE
    except Died as death:
        loop.take_ended(death.tid, death.status)
        return Deed.GONE
    except TaskGone:
        return Deed.GONE
    handed.undisturbed |= held and handed.expected is not None
    tracee.handed = handed
    return Deed.HANDED


def _hold_others(loop: Loop, tracee: Tracee, found: Found | None) -> None:
    """Nobody may use a new descriptor before it has been compared with what was judged."""
    if found is not None and stat.S_ISFIFO(_mode(found)):
        raise Unjudgeable("EPERM", "a FIFO waits for others, who can't be stopped meanwhile")
    if not loop.freeze(tracee):
        raise Unjudgeable("EPERM", "who shares its descriptors can't be stopped meanwhile")


def _deliver(loop: Loop, tracee: Tracee, call: Call, group: Group, spared: frozenset[str]) -> Deed:
    """A call on a group, made for each of its members but those of the ``spared`` kinds."""
    try:
        processes.deliver(tracee, call, group, spared)
    except Died as death:
        loop.take_ended(death.tid, death.status)
        return Deed.GONE
    except TaskGone:
        return Deed.GONE
    return Deed.DONE


def _without_pages(loop: Loop, tracee: Tracee, call: Call, resolved: Resolved) -> Deed:
    """No page for the arguments: lay some, or let only a task that is alone use its own memory."""
    memory = tracee.memory
    if memory.lack is not None:
        lack, memory.lack = memory.lack, None
        raise Unjudgeable(lack, "there is no room for the pages of its arguments")
    if not (tracee.filters or memory.region or memory.refused) and loop.freeze(tracee):
        return _lay(tracee, call)
    if not loop.alone(tracee):
        raise Unjudgeable("EPERM", "others can change its memory, and it can't be given pages")
    if memory.refused and call.arch == "x86_64":
        raise Unjudgeable("EPERM", "no pages for the arguments can be laid in its memory")
    if mappings.shared(tracee, call.entry.held):
        raise Unjudgeable("EPERM", "its arguments lie in memory that others may share")
    found = resolved.found.get("path")
    if call.name in arguments.OPENS and found is not None:
        tracee.handed = by_itself.opens(tracee, call, found, None)
        return Deed.HANDED
    if call.name in _EXECS:
        return Deed.RUN
    tracee.handed = walks.as_it_is(walks=True)
    return Deed.HANDED


def _lay(tracee: Tracee, call: Call) -> Deed:
    memory = tracee.memory
    try:
        memory.region = pages.lay(tracee, call)
        memory.refused = memory.region is None
    except pages.NoRoomError as error:
        memory.lack = error.errno
    return Deed.AGAIN


def lay_ahead(loop: Loop, tracee: Tracee, call: Call) -> Deed:
    """Before a task installs a seccomp filter: afterwards it can't be made to lay pages."""
    memory = tracee.memory
    lack, memory.lack = memory.lack, None
    has = tracee.filters or memory.region or memory.refused or lack is not None
    if has or not loop.freeze(tracee):
        return Deed.RUN
    try:
        return _lay(tracee, call)
    except Died as death:
        loop.take_ended(death.tid, death.status)
        return Deed.GONE
    except TaskGone:
        return Deed.GONE


_IMPOSSIBLE: Handed = handover.Handed(arch.Registers(0, []), ())


def _hand(loop: Loop, tracee: Tracee, call: Call, resolved: Resolved) -> Handed | None:
    """Arguments handed over; None where there is nothing to hand, _IMPOSSIBLE where it can't be."""
    if call.row is None:
        return None
    if call.name in arguments.OPENS and "path" in resolved.found:
        return _open(tracee, call, resolved.found["path"])
    if call.name in _SENDS:
        return _send(loop, tracee, call, resolved)
    pieces = Pieces()
    for effect in call.row.ops:
        subject = effect.subject
        if isinstance(subject, SubcallArg):
            return _IMPOSSIBLE
        if isinstance(subject, ProcessArg) and resolved.processes:
            size = _OWNER_SIZES.get(subject.kind)
            holds = all(call.row.holds(test, call.args) for test in effect.when)
            if size is not None and holds:  # what was judged lies in memory (fcntl(2), F_SETOWN_EX)
                data = call.entry.read(call.row.value(subject.pid, call.args), size)
                pieces.add(data, call.row.arg(subject.pid).position)
        path = subject.path if isinstance(subject, MovedArg) else subject
        found = resolved.found.get(path.path) if isinstance(path, PathArg) else None
        if not isinstance(path, PathArg) or found is None or found.by_fd:
            continue  # a descriptor is no memory that could change
        position = call.row.arg(path.path).position
        if position not in pieces.arguments and call.args[position]:
            pieces.add(_path(tracee, call, path.path, resolved), position)
    if not pieces.data:
        return None
    handed = handover.hand_over(tracee, call, pieces) or _IMPOSSIBLE
    if handed is not _IMPOSSIBLE:
        handed.walks = call.name not in _EXECS
    return handed


def _path(tracee: Tracee, call: Call, name: str, resolved: Resolved) -> bytes:
    """The path to hand over, with its NUL.

    execve gets the very bytes that were judged: a script is told its own name by them. All others
    get the canonical path.
    """
    assert call.row is not None  # noqa: S101
    if call.name in _EXECS:
        return arguments.cstring(tracee, call, call.row.value(name, call.args)) + b"\0"
    return _canonical(tracee, resolved.found[name]) + b"\0"


def _canonical(tracee: Tracee, found: Found) -> bytes:
    """The object's path from the task's root."""
    path = os.fsencode(found.path)
    if found.parent is not None:  # trailing slashes of a name mean something
        path = os.path.join(os.path.dirname(path), found.name)
    if not path.startswith(b"/"):
        if found.link is None:
            raise Unjudgeable("EPERM", "no path leads to the object")
        path = found.link
    path = _from_root(tracee, path)
    if len(path) >= PATH_MAX:
        raise Unjudgeable("ENAMETOOLONG", "the canonical path is too long to be handed over")
    return path


def _from_root(tracee: Tracee, path: bytes) -> bytes:
    """A path of ours as the task has to name it."""
    root = os.fsencode(tracee.link("root") or "/")
    if root == b"/":
        return path
    if path != root and not path.startswith(root + b"/"):
        raise Unjudgeable("EPERM", "the object lies outside the task's root")
    return path[len(root) :] or b"/"


def _open(tracee: Tracee, call: Call, found: Found) -> Handed:
    """Any open becomes openat2 of the canonical path that may follow no symlink."""
    assert call.row is not None  # noqa: S101
    flags, mode, resolve = arguments.how(call)
    # BENEATH, IN_ROOT and NO_XDEV were in force at our walk, and a path from / can't have them.
    resolve &= ~(0x08 | 0x10 | 0x01)
    expected = None
    truncate = False
    path = _canonical(tracee, found)
    if found.link is not None and not _leads_to(found):
        # Only the magic link leads there: the kernel may follow it, and we look where it went.
        path, expected = found.link, found.identity
        truncate = bool(flags & os.O_TRUNC) and stat.S_ISREG(_mode(found))
        if truncate and flags & os.O_ACCMODE == os.O_RDONLY:
            perform.may_write(tracee, found, same_rights=not tracee.other_rights)
        flags &= ~os.O_TRUNC
    else:
        resolve |= _RESOLVE_SAFELY
    number: int | None = handover.OPENAT2
    if tracee.filters:
        if tracee.memory.region is None:
            return _IMPOSSIBLE
        number = None  # its own filter would see another one
    if tracee.filters and call.name != "openat2":
        return by_itself.opens(tracee, call, found, path) or _IMPOSSIBLE
    pieces = Pieces()
    pieces.add(path + b"\0", 1)
    pieces.add(struct.pack("=3Q", flags, mode, resolve), 2)
    handed = handover.hand_over(tracee, call, pieces, {0: _AT_FDCWD, 3: _HOW_SIZE}, number)
    if handed is None:
        return _IMPOSSIBLE
    handed.expected, handed.truncate = expected, truncate
    ends_in_symlink = flags & os.O_NOFOLLOW and stat.S_ISLNK(_mode(found))
    if resolve & _RESOLVE_SAFELY and not ends_in_symlink:
        handed.again_on = _ELOOP
    return handed


def _leads_to(found: Found) -> bool:
    """Does the canonical path lead to the object (which was reached by a magic link)?"""
    if not found.path.startswith("/") or found.status is None:
        return False
    try:
        return os.path.samestat(os.lstat(found.path), found.status)
    except OSError:
        return False


def _mode(found: Found) -> int:
    return found.status.st_mode if found.status is not None else 0


def _send(loop: Loop, tracee: Tracee, call: Call, resolved: Resolved) -> Handed | None:
    """The address, or the message header with its address; sendmmsg sends its first message.

    bind leaves the path of a socket as it is, since others are told of it.
    """
    alone = loop.alone(tracee)
    handed = _addressed(tracee, call, resolved.socket, alone=alone)
    if handed is None or handed is _IMPOSSIBLE or resolved.socket is None:
        return handed
    handed.walks = True
    if call.name == "bind" and not alone:  # a relative path, whose directory others may change
        if not loop.freeze(tracee):
            raise Unjudgeable("EPERM", "who shares its directory can't be stopped meanwhile")
        handed.undisturbed = True
    return handed


def _socket_path(tracee: Tracee, call: Call, raw: bytes, path: str | None, *, alone: bool) -> bytes:
    """A sockaddr_un with the canonical path; else only who is alone may use its own."""
    if path is None or call.name == "bind" or raw[:2] != _UNIX or raw[2:3] in (b"", b"\0"):
        return raw
    if path.startswith("/"):
        there = _from_root(tracee, os.fsencode(path))
        if len(there) <= _SUN_PATH:
            return raw[:2] + there + b"\0"
    if not alone:
        raise Unjudgeable("EPERM", "others can change where a path leads that is too long to give")
    return raw


def _addressed(tracee: Tracee, call: Call, path: str | None, *, alone: bool) -> Handed | None:
    assert call.row is not None  # noqa: S101
    pieces = Pieces()
    if call.name in ("sendmsg", "sendmmsg"):
        if call.name == "sendmmsg" and not call.row.value("vlen", call.args):
            return None  # it sends nothing
        name = "msg" if call.name == "sendmsg" else "vec"
        message = call.row.value(_argument(call, name), call.args)
        header = messages.header(call, message)
        if header is None:
            return None
        data, named = header.data, header.name
        if named is not None:
            named = _socket_path(tracee, call, named, path, alone=alone)
            data = data[:8] + len(named).to_bytes(4, "little") + data[12:]
        inside = pieces.add(data, 1)
        if named is not None:
            pieces.links.append((inside, 0, pieces.add(named)))
        if header.control is not None:
            pieces.links.append((inside, header.control_at, pieces.add(header.control)))
        if call.name == "sendmsg":
            return handover.hand_over(tracee, call, pieces) or _IMPOSSIBLE
        if tracee.filters:
            raise Unjudgeable("EPERM", "a task with its own filter can't be made to send singly")
        number = call.row.numbers and table.by_name("sendmsg", call.arch)
        flags = call.row.value("flags", call.args)
        handed = handover.hand_over(tracee, call, pieces, {2: flags}, number.nr if number else None)
        if handed is not None:
            handed.counts = message + header.length_at
        return handed or _IMPOSSIBLE
    address, length = messages.address(call)
    if address is None:
        return None
    raw = call.entry.read(address, length)
    given = _socket_path(tracee, call, raw, path, alone=alone)
    pieces.add(given, call.row.arg("addr").position)
    lengths = {} if given is raw else {_length(call): len(given)}
    return handover.hand_over(tracee, call, pieces, lengths) or _IMPOSSIBLE


def _length(call: Call) -> int:
    """The position of the argument that tells the address's length."""
    assert call.row is not None  # noqa: S101
    return call.row.arg(_argument(call, "length")).position


def _argument(call: Call, wanted: str) -> str:
    assert call.row is not None  # noqa: S101
    for effect in call.row.ops:
        name = getattr(effect.subject, wanted, None)
        if isinstance(name, str):
            return name
    raise KeyError(wanted)


class Settled(Enum):
    """How a handed call came out."""

    AS_JUDGED = auto()
    AGAIN = auto()  # the tree was changed on the way: the task makes the call once more
    ELSEWHERE = auto()  # it reached what was not judged
    OPENED = auto()  # what it reached is to be judged now; `finish` then
    GIVEN = auto()  # so is the descriptor that it was given; `take_back` perhaps


def settle(tracee: Tracee, call: Call) -> Settled:
    """At the exit of a handed call: put back, verify."""
    handed, tracee.handed = tracee.handed, None
    assert handed is not None and call.ret is not None  # noqa: S101, PT018
    if handed.given:
        return Settled.GIVEN if call.ret >= 0 else Settled.AS_JUDGED
    interrupted = handed.called_back and call.ret == -errno.EINTR
    changed = handed.again_on is not None and call.ret == -handed.again_on
    if interrupted or (changed and tracee.memory.again < _TRIES):
        tracee.memory.again += changed
        handover.again(tracee, call, handed)
        return Settled.AGAIN
    tracee.memory.again = 0
    if handed.made is not None and handed.mode is not None:
        os.fchmod(handed.made, handed.mode)
    handover.put_back(tracee, handed)
    if handed.counts is not None and call.ret >= 0:
        # What sendmmsg would have said of one message: its length there, and 1.
        tracee.memory.write(handed.counts, call.ret.to_bytes(4, "little"))
        call.ret = 1
        arch.set_register(tracee.tid, arch.BY_NAME[call.arch].result, 1)
    if handed.look and call.ret >= 0:
        tracee.unfinished = handed.truncate
        return Settled.OPENED
    if handed.expected is not None and call.ret >= 0:
        if handover.opened_identity(tracee, call.ret) != handed.expected:
            return Settled.ELSEWHERE
        if handed.truncate:
            light.truncate(tracee, call.ret)
    return Settled.AS_JUDGED


def take(loop: Loop, tracee: Tracee) -> Handed:
    """The call gives a descriptor of another's: nobody may use it before it is judged."""
    if not tracee.table.shared:
        return handover.JUDGED_AFTERWARDS
    _hold_others(loop, tracee, None)
    return handover.JUDGED_UNDISTURBED


def take_back(loop: Loop, tracee: Tracee, call: Call, errno_name: str) -> bool:
    """The descriptor that the call has just given is closed, and the call fails.

    False where the task died first, with the descriptor.
    """
    close = table.by_name("close", call.arch)
    assert close is not None and call.ret is not None  # noqa: S101, PT018  every arch has it
    try:
        closing = Injection(tracee, call, over=True)
        closing.call(close.nr, call.ret)
        call.ret = -arch.errno_number(errno_name)
        closing.end_with(call.ret)
    except Died as death:
        loop.take_ended(death.tid, death.status)
        return False
    except TaskGone:
        return False
    return True


def finish(tracee: Tracee, call: Call) -> None:
    """What was opened may be: do to it what was put off."""
    if tracee.unfinished and call.ret is not None:
        light.truncate(tracee, call.ret)
    tracee.unfinished = False
