/* device.c - the ledger of one accelerator's memory and work. */
#include "models/machine/device.h"
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "models/machine/error.h"

const char *const memory_category_name[MEMORY_CATEGORIES] = {
    "parameters", "gradients", "optimizer", "activations", "communication", "workspace",
};

static void add(Device *device, MemoryCategory category, size_t bytes)
{
    device->current[category] += bytes;
    if (device->current[category] > device->peak[category])
        device->peak[category] = device->current[category];
}

void device_is_full(const Device *device, const char *what, size_t bytes)
{
    fail("out of memory: %.3g GB more for %s on top of %.3g GB; try a smaller train.microbatch, "
         "more ranks, or --dry-run to see what the run needs",
         (double)bytes / 1e9, what, (double)device->total / 1e9);
}

/* Of small ones a step's tensors take more than a processor keeps the places of, and each row of a matrix may lie on
 * another. */
enum { LARGE_PAGE = 1 << 21 };
void device_ask_large_pages(void *begin, size_t bytes)
{
    char *memory = begin;
    char *first = memory - (uintptr_t)memory % LARGE_PAGE, *end = sbrk(0);
    if (bytes < LARGE_PAGE / 8) return;
    if (end < memory) end = memory + bytes; /* the heap could not grow, and this is elsewhere */
    madvise(first, (size_t)(end - first), MADV_HUGEPAGE);
}

static void *take(const Device *device, const char *what, size_t bytes)
{
    if (device->dry || bytes == 0) return NULL;

    /* 64: a cache line, and the widest vector */
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory)
        device_ask_large_pages(memory, bytes);
    else
        device_is_full(device, what, bytes);
    return memory;
}

void device_book(Device *device, MemoryCategory category, size_t bytes)
{
    device->total += bytes;
    add(device, category, bytes);
    if (device->total > device->peak_total) device->peak_total = device->total;
    if (device->total > device->high) device->high = device->total;
}

void *device_allocate(Device *device, MemoryCategory category, size_t bytes)
{
    void *memory = take(device, memory_category_name[category], bytes);
    device_book(device, category, bytes);
    return memory;
}

void *device_aside(const Device *device, const char *what, size_t bytes)
{
    return take(device, what, bytes);
}

void device_release(Device *device, MemoryCategory category, size_t bytes)
{
    device->current[category] -= bytes;
    device->total -= bytes;
}

void device_free(Device *device, MemoryCategory category, void *memory, size_t bytes)
{
    device_release(device, category, bytes);
    free(memory);
}

void device_rebook(Device *device, MemoryCategory from, MemoryCategory to, size_t bytes)
{
    device->current[from] -= bytes;
    add(device, to, bytes);
}

void device_keep_memory(void)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 16 * LARGE_PAGE); /* all of a large page is there before any of it is used */
}

/* Found again at the place that its shape gives it; another of that place takes it over. */
static KernelTime time_of(Device *device, const Work *work)
{
    if (device->listens || !work_kind[work->kind].products[0]) return device->time_of(device->machine, work);
    uint64_t place = (uint64_t)(work->m * 31 + work->n * 17 + work->k * 7 + work->batch) + work->kind;
    TimedWork *timed = &device->timed[(place * 0x9e3779b97f4a7c15u) >> 59];
    if (!timed->known || !work_is(&timed->work, work))
        *timed = (TimedWork){true, *work, device->time_of(device->machine, work)};
    return timed->time;
}

/* What is computed inside communication is the network's time. */
static void take_time(Device *device, const Work *work)
{
    Lanes *lanes = &device->lanes;
    if (!device->time_of || device->as_one || lanes->pauses) return;
    KernelTime time = time_of(device, work);
    if (time.launched) lanes_launch(lanes);
    lanes_compute(lanes, time.seconds);
    device->done[work->kind].seconds += time.seconds;
}

void device_between(Device *device, Between *between)
{
    between->next = device->between;
    device->between = between;
}

void device_between_end(Device *device, Between *between)
{
    Between **at = &device->between;
    while (*at != between) at = &(*at)->next;
    *at = between->next;
}

bool device_kernel(Device *device, Work work)
{
    if (device->dies) device->dies();
    take_time(device, &work);
    work_done(&device->done[work.kind], &work, device->lanes.part == PART_RECOMPUTE);
    for (Between *b = device->between; b; b = b->next) b->call(b->context);
    return !device->dry;
}

void device_begin_one(Device *device, Work together)
{
    take_time(device, &together);
    device->as_one = true;
}

void device_end_one(Device *device)
{
    device->as_one = false;
}

void device_kernels(Device *device, Work together, int kernels)
{
    WorkDone *done = &device->done[together.kind];
    work_done(done, &together, device->lanes.part == PART_RECOMPUTE);
    done->kernels += kernels - 1;
}
