/* Reads the text in parentheses after the wrapper's name. */
#include <string.h>

#include "percpu.h"

/* Reads the digits at *text and moves it behind them. 0 if there are none or they are beyond the limit. */
static uint32_t percpu_parse_number(const char **text)
{
    uint32_t number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        number = number * 10 + (uint32_t)(**text - '0');
        if (number > PERCPU_HIGH_LIMIT)
            return 0;
    }
    return number;
}

bool percpu_parse(const char *text, struct percpu_params *params)
{
    *params = (struct percpu_params){.batch = PERCPU_BATCH_DEFAULT, .high = 0};
    while (text != NULL && *text != '\0') {
        uint32_t *into;
        if (strncmp(text, "batch=", 6) == 0) {
            into = &params->batch;
            text += 6;
        } else if (strncmp(text, "high=", 5) == 0) {
            into = &params->high;
            text += 5;
        } else {
            return false;
        }
        *into = percpu_parse_number(&text);
        if (*into == 0 || (*text != ',' && *text != '\0') || (*text == ',' && text[1] == '\0'))
            return false;
        if (*text == ',')
            text++;
    }
    if (params->high == 0)
        params->high = 2 * params->batch;
    return params->batch <= params->high && params->high <= PERCPU_HIGH_LIMIT;
}
