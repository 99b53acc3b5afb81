/* An allocator that lives: a spec's layers stacked on a machine, with metadata that the instance owns. All
 * layers' metadata is one mapping, so that a fresh state is restored by one memcpy. */
#ifndef ENGINE_INSTANCE_H
#define ENGINE_INSTANCE_H

#include "engine/spec.h"
#include "engine/tap.h"

struct instance {
    struct spec spec;
    const struct pl_machine *machine; /* borrowed */
    struct pl_page page;              /* the outermost layer */
    uint64_t caps;                    /* of the outermost layer */
    uint32_t max_order;               /* the least of all layers */
    uint32_t layer_count;
    struct {
        struct pl_page_config config;
        struct pl_page page;
        uint64_t caps;
        size_t meta_at;
        size_t meta_bytes;
    } layers[SPEC_LAYER_LIMIT];
    unsigned char *meta;
    size_t meta_bytes;
    unsigned char *fresh; /* a copy of meta as after init, or NULL */
    struct tap *tap;      /* between `page` and the outermost layer, or NULL; borrowed */
    bool live;
};

/* PL_OK; PL_UNSUPPORTED: this machine is beyond the candidate's capabilities; PL_NO_MEMORY. One line in
 * `error` unless PL_OK. `keep_fresh` makes instance_reset a memcpy where the candidate allows that. */
enum pl_status instance_init(struct instance *instance, const struct spec *spec,
                             const struct pl_machine *machine, bool keep_fresh, struct spec_error *error);

/* Makes each spec once on a small machine: 0; or -1 if its parameters are wrong, or its code ended the
 * process; or 1 if a hook returned what is no status: one line in `error`. What cannot have such a machine is
 * fine. */
int instance_check_params(const struct spec *specs, uint32_t spec_count, struct spec_error *error);

/* Back to the state after init, whatever is granted. */
enum pl_status instance_reset(struct instance *instance);
void instance_fini(struct instance *instance);

/* From now on `page` tells `listener` of its calls; `tap` is borrowed until instance_fini. Whoever copied
 * `page` before hears nothing. */
void instance_set_tap(struct instance *instance, struct tap *tap, const struct tap_listener *listener);

/* The status by name; a number that is none by the promise that it breaks. */
void instance_status_text(enum pl_status status, char *text, size_t bytes);

/* Does this spec need a machine with contents? */
bool spec_needs_contents(const struct spec *spec);

/* Is one of its layers a library, which manages no machine of a few frames? Who only keeps links in free
 * frames manages any. */
bool spec_needs_large_machine(const struct spec *spec);

/* Can every layer be walked? A wrapper has the hook whatever it wraps. */
bool instance_has_audit(const struct instance *instance);
bool instance_has_count(const struct instance *instance);

/* Metadata given, plus heap growth, plus frames used up, divided by the machine's frames. */
double instance_metadata_bytes_per_frame(const struct instance *instance);

/* The settings of all layers, outermost first, on one line. */
/* Ends a text that somebody else wrote, and makes what is no printable character of it a '?'. */
void instance_one_line(char *text, size_t bytes);
void instance_settings(const struct instance *instance, char *text, size_t bytes);

#endif
