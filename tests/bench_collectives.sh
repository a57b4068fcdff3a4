#!/bin/bash
# bench_collectives.sh BUILD - an all-reduce, a reduce-scatter and an all-gather of 4 KiB to 64 MiB on 2, 4 and 8 ranks of this
# machine: through memory that they share, by messages, and Open MPI's in place (bench_collectives.c).
set -e
for ranks in 2 4 8; do mpirun --quiet -n $ranks "$1/tests/bench_collectives" 0.5; done
