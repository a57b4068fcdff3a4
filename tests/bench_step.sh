#!/bin/bash
# bench_step.sh BUILD - a training step of one rank against the roofline (bench_step.c), of a small GPT and of gpt2-124m's
# shapes with two layers, in fp32. For a core that does nothing else.
export LC_ALL=C OPENBLAS_NUM_THREADS=1 # sim begins again where these two are not set
if core=${OPENBLAS_CORETYPE:-$("$1/tests/compare" core)} && [ -n "$core" ]; then export OPENBLAS_CORETYPE=$core; fi
"$1/tests/bench_step" "small GPT: 4 layers, 256 wide, 8 x 128 tokens" model.layers=4 model.hidden=256 model.heads=8 \
    model.ffn=1024 model.sequence=128 model.vocab=512 train.global_batch=8 train.microbatch=0 || exit 1
"$1/tests/bench_step" "two layers of gpt2-124m: 768 wide, 1 x 512 tokens" model.layers=2 model.hidden=768 model.heads=12 \
    model.ffn=3072 model.sequence=512 model.vocab=1024 train.global_batch=1 train.microbatch=0
