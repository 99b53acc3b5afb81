/* What an interrupt does; see interrupt.h. */
#ifndef ENGINE_INTERRUPT_HANDLER_H
#define ENGINE_INTERRUPT_HANDLER_H

#include "engine/interrupt/interrupt.h"

/* A native_handler; `argument` is the struct interrupts. */
void interrupt_handler(struct pl_cpu *cpu, void *argument);

/* Frees the oldest grant that handlers keep. False: none. */
bool interrupt_free_kept(struct interrupts *self, struct pl_cpu *cpu);

#endif
