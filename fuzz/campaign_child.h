/* Processes of a campaign: each in a group of its own, its output in a file, and marked, so that what it
 * starts in turn can be found and ended even if it left the group (AFL++'s targets do). */
#ifndef FUZZ_CAMPAIGN_CHILD_H
#define FUZZ_CAMPAIGN_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct campaign_child {
    pid_t pid; /* 0: none */
    int status;
    double cpu_s; /* that it used, of all its threads; once it has ended */
};

/* `environment`: "NAME=value" texts on top of the caller's, NULL-terminated. 0, or -1 with errno. */
int campaign_child_start(struct campaign_child *child, const char *const *arguments,
                         const char *const *environment, const char *log_path);

/* True if none runs (any more); then `status` is as waitpid has it. */
bool campaign_child_ended(struct campaign_child *child);

/* Seconds of a core that it has used so far. */
double campaign_child_cpu_s(const struct campaign_child *child);

/* Asks it to end, waits for `grace_s`, then kills it and its group. */
void campaign_child_stop(struct campaign_child *child, double grace_s);

/* Kills every process with this one's mark: what children that are gone have left behind. */
void campaign_child_sweep(void);

/* Seconds of a clock that only goes forward. */
double campaign_now(void);
void campaign_sleep(double seconds);

#endif
