/* Reads the parameters, lays the allocator out in its metadata, and puts every frame on its colour's queue.
 */
#include <string.h>

#include "xnu_internal.h"

/* Reads the digits at *text and moves it behind them. 0 if there are none or they are beyond the limit. */
static uint32_t xnu_parse_number(const char **text)
{
    uint32_t number = 0;
    PL_ASSERT(*text != NULL);
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        number = number * 10 + (uint32_t)(**text - '0');
        if (number > XNU_BATCH_LIMIT)
            return 0;
    }
    PL_ASSERT(number <= XNU_BATCH_LIMIT);
    return number;
}

bool xnu_parse(const char *text, struct xnu_params *params)
{
    *params = (struct xnu_params){.colours = XNU_COLOUR_DEFAULT, .batch = 0};
    while (text != NULL && *text != '\0') {
        uint32_t *into;
        if (strncmp(text, "colours=", 8) == 0) {
            into = &params->colours;
            text += 8;
        } else if (strncmp(text, "batch=", 6) == 0) {
            into = &params->batch;
            text += 6;
        } else {
            return false;
        }
        *into = xnu_parse_number(&text);
        if (*into == 0 || (*text != ',' && *text != '\0') || (*text == ',' && text[1] == '\0'))
            return false;
        if (*text == ',')
            text++;
    }
    if (params->colours > XNU_COLOUR_LIMIT || !pl_is_power_of_two(params->colours))
        return false;
    if (params->batch == 0)
        params->batch = params->colours * XNU_COLOUR_GROUPS;
    PL_ASSERT(params->batch <= XNU_BATCH_LIMIT);
    return true;
}

static size_t xnu_page_offset(uint32_t cpu_count)
{
    PL_ASSERT(cpu_count > 0);
    PL_ASSERT(cpu_count <= PL_CPU_LIMIT);
    return sizeof(struct xnu) + cpu_count * sizeof(struct xnu_cpu);
}

/* A record's index must fit a link, and no frame number may wrap. */
static bool xnu_can_manage(const struct pl_machine *machine)
{
    PL_ASSERT(machine != NULL);
    return machine->span > 0 && machine->span < XNU_NONE &&
           machine->span <= UINT64_MAX - machine->first.number && machine->cpu_count > 0 &&
           machine->cpu_count <= PL_CPU_LIMIT;
}

size_t xnu_meta_bytes(const struct pl_page_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    const struct pl_machine *machine = config->machine;
    if (!xnu_can_manage(machine))
        return 0;
    return xnu_page_offset(machine->cpu_count) + machine->span * sizeof(struct xnu_page);
}

enum pl_status xnu_init(void *instance, const struct pl_page_config *config)
{
    struct xnu *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!xnu_parse(config->params, &self->params))
        return PL_INVALID;
    if (!xnu_can_manage(machine) || machine->node_count > 1 || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    self->machine = machine;
    self->cpu = (void *)((unsigned char *)instance + sizeof(struct xnu));
    self->page = (void *)((unsigned char *)instance + xnu_page_offset(machine->cpu_count));
    self->base = machine->first.number;
    self->page_count = machine->span;
    self->reserve = machine->floors.normal;
    for (uint32_t colour = 0; colour < XNU_COLOUR_LIMIT; colour++)
        self->queue[colour] = (struct xnu_queue){.first = XNU_NONE, .last = XNU_NONE};
    for (uint32_t id = 0; id < machine->cpu_count; id++)
        self->cpu[id].first = XNU_NONE;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        for (uint64_t at = 0; at < range->frame_count; at++)
            xnu_enter(self, range->first.number - self->base + at);
    }
    xnu_set_free_count(self, machine->frame_count);
    return PL_OK;
}
