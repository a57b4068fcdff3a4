#!/usr/bin/env python3
"""measure_products.py - what matrix products take on a GPU, as a set of cases for sim validate.

    python3 tests/measure_products.py > mine.csv    # a minute; PyTorch, and a GPU of its own
    sim validate mine.csv    # with mine.ini beside it, after configs/validation/h100-products.ini

The products are x W^T in bf16, with sums in 32 bits, as linear layers have them forward: (m, k) by (k, n). Of those of
GPT's layers, whole or shared by two or eight, every third; then squares, and heads of a vocabulary. Each takes the
lesser of the median of 5 alone and of the mean of many in a row, which is what it takes where nothing comes between.
Two kinds are left out, and told on stderr: of under 20 us, as the two events around one alone take 2 to 3 us of that,
and in a row the host is the slower one; and those that took 1.25 times as long as one that is no smaller in any side,
as something came between.
"""
import statistics
import sys

import torch

SHORTEST, SLIP = 20, 1.25
IN_A_ROW, MOST = 150_000, 400  # us, and products
ROOM = 8e12  # operations: 10 ms of an H100


def shapes():
    """(m, n, k): of query, key and value, of output, up and down, and of three that ranks share."""
    layers = [(m, n, k)
              for m in (512, 1024, 2048, 4096, 8192)
              for h in (1024, 2048, 4096, 8192, 12288)
              for n, k in ((3 * h, h), (h, h), (4 * h, h), (h, 4 * h), (h // 2, h), (h, h // 2), (3 * h // 8, h))
              if 2 * m * n * k < ROOM]
    squares = [(1 << i,) * 3 for i in range(8, 15)]
    heads = [(2048, 50304, 4096), (4096, 51200, 2048), (2048, 50257, 1024)]
    return list(dict.fromkeys(layers[::3] + squares + heads))


def microseconds(work, times, ahead):
    """Of so many in a row; before them the GPU waits, so that the host is ahead of it."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda._sleep(ahead)
    begin.record()
    for _ in range(times):
        work()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) * 1e3 / times


def measure(m, n, k):
    x, weight = (torch.randn(rows, k, device="cuda", dtype=torch.bfloat16) for rows in (m, n))

    def work():
        x @ weight.t()

    for _ in range(2):
        work()
    torch.cuda.synchronize()
    alone = statistics.median(microseconds(work, 1, 200_000) for _ in range(5))
    times = max(3, min(MOST, int(IN_A_ROW / max(alone, 1))))
    return min(alone, microseconds(work, times, 2_000_000))


def is_aligned(shape):
    return all(side % 8 == 0 for side in shape)


def slower_than(shape, took):
    """One that is no smaller, and took clearly less; or None."""
    for other, us in took.items():
        no_smaller = all(a >= b for a, b in zip(other, shape)) and is_aligned(other) == is_aligned(shape)
        if no_smaller and SLIP * us < took[shape]:
            return other
    return None


def main():
    if not torch.cuda.is_available():
        sys.exit("measure_products.py: PyTorch sees no GPU here; try a machine with one")
    where = f"measured for sim: {torch.cuda.get_device_name(0)}; PyTorch {torch.__version__}".replace(",", " ")
    took = {shape: measure(*shape) for shape in shapes()}
    print("case,source,ranks,product_us,product_m,product_n,product_k")
    for shape, us in took.items():
        m, n, k = shape
        other = slower_than(shape, took)
        if us < SHORTEST or other:
            why = f"longer than {other}, {took[other]:.2f} us" if other else "too short"
            print(f"left out: {m} x {n} x {k}, {us:.2f} us: {why}", file=sys.stderr)
            continue
        print(f"{m} x {n} x {k},{where},1,{us:.2f},{m},{n},{k}")


if __name__ == "__main__":
    main()
