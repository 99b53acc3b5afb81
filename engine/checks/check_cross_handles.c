/* what a handle still says after its memory went, what a new owner sees of the old one's bytes,
 * and what a second release does. Every system gives up memory that another one then gets. */
#include "engine/checks/check_cross.h"

#define MACHINE "pagelab program 1\nmachine 1024@0x0 cpus=2 floors=0/2/43\n"

/* --- X-8 --- */

/* Each is released, looked at again through what is left of the handle, and its frames go to somebody else.
 */
static const char released[] = MACHINE "cpu0 task area-alloc s0 bytes=16384\n"
                                       "cpu0 task area-page o0\n"
                                       "cpu0 task area-map s0 o0 page=2\n"
                                       "cpu0 task area-touch s0 page=2\n"
                                       "cpu0 task area-unmap s0 page=2\n"
                                       "cpu0 task area-page-free o0\n"
                                       "cpu0 task area-touch s0 page=2\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task zone-alloc s0 gfp=kernel order=3\n"
                                       "cpu0 task zone-free s0\n"
                                       "cpu0 task zone-bad-free s0 mistake=twice\n"
                                       "cpu0 task zone-exact s1 gfp=kernel bytes=4096\n"
                                       "cpu0 task zone-free s1\n"
                                       "cpu0 task buf-create s0 options=in,out,pageable capacity=16384\n"
                                       "cpu0 task buf-prepare s0\n"
                                       "cpu0 task buf-segments s0\n"
                                       "cpu0 task buf-complete s0\n"
                                       "cpu0 task pageout frames=100\n"
                                       "cpu0 task zone-alloc s2 gfp=kernel order=2\n"
                                       "cpu0 task buf-read s0 bytes=16384\n"
                                       "cpu0 task buf-release s0\n"
                                       "cpu0 task orb-new s0\n"
                                       "cpu0 task orb-memory o0 make=gaps pieces=3 bytes=8192\n"
                                       "cpu0 task orb-table s0 entries=8\n"
                                       "cpu0 task orb-buffers s0 o0\n"
                                       "cpu0 task orb-table s0 entries=2048\n"
                                       "cpu0 task orb-buffers s0 o0\n"
                                       "cpu0 task orb-table-drop s0\n"
                                       "cpu0 task zone-alloc s3 gfp=kernel order=2\n"
                                       "cpu0 task orb-release s0\n"
                                       "cpu0 task vm-object o0\n"
                                       "cpu0 task vm-alloc s0 o0 pindex=0\n"
                                       "cpu0 task vm-free s0\n"
                                       "cpu0 task vm-lookup o0 pindex=0\n"
                                       "cpu0 task audit\n";

void check_X_8(struct check *check)
{
    (void)check_program(check, released);
}

/* --- X-9 --- */

/* Much of the machine is written to and given back; then everybody asks for zero, or for memory that a user's
 * program shall see. */
#define DIRTY                                                                                                \
    "cpu0 task zone-alloc s0 gfp=kernel order=5\n"                                                           \
    "cpu0 task zone-alloc s1 gfp=kernel order=6\n"                                                           \
    "cpu0 task buf-create s0 options=in,out capacity=262144\n"                                               \
    "cpu0 task buf-write s0 bytes=262144 pattern=165\n"                                                      \
    "cpu0 task alloc s0 order=5\n"                                                                           \
    "cpu0 task zone-free s0\n"                                                                               \
    "cpu0 task zone-free s1\n"                                                                               \
    "cpu0 task buf-release s0\n"                                                                             \
    "cpu0 task free s0\n"

static const char contents[] =
    MACHINE DIRTY "cpu0 task zone-alloc s0 gfp=kernel,zero\n"
                  "cpu1 task zone-alloc s1 gfp=atomic,zero order=4\n"
                  "cpu0 task zone-exact s2 gfp=kernel,zero bytes=20480\n"
                  "cpu0 task vm-noobj s0 flags=zero,system\n"
                  "cpu0 task buf-create s1 options=in,out capacity=100 with=shared\n"
                  "cpu0 task buf-read s1 bytes=100\n"
                  "cpu0 task buf-create s2 options=in,out,pageable capacity=5000 "
                  "how=user\n"
                  "cpu0 task buf-read s2 bytes=5000\n"
                  "cpu0 task buf-create s3 options=in,contiguous capacity=8192\n"
                  "cpu0 task buf-read s3 bytes=8192\n"
                  "cpu0 task area-user s0 bytes=8192\n"
                  "cpu0 task area-touch s0 page=1\n" DIRTY "cpu0 task zone-alloc s5 gfp=kernel,zero order=5\n"
                  "cpu0 task buf-read s1 bytes=100\n";

/* The same for who hands out in turn what was freed first: blocks for which there is hardly another place. */
static const char large_contents[] = MACHINE "cpu0 task zone-alloc s0 gfp=kernel order=8\n"
                                             "cpu0 task zone-alloc s1 gfp=kernel order=8\n"
                                             "cpu0 task zone-alloc s2 gfp=kernel order=8\n"
                                             "cpu0 task zone-free s0\n"
                                             "cpu0 task zone-free s1\n"
                                             "cpu0 task zone-free s2\n"
                                             "cpu0 task zone-alloc s0 gfp=kernel,zero order=8\n"
                                             "cpu0 task zone-alloc s1 gfp=kernel,zero order=8\n";

void check_X_9(struct check *check)
{
    (void)(check_program(check, contents) && check_program(check, large_contents));
}

/* --- X-10 --- */

static const char twice[] = MACHINE "cpu0 task alloc s0 order=1\n"
                                    "cpu0 task free s0\n"
                                    "cpu0 task bad-free s0 mistake=twice\n"
                                    "cpu0 task bad-free s0 mistake=foreign\n"
                                    "cpu0 task alloc s1 order=2\n"
                                    "cpu0 task bad-free s1 mistake=half\n"
                                    "cpu0 task bad-free s1 mistake=inside\n"
                                    "cpu0 task bad-free s1 mistake=too-large\n"
                                    "cpu0 task zone-alloc s0 gfp=kernel order=2\n"
                                    "cpu0 task zone-bad-free s0 mistake=half\n"
                                    "cpu0 task zone-bad-free s0 mistake=inside\n"
                                    "cpu0 task zone-bad-free s0 mistake=too-large\n"
                                    "cpu0 task zone-bad-free s0 mistake=foreign\n"
                                    "cpu0 task zone-free s0\n"
                                    "cpu0 task zone-bad-free s0 mistake=twice\n"
                                    "cpu0 task zone-exact s1 gfp=kernel bytes=12288\n"
                                    "cpu0 task zone-bad-free s1 mistake=too-large\n"
                                    "cpu0 task zone-bad-free s1 mistake=nothing\n"
                                    "cpu0 task zone-page-free s1 page=2\n"
                                    "cpu0 task zone-bad-free s1 mistake=twice\n"
                                    "cpu0 task zone-free s1\n"
                                    "cpu0 task zone-bad-free s1 mistake=twice\n"
                                    "cpu0 task area-alloc s0 bytes=8192\n"
                                    "cpu0 task area-bad s0 mistake=forged\n"
                                    "cpu0 task area-free s0\n"
                                    "cpu0 task area-bad s0 mistake=twice\n"
                                    "cpu0 task buf-create s0 options=in capacity=4096\n"
                                    "cpu0 task buf-bad s0 mistake=forged\n"
                                    "cpu0 task buf-release s0\n"
                                    "cpu0 task buf-bad s0 mistake=twice\n"
                                    "cpu0 task orb-new s0\n"
                                    "cpu0 task orb-table s0 entries=8\n"
                                    "cpu0 task orb-table-drop s0\n"
                                    "cpu0 task orb-table-drop s0\n"
                                    "cpu0 task orb-release s0\n"
                                    "cpu0 task orb-bad s0 mistake=stale\n"
                                    "cpu0 task vm-object o0\n"
                                    "cpu0 task vm-alloc s0 o0 pindex=0\n"
                                    "cpu0 task vm-free s0 how=foreign\n"
                                    "cpu0 task vm-free s0\n"
                                    "cpu0 task vm-free s0 how=twice\n"
                                    "cpu0 task vm-object-free o0\n"
                                    "cpu0 task vm-object-free o0 how=twice\n"
                                    "cpu0 task audit\n";

void check_X_10(struct check *check)
{
    (void)check_program(check, twice);
}
