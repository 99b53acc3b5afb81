/* The programs of `pagelab explain` that take more than one CPU at a time: on the simulated platform each is
 * fine while nobody lies, and broken, with that id named, under the lie. Usage: explained-schedule PROGRAM
 * ID. Exit 0 or 1. */
#include <stdio.h>
#include <string.h>

#include "engine/program_file.h"
#include "engine/schedule/schedule.h"
#include "systems/lie.h"

#define HONEST "buddy"

static struct schedule schedule;
static struct program_file file;

static bool open_schedule(const char *path, struct sim **sim)
{
    struct spec spec;
    struct spec_error said = {""};
    struct program_error error = {""};
    if (program_file_read(path, &file, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return false;
    }
    *sim = sim_new(file.program.shape.cpu_count);
    if (*sim != NULL && spec_parse(HONEST, &spec, &said) == 0 &&
        schedule_init_scope(&schedule, &spec, &file.program.shape, SCHEDULE_ALL, *sim, &said) == PL_OK)
        return true;
    fprintf(stderr, "%s: %s\n", HONEST, said.text);
    return false;
}

/* Does a run end as expected: with a finding that names `id`, or with none where it is NULL? */
static bool ends_with(const char *lie, const char *id)
{
    struct finding finding = {.found = false};
    lie_told = lie;
    enum pl_status status = schedule_run(&schedule, file.program.ops, file.program.op_count, NULL, &finding);
    lie_told = NULL;
    if (status == PL_OK && finding.found == (id != NULL) && (id == NULL || strstr(finding.ids, id) != NULL))
        return true;
    fprintf(stderr, "%s told, %s expected: %s %s; %s\n", lie == NULL ? "no lie" : lie,
            id == NULL ? "no finding" : id, pl_status_name(status),
            finding.found ? finding.ids : "no finding", finding.found ? finding.actual : "");
    return false;
}

int main(int argc, char **argv)
{
    struct sim *sim = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: explained-schedule PROGRAM ID\n");
        return 2;
    }
    if (!open_schedule(argv[1], &sim))
        return 1;
    bool honest = ends_with(NULL, NULL);
    bool lying = ends_with(argv[2], argv[2]);
    schedule_fini(&schedule);
    sim_delete(sim);
    program_file_fini(&file);
    return honest && lying ? 0 : 1;
}
