# SPDX-License-Identifier: GPL-2.0-or-later
printf 'pear\napple\n' > words.txt
echo precious > ~/.toolrc
