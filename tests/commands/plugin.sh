# Plug-ins: built outside the tree against what is installed, run within what they claim, refused where they are wrong.
. "$SOURCE/tests/commands/expect.sh"
cmake --install "$BUILD" --component contract --prefix "$WORK/installed" >/dev/null || fail "the contract is not installed"

# The example, by pkg-config and by find_package.
cp -r "$SOURCE/examples/plugin" example
[ "$(wc -l <example/stack.c)" -le 60 ] || fail "the example is longer than 60 lines"
expect 0 '' env PKG_CONFIG_PATH="$WORK/installed/share/pkgconfig" make -s -C example
expect 0 '' cmake -S example -B built "-DCMAKE_PREFIX_PATH=$WORK/installed"
expect 0 '' cmake --build built
cmp -s example/mine.so built/mine.so || [ -s built/mine.so ] || fail "find_package built nothing"
cp built/mine.so .
expect 0 'claims' "$PAGELAB" list ./mine.so percpu+./mine.so
[ "$(grep -cE '^(percpu\+)?\./mine\.so .*concurrent,irq-safe' out)" = 2 ] || fail "list does not say what the example claims: $(cat out)"
expect 2 'missing.so' "$PAGELAB" list ./missing.so
expect 0 'hold, 0 broken' "$PAGELAB" check ./mine.so
expect 0 '' "$PAGELAB" bench --backend ./mine.so,percpu+./mine.so --workload repeat --smoke --rounds 1 --format csv --out mine.json
grep -q '^repeat.*percpu+./mine.so' out || fail "no row of percpu+./mine.so"
expect 0 'no finding' "$PAGELAB" replay "$SOURCE/corpora/seeds/page/fill-and-drain.txt" --backend ./mine.so

compile() { # SOURCE DEFINE OUTPUT
  cc -std=c17 -O1 "-D$2" -I"$WORK/installed/include" -fPIC -shared -o "$3" "$SOURCE/tests/commands/plugins/$1.c" ||
    fail "$1.c -D$2 does not compile"
}

# Each limit is stated, and nobody goes beyond it: that would end the process. All checks stay within it, which a sanitizer
# need not see once more: it has those with machines of their own.
some=$(! sanitized || echo '--id X-1')
for limit in ORDER_0 THREADS SIZE INSTANCE FRAMES LOCK ABORTS ALIGNED POOL; do
  compile limited LIMIT_$limit limited.so
  # shellcheck disable=SC2086 # words on purpose
  expect 0 '[1-9][0-9]* hold, 0 broken' "$PAGELAB" check ./limited.so $some
  expect 0 'no finding|cannot manage this machine' "$PAGELAB" replay "$SOURCE/corpora/seeds/page/fill-and-drain.txt" --backend ./limited.so
  expect 0 '^repeat,.*limited.so,[0-9.]+,' "$PAGELAB" bench --backend ./limited.so --workload repeat --smoke --rounds 1 \
    --format csv --out limited.json
done

# What cannot be used is one line, and exit 2.
refused() { # DEFINE WORDS
  compile wrong "$1" wrong.so
  expect 2 "$2" "$PAGELAB" check ./wrong.so
  expect 2 "$2" "$PAGELAB" bench --backend ./wrong.so --workload repeat --smoke
}
refused WRONG_ABI 'another ABI number'
refused WRONG_SYMBOL "pl_candidate_export"
refused WRONG_HOOK 'a required hook is missing'
refused WRONG_CRASH 'opening it ended the process: signal 6'
refused WRONG_NAME 'its name is not of'
refused WRONG_INIT 'init or fini ended the process: exit code 0'
refused WRONG_FINI 'init or fini ended the process: signal 6'
refused WRONG_CLAIM 'whose hook is missing'
compile wrong WRONG_BYTES wrong.so
expect 0 'n/a' "$PAGELAB" check percpu+./wrong.so --id F-1
expect 2 'missing.so' "$PAGELAB" check ./missing.so
expect 2 'named by its path' "$PAGELAB" check mine.so
echo 'no library' >text.so
expect 2 'text.so' "$PAGELAB" check ./text.so

# What can be opened and hands out nonsense is named by the promise that it breaks.
compile wrong WRONG_GRANT wrong.so
expect 3 '^broken .*F-1' "$PAGELAB" check ./wrong.so --id F-1
expect 3 'finding: .*X-2' "$PAGELAB" replay "$SOURCE/corpora/seeds/page/fill-and-drain.txt" --backend ./wrong.so

# A claim that no check could try to refute stays one; one that was refuted is named.
sed 's/pl_lock_masked(&stack->lock, cpu)/0; pl_lock_take(\&stack->lock, cpu)/
     s/pl_unlock_masked(&stack->lock, cpu, before)/(void)before; pl_lock_drop(\&stack->lock, cpu)/' \
  "$SOURCE/examples/plugin/stack.c" >unmasked.c
cc -std=c17 -I"$WORK/installed/include" -fPIC -shared -o unmasked.so unmasked.c || fail "unmasked.c does not compile"
expect 0 '^./unmasked.so +irq-safe +claimed .*no labelled point' "$PAGELAB" check --claims ./unmasked.so
sed 's/stack->count > 0/stack->count > 9/' "$SOURCE/examples/plugin/stack.c" >keeps.c
cc -std=c17 -I"$WORK/installed/include" -fPIC -shared -o keeps.so keeps.c || fail "keeps.c does not compile"
expect 3 '^./keeps.so +all-frames +refuted' "$PAGELAB" check --claims ./keeps.so

# A start, out of the tree and in it.
expect 0 'WHERE, an absolute path' "$PAGELAB" new-backend my-own
expect 2 'is there already' "$PAGELAB" new-backend my-own
expect 2 'one of ours' "$PAGELAB" new-backend buddy
expect 2 "a name of a-z" "$PAGELAB" new-backend ../mine
expect 0 '' cmake -S my-own -B my-own/build "-DCMAKE_PREFIX_PATH=$WORK/installed" '-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror'
expect 0 '' cmake --build my-own/build
expect 0 '[1-9][0-9]* hold, 0 broken' "$PAGELAB" check ./my-own/build/my-own.so
mkdir -p tree/allocators
cp "$SOURCE/allocators/CMakeLists.txt" tree/allocators/
cd tree || exit 1
expect 0 'allocators/my-own: written' "$PAGELAB" new-backend my-own
[ "$(grep -cx '    my-own' allocators/CMakeLists.txt)" = 1 ] || fail "my-own is not in the list"
expect 0 '' cc -std=c17 -Wall -Wextra -Werror -I"$SOURCE/include" -fsyntax-only allocators/my-own/my_own.c
grep -q 'pl_candidate_my_own = ' allocators/my-own/my_own.c || fail "the start is not named as a built-in one"
finish
