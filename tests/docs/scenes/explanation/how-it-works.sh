# SPDX-License-Identifier: GPL-2.0-or-later
printf "one\ntwo\n" > words.txt
