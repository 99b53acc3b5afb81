/* Files and directories of a campaign. Paths are texts of CAMPAIGN_PATH_BYTES. */
#ifndef FUZZ_CAMPAIGN_FILES_H
#define FUZZ_CAMPAIGN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagelab/compiler.h>

/* printf into a path; false if it is too long, and then it is empty. */
PL_PRINTF(2, 3) bool campaign_path(char *path, const char *format, ...);

/* Makes a directory and those above it. 0, or -1 with errno. */
int campaign_make_dirs(const char *path);

/* Removes a directory and all in it, or nothing if it is not there. */
void campaign_remove_tree(const char *path);

/* The first `bytes` bytes of a file, or the last ones if `tail`; returns their number, 0 if it cannot be
 * read.
 */
size_t campaign_read(const char *path, bool tail, void *data, size_t bytes);
int campaign_write(const char *path, const void *data, size_t bytes);

/* What has to be free on a disk: less is as good as full, and whoever writes there could write half a thing.
 */
#define CAMPAIGN_FREE_BYTES (UINT64_C(16) << 20)

/* Are `least` bytes free where `path` is? `room`: how many are. True if that is not known: writing says more.
 */
bool campaign_has_room(const char *path, uint64_t least, uint64_t *room);

/* Copies the inputs of a folder, at most `limit`, each cut to what a program needs; what is no regular file
 * or is empty is left out. Returns how many were copied. */
uint32_t campaign_copy_inputs(const char *from, const char *to, const char *prefix, uint32_t limit);

/* Letters, digits and "._+-" stay, everything else becomes '_': a name for files. */
void campaign_safe_name(const char *text, char *name, size_t bytes);

uint64_t campaign_hash(const void *data, size_t bytes);

#endif
