/* The page around its data, made at build time by embed.cmake from assets/ and the chart library. */
#ifndef REPORT_PAGE_PARTS_H
#define REPORT_PAGE_PARTS_H

#include <stddef.h>

extern const unsigned char report_page_head[];
extern const size_t report_page_head_bytes;
extern const unsigned char report_page_tail[];
extern const size_t report_page_tail_bytes;

#endif
