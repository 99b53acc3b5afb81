/* A place for a campaign, with a shell script for a driver. Include it behind cmocka.h. */
#ifndef TESTS_UNIT_CAMPAIGN_FIXTURE_H
#define TESTS_UNIT_CAMPAIGN_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/campaign.h"
#include "fuzz/campaign_files.h"

/* As a driver: inputs alone are fine unless one begins with 'B'; with options it works for half a minute; it
 * merges nothing. */
#define ALONE                                                                                                \
    "#!/bin/sh\n"                                                                                            \
    "case $* in *-set_cover_merge=1*) exit 1;; esac\n"                                                       \
    "case $* in *-artifact_prefix=*) ;; *)\n"                                                                \
    "  for a in \"$@\"; do\n"                                                                                \
    "    case $(head -c 1 \"$a\" | tr -d '\\000') in B)\n"                                                   \
    "      echo \"pagelab finding: id=F-1 X-2 backend=$PAGELAB_BACKEND target=$PAGELAB_TARGET step=0\"\n"    \
    "      echo '  operation: cpu0 task    alloc s3 order=0'\n"                                              \
    "      exit 77;; esac\n"                                                                                 \
    "  done\n"                                                                                               \
    "  exit 0;; esac\n"                                                                                      \
    "for a in \"$@\"; do case $a in -artifact_prefix=*) to=${a#-artifact_prefix=};; esac; done\n"            \
    "echo '#1000 NEW cov: 12 ft: 3 corp: 5/9b exec/s: 500 rss: 1Mb'\n"
#define CRASH "printf Bad > \"${to}crash-0123\"\nexit 77\n"
/* In the canary only. */
#define CAUGHT "if [ $PAGELAB_BACKEND = canary ]; then " CRASH "fi\n"
#define WAIT   "sleep 30 &\nwait\n"

struct place {
    char dir[64];
    char bin[CAMPAIGN_PATH_BYTES];
    char out[CAMPAIGN_PATH_BYTES];
    const char *backends[1];
    struct campaign_options options;
    struct campaign_result result;
};

static inline struct place *open_place(const char *script)
{
    char driver[CAMPAIGN_PATH_BYTES];
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    snprintf(place->dir, sizeof(place->dir), "/tmp/pagelab-campaign-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    assert_true(campaign_path(place->bin, "%s/bin", place->dir));
    assert_true(campaign_path(place->out, "%s/out", place->dir));
    assert_int_equal(campaign_make_dirs(place->bin), 0);
    if (script != NULL) {
        assert_true(campaign_path(driver, "%s/pagelab-fuzz-libfuzzer", place->bin));
        assert_int_equal(campaign_write(driver, script, strlen(script)), 0);
        assert_int_equal(chmod(driver, 0755), 0);
    }
    place->backends[0] = "buddy";
    place->options = (struct campaign_options){.backends = place->backends,
                                               .backend_count = 1,
                                               .seconds = 1,
                                               .canary_seconds = 30, /* a catch ends it */
                                               .bin_dir = place->bin,
                                               .out_dir = place->out,
                                               .engines = 1u << CAMPAIGN_LIBFUZZER};
    return place;
}

static inline void close_place(struct place *place)
{
    campaign_remove_tree(place->dir);
    campaign_result_free(&place->result);
    free(place);
}

static inline bool exists(const char *path)
{
    return access(path, R_OK) == 0;
}

static inline bool holds(const char *path, const char *words)
{
    char text[4096] = "";
    (void)campaign_read(path, false, text, sizeof(text) - 1);
    return strstr(text, words) != NULL;
}

#endif
