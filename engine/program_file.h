/* Stored programs: files in the text or the binary form, read and written whole. */
#ifndef ENGINE_PROGRAM_FILE_H
#define ENGINE_PROGRAM_FILE_H

#include "engine/program.h"

#define PROGRAM_FILE_BYTES_MAX ((size_t)1 << 20)

struct program_file {
    struct program program; /* its operations are the file's own */
    bool binary;
    size_t bytes;
    struct op ops[PROGRAM_OP_LIMIT]; /* of the binary form */
};

/* 0, or -1 with one line in `error`: not a file, larger than a stored program is, a trace, no such text, or
 * something else under a name that ends in ".txt". Any other bytes are a program in the binary form, which
 * every input of a fuzzer is, if they reach beyond its header. */
int program_file_read(const char *path, struct program_file *file, struct program_error *error);
void program_file_fini(struct program_file *file);

/* Writes `program`, in the text form with `comment` (lines that begin with '#', or NULL) behind it. What
 * cannot be written whole is not left behind; `fresh`: what is there already is not touched. 0, or -1 with
 * `error`. */
int program_file_write(const char *path, const struct program *program, bool binary, const char *comment,
                       bool fresh, struct program_error *error);

/* `path` as it is, or, where there is no such file, below PAGELAB_ROOT, else among what was installed with
 * the program, in `buffer`. */
const char *program_file_find(const char *path, char *buffer, size_t bytes);

/* FOLDER/CANDIDATE.txt, with '_' for what is awkward in a name. False: too long. */
bool program_file_of(const char *folder, const char *candidate, char *path, size_t bytes);

/* Is the binary form meant by this name, "....bin"? */
bool program_file_is_binary(const char *path);

#endif
