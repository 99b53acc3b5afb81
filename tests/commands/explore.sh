# explore: every schedule of the stored programs, what a candidate that cannot be explored says, and refusals.
. "$SOURCE/tests/commands/expect.sh"
[ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || exit 77
programs=("$SOURCE"/corpora/explore/*.txt)

expect 0 'holds' "$PAGELAB" explore "${programs[@]}" -k 1
! grep -q 'broken' out || fail "$(grep broken out)"
[ "$(grep -c 'opaque' out)" -ge 5 ] || fail "libraries are not called opaque: $(cat out)"
expect 0 'holds' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" -k 2 --backend bitmap,buddy,llfree,nbbs
expect 0 '' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" -k 1 --backend bitmap --format json
python3 - <<'P' || fail "the JSON is not what it should be: $(cat out)"
import json
rows = json.load(open("out"))
assert len(rows) == 1 and rows[0]["schedules"] > 10 and rows[0]["verdict"] == "holds", rows
P
expect 2 'refused: about' "$PAGELAB" explore "$SOURCE/corpora/explore/alloc-alloc.txt" -k 9 --backend linux
expect 0 'goes on' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" --backend bitmap --path 1/5:1
expect 2 'a path as a finding names it' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" --backend bitmap --path x
expect 2 '0 to 16' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" -k 99
expect 2 'a program expected' "$PAGELAB" explore missing.txt --backend bitmap
expect 2 'frames only' "$PAGELAB" explore "$SOURCE/corpora/seeds/vm/tour.txt" --backend bitmap
expect 2 'nobody' "$PAGELAB" explore "$SOURCE/corpora/explore/free-free.txt" --backend nobody
finish
