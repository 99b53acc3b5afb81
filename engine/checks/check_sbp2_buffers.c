/* S-10 to S-20: what setting, refusing and releasing buffers does to an ORB, its table and the descriptor. */
#include "engine/checks/check_sbp2.h"

#define FRAMES 512

/* One piece too many for a fixed table; also without any table. */
void check_S_10(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=4\n"
              "orb-flags s0 flags=fixed\n"
              "orb-memory o0 make=gaps pieces=4 bytes=100\n"
              "orb-memory o1 make=gaps pieces=5 bytes=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1 offset=99\n"
              "orb-table-drop s0\n"
              "orb-buffers s0 o0 length=100\n"
              "orb-buffers s0 o0\n"
              "orb-table s0 entries=5\n"
              "orb-buffers s0 o1\n");
}

/* A table made beforehand serves writes at a time when there is no memory at all. */
void check_S_11(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=600\n"
              "orb-flags s0 flags=fixed\n"
              "orb-memory o0 make=gaps pieces=255 bytes=100\n"
              "orb-memory o1 make=gaps pieces=1 bytes=100\n"
              "orb-memory o2 make=touching pieces=255 bytes=141177\n"
              "starve class=interrupt leave=floor+0\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o0 gate=closed\n"
              "orb-buffers-none s0\n"
              "orb-buffers s0 o0\n"
              "feed\n");
}

/* The table grows to what is needed, and stays. */
void check_S_12(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=2\n"
              "orb-memory o0 make=gaps pieces=3 bytes=100\n"
              "orb-memory o1 make=gaps pieces=200 bytes=100\n"
              "orb-memory o2 make=gaps pieces=2 bytes=100\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o2 length=100\n"
              "orb-buffers s0 o0\n"
              "orb-table s0 entries=1\n"
              "fail-nth grant=1\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o1\n");
}

/* Each way to fail, with a buffer attached before. */
void check_S_13(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=gaps pieces=3 bytes=100\n"
              "orb-memory o1 make=above48 pieces=3 bytes=4096\n"
              "orb-memory o2 make=gaps pieces=200 bytes=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0 offset=301\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o0 length=100\n"
              "orb-buffers s0 o0 offset=299 length=2\n"
              "orb-buffers s0 o0\n"
              "orb-memory o0 make=none\n"
              "orb-buffers s0 o0 offset=0xffffffffffffffff length=2\n"
              "orb-table s0 entries=3\n"
              "orb-flags s0 flags=fixed\n"
              "orb-memory o3 make=gaps pieces=3 bytes=100\n"
              "orb-buffers s0 o3\n"
              "orb-buffers s0 o2\n"
              "orb-flags s0 flags=0\n"
              "orb-buffers s0 o3\n"
              "fail-nth grant=1\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o3\n"
              "orb-flags s0 flags=check-generation\n"
              "orb-field s0 field=generation value=5\n"
              "orb-submit s0 step=submit\n"
              "orb-submit s0 step=reset generation=5\n"
              "orb-submit s0 step=submit\n"
              "orb-submit s0 step=submit\n"
              "orb-buffers s0 o3\n"
              "orb-buffers-none s0\n"
              "orb-table s0 entries=9\n"
              "orb-table-drop s0\n"
              "orb-field s0 field=timeout value=536870912\n"
              "orb-submit s0 step=complete\n"
              "orb-buffers-none s0\n");
}

void check_S_14(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-buffers-none s0\n"
              "orb-memory o0 make=gaps pieces=3 bytes=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers-none s0\n"
              "orb-buffers-none s0\n"
              "orb-table-drop s0\n"
              "orb-buffers-none s0\n");
}

void check_S_15(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-constraints s0 max=4096 align=16 options=1\n"
              "orb-memory o0 make=gaps pieces=3 bytes=10000\n"
              "orb-buffers s0 o0\n"
              "orb-constraints s0 max=512 align=4\n"
              "orb-buffers-none s0\n"
              "orb-constraints s0 max=0xf001\n"
              "orb-constraints s0 max=512 align=3\n"
              "orb-buffers s0 o0\n"
              "orb-constraints s0\n"
              "orb-buffers-none s0\n"
              "fail-nth grant=1\n"
              "orb-constraints s0 max=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers-none s0\n"
              "fail-nth\n"
              "orb-constraints s0 max=100\n"
              "orb-buffers s0 o0\n");
}

/* Out of range and too many pieces at once: the range is what is reported. */
void check_S_16(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=1\n"
              "orb-flags s0 flags=fixed\n"
              "orb-memory o0 make=gaps pieces=5 bytes=100\n"
              "orb-buffers s0 o0 length=501\n"
              "orb-buffers s0 o0 offset=100 length=401\n"
              "orb-buffers s0 o0 offset=501\n"
              "orb-buffers s0 o0 offset=0xffffffffffffff9c length=200\n"
              "orb-buffers s0 o0 offset=1\n"
              "orb-flags s0 flags=0\n"
              "orb-buffers s0 o0 length=501\n"
              "orb-buffers s0 o0 length=0xffffffff\n");
}

/* All ways out of a call, the gate open or held by the caller before. */
void check_S_17(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=2\n"
              "orb-memory o0 make=gaps pieces=2 bytes=100\n"
              "orb-memory o1 make=gaps pieces=9 bytes=100\n"
              "orb-memory o2 make=unprepared pieces=2 bytes=100\n"
              "orb-buffers s0 o0 gate=closed\n"
              "orb-buffers s0 o2 gate=closed\n"
              "orb-buffers s0 o0 offset=201 gate=closed\n"
              "orb-flags s0 flags=fixed\n"
              "orb-buffers s0 o1\n"
              "orb-flags s0 flags=0\n"
              "fail-nth grant=1\n"
              "orb-buffers s0 o1 gate=closed\n"
              "orb-field s0 field=timeout value=4294968\n"
              "orb-buffers-none s0\n"
              "orb-bad s0 o0 mistake=irq-buffers\n"
              "orb-bad s0 mistake=irq-table\n"
              "orb-buffers s0 o0\n"
              "orb-flags s0 flags=virtual\n"
              "orb-flags s0 flags=fixed\n"
              "orb-bad s0 mistake=no-sleep-buffers\n"
              "orb-bad s0 mistake=no-sleep-release\n"
              "orb-bad s0 mistake=foreign-memory\n"
              "orb-submit s0 step=submit\n"
              "orb-release s0\n"
              "orb-release s0\n"
              "orb-submit s0 step=complete\n"
              "orb-bad s0 o0 mistake=stale-buffers\n"
              "orb-bad s0 o0 mistake=stale-set\n"
              "orb-bad s0 o4 mistake=stale-set\n"
              "orb-bad s0 o1 mistake=stale-ask\n"
              "orb-bad s0 mistake=stale\n");
}

/* One descriptor on several ORBs, dropped while attached, set again over itself, destroyed by the ORB's end.
 */
void check_S_18(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-new s1\n"
              "orb-memory o0 make=gaps pieces=3 bytes=100\n"
              "orb-memory o1 make=buffer pieces=3 bytes=4096\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s1 o0 length=100\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o1 offset=20000\n"
              "orb-buffers s0 o1\n"
              "orb-memory o0 make=none\n"
              "orb-memory o1 make=none\n"
              "orb-buffers s0 o1 length=4096\n"
              "orb-buffers-none s1\n"
              "orb-pageable o5 pieces=3 bytes=4096\n"
              "orb-wire o5 how=prepare\n"
              "orb-buffers s0 o5\n"
              "orb-wire o5 how=complete\n"
              "orb-buffers s0 o5 offset=20000\n"
              "orb-wire o5 how=complete\n"
              "orb-memory o5 make=none\n"
              "orb-retain s0\n"
              "orb-release s0\n"
              "orb-release s0\n"
              "orb-memory o2 make=buffer pieces=4 bytes=5000\n"
              "orb-ranges s1 o2 width=64 count=3\n"
              "orb-ranges s1 o2 width=32 count=2\n"
              "orb-buffers-none s1\n"
              "orb-ranges s1 o2 width=64 count=2 offset=19999\n"
              "audit\n");
}

void check_S_19(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=gaps pieces=1 bytes=100\n"
              "orb-memory o1 make=gaps pieces=2 bytes=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o0 offset=100\n"
              "orb-buffers s0 o0 offset=101\n"
              "orb-buffers-none s0\n"
              "orb-buffers s0 o0\n"
              "orb-buffers-none s0\n");
}

/* Table, no table, refused, replaced, released. */
void check_S_20(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=gaps pieces=6 bytes=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0 length=100\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0 offset=601\n"
              "orb-buffers s0 o0\n"
              "orb-table s0 entries=3\n"
              "orb-flags s0 flags=fixed\n"
              "orb-buffers s0 o0 length=300\n"
              "orb-buffers s0 o0\n"
              "orb-buffers-none s0\n"
              "orb-table-drop s0\n");
}
