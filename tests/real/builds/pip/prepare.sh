# SPDX-License-Identifier: GPL-2.0-or-later
# A wheel with a module, data and a console script.
mkdir -p "$INPUTS/wheels"
python3 - "$INPUTS/wheels/sampled-1.0-py3-none-any.whl" <<'P'
import base64, hashlib, sys, zipfile

info = "sampled-1.0.dist-info"
files = {
    "sampled/__init__.py": "def main() -> None:\n    print('sampled ran')\n",
    "sampled/data.txt": "data\n" * 1000,
    f"{info}/METADATA": "Metadata-Version: 2.1\nName: sampled\nVersion: 1.0\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{info}/entry_points.txt": "[console_scripts]\nsampled = sampled:main\n",
}
record = ""
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{name},sha256={digest.decode()},{len(text)}\n"
    wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
P
