/* What SBP-2 lays down in memory: the entries of an unrestricted page table and the first 20 bytes of an ORB,
 * all big endian. Source: ANSI NCITS 325 (SBP-2); IOFireWireSBP2-454.
 *
 *   table entry   | length 16 | base 47..32 16 | base 31..0 32 |
 *   ORB           | next ORB 64 | data descriptor 64 | options 16 | data size 16 | command block ... | */
#ifndef SYSTEMS_SBP2_FORMAT_H
#define SYSTEMS_SBP2_FORMAT_H

#include <pagelab/types.h>

#define SBP2_ENTRY_BYTES       8u
#define SBP2_SEGMENT_BYTES_MAX 0xF000u /* deliberately below 65535 */
#define SBP2_ADDRESS_BITS      48u
#define SBP2_ADDRESS_LIMIT     (UINT64_C(1) << SBP2_ADDRESS_BITS)
#define SBP2_ENTRY_COUNT_MAX   65535u /* that the 16-bit data size can say */

#define SBP2_ORB_NEXT_AT       0u
#define SBP2_ORB_DATA_AT       8u
#define SBP2_ORB_OPTIONS_AT    16u
#define SBP2_ORB_DATA_SIZE_AT  18u
#define SBP2_ORB_COMMAND_AT    20u
#define SBP2_ORB_NULL          (UINT64_C(1) << 63) /* a next ORB that is none */
#define SBP2_OPTION_NOTIFY     0x8000u
#define SBP2_OPTION_FORMAT     0x6000u
#define SBP2_FORMAT_RESERVED   0x2000u
#define SBP2_FORMAT_VENDOR     0x4000u
#define SBP2_FORMAT_DUMMY      0x6000u
#define SBP2_OPTION_TO_HOST    0x0800u
#define SBP2_OPTION_SPEED      0x0700u
#define SBP2_SPEED_SHIFT       8u
#define SBP2_OPTION_PAYLOAD    0x00F0u /* of v: 2^(v+2) bytes */
#define SBP2_PAYLOAD_SHIFT     4u
#define SBP2_OPTION_TABLE      0x0008u /* the data size counts entries of a page table */
#define SBP2_OPTION_PAGE_BYTES 0x0007u /* 0: unrestricted */

PL_INLINE void sbp2_put16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

PL_INLINE uint16_t sbp2_get16(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

PL_INLINE void sbp2_put32(unsigned char *at, uint32_t value)
{
    sbp2_put16(at, value >> 16);
    sbp2_put16(at + 2, value);
}

PL_INLINE void sbp2_put64(unsigned char *at, uint64_t value)
{
    sbp2_put32(at, (uint32_t)(value >> 32));
    sbp2_put32(at + 4, (uint32_t)value);
}

#endif
