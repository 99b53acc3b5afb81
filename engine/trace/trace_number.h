/* Whole-token numbers: every byte counts, nothing is skipped, overflow is an error. */
#ifndef ENGINE_TRACE_TRACE_NUMBER_H
#define ENGINE_TRACE_TRACE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagelab/compiler.h>

PL_INLINE bool trace_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

PL_INLINE bool trace_number_decimal(const char *text, size_t length, uint64_t *value)
{
    if (length == 0 || length > 18)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        if (!trace_is_digit(text[i]))
            return false;
        sum = sum * 10 + (uint64_t)(text[i] - '0');
    }
    *value = sum;
    return true;
}

/* Value + 1 of a hexadecimal digit, 0 for any other byte. A table, because the digits of a frame number are
 * as good as random and each wrongly guessed branch costs more than the rest of the number. */
extern const uint8_t trace_hex_digit[256];

/* With or without "0x". */
PL_INLINE bool trace_number_hex(const char *text, size_t length, uint64_t *value)
{
    if (length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        text += 2;
        length -= 2;
    }
    if (length == 0 || length > 16)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        const uint8_t digit = trace_hex_digit[(unsigned char)text[i]];
        if (PL_UNLIKELY(digit == 0))
            return false;
        sum = sum << 4 | (uint64_t)(digit - 1);
    }
    *value = sum;
    return true;
}

#endif
