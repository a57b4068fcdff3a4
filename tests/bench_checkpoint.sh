#!/bin/bash
# bench_checkpoint.sh BUILD [FOLDER] - what checkpoints take in FOLDER (one of its own, in the current folder), on 1 rank and
# on 2: their throughput beside that of plain files with as many bytes, which is to be 60 % at least, and what those that
# are written beside steps cost these, at most 5 %. bench_checkpoint.c says how they are measured; for two cores that do
# nothing else.
export LC_ALL=C
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
program=$(realpath "$1/tests/bench_checkpoint")
folder=$(mktemp -d "${2:-.}/bench-checkpoint-XXXXXX")
trap 'rm -rf "$folder"' EXIT

for ranks in 1 2; do
    # 18.9 M parameters with Adam's moments, 227 MB
    mpirun -n $ranks "$program" throughput "$folder" model.hidden=512 model.heads=8 model.ffn=2048 model.layers=6 \
        model.sequence=8 train.microbatch=1 train.global_batch=$ranks parallel.data=zero3 || exit 1
    # 3.2 M parameters, 38 MB, and 0.8 M, 10 MB, in steps of 4096 tokens
    for hidden in 256 128; do
        mpirun -n $ranks "$program" cost "$folder" model.hidden=$hidden model.heads=8 model.ffn=$((4 * hidden)) model.layers=4 \
            model.sequence=64 train.microbatch=8 train.global_batch=64 parallel.data=zero3 || exit 1
    done
done
