/* Do signals arrive when they are sent? The ThreadSanitizer runtime keeps asynchronous ones back. */
#ifndef ENGINE_INTERRUPT_ASYNCHRONOUS_H
#define ENGINE_INTERRUPT_ASYNCHRONOUS_H

#if defined(__SANITIZE_THREAD__)
#define INTERRUPT_SIGNALS_ARRIVE 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INTERRUPT_SIGNALS_ARRIVE 0
#endif
#endif
#ifndef INTERRUPT_SIGNALS_ARRIVE
#define INTERRUPT_SIGNALS_ARRIVE 1
#endif

#define INTERRUPT_SIGNALS_WORDS "not under ThreadSanitizer, which defers asynchronous signals"

#endif
