# SPDX-License-Identifier: GPL-2.0-or-later
printf 'version = 1\n' > team.toml
