/* What a driver fuzzes: what the environment names; where it names nothing, what the program was built for.
 * The engines of others start a program by its name and set no variable of ours. */
#ifndef FUZZ_SUBJECT_H
#define FUZZ_SUBJECT_H

#define SUBJECT_TARGET_VARIABLE  "PAGELAB_TARGET"
#define SUBJECT_BACKEND_VARIABLE "PAGELAB_BACKEND"

const char *subject_target(void);
const char *subject_backend(void);

#endif
