# What a person does with a finding: makes it small, reads it, takes it to C, lists a folder of them, keeps one.
. "$SOURCE/tests/commands/expect.sh"
seeds=$SOURCE/corpora/seeds/page
compile() { # DEFINE OUTPUT
  cc -std=c17 -O1 "-DWRONG_$1" -I"$SOURCE/include" -fPIC -shared -o "$2" "$SOURCE/tests/commands/plugins/wrong.c" ||
    fail "wrong.c -DWRONG_$1 does not compile"
}
ops() { grep -cE '^cpu[0-9]+ ' "$1"; }
compile GRANT wrong.so

# shrink: what hands out one frame for ever needs two allocations and a machine of two frames.
expect 0 '^# F-1 X-2 by alloc on ./wrong.so, target page' "$PAGELAB" shrink "$seeds/fill-and-drain.txt" --backend ./wrong.so
grep -q '^machine 2@0x0 cpus=1 floors=0/0/0$' out || fail "the machine is not the smallest: $(cat out)"
[ "$(ops out)" = 2 ] || fail "two operations expected: $(cat out)"
cp out small.txt
expect 3 'finding: F-1 X-2' "$PAGELAB" replay small.txt --backend ./wrong.so
expect 0 '' "$PAGELAB" shrink "$seeds/fill-and-drain.bin" --backend ./wrong.so -o small.bin
expect 3 'finding: F-1 X-2' "$PAGELAB" replay small.bin --backend ./wrong.so
[ "$(wc -c <small.bin)" = 24 ] || fail "a header and two records expected: $(wc -c <small.bin) bytes"
expect 0 'target vm' "$SICK" shrink "$SOURCE/corpora/seeds/vm/tour.txt" --backend sick-crash
[ "$(ops out)" = 1 ] || fail "a system's crash: one operation expected: $(cat out)"

# Crashes and hangs are survived; who is interrupted has the best so far.
expect 0 '^# crash on sick-crash' "$SICK" shrink "$seeds/fill-and-drain.txt" --backend sick-crash
[ "$(ops out)" = 1 ] || fail "one operation expected: $(cat out)"
"$SICK" shrink "$seeds/fill-and-drain.txt" --backend sick-hang --limit 2 --verbose -o hang.txt 2>hang.err & # many trials hang
shrinking=$!
all=$(ops "$seeds/fill-and-drain.txt")
for _ in $(seq 400); do grep -s 'operations left' hang.err | grep -qv " $all operations" && break; sleep 0.1; done
kill -INT $shrinking
wait $shrinking
[ $? = 130 ] || fail "interrupted: 130 expected"
expect 2 'there is none' "$PAGELAB" shrink hang.txt --backend buddy # it is whole, and a program
[ "$(ops hang.txt)" -lt "$all" ] || fail "nothing was left out before the interrupt"
expect 2 'a program with a finding on buddy expected: there is none' "$PAGELAB" shrink "$seeds/fill-and-drain.txt" --backend buddy
expect 2 '--backend NAME expected' "$PAGELAB" shrink small.txt
expect 2 'no-such.bin' "$PAGELAB" shrink no-such.bin --backend buddy
expect 2 'Is a directory|a stored program expected' "$PAGELAB" shrink . --backend buddy
expect 2 'nowhere/x.txt' "$PAGELAB" shrink small.txt --backend ./wrong.so -o nowhere/x.txt
absent nowhere

# A schedule: one switch of two is needed, and where it is needed most.
if [ -x "$(dirname "$SICK")/pagelab-sim" ]; then
  cat >dead.txt <<'T'
pagelab program 1
machine 37@0x3 cpus=3 floors=0/2/8
cpu2 softirq alloc s5 order=0
cpu0 task    alloc s0 order=0 class=system
cpu1 task    preempt after=12 do=switch for=3
cpu2 task    preempt after=40 do=switch
cpu1 task    free s5
cpu1 task    alloc s2 order=0
cpu0 task    free s0
T
  expect 0 '^# deadlock by alloc on stack-crossed, target schedule-page' "$SICK" shrink dead.txt --schedule --backend stack-crossed
  [ "$(grep -c preempt out)" = 1 ] && [ "$(ops out)" -le 4 ] || fail "one switch, four lines expected: $(cat out)"
  cp out dead-small.txt
  expect 3 'finding: deadlock' "$SICK" replay dead-small.txt --schedule --backend stack-crossed
  expect 2 'there is none' "$SICK" shrink dead-small.txt --schedule --backend stack-right
fi
# show: the text, and each broken promise in words.
expect 0 '^operations  2: alloc 2$' "$PAGELAB" show small.bin
expect 3 'promised   X-2: live ranges never overlap' "$PAGELAB" show small.bin --backend ./wrong.so
grep -q 'finding: F-1 X-2 on ./wrong.so at operation 1' out || fail "no finding: $(cat out)"
sh -c "$(sed -n 's/^  again *.\/pagelab/"$PAGELAB"/p' out)" >again
grep -q 'finding: F-1 X-2' again || fail "the command that show prints does not show it: $(cat again)"
expect 0 'no finding on buddy' "$PAGELAB" show small.bin --backend buddy
expect 3 'finding: crash on sick-crash: (signal|exit code)' "$SICK" show small.bin --backend sick-crash
expect 0 'family      vm' "$PAGELAB" show "$SOURCE/corpora/seeds/vm/tour.txt"
expect 2 'not a trace' "$PAGELAB" show "$SOURCE/corpora/traces/nginx.pltrace"

# to-c: against what is installed, it fails with the same numbers at the same operation; on a right allocator it passes.
cmake --install "$BUILD" --component contract --prefix "$WORK/installed" >/dev/null || fail "the contract is not installed"
flags=$(PKG_CONFIG_PATH="$WORK/installed/share/pkgconfig" pkg-config --cflags pagelab) || fail "no pkg-config file"
build_test() { # SOURCE PROGRAM FILE...
  local source=$1 program=$2
  shift 2
  # shellcheck disable=SC2086 # words on purpose
  cc -std=c17 -Wall -Wextra -Wpedantic -Werror $flags "$source" "$@" -ldl -o "$program" || fail "$source does not compile"
}
expect 0 '' "$PAGELAB" to-c small.txt --backend ./wrong.so -o small.c
build_test small.c small
expect 1 '' ./small
grep -q '^broken: F-1 X-2 at operation 1, cpu0 task    alloc s1' err || fail "another failure: $(cat err)"
cc -std=c17 $flags -fPIC -shared -o right.so "$SOURCE/examples/plugin/stack.c" || fail "the example does not compile"
expect 0 'every promise held' ./small ./right.so
expect 2 'no-such.so' ./small ./no-such.so
printf 'pagelab program 1\nmachine 16@0x0 cpus=1 floors=0/0/0\ncpu0 task alloc s0\ncpu0 task free s0\n' >pair.txt
for wrong in ALLOC_STATUS:X-3 FREE_STATUS:'X-3 X-4'; do
  compile "${wrong%%:*}" "status.so"
  expect 0 '' "$PAGELAB" to-c pair.txt --backend ./status.so
  cp out status.c
  build_test status.c status
  expect 1 '' ./status
  grep -q "^broken: ${wrong#*:} at" err || fail "$wrong: $(cat err)"
done
# Whoever lies in one way only, on programs of every operation: as replay sees it.
for file in liar liar_audit; do sed 's/PL_KIND_CANARY/PL_KIND_CANDIDATE/' "$SOURCE/tests/liars/$file.c" >"$file.c"; done
cc -std=c17 -fPIC -shared -Dpl_candidate_liar=pl_candidate_export -I"$SOURCE" -I"$SOURCE/include" -I"$SOURCE/tests/liars" \
  -o liar.so liar.c liar_audit.c || fail "the liar does not compile"
for lie in runs:ignores-boundary split:split-forgets misuse:takes-double-free floor-edges:hides-last mixed-orders:count-drifts \
  mixed-orders:leaks-on-failure; do
  "$PAGELAB" replay "$seeds/${lie%:*}.txt" --quiet --backend "./liar.so(${lie#*:})" >wanted 2>&1
  expect 0 '' "$PAGELAB" to-c "$seeds/${lie%:*}.txt" --backend "./liar.so(${lie#*:})"
  cp out lie.c
  build_test lie.c lie
  ./lie >got 2>&1
  sed -nE 's/^finding: (.*) on .* (at operation [0-9]+)$/\1 \2/p' wanted >want
  sed -nE 's/^broken: (.* at operation [0-9]+),.*/\1/p' got | cmp -s - want || fail "$lie: $(head -1 wanted); the test: $(cat got)"
done
# A candidate of the tree is linked; where there is no finding, that is said.
expect 0 '' "$PAGELAB" to-c "$seeds/remote-frees.bin" --backend 'percpu(batch=2,high=4)+buddy' -o passes.c
grep -q 'there is no finding on percpu' err || fail "no word of it: $(cat err)"
build_test passes.c passes "$SOURCE"/allocators/percpu/*.c "$SOURCE"/allocators/buddy/*.c
expect 0 'every promise held' ./passes
expect 2 'it is there already' "$PAGELAB" to-c small.txt --backend ./wrong.so -o passes.c
for name in nbbs-hint tlsf-runs buddy; do # several candidates may have one folder
  expect 0 '' "$PAGELAB" to-c small.txt --backend "percpu+$name"
  for folder in $(grep -o 'allocators/[a-z-]*/' out); do
    [ -d "$SOURCE/$folder" ] || fail "to-c $name names $folder, which is not there"
  done
  grep -q 'allocators/percpu/ allocators/' out || fail "to-c $name names no folders"
done
expect 2 'a program of frames expected' "$PAGELAB" to-c "$SOURCE/corpora/seeds/vm/tour.txt" --backend buddy
expect 2 'without interrupts' "$PAGELAB" to-c "$seeds/interrupts.txt" --backend buddy

# triage: the same numbers, operation and candidate once; what cannot be read is a line and no end.
mkdir found found/sub.bin
"$PAGELAB" shrink "$seeds/mixed-orders.txt" --backend ./wrong.so -o found/two.txt 2>/dev/null
sed '2a nop' small.txt >found/one.txt
sed -e 's/by alloc on/by free on/' small.txt >found/three.txt
cp small.bin found/bare.bin
truncate -s 2M found/huge.bin
printf 'no program\n' >found/broken.txt
printf 'pagelab program 1\nmachine nonsense\n' >found/nonsense.txt
head -c 8 small.bin >found/header.bin
{ grep -v '^#' small.txt; printf '%s\n' '# F-1 by alloc on buddy, target schedule-page: both saw it free' \
  '# found by libfuzzer after 2.1 s; to see it again: ./pagelab replay x.bin --backend buddy --schedule --tso'; } >found/buffered.txt
expect 0 '' "$PAGELAB" triage found --format json
[ "$(grep -c 'huge.bin\|sub.bin\|nonsense.txt\|broken.txt\|header.bin' err)" = 5 ] || fail "five lines expected: $(cat err)"
/usr/bin/python3 - <<'P' || fail "triage: $(cat out)"
import json
rows = {(r["finding"], r["operation"], r["candidate"]): r for r in json.load(open("out"))}
both = rows[("F-1 X-2", "alloc", "./wrong.so")]
assert both["files"] == 2 and both["operations"] == 2 and both["smallest"] == "found/two.txt", both
assert both["replay"] == "./pagelab replay found/two.txt --backend ./wrong.so"
assert rows[("F-1 X-2", "free", "./wrong.so")]["files"] == 1
assert rows[("F-1", "alloc", "buddy")]["replay"] == "./pagelab replay found/buffered.txt --backend buddy --schedule --tso"
assert sum(row["files"] for row in rows.values()) == 5, rows
P
expect 0 '^F-1 X-2 +alloc +./wrong.so +page +5 +2 +found/bare.bin' "$PAGELAB" triage found --backend ./wrong.so
expect 2 'a folder of findings expected' "$PAGELAB" triage no-such-folder

# regress add: a name in words, a pair of forms, nothing overwritten; the tests' own program takes it.
mkdir kept
for name in x deadbeef-00 12345 'a b' split-4f1c9b2e; do
  expect 2 'regress: --name' "$PAGELAB" regress add small.bin --backend ./wrong.so --name "$name" --to kept
done
expect 0 'kept/wrong-grants-one-twice.bin: F-1 X-2' "$PAGELAB" regress add small.bin --backend ./wrong.so --name grants-one-twice --to kept
cmp kept/wrong-grants-one-twice.bin small.bin || fail "other bytes"
grep -q '^# F-1 X-2 by alloc on ./wrong.so' kept/wrong-grants-one-twice.txt || fail "the text does not say what it is"
cp kept/wrong-grants-one-twice.txt before
expect 2 'is there already' "$PAGELAB" regress add "$seeds/split.bin" --backend ./wrong.so --name grants-one-twice --to kept
cmp before kept/wrong-grants-one-twice.txt || fail "overwritten"
expect 2 '--shrink looks for one' "$PAGELAB" regress add small.txt --backend ./wrong.so --name small-machine --to kept
expect 0 '' "$PAGELAB" regress add small.txt --backend ./wrong.so --name small-machine --to kept --shrink
expect 0 'kept/sleepy.buddy-one-may-sleep.bin: X-5' "$PAGELAB" regress add "$seeds/drain.bin" --backend 'sleepy(by=might)+buddy' \
  --name one-may-sleep --to kept
rm kept/sleepy+buddy-*
[ ! -f dead.txt ] || expect 2 'without switches' "$PAGELAB" regress add dead.txt --backend buddy --name dead-lock --to kept
[ "$(find kept -type f | wc -l)" = 4 ] || fail "two pairs expected: $(ls kept)"
expect 0 '' "$BUILD/tests/regress/replay_all" -c reference kept
expect 0 '' "$BUILD/tests/regress/replay_all" buddy kept
expect 1 '' "$BUILD/tests/regress/replay_all" ./wrong.so kept
finish
