/* S-1 to S-9: what a page table is, and what stands in it. The oracle reads the table from memory as the
 * target would; the programs only lead to where each promise could break. */
#include "engine/checks/check_sbp2.h"

#define FRAMES 768

/* Growing, shrinking, one page and a bit, the n-th grant failing, the table in use while it is replaced. */
void check_S_1(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=513\n"
              "orb-table s0 entries=1\n"
              "orb-table s0 entries=511\n"
              "orb-table s0 entries=4096\n"
              "fail-nth grant=1\n"
              "orb-table s0 entries=1024\n"
              "fail-nth grant=2\n"
              "orb-table s0 entries=65536\n"
              "fail-nth\n"
              "orb-memory o0 make=gaps pieces=9 bytes=5000\n"
              "orb-table s0 entries=9\n"
              "orb-buffers s0 o0\n"
              "orb-table s0 entries=2\n"
              "orb-buffers s0 o0\n"
              "starve class=normal leave=floor+0\n"
              "orb-table s0 entries=8192\n"
              "orb-new s1\n"
              "feed\n"
              "orb-table s0 entries=8192\n"
              "orb-table-drop s0\n"
              "orb-table-drop s0\n"
              "orb-table s0 entries=512\n");
}

void check_S_2(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=0\n"
              "orb-memory o0 make=gaps pieces=3 bytes=512\n"
              "orb-buffers s0 o0\n"
              "orb-table s0 entries=0\n"
              "orb-table-drop s0\n"
              "orb-table s0 entries=0\n"
              "orb-table s0 entries=1\n");
}

/* Eight times the count, just below, at and above 2^32. */
void check_S_3(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-table s0 entries=0x20000001\n"
              "orb-table s0 entries=0x20000000\n"
              "orb-table s0 entries=0x1fffffff\n"
              "orb-table s0 entries=0xffffffff\n"
              "orb-table s0 entries=0x20000201\n"
              "orb-table s0 entries=0x80000001\n");
}

/* Lengths around the longest segment, a part of the memory, the last byte. */
void check_S_4(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=gaps pieces=5 bytes=61441\n"
              "orb-memory o1 make=gaps pieces=3 bytes=61439\n"
              "orb-memory o2 make=gaps pieces=2 bytes=65536\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0 offset=1 length=100000\n"
              "orb-buffers s0 o0 offset=61441 length=61442\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o1 offset=61438 length=2\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o2 offset=131071\n"
              "orb-buffers s0 o2 offset=131072\n"
              "orb-memory o3 make=buffer pieces=9 bytes=4096\n"
              "orb-buffers s0 o3 offset=100 length=30000\n"
              "audit\n");
}

/* Order of the bytes: gaps, neighbours that are one segment, real frames, a table in many frames. */
void check_S_5(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=gaps pieces=200 bytes=700\n"
              "orb-memory o1 make=touching pieces=100 bytes=3000\n"
              "orb-memory o2 make=buffer pieces=40 bytes=4096\n"
              "orb-buffers s0 o0 offset=699 length=70000\n"
              "orb-buffers s0 o1 offset=2 length=200000\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o2 offset=5000 length=99999\n"
              "orb-memory o3 make=many65535\n"
              "orb-buffers s0 o3 offset=3\n"
              "orb-ranges s0 o2 width=64 count=7\n"
              "orb-pageable o4 pieces=6 bytes=4096\n"
              "orb-buffers s0 o4\n"
              "orb-wire o4 how=prepare\n"
              "orb-buffers s0 o4 offset=100\n"
              "orb-wire o4 how=complete\n"
              "pageout frames=50\n"
              "audit\n"
              "orb-wire o4 how=prepare\n"
              "orb-wire o4 how=complete\n"
              "orb-buffers-none s0\n"
              "orb-wire o4 how=complete\n"
              "pageout frames=50\n"
              "orb-wire o4 how=prepare\n"
              "orb-buffers s0 o4\n"
              "audit\n");
}

/* No segment is empty, none is longer than 0xF000, the constraints, or what adapter and unit can take. */
void check_S_6(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=touching pieces=4 bytes=65536\n"
              "orb-memory o1 make=touching pieces=1 bytes=61441\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers-none s0\n"
              "orb-constraints s0 max=5000\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=read-dma bytes=2048\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=read-dma bytes=1024\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=read-dma bytes=1023\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=read-dma bytes=4096\n"
              "orb-limit limit=unit-pack bytes=1024\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=read-dma bytes=0\n"
              "orb-limit limit=unit-pack bytes=512\n"
              "orb-buffers s0 o0\n"
              "orb-payload s0 bytes=1000\n"
              "orb-buffers s0 o0\n"
              "orb-limit limit=opt-out bytes=1\n"
              "orb-buffers s0 o0\n");
}

/* Addresses above 2^32, up to 2^48, and one byte beyond. */
void check_S_7(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=high pieces=5 bytes=8192\n"
              "orb-memory o1 make=edge32 pieces=2 bytes=8192\n"
              "orb-memory o2 make=edge48 pieces=3 bytes=4096\n"
              "orb-memory o3 make=above48 pieces=3 bytes=4096\n"
              "orb-memory o4 make=above48 pieces=1 bytes=1\n"
              "orb-memory o5 make=null pieces=3 bytes=4096\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o2\n"
              "orb-buffers s0 o3\n"
              "orb-buffers s0 o3 length=8192\n"
              "orb-buffers s0 o4\n"
              "orb-buffers s0 o5\n"
              "orb-buffers s0 o5 offset=8\n");
}

/* As many entries as the data size can say, and one more. */
void check_S_8(struct check *check)
{
    (void)(check_orb(check, FRAMES,
                     "orb-new s0\n"
                     "orb-memory o0 make=many65535\n"
                     "orb-memory o1 make=many65536\n"
                     "orb-buffers s0 o0\n"
                     "orb-buffers s0 o1\n") &&
           check_orb(check, FRAMES,
                     "orb-new s0\n"
                     "orb-memory o1 make=many65536\n"
                     "orb-table s0 entries=65536\n"
                     "orb-buffers s0 o1 offset=8\n"
                     "orb-buffers s0 o1\n"));
}

/* One segment goes without a table only if the descriptor field can name it. */
void check_S_9(struct check *check)
{
    check_orb(check, FRAMES,
              "orb-new s0\n"
              "orb-memory o0 make=odd1 pieces=1 bytes=4096\n"
              "orb-memory o1 make=odd2 pieces=1 bytes=4096\n"
              "orb-memory o2 make=odd3 pieces=2 bytes=4096\n"
              "orb-memory o3 make=gaps pieces=2 bytes=4096\n"
              "orb-memory o4 make=high pieces=1 bytes=4096\n"
              "orb-memory o5 make=edge32 pieces=1 bytes=4096\n"
              "orb-buffers s0 o3 length=4096\n"
              "orb-buffers s0 o0\n"
              "orb-buffers s0 o0 offset=3\n"
              "orb-buffers s0 o1\n"
              "orb-buffers s0 o2 length=1\n"
              "orb-buffers s0 o3\n"
              "orb-buffers s0 o3 offset=2 length=9\n"
              "orb-buffers s0 o4\n"
              "orb-buffers s0 o5\n");
}
