# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. Memory: map, protect, lock, place."""

from __future__ import annotations

from sandtrace.syscalls.row import S, every, n

# fmt: off
ROWS = (
    S("mmap", n(9, i386=90, arm64=222),
      "addr:addr len:size prot:flags64(mmap_prot) flags:mmap_flags fd:fd off:hex",
      ops="exec mapped(fd) if prot & PROT_EXEC and not flags & MAP_ANONYMOUS",
      groups="%desc %memory", returns="addr", i386="args:in(mmap_args)",
      i386_ops="exec subcall(-, args)"),
    S("mmap2", n(i386=192),
      "addr:addr len:size prot:flags64(mmap_prot) flags:mmap_flags fd:fd pgoff:pgoff",
      ops="exec mapped(fd) if prot & PROT_EXEC and not flags & MAP_ANONYMOUS",
      groups="%desc %memory", returns="addr"),
    S("mprotect", n(10, i386=125, arm64=226), "addr:addr len:size prot:flags64(mmap_prot)",
      ops="exec mapped(addr, len) if prot & PROT_EXEC", groups="%memory"),
    S("pkey_mprotect", n(329, i386=380, arm64=288),
      "addr:addr len:size prot:flags64(mmap_prot) pkey:pkey",
      ops="exec mapped(addr, len) if prot & PROT_EXEC", groups="%memory @pkey"),
    S("pkey_alloc", n(330, i386=381, arm64=289), "flags:hex access_rights:flags64(pkey_access)",
      ops="-", groups="@pkey", returns="pkey"),
    S("pkey_free", n(331, i386=382, arm64=290), "pkey:pkey", ops="-", groups="@pkey"),
    S("munmap", n(11, i386=91, arm64=215), "addr:addr len:size", ops="-", groups="%memory"),
    S("brk", n(12, i386=45, arm64=214), "brk:addr", ops="-", groups="%memory", returns="addr"),
    S("mremap", n(25, i386=163, arm64=216),
      "old_addr:addr old_len:size new_len:size flags:flags64(mremap_flags) new_addr:addr?flags",
      ops="-", groups="%memory", returns="addr"),
    S("remap_file_pages", n(216, i386=257, arm64=234),
      "addr:addr size:size prot:flags64(mmap_prot) pgoff:ulong flags:mmap_flags", ops="-",
      groups="%memory"),
    S("msync", n(26, i386=144, arm64=227), "addr:addr len:size flags:flags(mctl_sync)", ops="-",
      groups="%memory @sync"),
    S("mincore", n(27, i386=218, arm64=232), "addr:addr len:size vec:out(mincore_byte[])@len",
      ops="-", groups="%memory"),
    S("madvise", n(28, i386=219, arm64=233), "addr:addr len:size advice:enum(madvise_cmds)",
      ops="-", groups="%memory"),
    S("mlock", n(149, i386=150, arm64=228), "addr:addr len:size", ops="-",
      groups="%memory @memlock"),
    S("mlock2", n(325, i386=376, arm64=284), "addr:addr len:size flags:flags(mlock_flags)",
      ops="-", groups="%memory @memlock"),
    S("munlock", n(150, i386=151, arm64=229), "addr:addr len:size", ops="-",
      groups="%memory @memlock"),
    S("mlockall", n(151, i386=152, arm64=230), "flags:flags(mlockall_flags)", ops="-",
      groups="%memory @memlock"),
    S("munlockall", n(152, i386=153, arm64=231), "", ops="-", groups="%memory @memlock"),
    S("mseal", every(462), "addr:addr len:size flags:hex", ops="-", groups="%memory"),
    S("map_shadow_stack", every(453), "addr:addr size:size flags:flags(shstk_flags)", ops="-",
      groups="%memory", returns="addr"),
    S("mbind", n(237, i386=274, arm64=235),
      "addr:addr len:size mode:mempolicy_mode nodemask:nodemask_in@maxnode maxnode:ulong "
      "flags:flags(mbind_flags)", ops="-", groups="%memory @resources"),
    S("set_mempolicy", n(238, i386=276, arm64=237),
      "mode:mempolicy_mode nodemask:nodemask_in@maxnode maxnode:ulong", ops="-",
      groups="%memory @resources"),
    S("get_mempolicy", n(239, i386=275, arm64=236),
      "mode:out(mempolicy_mode) nodemask:nodemask_out@maxnode maxnode:ulong addr:addr "
      "flags:flags64(get_mempolicy_flags)", ops="-", groups="%memory"),
    S("set_mempolicy_home_node", every(450), "addr:addr len:size home_node:ulong flags:hex",
      ops="-", groups="%memory @resources"),
    S("migrate_pages", n(256, i386=294, arm64=238),
      "pid:pid maxnode:ulong old_nodes:nodemask_in@maxnode new_nodes:nodemask_in@maxnode",
      ops="inspect process(pid, tid) if pid != 0", groups="%memory @resources"),
    S("move_pages", n(279, i386=317, arm64=239),
      "pid:pid nr_pages:ulong pages:in(address[])@nr_pages nodes:in(int[])@nr_pages "
      "status:out(page_status[])@nr_pages flags:flags(move_pages_flags)",
      ops="inspect process(pid, tid) if pid != 0", groups="%memory @resources"),
)
# fmt: on
