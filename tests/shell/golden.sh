#!/bin/bash
# golden.sh FLOAT_BUILD DOUBLE_BUILD - sim against PyTorch: losses, first-step gradients and final
# weights of the cases in tests/golden/. PyTorch itself is not needed; golden/README.md says more.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"
golden=$root/tests/golden

# Relative; gradients and weights to each tensor's largest value. What PyTorch left is in double
# precision, but for the final weights, which are float32.
declare -A tolerance=([float losses]=1e-5 [float gradients]=1e-5 [float final]=5e-5
                      [double losses]=1e-12 [double gradients]=1e-12 [double final]=2e-7)

# golden PRECISION CASE STRATEGY RANKS [MICROBATCH [KEY=VALUE]...]: one run, and what the case has golden files for.
golden() {
    local precision=$1 case=$2 strategy=$3 ranks=$4 microbatch=${5:-0} run name weights kind setting settings=()
    run=${*//[^a-z0-9]/-}
    name="$precision $case, $strategy on $ranks"
    [ "$microbatch" -gt 0 ] && name="$name, microbatches of $microbatch"
    shift $(($# < 5 ? $# : 5))
    name="$name${*:+, $*}"
    for setting; do settings+=(--set "$setting"); done
    [ "$strategy" = ddp ] && settings+=(--set parallel.bucket_mb=0.01)
    weights=$golden/$case.h5
    [ -f "$weights" ] || weights=$golden/tied.h5 # the cases of one optimizer only
    sim=${!precision}/bin/sim check "$name: trains" train "$ranks" --config "$golden/$case.ini" \
        --set model.init="$weights" --set data.source="$golden/text.txt" --set parallel.data="$strategy" \
        --set train.microbatch="$microbatch" --output "$run.h5" \
        --set output.gradients="$run.gradients.h5" --set output.weights="$run.final.h5" "${settings[@]}"
    check "$name: losses as PyTorch's" \
        compare losses "$run.h5" "$golden/$case.losses.txt" "${tolerance[$precision losses]}"
    for kind in gradients final; do
        [ -f "$golden/$case.$kind.h5" ] || continue
        check "$name: ${kind/final/final weights} as PyTorch's" \
            compare near "$golden/$case.$kind.h5" "$run.$kind.h5" "${tolerance[$precision $kind]}"
    done
}

# Loaded and written under a split: the float32 values of the file, every bit.
carried() { # PRECISION CASE RANKS [KEY=VALUE]...
    local precision=$1 case=$2 ranks=$3 name="$1 $2, zero3 on $3" setting settings=()
    shift 3
    for setting; do settings+=(--set "$setting"); done
    sim=${!precision}/bin/sim check "$name${*:+, $*}: carries weights" train "$ranks" \
        --config "$golden/$case.ini" --set model.init="$golden/$case.h5" --set data.source="$golden/text.txt" \
        --set parallel.data=zero3 --set train.steps=0 --set train.warmup=0 --set output.weights=carried.h5 \
        --output carrier.h5 "${settings[@]}"
    check "$name${*:+, $*}: the same bits" compare same "$golden/$case.h5" carried.h5
    rm -f carried.h5
}

# One rank; and each kind of split once: that they all are as one rank is what tests/sim/ranks_*.c is about.
for precision in float double; do
    for case in tied untied llama mla mixtral deepseek; do golden $precision $case ddp 1; done
done
golden float untied ddp 2
golden float llama ddp 1 0 train.matmul=own
golden float untied zero3 3 1 train.matmul=own
golden double llama ddp 1 0 model.attention=flash
golden double tied dp 3 1
golden double untied zero3 3 1
golden double llama zero3 4 1 parallel.tp=2 parallel.sequence_parallel=yes
golden double llama ddp 2 2 parallel.pp=2
golden double mla ddp 1 0 model.attention=flash
golden double mla zero3 4 1 parallel.tp=2 parallel.sequence_parallel=yes
golden double mla zero1 4 2 parallel.tp=2 parallel.pp=2 parallel.schedule=zb-h1 train.recompute=selective
golden double deepseek zero3 4 1 parallel.tp=2 parallel.sequence_parallel=yes
golden double deepseek zero1 4 2 parallel.tp=2 parallel.pp=2 parallel.schedule=zb-h1 train.recompute=selective
golden double mixtral zero3 4 1 parallel.tp=2 parallel.sequence_parallel=yes
golden double mixtral zero1 4 2 parallel.tp=2 parallel.pp=2 parallel.schedule=zb-h1 train.recompute=selective
for case in sgd momentum adam rmsprop adagrad; do golden double $case ddp 1; done
carried float untied 3
carried double llama 4 parallel.tp=2 parallel.pp=2
carried double mla 4 parallel.tp=2
carried double mixtral 4 parallel.tp=2 parallel.pp=2
carried double deepseek 4 parallel.tp=2 parallel.pp=2
finish
