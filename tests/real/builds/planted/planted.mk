# SPDX-License-Identifier: GPL-2.0-or-later
# The build of ../make, with four steps between the libraries and the program that nobody asked for.
include Makefile
ATTEMPTS = read write connect exec
.PHONY: $(ATTEMPTS)
src: $(ATTEMPTS)
$(ATTEMPTS): lib
	python3 -I -S $(INPUTS)/attempt.py $@ >heard.$@
