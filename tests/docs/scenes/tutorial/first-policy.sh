# SPDX-License-Identifier: GPL-2.0-or-later
mkdir -p ~/.ssh && echo "a key" > ~/.ssh/id_demo
