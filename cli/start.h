/* The texts that `pagelab new-backend` writes, from cli/start/. */
#ifndef CLI_START_H
#define CLI_START_H

extern const char start_backend_c[];
extern const char start_inside_cmake[];
extern const char start_outside_cmake[];
extern const char start_README_md[];

/* Of `pagelab to-c`, from cli/to_c/, in this order. */
extern const char start_checker_state_c[];
extern const char start_checker_calls_c[];
extern const char start_checker_life_c[];

#endif
