# shellcheck shell=bash disable=SC2046,SC2154,SC2317 # sourced by faults.sh, whose functions these use
# faults_all.sh - the long part of faults.sh: every strategy and schedule, many moments, nodes.

# ---- ranks that are stopped ----
# One in the first steps, at an allocation that the number of the case draws.
stalls_anywhere() {
    local config=$1 ranks=$2 victim=$3 seed=$4
    rm -rf stall stall.h5
    FAULT_FROM=stall.h5 FAULT_SKIP=$((seed * 7919 % 2000)) stalls "$victim" "$ranks" --config "$config.ini" --set train.steps=100000
}
seed=1
for case in dp-4 ddp-4 zero1-4 zero2-3 zero3-4 tp-4 sp-4 naive-4 gpipe-4 1f1b-4 interleaved-4 zb-h1-4 3d-8 3d-zero3-8; do
    for victim in 0 $((seed % (${case##*-} - 1) + 1)); do
        check "$case: rank $victim, stopped, is named by all others" stalls_anywhere "${case%-*}" "${case##*-}" "$victim" $seed
        seed=$((seed + 1))
    done
done
stopped_at_the_end() {
    FAULT=end FAULT_RANK=1 FAULT_FROM=late.h5 stopping late 2 "${eight[@]}" --set output.stall_timeout=1
    ends 1 wait "$job" && says "stalled: 1 of 2 ranks waited, .* and rank 1 .process $stopped on .*. did not answer: " &&
        grep -q '^  rank 0 waits for all ranks to come to their end, for ' out && "$float/bin/sim" report late.h5 | grep -q '^late.h5: .*, complete'
}
check "a rank that is stopped when all is done keeps nobody waiting" stopped_at_the_end
# A job that is suspended as a whole has not waited meanwhile: rank 0 has, for 4 seconds of the clock, and goes on.
suspended() {
    local ranks=()
    FAULT_RANK=1 stopping all 2 "${eight[@]}" $(checkpoints all) --set output.weights=all-w.h5 --set output.stall_timeout=3
    mapfile -t ranks < <(pgrep -P "$(ps -o ppid= -p "$stopped" | tr -d " ")")
    sleep 1
    kill -STOP "${ranks[@]}"
    sleep 4
    kill -CONT "${ranks[@]}"
    ends 0 wait "$job" && compare same never-w.h5 all-w.h5
}
check "a whole job stopped for longer than output.stall_timeout goes on" suspended

# ---- memory ----
# From the first allocation on to those of the steps: whatever there is of a file opens.
memory_refused_after() {
    rm -rf memory memory.h5
    FAULT=memory FAULT_RANK=$1 FAULT_SKIP=$2 ends 1 faulty 4 --config "$3.ini" --set train.steps=100000 --output memory.h5 &&
        says 'out of memory: [0-9.e-]+ GB more for [a-z0-9 -]+ on top of [0-9.e-]+ GB; try' && { [ ! -e memory.h5 ] || "$float/bin/sim" report memory.h5; }
}
for config in zero3 1f1b sp; do
    for skip in 0 3 30 300 1000; do
        check "$config: rank $((skip % 4)), refused memory after $skip allocations, ends the run" memory_refused_after $((skip % 4)) $skip $config
    done
done

# ---- files ----
short_checkpoints() {
    FAULT=short ends 0 faulty 2 "${eight[@]}" $(checkpoints cut) --set output.weights=cut-w.h5 --output cut.h5 && compare same never-w.h5 cut-w.h5 &&
        "$float/bin/sim" inspect cut/a-000008.h5
}
check "checkpoints whose writes are cut short are whole" short_checkpoints
full_on_one() {
    rm -rf full full.h5
    FAULT=full FAULT_RANK=1 FAULT_FROM=full/a-000004.h5 ends 1 faulty 2 "${eight[@]}" $(checkpoints full) --output full.h5 &&
        says 'no checkpoint after the last step: .*; the run itself is complete, in full.h5$' && grep -q '^sim: warning: no checkpoint after step 6' out &&
        "$float/bin/sim" inspect full/a-000004.h5 && compare steps full.h5 8
}
check "a disk that is full for one rank costs its checkpoints, not the run" full_on_one
check "and from the last one it goes on" goes_on full

# Another folder over it, for root, whom no permission binds.
mkdir locked
lock() { if [ "$(id -u)" -eq 0 ]; then mount -t tmpfs -o ro tmpfs locked; else chmod a-w locked; fi; }
unlock() { if [ "$(id -u)" -eq 0 ]; then umount locked; else chmod u+w locked; fi; }
locked_away() {
    FAULT_RANK=0 FAULT_FROM=locked/a-000020.h5 stopping locked 2 "${tiny[@]}" --set train.steps=80 --set output.checkpoint=locked/a.h5 \
        --set output.checkpoint_every=20
    lock
    kill -CONT "$stopped"
    ends 1 wait "$job" && says 'no checkpoint after the last step: locked/a-000080.h5: cannot [a-z]*: (Read-only file system|Permission denied)' &&
        grep -q '^sim: warning: no checkpoint after step [0-9]*, and training goes on: ' out && compare steps locked.h5 80
}
if lock 2>/dev/null && unlock; then
    check "a checkpoint folder that becomes read-only costs its checkpoints, not the run" locked_away
    unlock
    check "of which the last one before is whole" "$float/bin/sim" inspect locked/a-000020.h5
else
    skip "a checkpoint folder that becomes read-only: this root may not mount a folder of its own"
fi

# ---- nodes ----
# Two of Open MPI's daemons here, told apart by their addresses; what a node is asked to run tells its process.
cat >enter <<'SCRIPT'
#!/bin/bash
node=$1
shift
echo $$ >"node.$node"
eval "exec $*"
SCRIPT
chmod +x enter
# on_nodes NAME: in the background, on two nodes; `node` is all that runs on the second, once there is a step.
on_nodes() {
    local daemon
    rm -f node.* "$1.h5"
    OMPI_MCA_plm_rsh_agent=$place/enter OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo \
        timeout -k 5 120 mpirun --host 127.0.0.2:2,127.0.0.3:2 -n 4 "$float/bin/sim" "${tiny[@]}" --set train.steps=100000 \
        --set output.stall_timeout=1 --output "$1.h5" >out 2>&1 &
    job=$!
    until compare steps "$1.h5" -1 >/dev/null 2>&1 || ! kill -0 "$job"; do sleep 0.1; done
    daemon=$(cat node.127.0.0.3)
    mapfile -t node < <(pgrep -P "$daemon" && echo "$daemon")
}
lost_node() {
    on_nodes lost
    kill -9 "${node[@]}"
    ! wait "$job" && cat out && compare steps lost.h5 -1
}
check "a node that is lost ends the run" lost_node
# mpirun itself waits for the daemon there; what others wait for is said, and they are ended.
frozen_node() {
    on_nodes frozen
    kill -STOP "${node[@]}"
    for _ in $(seq 300); do
        grep -q '^sim: stalled' out && break
        sleep 0.1
    done
    kill -CONT "${node[@]}"
    ! wait "$job" && cat out && says "stalled: 2 of 4 ranks waited, .* and ranks 2 .process ${node[0]} on .*, 3 .process ${node[1]} on .* did not answer: " && compare steps frozen.h5 -1
}
check "the ranks of a node that is frozen are named" frozen_node
