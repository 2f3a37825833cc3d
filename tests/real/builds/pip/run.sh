# SPDX-License-Identifier: GPL-2.0-or-later
python3 -m venv venv
venv/bin/python -m pip install --disable-pip-version-check --no-index --find-links "$INPUTS/wheels" sampled
venv/bin/sampled
venv/bin/python -c 'import sampled; print(sampled.__file__)'
venv/bin/python -m pip list --disable-pip-version-check --format=freeze | grep sampled
