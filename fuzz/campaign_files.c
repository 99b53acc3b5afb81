/* See campaign_files.h. */
#define _XOPEN_SOURCE 700
#include "fuzz/campaign_files.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "engine/program.h"
#include "fuzz/campaign.h"

bool campaign_path(char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(path, CAMPAIGN_PATH_BYTES, format, args);
    va_end(args);
    if (length >= 0 && (unsigned)length < CAMPAIGN_PATH_BYTES)
        return true;
    path[0] = '\0';
    return false;
}

int campaign_make_dirs(const char *path)
{
    char part[CAMPAIGN_PATH_BYTES];
    if (!campaign_path(part, "%s", path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *at = part + 1; part[0] != '\0' && *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        *at = '/';
    }
    struct stat status;
    if (mkdir(part, 0777) == 0 || (errno == EEXIST && stat(part, &status) == 0 && S_ISDIR(status.st_mode)))
        return 0;
    if (errno == EEXIST)
        errno = ENOTDIR;
    return -1;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void campaign_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

size_t campaign_read(const char *path, bool tail, void *data, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    /* A file shorter than the tail is read whole. */
    bool ready = !tail || fseek(file, -(long)bytes, SEEK_END) == 0 || fseek(file, 0, SEEK_SET) == 0;
    size_t got = ready ? fread(data, 1, bytes, file) : 0;
    fclose(file);
    return got;
}

int campaign_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return -1;
    size_t put = fwrite(data, 1, bytes, file);
    if (fclose(file) != 0 || put != bytes) {
        remove(path);
        return -1;
    }
    return 0;
}

bool campaign_has_room(const char *path, uint64_t least, uint64_t *room)
{
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return true;
    *room = (uint64_t)disk.f_bavail * disk.f_frsize;
    return *room >= least;
}

uint32_t campaign_copy_inputs(const char *from, const char *to, const char *prefix, uint32_t limit)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    struct stat status;
    uint32_t count = 0;
    DIR *dir = opendir(from);
    while (dir != NULL && count < limit && (entry = readdir(dir)) != NULL) {
        bool wanted = entry->d_name[0] != '.' && campaign_path(path, "%s/%s", from, entry->d_name) &&
                      stat(path, &status) == 0 && S_ISREG(status.st_mode);
        size_t byte_count = wanted ? campaign_read(path, false, bytes, sizeof(bytes)) : 0;
        if (byte_count > 0 && campaign_path(path, "%s/%s%.200s", to, prefix, entry->d_name))
            count += campaign_write(path, bytes, byte_count) == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

void campaign_safe_name(const char *text, char *name, size_t bytes)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < bytes; i++)
        name[i] = strchr(good, text[i]) != NULL ? text[i] : '_';
    name[i] = '\0';
}

/* FNV-1a. */
uint64_t campaign_hash(const void *data, size_t bytes)
{
    const unsigned char *at = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}
