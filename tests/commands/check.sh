# pagelab check: the matrix for people and for machines, its exit codes, and the list of promises.
. "$SOURCE/tests/commands/expect.sh"

expect 2 "'nosuch': unknown" "$PAGELAB" check nosuch
expect 2 "contract 'perhaps'" "$PAGELAB" check --contract perhaps buddy
expect 2 "id 'F-99'" "$PAGELAB" check --id F-99 buddy
expect 2 "format 'yaml'" "$PAGELAB" check --format yaml buddy
expect 2 'wrong parameters' "$PAGELAB" check 'percpu(batch=0)+buddy'

expect 0 '1 hold, 0 broken, 0 n/a \(documented contract\)' "$PAGELAB" check --id F-1 buddy
expect 0 '' "$PAGELAB" check --id B-24 --format json reference buddy
/usr/bin/python3 - <<'P' || fail "check --format json"
import json
assert json.load(open("out")) == {"B-24": {"reference": "n/a (contract)", "buddy": "n/a (contract)"}}
P
expect 0 'n/a +buddy \(contract\): B-24' "$PAGELAB" check --id B-24 buddy

# What is left of the claims: below a whole matrix, or alone.
expect 0 '^tested  reference: concurrent irq-safe exact-count .* nodes$' "$PAGELAB" check reference
expect 0 '^jemalloc +needs-size +stated' "$PAGELAB" check --claims jemalloc
expect 0 '' "$PAGELAB" check --claims --format json buddy jemalloc
/usr/bin/python3 - <<'P' || fail "check --claims --format json"
import json
rows = json.load(open("out"))
assert {row["candidate"] for row in rows} == {"buddy", "jemalloc"}
assert all(row["state"] in ("tested", "stated") for row in rows), rows
assert {"candidate": "buddy", "capability": "buddy", "state": "tested", "by": ["F-22"], "seen": ""} in rows
assert all((row["by"] == []) == (row["state"] == "stated") for row in rows)
P
expect 3 '^null +concurrent +refuted' "$PAGELAB" check --claims null
expect 2 'neither --id nor --list' "$PAGELAB" check --claims --id F-1 buddy
expect 3 '^sick-crash +concurrent +refuted .* died: (signal|exit code)' "$SICK" check --claims sick-crash

expect 0 '' "$PAGELAB" check --list --format json
/usr/bin/python3 - <<'P' || fail "check --list"
import json
rows = json.load(open("out"))
assert len(rows) == 107 and len({row["id"] for row in rows}) == 107
assert all(row[key] for row in rows for key in ("contract", "tested", "asserted", "promise"))
P

# A candidate that dies is a broken cell with the reason, and the others are still checked.
expect 3 'broken +sick-crash F-9: the process of this cell died: (signal|exit code)' "$SICK" check --id F-9 sick-crash buddy
expect 3 '' "$SICK" check --id F-9 --format json sick-crash buddy
/usr/bin/python3 - <<'P' || fail "a sick candidate"
import json
assert json.load(open("out")) == {"F-9": {"sick-crash": "broken", "buddy": "holds"}}
P
finish
