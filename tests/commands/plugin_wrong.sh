# Plug-ins that can be opened and are wrong: nonsense from a hook is exit 3 with the promise's number everywhere, what one
# prints spoils no output, and any file name will do.
. "$SOURCE/tests/commands/expect.sh"

compile() { # DEFINE OUTPUT
  cc -std=c17 -O1 "-DWRONG_$1" -I"$SOURCE/include" -fPIC -shared -o "$2" "$SOURCE/tests/commands/plugins/wrong.c" ||
    fail "wrong.c -DWRONG_$1 does not compile"
}
json() { # EXPRESSION: what the document d on stdout must be
  /usr/bin/python3 -c "import json; d = json.load(open('out')); assert $1, d" || fail "stdout: $(head -c 400 out)"
}
small="--workload repeat --smoke --rounds 1 --no-rods --format json"
quick="--to 64MiB --min-time 0.001 --cpus 1 --format json"

# A status that is none. From init no machine can be had, so it is said at once, on stderr.
compile INIT_STATUS wrong.so
for command in "check ./wrong.so" "bench --backend ./wrong.so $small" "fuzz --backend ./wrong.so" \
  "run --smoke --backends ./wrong.so" "scale ./wrong.so" "replay --backend ./wrong.so $SOURCE/corpora/seeds/page/alias.txt"; do
  # shellcheck disable=SC2086 # words on purpose
  expect 3 '' "$PAGELAB" $command
  grep -q 'X-3: it returned 99' err || fail "$command: $(cat err)"
done
for hook in ALLOC FREE; do
  compile ${hook}_STATUS wrong.so
  # shellcheck disable=SC2086
  expect 3 '' "$PAGELAB" bench --backend ./wrong.so $small
  json "[r['status'] for r in d] == ['broken'] and 'X-3' in d[0]['reason']"
  # shellcheck disable=SC2086
  expect 3 '' "$PAGELAB" scale ./wrong.so $quick
  json "d['memory'][0]['status'] == 'broken' and 'X-3' in d['memory'][0]['reason']"
done
compile ALLOC_STATUS wrong.so
expect 3 '^broken .*X-3' "$PAGELAB" check ./wrong.so --id X-3
expect 3 'finding: X-3' "$PAGELAB" replay "$SOURCE/corpora/seeds/page/fill-and-drain.txt" --backend ./wrong.so

# Whoever dies while it is measured has broken its contract, for scale as for bench.
compile FAULT wrong.so
# shellcheck disable=SC2086
expect 3 '' "$PAGELAB" scale ./wrong.so $quick
json "'signal 6' in d['memory'][0]['reason'] and 'signal 6' in d['cpus'][0]['reason']"
grep -q "'./wrong.so' broke its contract or died" err || fail "scale: $(cat err)"

# What it prints is on stderr; stdout is ours.
compile NOISE wrong.so
# shellcheck disable=SC2086
expect 0 '' "$PAGELAB" bench --backend ./wrong.so $small
json "[r['status'] for r in d] == ['ok']"
grep -q 'noise from a destructor' err || fail "no noise: $(cat err)"
expect 3 '' "$PAGELAB" check ./wrong.so --id F-1 --format json
json "d['F-1']['./wrong.so'] == 'broken'"
# shellcheck disable=SC2086
expect 0 '' "$PAGELAB" scale ./wrong.so $quick
json "d['memory'][0]['status'] == 'ok'"

# Whoever takes memory for ever is ended before the computer is short of it.
compile LEAK wrong.so
# shellcheck disable=SC2086
expect 0 '' "$PAGELAB" bench --backend ./wrong.so --memory-cap 256MiB ${small/repeat/bulk}
json "d[0]['status'] == 'n/a' and 'more memory than the cap of 256 MiB' in d[0]['reason']"

# Any file name: what divides names counts after ".so" only.
compile GRANT "it's a+b,c(d).so"
# shellcheck disable=SC2086
expect 0 '' "$PAGELAB" bench --backend "./it's a+b,c(d).so,buddy,./it's a+b,c(d).so,va=list" $small
json "sorted(r['candidate'] for r in d) == ['./it\\'s a+b,c(d).so', './it\\'s a+b,c(d).so,va=list', 'buddy']"
# shellcheck disable=SC2016
command=$(/usr/bin/python3 -c 'import json; print([r["command"] for r in json.load(open("out")) if "va=list" in r["candidate"]][0])')
printf '#!/bin/sh\nexec "%s" "$@"\n' "$PAGELAB" >pagelab && chmod +x pagelab
expect 0 '^repeat' sh -c "$command --smoke --rounds 1 --no-rods --format csv"
mkdir -p x+y
compile GRANT x+y/n.so.1.2
expect 2 "starts with ./" "$PAGELAB" bench --backend x+y/n.so.1.2 --workload repeat
# shellcheck disable=SC2086
expect 0 '' "$PAGELAB" bench --backend percpu+./x+y/n.so.1.2 $small
expect 2 "'wrong' takes no parameters" "$PAGELAB" check "./it's a+b,c(d).so(batch=3)"
finish
