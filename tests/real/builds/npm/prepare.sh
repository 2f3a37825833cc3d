# SPDX-License-Identifier: GPL-2.0-or-later
# A package as npm packs it, with a script that runs when it is installed.
mkdir -p "$INPUTS/package/bin"
cd "$INPUTS"
cat >package/package.json <<'J'
{"name": "sampled", "version": "1.0.0", "main": "index.js", "bin": {"sampled": "bin/cli.js"},
 "scripts": {"postinstall": "node -e \"require('fs').writeFileSync('built', 'by postinstall\\n')\""}}
J
echo "module.exports = n => n * n;" >package/index.js
printf '#!/usr/bin/env node\nconsole.log("cli", require("..")(7));\n' >package/bin/cli.js
chmod +x package/bin/cli.js
tar -czf sampled-1.0.0.tgz --owner=0 --group=0 --mtime=@1700000000 package
rm -r package
