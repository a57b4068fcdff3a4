#!/bin/bash
# checkpoints.sh FLOAT_BUILD DOUBLE_BUILD - checkpoints as a user has them: by name and number, on a full disk, where a
# rank cannot write or is killed.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

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

# A disk with room for one and not for two, and then for none.
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=5m tmpfs disk 2>/dev/null; then
    # shellcheck disable=SC2317
    goes_on_without() {
        ran 1 train 2 "${small[@]}" --set output.checkpoint=disk/b.h5 --output full.h5 &&
            holds disk "b-000002.h5" && [ "$(grep -c '^sim: warning: no checkpoint after step' out)" -eq 2 ] &&
            grep -q 'after step 4, and training goes on: disk/b-000004.h5: cannot take .* No space left on device' out &&
            grep -q '^sim: no checkpoint after the last step: disk/b-000006.h5: .*; the run itself is complete, in full.h5$' out
    }
    check "a full disk costs a checkpoint, not the run" goes_on_without
    check "which is complete" compare bytes full.h5
    umount disk
else
    skip "a full disk costs a checkpoint, not the run: needs root to mount a small one"
    skip "which is complete"
fi

# A write that fails in the middle, on a rank that is not the first.
# shellcheck disable=SC2317
one_cannot_write() {
    local with=(--config zero3.ini --set train.steps=2 --set output.checkpoint=few/c.h5 --set output.checkpoint_every=1
        --output few.h5)
    ran 1 timeout 60 mpirun -n 1 "$float/bin/sim" "${with[@]}" : \
        -n 1 bash -c 'ulimit -f 10240; exec "$@"' - "$float/bin/sim" "${with[@]}" &&
        [ "$(grep -c '^sim: ' out)" -eq 1 ] && [ -z "$(ls few)" ] &&
        grep -q '^sim: few/c-000001.h5: not written, and earlier ones are untouched: rank 1: cannot write /[a-z]*/.* (no room, ' out
}
check "a rank that cannot write its part ends the job in one line, and nothing is left" one_cannot_write
finish
