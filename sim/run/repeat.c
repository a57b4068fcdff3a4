/* repeat.c - recording a pass, and doing the same again. */
#include "sim/run/repeat.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

static Pass *pass_of(const Repeats *r, ActionKind kind, int chunk)
{
    return &r->pass[(int)kind * r->chunks + chunk];
}

Repeats *repeats_new(Device *device, Comm *comm, const Gpt *gpt, int chunks, int microbatches)
{
    if (!device->dry || microbatches < 2) return NULL;
    Repeats *r = allocate_zeroed(1, sizeof *r);
    *r =
        (Repeats){.device = device, .comm = comm, .gpt = gpt, .chunks = chunks, .microbatches = microbatches};
    r->pass = allocate_zeroed((size_t)ACTION_KINDS * (size_t)chunks, sizeof *r->pass);
    return r;
}

void repeats_free(Repeats *r)
{
    if (!r) return;
    for (int i = 0; i < ACTION_KINDS * r->chunks; i++) {
        tape_free(&r->pass[i].tape);
        gpt_saved_forget(&r->pass[i].saved);
    }
    free(r->pass);
    free(r);
}

/* F moves no gradients. */
static bool may_repeat(const Repeats *r, ActionKind kind, int microbatch)
{
    return kind == ACTION_FORWARD || microbatch < r->microbatches - 1;
}

Pass *repeats_find(Repeats *r, ActionKind kind, int chunk, int microbatch)
{
    if (!r || !may_repeat(r, kind, microbatch)) return NULL;
    Pass *pass = pass_of(r, kind, chunk);
    return pass->known ? pass : NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void repeats_play(Repeats *r, Pass *pass)
{
    Device *d = r->device;
    tape_play(&pass->tape, r->comm);
    for (int c = 0; c < MEMORY_CATEGORIES; c++) {
        d->peak[c] = larger(d->peak[c], d->current[c] + pass->highest[c]);
        d->current[c] += (size_t)pass->held[c];
    }
    d->peak_total = larger(d->peak_total, d->total + pass->total_highest);
    d->high = larger(d->high, d->total + pass->total_highest);
    d->total += (size_t)pass->total;
    pass->played++;
}

void repeats_settle(Repeats *r)
{
    for (int i = 0; r && i < ACTION_KINDS * r->chunks; i++) {
        Pass *pass = &r->pass[i];
        for (int k = 0; k < WORK_KINDS && pass->played > 0; k++)
            work_join(&r->device->done[k], &pass->done[k], (double)pass->played);
        pass->played = 0;
    }
}

/* Within the pass peaks count from what is held now. */
void repeats_record(Repeats *r, ActionKind kind, int chunk)
{
    if (!r || pass_of(r, kind, chunk)->known) return;
    Device *d = r->device;
    Pass *pass = pass_of(r, kind, chunk);
    tape_free(&pass->tape);
    memcpy(r->held, d->current, sizeof r->held);
    memcpy(r->peak, d->peak, sizeof r->peak);
    memcpy(d->peak, d->current, sizeof d->peak);
    r->total = d->total;
    r->peak_total = d->peak_total;
    d->peak_total = d->total;
    memcpy(r->done, d->done, sizeof r->done);
    tape_record(&pass->tape, r->comm);
}

void repeats_keep(Repeats *r, ActionKind kind, int chunk, const GptSaved *saved, Tensor result)
{
    if (!r || pass_of(r, kind, chunk)->known) return;
    Device *d = r->device;
    Pass *pass = pass_of(r, kind, chunk);
    pass->known = tape_stop(&pass->tape, r->comm);
    for (int c = 0; c < MEMORY_CATEGORIES; c++) {
        pass->held[c] = (int64_t)(d->current[c] - r->held[c]);
        pass->highest[c] = d->peak[c] - r->held[c];
        d->peak[c] = larger(d->peak[c], r->peak[c]);
    }
    pass->total = (int64_t)(d->total - r->total);
    pass->total_highest = d->peak_total - r->total;
    d->peak_total = larger(d->peak_total, r->peak_total);
    for (int k = 0; k < WORK_KINDS; k++) pass->done[k] = work_between(&r->done[k], &d->done[k]);
    pass->result = result;
    if (pass->known && saved) pass->saved = gpt_saved_copy(r->gpt, saved);
}
