# Man page and completions say what --help says, and what is installed runs from any directory with what came with it.
. "$SOURCE/tests/commands/expect.sh"
commands=$("$PAGELAB" --help | sed -n 's/^  \([a-z-]\{3,\}\)  .*/\1/p' | grep -vxE "test|setup")
for page in man bash zsh; do
  expect 0 '' "$PAGELAB" describe $page
  cp out $page
done
expect 2 'man, bash or zsh expected' "$PAGELAB" describe fish
sed 's/\\-/-/g; s/\\fB\|\\fR\|\\fI//g' man >man.text
bash -n bash || fail "bash does not read its completion"
if command -v zsh >/dev/null; then zsh -n zsh || fail "zsh does not read its completion"; fi
if command -v groff >/dev/null; then
  groff -man -Tutf8 -ww -z man 2>err || fail "groff does not read the man page"
  [ ! -s err ] || fail "groff warns of the man page: $(head -n 3 err)"
fi

# What the shell would offer for the words typed so far, the last of them unfinished.
complete_words() {
  bash -c '. ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pagelab; printf "%s\n" "${COMPREPLY[@]}"' x "$@"
}
options=0
for command in $commands; do
  complete_words pagelab "" | grep -qxe "$command" || fail "bash does not offer $command"
  grep -q "^    '$command:" zsh || fail "zsh does not offer $command"
  sed -n "/^.SS \"pagelab $command[ \"]/,/^.S[SH] /p" man.text >section
  [ -s section ] || fail "the man page has no section on $command"
  complete_words pagelab "$command" -- >offered
  sed -n "/^    $command)\$/,/;;\$/p" zsh >zsh.section
  for option in $("$PAGELAB" "$command" --help | grep -oE '^ +(-., +)?--[a-z-]+' | grep -oE -- '--[a-z-]+$'); do
    options=$((options + 1))
    grep -qxe "$option" offered || fail "bash does not offer $command $option"
    grep -qe "$option[='[]" zsh.section || fail "zsh does not offer $command $option"
    case $option in --help|--usage|--no-color) continue ;; esac # said once, for all
    grep -qe "$option\(=\|\$\)" section || fail "the man page does not have $command $option"
  done
  while IFS= read -r example; do
    grep -qF -- "$example" section || fail "the man page lacks '$example'"
  done < <("$PAGELAB" "$command" --help | sed -n 's/^example: //p')
done
[ "$options" -gt 100 ] || fail "only $options options were compared"
[ "$(complete_words pagelab check --format m)" = markdown ] || fail "bash does not complete a format"
[ "$(complete_words pagelab check --format = m)" = markdown ] || fail "bash does not complete --format=m"
complete_words pagelab check bud | grep -qx buddy || fail "bash does not complete a candidate"
complete_words pagelab check --id F-2 | grep -qx F-27 || fail "bash does not complete an id"
for code in 0 1 2 3 130; do
  grep -qx ".B $code" man || fail "the man page does not explain exit status $code"
done

# --- installed, moved, and run from elsewhere ---
cmake --install "$BUILD" --prefix "$WORK/first" >/dev/null || fail "cmake --install"
mv "$WORK/first" "$WORK/installed"
unset PAGELAB_ROOT
there=$WORK/installed
for file in bin/pagelab share/man/man1/pagelab.1 share/bash-completion/completions/pagelab \
  share/zsh/site-functions/_pagelab include/pagelab/candidate.h share/pkgconfig/pagelab.pc \
  share/cmake/pagelab/pagelab-config.cmake share/pagelab/corpora/seeds/page/floor-edges.txt \
  share/pagelab/results/reference/result.json share/doc/pagelab/README.md share/doc/pagelab/docs/programs.md; do
  [ -s "$there/$file" ] || fail "$file was not installed"
done
cmp -s man "$there/share/man/man1/pagelab.1" || fail "the installed man page is another"
mkdir elsewhere
cd elsewhere || exit 1
expect 0 '^pagelab [0-9]+\.[0-9]+\.[0-9]+$' "$there/bin/pagelab" --version
grep -qF "## $(sed 's/pagelab //' out) " "$SOURCE/CHANGELOG.md" || fail "CHANGELOG.md has no section for $(cat out)"
expect 0 '^no finding on buddy' "$there/bin/pagelab" show corpora/seeds/page/floor-edges.txt --backend buddy
expect 0 'holds' "$there/bin/pagelab" check buddy --id F-7
expect 0 'fork' "$there/bin/pagelab" bench --backend buddy --workload replay:corpora/traces/fork.pltrace --smoke
expect 0 '^rtos: ' "$there/bin/pagelab" choose --profile rtos
for command in report compare gate; do # whose examples name stored results
  while IFS= read -r example; do
    # shellcheck disable=SC2086 # words on purpose
    expect 0 '[a-z]' "$there/bin/"$example
  done < <("$there/bin/pagelab" $command --help | sed -n 's/^example: //p')
done
expect 0 '' "$there/bin/pagelab" report results/reference/result.json --html stored.html
grep -qF '"missing":"' stored.html && fail "the page of an installed result lacks what is stored beside it"
expect 2 '^pagelab report: .*results/nobody.json' "$there/bin/pagelab" report results/nobody.json
expect 0 '<html' cat "$there/share/pagelab/results/reference/report.html"
if ! sanitized; then
  expect 0 'no finding' "$there/bin/pagelab" replay corpora/schedules/two-cpus.txt --schedule --backend bitmap
  expect 0 'holds' "$there/bin/pagelab" explore corpora/explore/free-free.txt --preemptions 1 --backend bitmap
fi
# What is to be typed next is the name by which it is installed; the wrapper's is of a checkout.
expect 0 '; pagelab check --id F-8$' "$there/bin/pagelab" explain F-8
grep -q 'fine: pagelab replay corpora/' out || fail "explain names a wrapper that is not installed: $(cat out)"
expect 0 '; ./pagelab check --id F-8$' env PAGELAB_ROOT="$SOURCE" "$there/bin/pagelab" explain F-8
mkdir -p profiles results/reference # a user's own of the same name hide nothing
expect 0 '' "$there/bin/pagelab" run --backends buddy --smoke --out here
! grep -qE '^\[[0-9]+/|cells x' err || fail "progress in a file: $(cat err)"
[ -s here/report.html ] && [ -s here/result.json ] || fail "the installed program wrote no report"
grep -qF '"name":"rtos"' here/report.html || fail "the installed program's page has no decision"
grep -qF '"missing":"' here/report.html && fail "the installed program's page lacks what is stored"
finish
