#!/bin/bash
# bench_step.sh BUILD - a training step of one rank against the roofline (bench_step.c), of a small GPT and of gpt2-124m
# over 4 x 64 tokens, as llm.c trains it on a CPU, in fp32 and in bf16. For a core that does nothing else.
set -e
for precision in fp32 bf16; do
    "$1/tests/bench_step" "small GPT: 4 layers 256 wide 8 x 128 tokens $precision" 11 model.layers=4 model.hidden=256 \
        model.heads=8 model.ffn=1024 model.sequence=128 model.vocab=512 train.global_batch=8 train.microbatch=0 \
        train.precision=$precision
done
for precision in fp32 bf16; do
    "$1/tests/bench_step" "gpt2-124m: 4 x 64 tokens $precision" 3 model.preset=gpt2-124m model.layers=12 model.hidden=768 \
        model.heads=12 model.ffn=3072 model.vocab=50257 model.sequence=64 train.global_batch=4 train.microbatch=0 \
        train.precision=$precision
done
