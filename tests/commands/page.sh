#!/usr/bin/env bash
# The report page in a headless browser: page.py says what is looked at, page_keys.py what is pressed. Without Chromium it is skipped.
set -euo pipefail
command -v chromium >/dev/null || { echo "chromium is not installed"; exit 77; }
python3 "$SOURCE/tests/commands/page.py"
python3 "$SOURCE/tests/commands/page_keys.py" "$WORK/quick.html"
