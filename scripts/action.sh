#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The step of action.yml: run $RUN under $POLICY, keep log and reports in $REPORTS.
set -uo pipefail

mkdir -p "$REPORTS"
options=(
  --log "$REPORTS/sandtrace.jsonl"
  --report "$REPORTS/sandtrace.html"
  --report "$REPORTS/sandtrace.sarif"
  --report "$REPORTS/sandtrace.xml"
  --fail-on "$FAIL_ON"
  --github
)
read -r -d '' -a policies <<<"$POLICY" || true
for policy in "${policies[@]}"; do
  options+=(--policy "$policy")
done
if [ "$AUDIT" = true ]; then
  options+=(--audit)
fi
while IFS= read -r option; do
  if [ -n "$option" ]; then
    options+=("$option")
  fi
done <<<"$OPTIONS"

"$VENV/bin/sandtrace" run "${options[@]}" -- bash -e -o pipefail -c "$RUN"
status=$?

{
  echo "status=$status"
  echo "log=$REPORTS/sandtrace.jsonl"
  echo "html=$REPORTS/sandtrace.html"
  echo "sarif=$REPORTS/sandtrace.sarif"
  echo "junit=$REPORTS/sandtrace.xml"
} >>"$GITHUB_OUTPUT"
exit "$status"
