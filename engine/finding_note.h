/* What a stored finding's text says of it in comment lines, for people and for who lists findings:
 *
 *     # F-1 X-2 by alloc on buddy, target page: frame 0x3 is still granted; but: granted again
 *     # found by libfuzzer after 2.1 s; to see it again: ./pagelab replay FILE --backend buddy */
#ifndef ENGINE_FINDING_NOTE_H
#define ENGINE_FINDING_NOTE_H

#include <stdbool.h>
#include <stdio.h>

struct finding_note {
    char ids[64]; /* or "crash", "hang" ... */
    char op[24];  /* the operation's name, or empty */
    char backend[160];
    char target[24];
    char summary[440];
    char replay[1024]; /* the command, or empty */
};

/* The first line. */
void finding_note_print(const struct finding_note *note, FILE *out);

/* Looks for both lines in a text. False: there is no such first line. */
bool finding_note_parse(const char *text, struct finding_note *note);

/* The same of a stored file, or of the text beside it, "x.txt" of "x.bin". False: none, or it cannot be read.
 */
bool finding_note_read(const char *path, struct finding_note *note);

/* "./pagelab replay PATH --backend NAME"; a name with a shell's own characters is quoted. `options` begin
 * with a blank. */
void finding_note_replay(const char *path, const char *backend, const char *options, char *command,
                         size_t bytes);

#endif
