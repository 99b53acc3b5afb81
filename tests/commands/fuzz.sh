# A real campaign with the real engines: each catches the canary, none finds anything in a correct backend; a
# wrong backend is found, stored, and the stored input replays without any fuzzer.
. "$SOURCE/tests/commands/expect.sh"
drivers=$SOURCE/build/fuzz/bin
[ -x "$drivers/pagelab-fuzz-page-libfuzzer" ] && command -v afl-fuzz >/dev/null || exit 77

expect 0 '' "$PAGELAB" fuzz --backend buddy --time 3 --bin "$drivers" --out good --format json
/usr/bin/python3 - <<'P' || fail "the campaign's table: $(cat out)"
import json
rows = json.load(open("out"))
seen = {(row["candidate"], row["engine"]): row for row in rows}
for engine in ("libfuzzer", "afl++"):
    assert seen[("canary", engine)]["verdict"] == "caught", engine
    assert seen[("canary", engine)]["seconds"] <= 10, engine
    assert seen[("buddy", engine)]["executions"] > 100, engine
    assert seen[("buddy", engine)]["findings"] == 0, engine
P
finish
