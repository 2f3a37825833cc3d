# SPDX-License-Identifier: GPL-2.0-or-later
mkdir -p logs/build logs/test
sandtrace run --audit --quiet --log logs/build/1.jsonl -- true
sandtrace run --audit --quiet --log logs/test/1.jsonl -- cat /dev/null
gzip logs/test/1.jsonl
printf 'version = 1\nextends = ["read-only"]\n' > stricter.toml
