# SPDX-License-Identifier: GPL-2.0-or-later
python3 -B run.py
python3 -c 'import json, sys; print(sorted(sys.modules)[:1])'
