/* device.h - one accelerator: its memory by category, the work it did, and its lanes of time.
 *
 * Every byte of tensor memory is allocated here and every kernel reports here,
 * so nothing else in the program measures. No globals: one process can hold
 * many devices (virtual ranks do). */
#ifndef MODELS_MACHINE_DEVICE_H
#define MODELS_MACHINE_DEVICE_H
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/lanes.h"
#include "models/machine/work.h"

typedef enum {
    MEM_PARAMETERS,
    MEM_GRADIENTS,
    MEM_OPTIMIZER,
    MEM_ACTIVATIONS,   /* kept from forward for backward */
    MEM_COMMUNICATION, /* ring buffers, and parameters or gradients gathered for a moment */
    MEM_WORKSPACE,     /* scratch inside a kernel or a block */
    MEMORY_CATEGORIES
} MemoryCategory;
extern const char *const memory_category_name[MEMORY_CATEGORIES];

/* Of a kernel on the device; and whether there is one, for the host to launch. */
typedef struct KernelTime {
    double seconds;
    bool launched;
} KernelTime;

/* What is called as each kernel starts. */
typedef struct Between {
    void (*call)(void *context);
    void *context;
    struct Between *next;
} Between;

/* A product's time, once it was asked for. */
typedef struct TimedWork {
    bool known;
    Work work;
    KernelTime time;
} TimedWork;
enum { TIMED_PRODUCTS = 32 };

typedef struct Device {
    bool dry; /* tensors have sizes but no storage; kernels report and skip */
    size_t current[MEMORY_CATEGORIES], peak[MEMORY_CATEGORIES]; /* bytes */
    size_t total, peak_total;                                   /* peak of the sum: not the sum of peaks */
    size_t high;               /* most of total since someone set it to total */
    WorkDone done[WORK_KINDS]; /* as kernels reported it */
    Lanes lanes;
    /* what kernels take on the machine that is to be simulated; NULL: their time comes from elsewhere (lanes.h) */
    KernelTime (*time_of)(const void *machine, const Work *work);
    const void *machine;
    /* what some took: layers are alike, and the best tiling takes long to find */
    TimedWork timed[TIMED_PRODUCTS];
    bool listens; /* time_of is to hear of each kernel, also of a product whose time is known */
    bool as_one;  /* several kernels' time is taken */
    Between *between;
    void (*dies)(void); /* called in the place of the next kernel, and does not return; NULL: it is well */
} Device;

/* NULL on a dry device; ends the job when memory is gone. */
void *device_allocate(Device *device, MemoryCategory category, size_t bytes);
/* Memory of this machine that the device has not, for what only simulating it takes: in no ledger; free() it. NULL on
 * a dry device; ends the job when memory is gone, and says for `what`. */
void *device_aside(const Device *device, const char *what, size_t bytes);
/* Into the ledger, of memory that the caller has; and ends the job where there is no more, for `what`. */
void device_book(Device *device, MemoryCategory category, size_t bytes);
_Noreturn void device_is_full(const Device *device, const char *what, size_t bytes);
/* Leaves the ledger; the memory is the caller's, to free() when it is no longer needed. */
void device_release(Device *device, MemoryCategory category, size_t bytes);
void device_free(Device *device, MemoryCategory category, void *memory, size_t bytes);
/* From now on `bytes` of `from` are `to`: scratch that turned out to stay. */
void device_rebook(Device *device, MemoryCategory from, MemoryCategory to, size_t bytes);

/* Once a process: freed tensor memory stays with it for the next step, which
 * allocates the same sizes again; giving it back to the system and faulting it
 * in anew costs a quarter of a small step. */
void device_keep_memory(void);
/* Large pages for memory of so many bytes, unless they are few, and for all from there to the end of the heap, where the
 * system gives them to who asks. */
void device_ask_large_pages(void *memory, size_t bytes);

/* From here on `between` is called, which stays where it is until device_between_end(). */
void device_between(Device *device, Between *between);
void device_between_end(Device *device, Between *between);
/* What a kernel says as it starts; one that does the work of several says so of each. Returns whether to compute
 * (false on a dry device). */
bool device_kernel(Device *device, Work work);
/* Kernels between these two are one on the machine, of this work: those over parameters, which here end where a
 * parameter or a shard does, on each rank elsewhere. */
void device_begin_one(Device *device, Work together);
void device_end_one(Device *device);
/* What so many kernels that do not start, on a dry device, would say together. */
void device_kernels(Device *device, Work together, int kernels);
#endif
