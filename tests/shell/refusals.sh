#!/bin/bash
# refusals.sh FLOAT_BUILD DOUBLE_BUILD - bad input and bad luck: one clear line, a status that is
# not zero, nobody hangs, and what was finished is kept.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

# refused NAME STATUS PATTERN COMMAND...: that exit status, and one "sim: " line, which matches.
refused() {
    local name=$1 status=$2 pattern=$3 got
    shift 3
    "$@" >log 2>&1 </dev/null
    got=$?
    [ $got -eq "$status" ] && [ "$(grep -c '^sim: ' log)" -eq 1 ] && grep -qE "^sim: .*($pattern)" log
    ok $? "$name"
}

# The process ids of the ranks that write FILE.
ranks_of() {
    local process
    for process in /proc/[0-9]*; do
        [ "$(cat "$process/comm" 2>/dev/null)" = sim ] && tr '\0' ' ' <"$process/cmdline" | grep -q "$1" &&
            echo "${process#/proc/}"
    done
}

cat >bad.ini <<'INI'
[train]
steps = 2
stepz = 3
INI
cat >worse.ini <<'INI'
[model]
hidden = 30
heads = 4
INI
refused "unknown key, with line and a suggestion" 2 'bad.ini:3: .*stepz.*try .*steps' train 3 --config bad.ini
refused "heads that do not divide" 2 'worse.ini:.*30.*4' train 3 --config worse.ini
refused "a bad value" 2 'zero4.*dp, ddp, zero1, zero2, zero3' train 3 --config zero3.ini --set parallel.data=zero4
refused "ranks that do not fit" 2 'global_batch = 24.*5 ranks.*try' train 5 --config zero3.ini
refused "ranks that do not divide into groups" 2 'parallel.tp = 2.*3 ranks.*groups of 2.*try' train 3 --config tp.ini
refused "heads that do not divide by tp" 2 'tp = 3 does not divide model.heads = 4; try parallel.tp = 1$' \
    train 3 --config tp.ini --set parallel.tp=3
refused "a sequence that does not divide by tp" 2 'tp = 2 does not divide model.sequence = 31' \
    train 2 --config sp.ini --set model.sequence=31
refused "sequence parallelism alone" 2 'sequence_parallel=yes: .* only with parallel.tp of 2 or more; try' \
    train 2 --config ddp.ini --set parallel.sequence_parallel=yes
refused "a schedule nobody knows" 2 'parallel.schedule=1f2b: .*try 1f1b' train 2 --config ddp.ini --set parallel.schedule=1f2b
refused "a schedule's file that is missing" 2 'parallel.schedule=no.csv: .*No such file' \
    train 2 --config ddp.ini --set parallel.schedule=no.csv
refused "more stages than layers" 2 '6 layers cannot fill.*= 7 x 1 = 7 stages' train 7 --config ddp.ini --set parallel.pp=7
refused "ranks that are no whole pipelines" 2 'parallel.pp = 4: 6 ranks.*groups of 4; try 4 or 8' train 6 --config 1f1b.ini
refused "microbatches that are no whole groups" 2 'parallel.schedule = interleaved: .*= 16 / \(1 x 8\) = 2: .*groups of 4 .*try train.global_batch = 32, or' \
    train 4 --config interleaved.ini --set train.microbatch=8
refused "gradients that are summed once" 2 'parallel.reduce=microbatch: .* only with parallel.data = zero2 or zero3; try leaving it out, or' \
    train 2 --config ddp.ini --set parallel.reduce=microbatch
refused "a virtual stage too many" 2 'virtual_stages=2: .* only with parallel.schedule = interleaved' train 4 --config zb-h1.ini --set parallel.virtual_stages=2
printf '[hardware]\nlatency_us = 2\n' >idle.ini
refused "a key without effect, in a file" 2 'idle.ini:2: hardware.latency_us = 2: .* only with hardware.profile = measured; try leaving it out, or' \
    train 2 --config idle.ini
printf '[chip]\nprocessors = 0\n' >chip.ini
refused "a machine with an impossible number" 2 'chip.ini:2: chip.processors = 0: outside 1 to 1000000; try 108$' \
    train 2 --config ddp.ini --set hardware.profile=chip.ini
refused "a machine nobody knows" 2 'hardware.profile=a100: neither one of ideal, measured, given, localhost, a100-80gb-4hdr, .*; try' \
    train 2 --config ddp.ini --set hardware.profile=a100
refused "a step that takes longer than any clock runs" 1 'hardware.profile=a100-80gb-dgx: a step takes inf s .* try larger speeds, or shorter latencies, in .chip., .node.' \
    "$float/bin/sim" --config ddp.ini --dry-run --set hardware.profile=a100-80gb-dgx --set node.link_gb=1e-300
refused "a key without effect, given" 2 'set train.momentum=0.9: .* only with train.optimizer = momentum; try leaving it out, or' \
    train 2 --config ddp.ini --set train.momentum=0.9
refused "a schedule command without a config" 2 'try sim schedule --config' "$float/bin/sim" schedule
refused "csv without a schedule command" 2 'sim schedule --csv' "$float/bin/sim" --config ddp.ini --csv
refused "a missing config" 2 'nope.ini: no such file' train 3 --config nope.ini
refused "a missing baseline" 2 'output.baseline=nope.h5: .*nope.h5' train 3 --config ddp.ini --set output.baseline=nope.h5
refused "a missing text" 2 'data.source=nope.txt: .*No such file' train 3 --config ddp.ini --set data.source=nope.txt --set model.vocab=256
: >empty.txt
refused "an empty text" 2 'data.source=empty.txt: .*0 bytes' train 3 --config ddp.ini --set data.source=empty.txt --set model.vocab=256
echo short >short.txt
refused "a text too short" 2 'data.source=short.txt: .*6 bytes.*33' train 3 --config ddp.ini --set data.source=short.txt --set model.vocab=256
refused "a dry run of more ranks than fit" 2 'would take about .* GB of memory, most of it for .* left.*; try fewer ranks.* or --force' \
    "$float/bin/sim" --config ddp.ini --dry-run --all-ranks --ranks 65536 --set train.global_batch=65536
refused "a model that does not fit" 2 '3 ranks would take about .* GB of memory, most of it for .* left; try .* or --force' \
    train 3 --config ddp.ini --set model.layers=1000000
mkdir other_node
refused "a text that a rank does not see" 2 'data.source=short.txt: rank 1, on .*, cannot read it: No such file.* all of them have it' \
    timeout 60 mpirun -n 1 "$float/bin/sim" --config ddp.ini --set data.source=short.txt --set model.vocab=256 : \
    -wdir other_node -n 1 "$float/bin/sim" --config ddp.ini --set data.source=short.txt --set model.vocab=256
refused "a folder as text" 2 'data.source=/tmp: .*directory' train 3 --config ddp.ini --set data.source=/tmp --set model.vocab=256
refused "bytes need 256 tokens" 2 '256' train 3 --config ddp.ini --set data.source=short.txt
refused "an unwritable output" 2 '/dev/null: cannot make this folder: Not a directory; .*: name another folder' train 3 --config ddp.ini --output /dev/null/x.h5
refused "unwritable weights, before training" 2 '/dev/null: cannot make this folder: Not a directory; .*: name another folder' train 3 --config ddp.ini --set output.weights=/dev/null/w.h5
refused "weights whose file could not be made, before training" 2 'www.h5: cannot create: File name too long' \
    "$float/bin/sim" --config single.ini --set output.weights="$(printf '%0250d' 0 | tr 0 w).h5"
refused "weights from a missing file" 2 'model.init=nope.h5: .*nope.h5' train 3 --config ddp.ini --set model.init=nope.h5
refused "weights from a text" 2 'model.init=short.txt' train 3 --config ddp.ini --set model.init=short.txt
refused "ranks that were asked for different runs" 2 'rank 1 was given --set train.steps=3 where rank 0 was given --set train.steps=2, ' \
    mpirun -n 1 "$float/bin/sim" --config ddp.ini --set train.steps=2 : -n 1 "$float/bin/sim" --config ddp.ini --set train.steps=3
refused "an unknown option" 2 "'--confg' is not an option" "$float/bin/sim" --confg x
refused "--ranks without --dry-run" 2 'mpirun -n 4' "$float/bin/sim" --config zero3.ini --ranks 4
refused "no ranks" 2 'ranks 0' "$float/bin/sim" --config zero3.ini --dry-run --ranks 0
refused "a report of nothing" 2 'nope.h5' "$float/bin/sim" report nope.h5
refused "a report of a text" 2 'short.txt' "$float/bin/sim" report short.txt
refused "help for an unknown key" 2 'buckets' "$float/bin/sim" help parallel.buckets
refused "a loss that is no number" 1 'step [0-9]+: the loss is (nan|inf); try a smaller train.learning_rate, or train.clip = 1$' \
    train 3 --config ddp.ini --set model.layers=1 --set train.global_batch=6 --set train.optimizer=sgd --set train.learning_rate=1000 \
    --set train.clip=0 --set train.steps=40 --output diverged.h5
check "the steps before it are kept" compare bytes diverged.h5

refused "the same, clipped, in fp16" 1 'step [0-9]+: the loss is (nan|inf); try a smaller train.learning_rate, or train.precision = bf16$' \
    train 3 --config ddp.ini --set train.optimizer=sgd --set train.learning_rate=1000 --set train.weight_decay=1000 \
    --set train.precision=fp16 --set train.steps=40 --output diverged16.h5
refused "gradients of no step" 2 'output.gradients=none.h5: without a step there are no gradients; try train.steps = 1' \
    train 2 --config ddp.ini --set train.steps=0 --set output.gradients=none.h5
refused "gradients that all overflowed" 1 'output.gradients=none.h5: gradients overflowed in every step.* than 2, .* than 1e.30' \
    train 2 --config ddp.ini --set train.precision=fp16 --set train.steps=2 --set train.loss_scale=1e30 \
    --set output.gradients=none.h5 --output skipped.h5
check "no file of them" test ! -e none.h5
check "the run is kept" compare bytes skipped.h5

train 1 --config single.ini --set train.steps=0 --set output.weights=w.h5 --output w-run.h5 >/dev/null 2>&1
train 1 --config single.ini --set model.layers=2 --set train.steps=0 --set model.activation=relu --set output.weights=over.h5 \
    --output over-run.h5 >/dev/null 2>&1
check "weights that overflow at any loss scale" compare overflow over.h5
refused "a loss scale without end" 1 'step 36: gradients overflow at any loss scale, down to 6e-08; try train.precision = bf16' \
    train 2 --config ddp.ini --set model.layers=2 --set train.global_batch=4 --set model.activation=relu --set model.init=over.h5 --set train.precision=fp16 \
    --set train.optimizer=sgd --set train.learning_rate=1000 --set train.weight_decay=1000 --set train.warmup=0 \
    --set train.loss_scale=1024 --set train.steps=60 --output endless.h5
check "the skipped steps are kept" compare bytes endless.h5
refused "weights of another shape" 2 "wte.weight' is .64, 128., the model's is .64, 64." train 2 --config ddp.ini \
    --set model.hidden=64 --set model.init=w.h5
refused "weights of more layers" 2 "h.5.*no place in a model of 5 layers" train 2 --config ddp.ini \
    --set model.layers=5 --set model.init=w.h5
refused "a text as baseline" 2 'output.baseline=short.txt: ' train 2 --config ddp.ini --set output.baseline=short.txt
refused "weights as baseline" 2 'output.baseline=w.h5: w.h5: not a run file of this sim: its attribute schema is "sim-weights/1", not "sim-run/6"; give' train 2 --config ddp.ini --set output.baseline=w.h5
refused "a baseline without losses" 2 'w-run.h5: it has no losses; try' train 2 --config ddp.ini --set output.baseline=w-run.h5
train 1 --config single.ini --dry-run --ranks 1 --output walked.h5 >/dev/null 2>&1
refused "a dry run as baseline" 2 'walked.h5: it has no losses; try' train 2 --config ddp.ini --set output.baseline=walked.h5
refused "a baseline of other tokens" 2 'made with train.seed = 1, and this run has 7; try' \
    train 2 --config ddp.ini --set train.seed=7 --set output.baseline=w-run.h5
refused "GPT-2's weights for a Llama" 2 "wte.weight' is one of GPT-2's, this model's have Llama's names; try" \
    train 2 --config ddp.ini --set model.preset=llama-tiny --set model.init=w.h5
refused "Llama's weights for a GPT-2" 2 "embed_tokens.weight' is one of Llama's, this model's have GPT-2's" \
    train 2 --config ddp.ini --set model.init="$root/tests/golden/llama.h5"

# A rank is killed: the others go too, and the file holds every finished step.
train 3 --config zero3.ini --set train.steps=100000 --output killed.h5 >kill.log 2>&1 &
job=$!
for _ in $(seq 100); do
    compare steps killed.h5 -1 >/dev/null 2>&1 && break
    sleep 0.2
done
victim=$(ranks_of killed.h5 | tail -n 1)
kill -9 "$victim" 2>/dev/null
ok $? "a rank to kill"
! wait $job
ok $? "mpirun ends, not with 0, when a rank is killed"
sleep 0.5
[ -z "$(ranks_of killed.h5)" ]
ok $? "no rank is left"
check "the killed run's file opens with every finished step" compare steps killed.h5 -1
check "and its bytes equal the formula" compare bytes killed.h5
check "sim report of a killed run" "$float/bin/sim" report killed.h5

# TERM and INT: rank 0 alone says what is kept, and the run ends after a step, if it is given the time. As a user has it,
# mpirun, which ends with a status of its own, gives ranks one second.
# stops SIGNAL STATUS COMMAND...: the lines are true, and the file opens with as many steps.
# shellcheck disable=SC2317
stops() {
    local signal=$1 status=$2 got kept steps job
    shift 2
    rm -f "stopped by.h5"
    OMPI_MCA_odls_base_sigkill_timeout=1 env --default-signal=INT,TERM timeout --foreground -k 5 60 "$@" \
        --config zero3.ini --set model.layers=1 --set train.steps=100000 --output "stopped by.h5" >stopped 2>&1 &
    job=$!
    until compare steps "stopped by.h5" -1 >/dev/null 2>&1 || ! kill -0 "$job"; do sleep 0.1; done
    kill "-$signal" "$job"
    wait "$job"
    got=$?
    cat stopped
    kept=$(sed -n "s/^sim: stopping on [A-Z]*: \([0-9]*\) of 100000 steps kept, and the next if it ends; try sim report 'stopped by.h5'$/\1/p" stopped)
    steps=$(sed -n "s/^sim: stopped by $signal after step \([0-9]*\) of 100000, and no checkpoint was asked for; .*/\1/p" stopped)
    if [ -z "$steps" ] && [ "$1" = mpirun ]; then steps="($kept|$((kept + 1)))"; fi # there was no time
    [ "$got" -eq "$status" ] && [ "$kept" -gt 0 ] && "$float/bin/sim" report "stopped by.h5" | grep -qE "^stopped by.h5: .* $steps of 100000 steps,"
}
check "INT of a run alone" stops INT 75 "$float/bin/sim"
check "TERM of ranks" stops TERM 1 mpirun -n 3 "$float/bin/sim"

# A full disk, when the columns grow (after 1024 rows).
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=1400k tmpfs disk 2>/dev/null; then
    refused "a full disk while recording" 1 'disk/full.h5.*No space left on device.*; the 1024 steps before are kept$' train 2 --config ddp.ini \
        --set model.preset=toy --set model.layers=1 --set model.hidden=8 --set model.sequence=8 --set train.steps=3000 \
        --set train.global_batch=2 --output disk/full.h5 --force # past the estimate, which sees it
    check "every step before it is there" compare steps disk/full.h5 -1
    umount disk
else
    skip "a full disk while recording: needs root to mount a small one"
fi
# ---- nothing of a user's is lost ----
alone=("$float/bin/sim" --config single.ini --set model.preset=toy --set train.steps=2)
echo 'my notes' >notes.txt
cp w-run.h5 earlier.h5
# shellcheck disable=SC2317
weights_are_kept() {
    "${alone[@]}" --output kept.h5 --set output.weights=notes.txt --set output.gradients=earlier.h5 &&
        [ "$(cat notes.1.txt)" = 'my notes' ] && cmp w-run.h5 earlier.1.h5 &&
        grep -q 'an earlier file is kept as notes.1.txt' log && grep -q 'an earlier file is kept as earlier.1.h5' log
}
check "weights and gradients keep what was there, and say so" weights_are_kept
# shellcheck disable=SC2317
what_was_there() {
    "${alone[@]}" --dry-run --ranks 1 --output my-notes.txt >"$1" && grep -q "^  an earlier $1 is kept as $2\$" "$1"
}
echo 'my notes' >my-notes.txt
check "notes at a run's place are called a file" what_was_there file my-notes.1.txt
check "and a run a run" what_was_there run my-notes.2.txt
# shellcheck disable=SC2317
runs_at_once() {
    local run loss
    for run in 1 2 3 4; do "${alone[@]}" --set train.seed="$run" --output once/at.h5 >"at.$run" || echo "failed: $run" & done
    wait
    [ "$(find once -type f | wc -l)" -eq 4 ] || return 1
    for run in 1 2 3 4; do
        loss=$(sed -n 's/.*step 1.2   loss \([0-9.]*\).*/\1/p' "at.$run")
        grep -q '^once/at.*, complete$' "at.$run" && grep -q "loss  *$loss at the first step" "at.$run" || return 1
    done
}
check "runs started together on one path have a file each, and report their own" runs_at_once

ln -s . there
cp "$root/configs/single.ini" own.ini
dry=("$float/bin/sim" --config single.ini --dry-run --ranks 1)
refused "a full disk that was asked for" 1 'asked.h5: cannot write /steps/loss: No space left on device.*; the 2 steps before are kept$' \
    "$float/bin/sim" --config ddp.ini --dry-run --ranks 4 --set train.steps=5 --set faults.disk_full=3 --output asked.h5
# shellcheck disable=SC2317
asked_for() { "$float/bin/sim" report asked.h5 | grep 'full disk  *at step 3, after 2: there is no checkpoint, and 2 steps, 6 F, are to be done again$'; }
check "which costs that step" asked_for
# shellcheck disable=SC2317
straggles() {
    "$float/bin/sim" --config straggler.ini --dry-run --ranks 8 --output slow.h5 >out
    cat out
    grep -q '^  late  *0->2 every 50 by 200 ms: 4 of 220 messages$' out &&
        grep -q '^  cost .*; 105 F more in all than 20 of the shortest, 33 F (+16.0 %)$' out &&
        grep -q '^    rank 4 (x1.5)  *36 F  *7.50 F  *17.2 % of the step$' out && grep -q '^    rank 5  *24 F  *19.5 F ' out
}
check "a straggler: what it costs, and who waits for it" straggles
refused "weights over the run, spelt another way" 2 'output.file and output.weights are the same file; try another' \
    "${alone[@]}" --output new/a.h5 --set output.weights=there/./new/a.h5
refused "a run over its weights, by a link" 2 'output.file and model.init are the same file' \
    "${alone[@]}" --output there/w.h5 --set model.init="$PWD/w.h5"
refused "a run over its config" 2 'output.file and --config are the same file' \
    "$float/bin/sim" --config own.ini --dry-run --ranks 1 --output ./own.ini
check "which is untouched" cmp own.ini "$root/configs/single.ini"
"${alone[@]}" --set output.checkpoint=from.h5 --output from-run.h5 >log 2>&1
refused "a run over the checkpoint that it goes on from" 2 'output.file=./from-000002.h5: output.file and --resume are the same file; try another name' \
    "${alone[@]}" --resume from-000002.h5 --set output.file=./from-000002.h5

mkfifo pipe
refused "a config that is a pipe" 2 'pipe: cannot be opened: it is a pipe or a device, not a plain file; try' \
    timeout 10 "$float/bin/sim" --config pipe --dry-run
refused "a config without end" 2 '/dev/zero: cannot be opened: it is a pipe or a device' "$float/bin/sim" --config /dev/zero --dry-run
refused "a text without end" 2 'data.source=/dev/urandom: cannot read it: it is a pipe or a device' \
    timeout 10 "${dry[@]}" --set model.vocab=256 --set data.source=/dev/urandom
mkfifo pipe.csv
refused "a schedule that is a pipe" 2 'parallel.schedule=pipe.csv: cannot read it: it is a pipe' \
    timeout 10 "$float/bin/sim" schedule --config 1f1b.ini --set parallel.schedule=pipe.csv
refused "weights that are a pipe" 2 'model.init=pipe: pipe: cannot open: it is a pipe' \
    timeout 10 "${dry[@]}" --set model.init=pipe
refused "a report of a pipe" 2 'pipe: cannot open: it is a pipe' timeout 10 "$float/bin/sim" report pipe

# shellcheck disable=SC2317
printed_nowhere() {
    local said
    said=$("$float/bin/sim" "$@" 2>&1 >/dev/full)
    [ $? -eq 1 ] && [[ $said == 'sim: standard output: cannot write'* ]] &&
        said=$("$float/bin/sim" "$@" 2>&1 >&-) # closed
    [ $? -eq 1 ] && [[ $said == 'sim: standard output: cannot write'* ]]
}
check "a run whose lines are lost ends with 1" printed_nowhere --config single.ini --dry-run --ranks 1 --output nowhere.h5
check "and its file is whole" compare bytes nowhere.h5
check "a report that is lost" printed_nowhere report w-run.h5
check "a trace that is lost" printed_nowhere trace nowhere.h5 --out -
check "a schedule that is lost" printed_nowhere schedule --config 1f1b.ini
check "a schedule as csv that is lost" printed_nowhere schedule --config 1f1b.ini --csv
check "help that is lost" printed_nowhere help train.steps
check "charts' names that are lost" printed_nowhere plot w-run.h5 --out charts

# shellcheck disable=SC2317
limited() { (
    ulimit -f 8192 # kB; MPI makes files of its own
    exec "${alone[@]}" "${large[@]}"
); }
large=(--set train.global_batch=1 --set model.hidden=256 --set model.layers=4 --output large.h5 --set output.weights=large-w.h5)
refused "weights too large for the disk, before training" 2 'output.weights=large-w.h5: .*cannot take [0-9.]+ MB on the disk: File too large' limited
check "and nothing is begun" test ! -e large.h5
# A run that goes on writes no gradients, and one that needs no room for them has it.
goes_on=(--set train.global_batch=1 --set model.hidden=256 --set model.layers=4 --output on.h5)
"${alone[@]}" "${goes_on[@]}" --set output.checkpoint=on-ck.h5 >log 2>&1
# shellcheck disable=SC2317
limited_going_on() { (
    ulimit -f 8192
    "${alone[@]}" "${goes_on[@]}" --resume on-ck-000002.h5 --set train.steps=3 --set output.gradients=on-g.h5
); }
check "no room is asked for what is not written" limited_going_on
if mount -t tmpfs -o size=20m tmpfs disk 2>/dev/null; then
    refused "two files of which each has room by itself" 2 'output.gradients=disk/g.h5: .*cannot take 12.7 MB on the disk: No space' \
        "${alone[@]}" "${goes_on[@]}" --set output.weights=disk/w.h5 --set output.gradients=disk/g.h5
    umount disk
else
    skip "two files of which each has room by itself: needs root to mount a small disk"
fi
# What was large enough when the run began.
# shellcheck disable=SC2317
limited_meanwhile() {
    "${alone[@]}" "${large[@]}" --set train.steps=20 &
    local run=$!
    until [ -e large.h5 ] || ! kill -0 "$run"; do sleep 0.01; done
    prlimit --pid "$run" --fsize=8388608
    wait "$run"
}
refused "weights too large for the disk, by then" 1 'large-w.h5: cannot make .*: File too large; .*; the run itself is complete, in large.h5' limited_meanwhile
"$float/bin/sim" report large.h5 >reported
check "the run is complete" grep -q '^large.h5: .*, complete' reported
# shellcheck disable=SC2317
nothing_left() { ! find . -name '*.tmp' | grep . && [ ! -e large-w.h5 ]; }
check "and no draft is left" nothing_left

# ---- memory that ranks share ----
# There is room for each window by itself, and for all of them there is not.
little=(unshare -m bash -c 'mount --make-rprivate / && mount -t tmpfs -o size=3m none /dev/shm && exec "$@"' -)
if "${little[@]}" true 2>/dev/null; then
    refused "windows that do not all fit" 1 'MPI cannot give 2 ranks .* bytes each of memory that they share; make room .*, or try parallel.collectives = messages' \
        timeout 60 "${little[@]}" mpirun --quiet -n 8 --mca btl_vader_backing_directory /tmp "$float/bin/sim" --config 3d.ini --set train.steps=1
else
    skip "windows that do not all fit: needs root to mount a small /dev/shm"
fi

# ---- launchers that are not Open MPI's ----
# silent_second VARIABLE: told by it that another process is the first, this one says and writes nothing
# shellcheck disable=SC2317
silent_second() {
    env "$1=1" "$float/bin/sim" --config zero3.ini --dry-run --ranks 2 --output second.h5 >second 2>&1 &&
        env "$1=1" "$float/bin/sim" report none.h5 >>second 2>&1 && [ ! -s second ] && [ ! -e second.h5 ] &&
        env "$1=0" "$float/bin/sim" --config zero3.ini --dry-run --ranks 2 --output second.h5 >second 2>&1 &&
        [ -s second ] && rm second.h5
}
for variable in OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID; do
    check "$variable tells the first process from the others" silent_second $variable
done
# shellcheck disable=SC2317
warns_alone() {
    SLURM_NTASKS=4 "$float/bin/sim" --config single.ini --set train.steps=1 --output alone.h5 >alone 2>&1 &&
        grep -q '^sim: warning: SLURM_NTASKS = 4, and MPI sees one rank' alone
}
check "one of four that MPI sees alone is warned" warns_alone
# shellcheck disable=SC2317
links_told() { # which ranks talk, and how often, only the run knows
    "$float/bin/sim" --config ddp.ini --dry-run --ranks 4 --set train.steps=2 --output late.h5 \
        --set 'faults.late=0->2 every 1 by 1 ms, 0->1 every 49 by 1 ms, 1->2 every 48 by 1 ms' >out 2>&1 &&
        [ "$(grep -c '^sim: warning: faults.late' out)" -eq 2 ] && grep -q ': no message of training goes from rank 0 to rank 2 in' out &&
        grep -q ': 48 messages went from rank 0 to rank 1 in those steps, and it has no effect; try every 48 or fewer$' out
}
check "links on which nothing is late are told" links_told
finish
