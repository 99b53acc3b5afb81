#!/bin/sh
# older_system.sh ROOT LIBRARY...: what is built for the engines of others knows no name that is younger than glibc 2.31
# and the headers of Linux 5.4, as the base image of ClusterFuzzLite has them (Ubuntu 20.04). Sources that ask for more
# than C are compiled without the younger constants, with the guards of 2.31; of these and of all others, in LIBRARY...,
# the calls are compared with what this machine's C library says of its own.
set -eu
cd "$1"
shift
library=$(gcc -print-file-name=libc.so.6)
[ -f "$library" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Inlined there: stat and its like. Of the headers here alone: C23 readings of numbers.
nm -D --defined-only "$library" | awk '
    { name = $3; sub(/@.*/, "", name); version = $3
      if (sub(/.*@GLIBC_2\./, "", version) == 0) next
      if (!(name in old)) old[name] = 0
      if (version + 0 <= 31) old[name] = 1 }
    END { for (name in old) if (!old[name] && name !~ /^([fl]?stat|mknod)(at)?(64)?$|^__isoc23_/) print name }' >"$work/younger"
grep -qx close_range "$work/younger" || exit 77 # another C library, or one as old

# System calls have numbers, the highest of Linux 5.4 is 435. Of other constants the list grows by hand.
headers='features.h linux/futex.h sched.h sys/mman.h sys/prctl.h sys/syscall.h sys/wait.h unistd.h'
{
    for header in $headers; do echo "#include <$header>"; done
    echo '#include <sys/syscall.h>' | gcc -E -dM -include asm/unistd.h -x c - |
        awk '$2 ~ /^__NR_/ && $3 > 435 { print "#undef " $2; sub(/^__NR_/, "SYS_", $2); print "#undef " $2 }'
    for name in FUTEX_LOCK_PI2 FUTEX_32 PR_SET_SYSCALL_USER_DISPATCH PR_SYS_DISPATCH_OFF PR_SYS_DISPATCH_ON PR_SET_VMA \
        PR_SCHED_CORE MADV_POPULATE_READ MADV_POPULATE_WRITE MADV_DONTNEED_LOCKED MADV_COLLAPSE MFD_EXEC MFD_NOEXEC_SEAL \
        P_PIDFD CLONE_INTO_CGROUP CLONE_CLEAR_SIGHAND; do
        echo "#undef $name"
    done
    echo '#undef __GLIBC_MINOR__'
    echo '#define __GLIBC_MINOR__ 31'
} >"$work/older.h"
compile() { # FILE OBJECT
    gcc -std=c17 -w -O0 -c -D_GNU_SOURCE= -Iinclude -I. -include "$work/older.h" -o "$2" "$1" 2>"$work/log"
}
# young WHERE: each line of nm that is a name which is not there.
young() {
    awk -v where="$1" 'NR == FNR { young[$1] = 1; next }
        $NF in young { print (where == "" ? $1 : where ":") " " $NF }' "$work/younger" -
}

# This test sees what it looks for.
echo 'int main(void) { return FUTEX_LOCK_PI2; }' >"$work/constant.c"
echo 'int main(void) { return SYS_close_range; }' >"$work/number.c"
echo 'int main(void) { return close_range(3, 9, 0); }' >"$work/call.c"
for probe in constant number; do
    ! compile "$work/$probe.c" "$work/probe.o" || { echo "$probe: a compiler's error expected: this test is blind" >&2; exit 1; }
done
compile "$work/call.c" "$work/call.o"
[ -n "$(nm -u "$work/call.o" | young call)" ] || { echo "close_range: a younger name expected: this test is blind" >&2; exit 1; }

bad=0
files=$(grep -rlE '#include <(linux|sys)/|#define _(GNU|DEFAULT)_SOURCE' --include='*.c' allocators platform systems engine fuzz)
for file in $files; do
    if compile "$file" "$work/object"; then
        nm -u "$work/object" | young "$file" >>"$work/found"
    else
        echo "$file: does not compile with glibc 2.31 and Linux 5.4: $(grep -m 1 error "$work/log")" >&2
        bad=1
    fi
    echo ":$(basename "$file").o:" >>"$work/compiled"
done
nm -A -u "$@" 2>/dev/null | grep -vFf "$work/compiled" | young '' >>"$work/found"
if [ -s "$work/found" ]; then
    sed 's/$/ is younger than glibc 2.31: a guard (__GLIBC_PREREQ) or another way expected/' "$work/found" >&2
    bad=1
fi
exit $bad
