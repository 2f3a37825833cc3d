# SPDX-License-Identifier: GPL-2.0-or-later
printf 'pear\napple\ncherry\nbanana\n' > words.txt
