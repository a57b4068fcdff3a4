#!/bin/bash
# checkpoints.sh FLOAT_BUILD DOUBLE_BUILD - checkpoints as a user has them: by name and number, on a full disk, where a
# rank cannot write or is killed.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

asan=$(asan)
small=(--config zero3.ini --set model.layers=1 --set train.steps=6 --set output.checkpoint_every=2)
# ran STATUS COMMAND...: it ends with that.
# shellcheck disable=SC2317
ran() {
    local status=$1 got
    shift
    "$@" >out 2>&1
    got=$?
    cat out
    [ $got -eq "$status" ]
}
# shellcheck disable=SC2317
holds() { [ "$(cd "$1" && echo *)" = "$2" ]; }

# shellcheck disable=SC2317
newest_stay() {
    ran 0 train 2 "${small[@]}" --set output.checkpoint=ck/a.h5 && holds ck "a-000004.h5 a-000006.h5" &&
        grep -q 'checkpoint after step 6 in ck/a-000006.h5$' out
}
check "the two newest stay, named by their step" newest_stay
# shellcheck disable=SC2317
others_stay() {
    cp ck/a-000006.h5 before.h5
    ran 0 "$float/bin/sim" "${small[@]}" --set output.checkpoint=ck/a.h5 --set output.checkpoint_keep=1 --output again.h5 &&
        holds ck "a-000004.1.h5 a-000006.1.h5 a-000006.h5" &&
        cmp before.h5 ck/a-000006.1.h5 && grep -q 'an earlier checkpoint is kept as ck/a-000006.1.h5' out
}
check "those of another run stay, too, under names of their own" others_stay

# ---- going on ----
on=(--config zero3.ini --set model.layers=1 --set train.steps=8)
train 2 "${on[@]}" --set output.checkpoint=never/a.h5 --set output.checkpoint_every=2 --set output.weights=never.w.h5 --output never.h5 >/dev/null 2>&1
# rank_of FILE: the process of a rank here that records into it.
# shellcheck disable=SC2317
rank_of() {
    local process
    grep -la -- "$1" /proc/[0-9]*/cmdline 2>/dev/null | while IFS=/ read -r _ _ process _; do
        [ "$(readlink "/proc/$process/cwd")" = "$PWD" ] && [ "$(readlink "/proc/$process/exe")" = "$(realpath "$float/bin/sim")" ] &&
            echo "$process"
    done | grep -m 1 .
}
# kill_at CHECKPOINT ARGUMENT...: a rank of what trains so, when that is there, and not later than it ends.
# shellcheck disable=SC2317
kill_at() {
    local checkpoint=$1 victim job
    shift
    rm -rf "${checkpoint%/*}" on.h5
    train 2 "$@" >out 2>&1 &
    job=$!
    until victim=$(rank_of on.h5) || ! kill -0 "$job"; do sleep 0.01; done
    until [ -e "$checkpoint" ] || ! kill -0 "$job"; do sleep 0.01; done
    echo half >"${checkpoint%/*}/a-000099.h5.sim-1.tmp" # one that no later step takes the place of
    kill -9 "$victim"
    ! wait "$job"
}
# shellcheck disable=SC2317
killed_and_on() { # at any moment, also in the middle of a checkpoint
    local try
    for try in 1 2 3 4 5; do # one that is over before it is killed tells nothing
        kill_at on/a-000003.h5 "${on[@]}" --set output.checkpoint=on/a.h5 --set output.checkpoint_every=1 --output on.h5 &&
            [ ! -e on/a-000008.h5 ] && break
        [ "$try" -lt 5 ] || return 1
    done
    ran 0 train 2 "${on[@]}" --set output.checkpoint=on/a.h5 --set output.weights=on.w.h5 --output on.h5 --resume auto &&
        grep -q 'goes on from on/a-00000[3-8].h5, after step' out && grep -q 'behind those before$' out
}
check "killed, and on from the newest" killed_and_on
check "every step stands once, and is as in a run that never stopped" compare alike never.h5 on.h5
# shellcheck disable=SC2317
no_draft() { ! find on -name '*.tmp' | grep .; }
check "of what was being written nothing is left" no_draft
check "no more and no fewer" compare steps on.h5 8
check "and its bytes are the formula's" compare bytes on.h5
check "and so are the weights" compare same never.w.h5 on.w.h5

# shellcheck disable=SC2317
died_and_on() { # of a death that was asked for, which is over as the run goes on
    local -a ill=("${on[@]}" --set output.checkpoint=ill/a.h5 --set output.checkpoint_every=2 --set output.checkpoint_async=no --set "faults.die=1 at 6" --output ill.h5)
    ran 137 train 2 "${ill[@]}" && grep -q '^sim: rank 1 dies at step 6, as faults.die says$' out && compare steps ill.h5 5 &&
        holds ill "a-000002.h5 a-000004.h5" && "$float/bin/sim" report ill.h5 >out &&
        grep -q 'death  *rank 1 at step 6, after 5: the checkpoint after step 4 has 4 of them, and 1 step, .*, are to be done again$' out &&
        ! grep -q 'waiting' out && # for nobody that is slow
        ran 0 train 2 "${ill[@]}" --set output.weights=ill.w.h5 --resume auto && grep -q 'dies: rank 1 at step 6, but not again' out
}
check "a rank that dies where it is told to, and on from before" died_and_on
check "with the weights of a run in which nobody died" compare same never.w.h5 ill.w.h5
# shellcheck disable=SC2317
no_difference() { # a part that begins otherwise, and writes other files, makes none
    ran 0 "$float/bin/sim" diff never.h5 on.h5 && grep -q '^  0 of 8 steps differ' out && grep -q '^  0 of [0-9]* datasets differ' out &&
        grep -q '^  outside the steps .* in [0-9]* messages in A, .* in [0-9]* in B: not compared$' out
}
check "and sim diff finds none" no_difference
check "the file is whole" "$float/bin/sim" report on.h5
# A warning, such as Slurm's, to mpirun, which passes it on, or a signal to a rank that is not the first.
cat >told <<'SH'
#!/bin/bash
echo $$ $PPID >"told.$OMPI_COMM_WORLD_RANK"
exec "$real" "$@"
SH
chmod +x told
# stopped_and_on SIGNAL TO NAME: the run stops after a step, with a checkpoint, and goes on; TO: mpirun, or rank.
# shellcheck disable=SC2317
stopped_and_on() {
    local job got try to rank mpirun
    for try in 1 2 3 4 5; do # one that is over before tells nothing
        rm -rf warned on.h5
        real=$float/bin/sim sim=./told train 2 "${on[@]}" --set output.checkpoint=warned/a.h5 --output on.h5 >out 2>&1 &
        job=$!
        until grep -q ' step 1/8 ' out || ! kill -0 "$job"; do sleep 0.01; done
        read -r rank mpirun <told.1
        if [ "$2" = mpirun ]; then to=$mpirun; else to=$rank; fi
        kill "-$1" "$to"
        wait "$job"
        got=$?
        [ "$got" -ne 0 ] && break
        [ "$try" -lt 5 ] || return 1
    done
    cat out
    [ "$got" -eq 75 ] && [ "$(grep -c '^sim: ' out)" -eq 1 ] &&
        grep -qE "^sim: stopped by $3 after step [1-7] of 8; try --resume warned/a-00000[1-7].h5 to go on$" out &&
        "$float/bin/sim" report on.h5 | grep -qE '^on.h5: .* [1-7] of 8 steps, running or stopped$' &&
        ran 0 train 2 "${on[@]}" --set output.checkpoint=warned/a.h5 --set output.weights=on.w.h5 --output on.h5 --resume auto &&
        compare alike never.h5 on.h5 && compare steps on.h5 8 && compare same never.w.h5 on.w.h5
}
over=("${on[@]}" --set train.steps=4 --set output.checkpoint=over/a.h5 --set output.checkpoint_every=1 --set output.checkpoint_async=no
    --output over.h5)
# shellcheck disable=SC2317
killed_at_the_end() { # its last checkpoint has just been put in place
    sim="env" ran 137 train 2 DISK_LAST=/a-000004.h5 LD_PRELOAD="$asan $float/tests/disk_witness.so" "$float/bin/sim" "${over[@]}" &&
        compare steps over.h5 4 && "$float/bin/sim" report over.h5 | grep -q '^over.h5: .* 4 steps, running or stopped$' &&
        ran 0 train 2 "${over[@]}" --set output.weights=over.w.h5 --resume auto &&
        grep -q 'all 4 steps of train.steps = 4 were done already, in over/a-000004.h5$' out &&
        grep -q '^  over.h5 is complete now$' out && grep -q '^over.h5: zero3 on 2 ranks, complete$' out &&
        holds over "a-000003.h5 a-000004.h5" && compare steps over.h5 4 && compare bytes over.h5
}
check "killed after its last checkpoint, its file is completed" killed_at_the_end
# shellcheck disable=SC2317
as_if_it_had_lived() {
    ran 0 train 2 "${over[@]//over/four}" --set output.weights=four.w.h5 &&
        compare alike four.h5 over.h5 && compare same four.w.h5 over.w.h5
}
check "with the steps and the weights of one that lived" as_if_it_had_lived
# shellcheck disable=SC2317
whole_already() { # as a job that was queued again
    cp over.h5 before.h5 && ran 0 train 2 "${over[@]}" --resume over/a-000004.h5 && grep -q '^  over.h5 is complete$' out &&
        cmp before.h5 over.h5 && holds over "a-000003.h5 a-000004.h5" &&
        ran 0 "$float/bin/sim" "${over[@]}" --resume auto && cmp before.h5 over.h5 &&
        grep -q 'no step to record in over.h5, and it is left as it is: that file is of 2 ranks$' out &&
        ran 0 train 2 "${over[@]}" --set train.steps=6 --set output.checkpoint_keep=0 --resume auto && compare steps over.h5 6 &&
        cp over.h5 before.h5 && ran 0 train 2 "${over[@]}" --resume over/a-000004.h5 && cmp before.h5 over.h5 &&
        grep -q 'left as it is: that file has steps 1 to 6$' out
}
check "one that is whole already stays as it is, unless it is to take more steps" whole_already
check "warned, it stops after a step, and goes on to the same bits" stopped_and_on USR1 mpirun USR1
check "and where a rank that is not the first is told to end" stopped_and_on TERM rank 'a signal'
# shellcheck disable=SC2317
under_another_split() {
    ran 0 "$float/bin/sim" "${on[@]}" --output on.h5 --resume never/a-000006.h5 && [ -e on.1.h5 ] &&
        grep -q 'recorded in on.h5, apart from those before: that file is of 2 ranks$' out &&
        "$float/bin/sim" report on.h5 | grep -q 'on.h5: zero3 on 1 rank, complete; recorded from step 7 on' &&
        compare steps on.h5 2
}
# shellcheck disable=SC2317
in_anothers_file() { # of which nothing is lost
    cp never/a-000006.h5 another.h5
    ran 0 "$float/bin/sim" "${on[@]}" --output another.h5 --resume never/a-000006.h5 && cmp never/a-000006.h5 another.1.h5 &&
        grep -q 'recorded in another.h5, apart from those before: another.h5: not a run file of this sim: .*; give a file that a run recorded$' out
}
check "under another split, in a file that begins where the checkpoint ends" under_another_split
check "and where that file is no run's" in_anothers_file
# shellcheck disable=SC2016,SC2317
elsewhere() { # and once more there, which is no other place than before
    local to here from=never/a-000006.h5
    here=$(hostname)
    cp never.h5 moved.h5
    for to in "7 elsewhere" "8 elsewhere" "9 $here"; do
        ran 0 train 2 unshare -u bash -c 'hostname "$0" && exec "$@"' "${to#* }" "$float/bin/sim" "${on[@]}" --output moved.h5 \
            --set "train.steps=${to% *}" --set output.checkpoint=there/a.h5 --resume "$from" || return 1
        from=there/a-00000${to% *}.h5
    done
    "$float/bin/sim" report moved.h5 |
        grep -E "^  hosts +ranks on ${here}[^;]*; from step 7 on elsewhere[^;]*; from step 9 on $here"
}
if unshare -u true 2>/dev/null; then
    sim="env" check "on another machine, which its file tells" elsewhere
else
    skip "on another machine, which its file tells: needs root to have one"
fi
# shellcheck disable=SC2317
past_the_damaged() {
    printf 'x' | dd of=never/a-000008.h5 bs=1 seek=500000 conv=notrunc 2>/dev/null
    ran 0 "$float/bin/sim" "${on[@]}" --set train.steps=7 --set output.checkpoint=never/a.h5 --set output.checkpoint_keep=0 --output past.h5 --resume auto &&
        grep -q '^sim: warning: never/a-000008.h5: tensor /.* is not as it was written: its checksum is .*; try an earlier' out &&
        grep -q 'goes on from never/a-000006.h5, after step 6' out
}
check "past one that is damaged" past_the_damaged
# shellcheck disable=SC2317
without_moments() {
    ran 0 "$float/bin/sim" "${on[@]}" --set train.optimizer=sgd --set train.steps=7 --output sgd.h5 --resume never/a-000006.h5 &&
        grep -q 'after step 6, without its /optimizer: train.optimizer = sgd has no running values$' out
}
check "an optimizer that leaves what the file has says so" without_moments
# past_another WARNING: auto comes to a-000006.h5 past a newer file of which it warns so.
# shellcheck disable=SC2317
past_another() {
    ran 0 "$float/bin/sim" "${on[@]}" --set train.steps=7 --set output.checkpoint=never/a.h5 --set output.checkpoint_keep=0 --output past.h5 --resume auto &&
        grep -q "^sim: warning: never/a-000007.h5: $1" out && grep -q 'goes on from never/a-000006.h5, after step 6' out
}
# shellcheck disable=SC2317
past_damaged_attributes() { # a byte of the step's name, wherever HDF5 put that
    rm -f never/a-000007*.h5
    sed 's/next_sample/next_sAmple/' never/a-000006.h5 >never/a-000007.h5
    past_another 'cannot read /: .*checksum'
}
check "and past one of which an attribute is" past_damaged_attributes
# in_row NAME BEHIND: a byte of what is said of the tensor /model/NAME is another one.
# shellcheck disable=SC2317
in_row() {
    local at
    rm -f never/a-000007*.h5
    cp never/a-000006.h5 never/a-000007.h5 && at=$(grep -abo "/model/$1" never/a-000007.h5) &&
        printf '\xff' | dd of=never/a-000007.h5 bs=1 seek=$((${at%%:*} + $2)) conv=notrunc 2>/dev/null
}
# shellcheck disable=SC2317
past_a_damaged_checksum() {
    in_row wpe.weight 103 && past_another 'tensor /model/wpe.weight is not as it was written: its checksum is [0-9a-f]*, not ff[0-9a-f]*; try'
}
check "and past one of which a checksum is" past_a_damaged_checksum
# shellcheck disable=SC2317
past_a_damaged_name() {
    in_row wpe.weight 8 && past_another 'tensor /model/wpe.weight is not as it was written: its checksum is [0-9a-f]*, not there; try'
}
check "and past one where it is another's" past_a_damaged_name
# shellcheck disable=SC2317
past_a_run() {
    rm -f never/a-000007*.h5
    cp never.h5 never/a-000007.h5
    past_another 'not a checkpoint: '
}
check "and past a file that is none" past_a_run
# refused NAME PATTERN ARGUMENT...: with status 2 and one line, before anything is trained.
refused() {
    local name=$1 pattern=$2
    shift 2
    ran 2 "$float/bin/sim" "${on[@]}" --output refused.h5 "$@" >log 2>&1 && [ "$(grep '^sim: ' log | grep -vc warning)" -eq 1 ] &&
        grep -qE "^sim: .*($pattern)" log && [ ! -e refused.h5 ]
    ok $? "$name"
}
refused "one that is damaged" 'never/a-000008.h5: tensor /.*; try an earlier' --resume never/a-000008.h5
head -c 2000000 never/a-000006.h5 >short.h5
refused "one cut short" 'short.h5: cannot open: ' --resume short.h5
refused "one without a name" '--resume: no file name; try --resume ck-' --resume ''
refused "one that is missing" 'none.h5: cannot open: No such file' --resume none.h5
refused "the name that several have" 'no such file, and the newest checkpoint of that name is never/a-00000[0-9].h5; try --resume never/a-00000[0-9].h5, or' --resume never/a.h5
refused "a run file" 'never.h5: not a checkpoint: ' --resume never.h5
refused "another model" 'made with model.layers = 1, and this run has 2; try model.layers = 1' --set model.layers=2 --resume never/a-000006.h5
refused "one of later" '6 steps are done in it, more than train.steps = 5; try train.steps = 6 to end' --set train.steps=5 --resume never/a-000006.h5
# shellcheck disable=SC2317
makes_nothing() {
    mkdir bare && (cd bare && ran 2 "$float/bin/sim" "${on[@]}" --resume auto) &&
        grep -q '^sim: .*looks where output.checkpoint says' bare/out && holds bare out
}
check "auto, nowhere, and no folder is made" makes_nothing
mkdir never/f-000008.h5
refused "a folder where the last one is to be" 'never/f-000008.h5: is a folder; name' --set output.checkpoint=never/f.h5
refused "a name too long with a step's number" 'x-000008.h5: cannot create: File name too long; name a shorter' \
    --set output.checkpoint="$(printf 'x%.0s' {1..237}).h5"
refused "a dry run" 'a dry run has no values' --dry-run --resume never/a-000006.h5
cp short.h5 cut-000002.h5
refused "auto, where none is whole" 'none of the 1 checkpoint of cut.h5 is whole; remove them' --set output.checkpoint=cut.h5 --resume auto
# shellcheck disable=SC2317
from_the_start() {
    ran 0 "$float/bin/sim" "${on[@]}" --set train.steps=1 --set output.checkpoint=new/a.h5 --output new.h5 --resume auto &&
        grep -q 'no checkpoint of new/a.h5 yet: begins with step 1' out && holds new a-000001.h5
}
check "auto, where there is none yet" from_the_start

# A node whose clock is behind that of the node before, as a job that is queued again may find: what is written there is
# newer all the same.
# shellcheck disable=SC2317
behind() {
    # under mpirun, which then has the clock of all others
    local sim=env job=(train 2 LD_PRELOAD="$asan $float/tests/faulty.so" FAULT=behind "$float/bin/sim" "${on[@]}"
        --set output.checkpoint=behind/a.h5 --set output.checkpoint_every=2 --output behind.h5 --resume auto)
    ran 0 "$float/bin/sim" "${on[@]}" --set train.steps=2 --set output.checkpoint=behind/a.h5 --output behind.h5 &&
        ran 0 "${job[@]}" --set train.steps=6 && grep -q 'goes on from behind/a-000002.h5' out && holds behind "a-000004.h5 a-000006.h5" &&
        ran 0 "${job[@]}" && grep -q 'goes on from behind/a-000006.h5' out && holds behind "a-000006.h5 a-000008.h5"
}
check "those written where the clock is behind are the newest all the same" behind

# A disk with room for one and not for two, and then for none.
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=4m tmpfs disk 2>/dev/null; then
    # shellcheck disable=SC2317
    goes_on_without() {
        ran 1 train 2 "${small[@]}" --set output.checkpoint=disk/b.h5 --output full.h5 &&
            holds disk "b-000002.h5" && [ "$(grep -c '^sim: warning: no checkpoint after step' out)" -eq 2 ] &&
            grep -q 'after step 4, and training goes on: disk/b-000004.h5: cannot take .* No space left on device' out &&
            grep -q '^sim: no checkpoint after the last step: disk/b-000006.h5: .*; the run itself is complete, in full.h5$' out
    }
    check "a full disk costs a checkpoint, not the run" goes_on_without
    check "which is complete" compare bytes full.h5
    check "and the one before is whole" "$float/bin/sim" inspect disk/b-000002.h5
    refused "and one that has no room at first, a run" 'output.checkpoint=disk/d.h5: disk/d-000008.h5: cannot take .* No space left on device' \
        --set output.checkpoint=disk/d.h5
    umount disk
    # and with room for two
    mount -t tmpfs -o size=6m tmpfs disk
    # shellcheck disable=SC2317
    makes_room() {
        ran 0 train 2 DISK_SLOW=300000 LD_PRELOAD="$asan $float/tests/disk_witness.so" "$float/bin/sim" "${on[@]}" --set train.steps=4 \
            --set output.checkpoint=disk/e.h5 --set output.checkpoint_every=1 --set output.checkpoint_keep=1 \
            --set output.checkpoint_async=no --output room.h5 && holds disk e-000004.h5 && ! grep '^sim: warning' out
    }
    sim="env" check "the room of one that goes is there for the next" makes_room
    umount disk
else
    skip "a full disk costs a checkpoint, not the run: needs root to mount a small one"
    skip "which is complete"
    skip "and the one before is whole"
    skip "and one that has no room at first, a run"
    skip "the room of one that goes is there for the next"
fi

# Each node has a folder of that name, and they are not one.
mkdir unseen
# shellcheck disable=SC2317
not_shared() {
    local with=(--config zero3.ini --set output.checkpoint=unseen/c.h5 --output unseen.h5)
    ran 2 timeout 60 mpirun -n 1 "$float/bin/sim" "${with[@]}" : \
        -n 1 unshare -m bash -c 'mount -t tmpfs tmpfs unseen && exec "$@"' - "$float/bin/sim" "${with[@]}" &&
        grep -q '^sim: --set output.checkpoint=unseen/c.h5: rank 1: on .* the folder unseen is not the one that rank 0 has' out &&
        [ -z "$(ls -A unseen)" ] && [ ! -e unseen.h5 ]
}
if unshare -m mount -t tmpfs tmpfs unseen 2>/dev/null; then
    check "a folder that not all ranks see is refused, before anything is trained" not_shared
else
    skip "a folder that not all ranks see is refused, before anything is trained: needs root to hide one"
fi

# A write that fails in the middle, on a rank that is not the first. What lay there stays as it was.
# shellcheck disable=SC2317
one_cannot_write() {
    local with=(--config zero3.ini --set train.steps=2 --set output.checkpoint=few/c.h5 --set output.checkpoint_every=1
        --output few.h5)
    mkdir few && cp before.h5 few/c-000002.h5 &&
        ran 1 timeout 60 mpirun -n 1 "$float/bin/sim" "${with[@]}" : \
            -n 1 bash -c 'ulimit -f 10240; exec "$@"' - "$float/bin/sim" "${with[@]}" &&
        [ "$(grep -c '^sim: ' out)" -eq 3 ] && holds few c-000002.h5 && cmp before.h5 few/c-000002.h5 &&
        grep -q '^sim: warning: no checkpoint after step 1, and .*: rank 1: few/c-000001.h5: cannot write .*: File too large; raise' out &&
        grep -q '^sim: no checkpoint after the last step: rank 1: few/c-000002.h5: .*; the run itself is complete, in few.h5$' out
}
check "a rank that cannot write its part costs checkpoints, not the run, and nothing is left" one_cannot_write
check "which is complete" compare bytes few.h5

# ---- beside training ----

beside=("${on[@]}" --set train.steps=5 --set output.checkpoint_every=2)
# The first two are each written slowly, beside steps; the run ends while the second is.
# shellcheck disable=SC2317
in_order() {
    ran 0 train 2 DISK_LOG=order DISK_SLOW=20000 LD_PRELOAD="$asan $float/tests/disk_witness.so" "$float/bin/sim" \
        "${beside[@]}" --set output.checkpoint=slow/d.h5 --set output.checkpoint_keep=1 --output slow.h5 &&
        holds slow d-000005.h5 &&
        grep -qE '^  checkpoints 3 of 2.5.* MB; training waits .* for one, in its place after ' out &&
        grep -qE '^  beside them [2-3] steps.*; copies of 1.2.* MB a rank in' out
}
sim="env" check "a run that ends while a checkpoint is written waits for it" in_order
# shellcheck disable=SC2317
copies_foretold() {
    local row='^    checkpoint copy  *1.265 MB  *1.265 MB  *equal on every rank$'
    compare memory slow.h5 && "$float/bin/sim" report slow.h5 | grep "$row" &&
        ran 0 "$float/bin/sim" "${beside[@]}" --set output.checkpoint=slow/d.h5 --output slow-dry.h5 --dry-run --ranks 2 &&
        grep '^    checkpoint copy  *-  *1.265 MB$' out &&
        ran 0 train 2 "${beside[@]}" --set train.steps=7 --set output.checkpoint=slow/d.h5 --set output.checkpoint_async=no \
            --output slow.h5 --resume auto && compare memory slow.h5 && "$float/bin/sim" report slow.h5 | grep "$row"
}
check "the copies that they were written from are the formula's" copies_foretold
# Of each process, no write into a file after its last sync when the file gets its name, and none later; no earlier one
# removed before the name is on the disk, too.
# shellcheck disable=SC2317
synced_first() {
    awk '/^W/ { open[$3, $2] = 1; if ($3 in placed) { print "written after it was named:", $0; bad = 1 } }
        /^S/ { open[$3, $2] = 0 }
        /^R.* d-[0-9]*\.h5$/ { named++; kept = 1; file[$4] = $3; placed[$3] = 1
            for (i in open) { split(i, of, SUBSEP); if (of[1] == $3 && open[i]) { print "named before the sync:", $0; bad = 1 } } }
        /^D/ { kept = 0 }
        /^U.* d-[0-9]*\.h5$/ { removed++; delete placed[file[$4]]; if (kept) { print "removed too early:", $0; bad = 1 } }
        END { print named, "named,", removed, "removed"; exit bad || named != 3 || removed != 2 }' order
}
check "each is on the disk before it has its name, and has it before an earlier one goes" synced_first
# shellcheck disable=SC2317
full_beside() {
    LD_PRELOAD="$asan $float/tests/disk_witness.so" DISK_FULL=e-000004.h5.sim- ran 0 "$float/bin/sim" "${beside[@]}" \
        --set output.checkpoint=full/e.h5 --output full2.h5 && holds full "e-000002.h5 e-000005.h5" &&
        [ "$(grep -c '^sim: ' out)" -eq 1 ] &&
        grep -q '^sim: warning: no checkpoint after step 4, and training goes on: full/e-000004.h5: cannot write .*: No space left' out
}
check "a disk that is full while one is written costs that one" full_beside
check "and that before is whole" ran 0 "$float/bin/sim" "${beside[@]}" --set train.steps=3 --set output.checkpoint_every=0 \
    --output after.h5 --resume full/e-000002.h5
# Training goes on, and so do checkpoints, in a folder of that name that is made anew. One that had hardly been begun is
# begun again there; it is said of one that was further.
# shellcheck disable=SC2317
folder_moves() {
    local job
    DISK_SLOW=50000 LD_PRELOAD="$asan $float/tests/disk_witness.so" "$float/bin/sim" "${beside[@]}" \
        --set output.checkpoint=gone/g.h5 --output gone.h5 >out 2>&1 &
    job=$!
    until ls gone/g-000002.h5.sim-* >/dev/null 2>&1 || ! kill -0 "$job"; do sleep 0.01; done
    mv gone moved
    wait "$job" && cat out && [ -z "$(ls -A moved)" ] && holds gone "g-000004.h5 g-000005.h5" || return 1
    case $(grep -c '^sim: ' out) in
    0) ;; # begun again, it was of the two newest until the last came
    1) grep -q '^sim: warning: no checkpoint after step 2, and training goes on: gone/g-000002.h5: cannot .*: No such file' out ;;
    *) return 1 ;;
    esac
}
check "a folder that is moved away while one is written costs that one at most, and nothing is left in it" folder_moves
finish
