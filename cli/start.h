/* The texts that `pagelab new-backend` writes, from cli/start/. */
#ifndef CLI_START_H
#define CLI_START_H

extern const char start_backend_c[];
extern const char start_inside_cmake[];
extern const char start_outside_cmake[];
extern const char start_README_md[];

#endif
