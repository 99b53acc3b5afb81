/* The 24 promises of buffer descriptors. */
#include "engine/checks/check_iokit.h"

#define CHECKS   "engine/checks/check_iokit.c"
#define PAGES    "engine/checks/check_iokit_pages.c"
#define CREATE   "engine/oracle/buffer_create.c"
#define MEMORY   "engine/oracle/buffer_memory.c"
#define CALLS    "engine/oracle/buffer_calls.c"
#define BYTES    "engine/oracle/buffer_bytes.c"
#define LIE      "system"
#define NOTHING  0
#define ANY_KIND NULL

const struct promise promises_iokit[] = {
    {"B-1", "length and capacity are as asked, and every byte can be read and written", CHECK_BOTH, CHECKS,
     CREATE, LIE, NOTHING, ANY_KIND, check_iokit_b1,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: length and capacity are as asked, "
     "the memory behind them is rounded up"},
    {"B-2", "capacity 0, or near 2^32 or 2^64, is refused, never a small buffer", CHECK_BOTH, CHECKS, CREATE,
     LIE, NOTHING, ANY_KIND, check_iokit_b2,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: capacity 0, and sums with page "
     "and alignment that overflow, return false"},
    {"B-3", "a wired buffer's address is aligned as asked", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b3,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: the alignment is passed to the "
     "allocators of IOLib.cpp"},
    {"B-4", "a host-contiguous buffer is one segment of consecutive frames", CHECK_BOTH, CHECKS, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b4,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: kIOMemoryHostPhysicallyContiguous "
     "takes the physical allocator whether there is an IOMMU or not"},
    {"B-5", "a contiguous buffer is one segment, in memory or behind the IOMMU", CHECK_BOTH, CHECKS, CREATE,
     LIE, NOTHING, ANY_KIND, check_iokit_b5,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: kIOMemoryPhysicallyContiguous "
     "means it without an IOMMU; with one the IO addresses are one run"},
    {"B-6", "segments add up to the length, in order, none empty", CHECK_BOTH, CHECKS, MEMORY, LIE, NOTHING,
     ANY_KIND, check_iokit_b6,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, getPhysicalSegment: the longest run from an offset, never "
     "past the end; at the end 0 bytes"},
    {"B-7", "no segment's address has a bit outside the physical mask", CHECK_BOTH, CHECKS, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b7,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, inTaskWithPhysicalMask: the mask is an upper limit for "
     "the physical allocator"},
    {"B-8", "wired memory is resident and in the same frames from creation to release", CHECK_BOTH, PAGES,
     MEMORY, LIE, NOTHING, ANY_KIND, check_iokit_b8,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: what is not pageable is prepared "
     "at once and stays wired until free()"},
    {"B-9", "pageable memory is pinned between prepare and complete, and only then", CHECK_BOTH, PAGES,
     MEMORY, LIE, NOTHING, ANY_KIND, check_iokit_b9,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, prepare and complete: wired on the way from 0 to 1, let go on "
     "the way back"},
    {"B-10", "a task other than the kernel's needs pageable memory", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b10,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: another task than the kernel's "
     "without kIOMemoryPageable returns false"},
    {"B-11", "purgeable means something only together with pageable", CHECK_BOTH, PAGES, CALLS, LIE, NOTHING,
     ANY_KIND, check_iokit_b11,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: kIOMemoryPurgeable is looked at "
     "for pageable memory only; setPurgeable of the rest fails"},
    {"B-12", "setPurgeable tells the state before; what was emptied reads as zero", CHECK_BOTH, PAGES, CALLS,
     LIE, NOTHING, ANY_KIND, check_iokit_b12,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, setPurgeable: the old state comes back; an emptied object "
     "that is made non-volatile reads as zeros"},
    {"B-13", "a new buffer reads as zero", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING, ANY_KIND,
     check_iokit_b13,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: every path asks for zeroed "
     "memory, but that of small contiguous buffers"},
    {"B-14", "a length beyond the capacity is not taken; the capacity never changes", CHECK_BOTH, CHECKS,
     BYTES, LIE, NOTHING, ANY_KIND, check_iokit_b14,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, setLength: asserts length <= capacity in a development "
     "kernel, and does nothing otherwise"},
    {"B-15", "reads and writes touch nothing outside the length, whatever the numbers", CHECK_BOTH, CHECKS,
     BYTES, LIE, NOTHING, ANY_KIND, check_iokit_b15,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, readBytes and writeBytes: offset + length is checked for "
     "overflow and against the length; 0 bytes move if it is wrong"},
    {"B-16", "the wire count is prepares minus completes, never below 0", CHECK_BOTH, PAGES, MEMORY, LIE,
     NOTHING, ANY_KIND, check_iokit_b16,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, prepare and complete: the wire count; complete without a "
     "prepare asserts or does nothing"},
    {"B-17", "what is prepared for reading only cannot be prepared or written for more", CHECK_BOTH, PAGES,
     CALLS, LIE, NOTHING, ANY_KIND, check_iokit_b17,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, prepare: kIOReturnNotWritable for a writing direction on "
     "memory that was wired for reading"},
    {"B-18", "live buffers have no address and no frame in common", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b18,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: each buffer has an allocation of "
     "its own in memory and in its task's map"},
    {"B-19", "creation and release leave no trace in the counts", CHECK_BOTH, PAGES, CALLS, LIE, NOTHING,
     ANY_KIND, check_iokit_b19,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, free: gives back what initWithPhysicalMask took, by the "
     "same path and with the same rounded size"},
    {"B-20", "shared or specially cached memory is whole pages of its own", CHECK_BOTH, PAGES, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b20,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: sharing and cache modes force "
     "page alignment, and capacity to whole pages"},
    {"B-21", "the rest of the last page holds nobody's data", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b21,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: a user's mapping shows whole "
     "pages, so what lies behind the capacity must be nobody's"},
    {"B-22", "a refused creation leaves every count as it was", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b22,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, inTaskWithOptions: an object whose init failed is "
     "released with all that it had taken"},
    {"B-23", "the direction is the one that was asked for", CHECK_BOTH, CHECKS, MEMORY, LIE, NOTHING,
     ANY_KIND, check_iokit_b23,
     "xnu iokit/Kernel/IOMemoryDescriptor.cpp, getDirection: the direction bits of the options, unchanged"},
    {"B-24", "alignment above a page means contiguous", CHECK_REAL_ONLY, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b24,
     "xnu iokit/Kernel/IOBufferMemoryDescriptor.cpp, initWithPhysicalMask: an alignment above a page sets "
     "kIOMemoryPhysicallyContiguous"},
};
const unsigned promises_iokit_count = PL_COUNT_OF(promises_iokit);
