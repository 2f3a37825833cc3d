# SPDX-License-Identifier: GPL-2.0-or-later
npm install --no-audit --no-fund --foreground-scripts "$INPUTS/sampled-1.0.0.tgz" >log
sed -E 's/ in [0-9.]+m?s$//' log
rm log
cat node_modules/sampled/built
node_modules/.bin/sampled
npm test --silent
