/* transfer.c - packing blocks of units, and adding up what arrives.
 *
 * What one rank gets of a unit is a piece: an int8 for each value, then as many
 * scales as the most unfortunate cut of the unit into ranks could need. */
#include "parallel/data/transfer.h"
#include <stdlib.h>
#include <string.h>
#include "models/kernels/quantize.h"
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/shared_tensor.h"

typedef void Kernel(Tensor values, Tensor bytes, Tensor scales);

static int64_t piece_values(const Transfer *t, int part, int ranks)
{
    return t->part[part].count / ranks;
}

/* Each tensor of the unit but one may begin within a block, and cost a scale more. */
static int64_t piece_bytes(const Transfer *t, int part, int ranks)
{
    int64_t count = piece_values(t, part, ranks), borders = t->gpt->unit[t->unit[part]].parameters - 1;
    return count ? count + (quantized_blocks(count) + borders) * QUANTIZED_SCALE : 0;
}

typedef struct Piece {
    Kernel *kernel;
    Tensor values, bytes, scales;
} Piece;

static void visit(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    (void)p, (void)in_parameter;
    Piece *piece = context;
    int64_t scales = quantized_blocks(count) * QUANTIZED_SCALE;
    piece->kernel(tensor_view(piece->values, in_range, count), tensor_view(piece->bytes, in_range, count),
                  tensor_view(piece->scales, 0, scales));
    piece->scales = tensor_view(piece->scales, scales, piece->scales.count - scales);
}

/* `values`: rank `rank`'s block of the part; `packed`: what begins with its piece. */
static void each_tensor(const Transfer *t, int part, int rank, int ranks, Tensor values, Tensor packed,
                        Kernel *kernel)
{
    int64_t count = values.count, scales = piece_bytes(t, part, ranks) - count;
    Piece piece = {kernel, values, tensor_view(packed, 0, count), tensor_view(packed, count, scales)};
    gpt_each_parameter(t->gpt, t->unit[part], rank * count, count, visit, &piece);
}

static Tensor block(Tensor whole, int ranks, int rank)
{
    int64_t count = whole.count / ranks;
    return tensor_view(whole, rank * count, count);
}

static Tensor after(Tensor packed, int64_t bytes)
{
    return tensor_view(packed, bytes, packed.count - bytes);
}

/* Rank `rank`'s block of every part: into `packed`, or out of it. */
static void each_part(const Transfer *t, int rank, int ranks, Kernel *kernel)
{
    Tensor packed = block(t->packed, ranks, rank);
    for (int i = 0; i < t->parts; i++) {
        each_tensor(t, i, rank, ranks, block(t->part[i], ranks, rank), packed, kernel);
        packed = after(packed, piece_bytes(t, i, ranks));
    }
}

/* Everybody's pieces of this rank's block have arrived. */
static void add_up(void *context)
{
    Transfer *t = context;
    int n = t->ring.group->size, r = t->ring.group->rank;
    int64_t at = 0;
    for (int i = 0; i < t->parts; i++) {
        Tensor mine = block(t->part[i], n, r), sum = tensor_view(t->sum, 0, mine.count);
        tensor_zero(sum);
        for (int from = 0; from < n; from++) {
            if (from == r)
                tensor_add(sum, mine, WORK_QUANTIZE);
            else
                each_tensor(t, i, r, n, sum, after(block(t->ring.incoming, n, from), at), dequantize_add);
        }
        if (t->movement == ALL_REDUCE)
            each_tensor(t, i, r, n, sum, after(block(t->packed, n, r), at), quantize);
        else
            tensor_convert(mine, sum);
        at += piece_bytes(t, i, n);
    }
}

static void begin_quantized(Transfer *t, Group *group, Purpose purpose)
{
    int n = group->size, r = group->rank;
    Device *device = t->part->device;
    int64_t bytes = 0, most = 0;
    for (int i = 0; i < t->parts; i++) {
        int64_t values = piece_values(t, i, n);
        bytes += piece_bytes(t, i, n);
        most = values > most ? values : most;
    }
    lanes_pause(group->comm->lanes);
    t->packed = shared_tensor_new(group, device, MEM_COMMUNICATION, UINT8, n * bytes);
    if (t->movement == ALL_GATHER) {
        each_part(t, r, n, quantize);
        ring_all_gather_begin(&t->ring, group, purpose, &t->packed, 1);
    } else {
        t->sum = tensor_new(device, MEM_COMMUNICATION, REAL, most);
        for (int to = 0; to < n; to++)
            if (to != r) each_part(t, to, n, quantize);
        exchange_begin(&t->ring, group, purpose, t->packed, t->movement == ALL_REDUCE, add_up, t);
    }
    lanes_resume(group->comm->lanes);
}

void transfer_begin(Transfer *t, const TransferOptions *o)
{
    static void (*const ring_begin[])(Collective * c, Group * group, Purpose purpose, const Tensor *part,
                                      int parts) = {[ALL_GATHER] = ring_all_gather_begin,
                                                    [REDUCE_SCATTER] = ring_reduce_scatter_begin,
                                                    [ALL_REDUCE] = ring_all_reduce_begin};
    *t = (Transfer){.movement = o->movement, .gpt = o->gpt, .unit = o->unit, .parts = o->parts};
    t->part = allocate((size_t)t->parts * sizeof *t->part);
    memcpy(t->part, o->part, (size_t)t->parts * sizeof *t->part);
    if (o->quantized && o->group->size > 1)
        begin_quantized(t, o->group, o->purpose);
    else
        ring_begin[t->movement](&t->ring, o->group, o->purpose, t->part, t->parts);
}

void transfer_end(Transfer *t)
{
    Group *group = t->ring.group;
    if (!group) return;
    ring_end(&t->ring);
    lanes_pause(group->comm->lanes);
    for (int r = 0; r < group->size && t->packed.device && t->movement != REDUCE_SCATTER; r++)
        each_part(t, r, group->size, dequantize);
    shared_tensor_free(group, &t->packed);
    tensor_free(&t->sum);
    free(t->part);
    t->part = NULL;
    lanes_resume(group->comm->lanes);
}
