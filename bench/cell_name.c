/* How a cell is called, and the command that measures it again (cell.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/cell.h"
#include "bench/cell_row.h"
#include "bench/workloads/workload.h"

/* Row names hold no path and nothing that a shell or a page would take for more than a name. */
static void put_label(const char *label, char *text, size_t bytes)
{
    size_t i = 0;
    for (; label[i] != '\0' && i + 1 < bytes; i++) {
        char c = label[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.';
        text[i] = plain ? c : '_';
    }
    text[i] = '\0';
}

void cell_label(const char *workload, char *label, size_t bytes)
{
    const char *path = workload_file(workload);
    if (path == NULL) {
        put_label(workload, label, bytes);
        return;
    }
    const char *slash = strrchr(path, '/');
    const int kind = (int)(path - workload) - 1; /* without its colon */
    char base[64];
    snprintf(base, sizeof(base), "%.*s-%s", kind, workload, slash == NULL ? path : slash + 1);
    char *dot = strrchr(base, '.');
    if (dot != NULL && dot > base + kind + 1)
        *dot = '\0';
    put_label(base, label, bytes);
}

void cell_name(const struct cell_params *params, char name[CELL_NAME_BYTES])
{
    char label[64];
    cell_label(params->workload, label, sizeof(label));
    const struct workload *workload = workload_find(params->workload);
    int n = snprintf(name, CELL_NAME_BYTES, "%s/%s", label, params->backend);
    if (workload != NULL && workload_has_order(workload))
        n += snprintf(name + n, CELL_NAME_BYTES - (size_t)n, "/order:%u", params->order);
    if (workload != NULL && workload->is_replay)
        snprintf(name + n, CELL_NAME_BYTES - (size_t)n, "/mode:%s", params->parallel ? "parallel" : "serial");
    else
        snprintf(name + n, CELL_NAME_BYTES - (size_t)n, "/cpus:%u", params->cpus);
}

/* One word for a shell: in quotes where it holds more than names and paths mostly do. */
void cell_word(const char *word, char *text, size_t bytes)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,=:@%";
    const char *quote = word[strspn(word, plain)] == '\0' ? "" : "'";
    size_t n = (size_t)snprintf(text, bytes, "%s", quote);
    for (; *word != '\0' && n + 6 < bytes; word++)
        n += (size_t)snprintf(text + n, bytes - n, *word == '\'' ? "'\\''" : "%c", *word);
    snprintf(text + n, bytes - n, "%s", quote);
}

void cell_command(const struct cell_params *params, char *text, size_t bytes)
{
    const struct workload *workload = workload_find(params->workload);
    char backend[2 * sizeof(params->backend)];
    char name[2 * sizeof(params->workload)];
    cell_word(params->backend, backend, sizeof(backend));
    cell_word(params->workload, name, sizeof(name));
    int n = snprintf(text, bytes, "./pagelab bench --backend %s --workload %s", backend, name);
    if (n < 0 || (size_t)n >= bytes || workload == NULL)
        return;
    if (workload_has_order(workload))
        n += snprintf(text + n, bytes - (size_t)n, " --order %u", params->order);
    if (workload->takes_cpus && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --cpus %u", params->cpus);
    if (params->operations != 0 && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --operations %" PRIu64, params->operations);
    if (params->parallel && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --parallel");
    if (params->memory_bytes != 0 && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --memory %" PRIu64, params->memory_bytes);
    if (params->cap_bytes != 0 && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --memory-cap %" PRIu64, params->cap_bytes);
    if (params->own_floors && (size_t)n < bytes)
        n += snprintf(text + n, bytes - (size_t)n, " --floors %" PRIu64 "/%" PRIu64 "/%" PRIu64,
                      params->floors.interrupt, params->floors.system, params->floors.normal);
    if (params->admission == ADMISSION_EXACT && (size_t)n < bytes)
        snprintf(text + n, bytes - (size_t)n, " --admission exact");
}
