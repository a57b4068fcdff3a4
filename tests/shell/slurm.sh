#!/bin/bash
# slurm.sh FLOAT_BUILD DOUBLE_BUILD - the job script as installed, on a real Slurm of several nodes
# (tests/slurm/cluster.sh): states, exit codes, what the run files hold, and that nothing is left.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

config=3d.ini # what runs on 4 nodes x 2 ranks; the other jobs are zero3.ini and single.ini
cluster=$root/tests/slurm/cluster.sh

if [ "$(id -u)" -ne 0 ]; then
    skip "Slurm: its nodes need namespaces, and those need root; try  sudo make check-slurm"
    finish
fi
if ! unshare --pid --net --uts --ipc --mount --fork true 2>log; then
    skip "Slurm: its nodes need namespaces: $(head -n 1 log)"
    finish
fi

# A cluster runs in the background, so that Ctrl-C stops it at once, before its files go.
stop_when_interrupted

# ---- what is submitted ----

check "make install" make --no-print-directory -C "$root" install PREFIX="$place/usr"
export script=$place/usr/share/sim/configs/slurm/sim.sbatch config
check "installs the job script" test -s "$script"
export PATH="$place/usr/bin:$PATH"
# Slurm says how many ranks a node takes; but here four nodes share one machine's cores.
unset OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_pml OMPI_MCA_btl # several machines, with a core a rank
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none

# Stands in for sim: says where its rank is, then becomes sim.
cat >placed <<'SH'
#!/bin/bash
hostname >"host.$OMPI_COMM_WORLD_RANK"
exec sim "$@"
SH
# Stands in for sim: rank 1 is killed after a step.
cat >killed <<'SH'
#!/bin/bash
if [ "$OMPI_COMM_WORLD_RANK" -eq 1 ]; then (until grep -qs '^  step' killed.*.out; do sleep 0.1; done && kill -KILL $$) & fi
exec sim "$@"
SH
chmod +x placed killed

# submit NAME SBATCH_ARGUMENT...: a job of that name
submit() {
    local name=$1
    shift
    sbatch --job-name="$name" "$@" </dev/null
}

# steps_are INI STEPS: from now on so many are asked for.
steps_are() { sed -i "s/^steps = .*/steps = $2/" "$1"; }
for ini in limit fallen; do printf '[model]\nlayers = 1\n[parallel]\ndata = zero3\n[train]\nglobal_batch = 24\ndecay = constant\nsteps = 1000000\n' >$ini.ini; done

# All processes of a node at once; the last of them takes its network along.
node_dies() {
    local slurmd process victims=()
    slurmd=$(pgrep -f "slurmd -D -N $1\$" | head -n 1)
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/ns/uts")" = "$(readlink "/proc/$slurmd/ns/uts")" ] && victims+=("${process#/proc/}")
    done
    kill -KILL "${victims[@]}"
}

# What is done as jobs go on; each once.
did=" "
once() { # NAME COMMAND...
    [[ $did == *" $1 "* ]] && return
    "${@:2}" && did+="$1 "
}
# The job over its limit was stopped: five steps more are enough, and another job takes all of them at once.
after_the_limit() {
    local steps
    steps=$(sed -n 's/^sim: stopped by USR1 after step \([0-9]*\) of .*/\1/p' limit.*.out | head -n 1)
    [ -n "$steps" ] || return
    steps_are limit.ini $((steps + 5))
    submit whole -n 2 "$script" limit.ini --output whole.h5 --set output.weights=whole.w.h5
}
# Then two nodes, for this job alone, of which one dies.
then_a_node() {
    submit fallen --exclusive -N 2 -n 2 "$script" fallen.ini --output fallen.h5 --set output.weights=fallen.w.h5 \
        --set output.checkpoint=fallen/ck.h5 --set output.checkpoint_every=5
}
dies_under_it() {
    local steps
    compgen -G 'fallen/ck-*.h5' >/dev/null || return # which of them is there changes quickly
    node_dies "$(scontrol show hostnames "$(squeue -h -n fallen -o %N)" | tail -n 1)"
    sleep 1
    steps=$(basename "$(printf '%s\n' fallen/ck-*.h5 | tail -n 1)" .h5)
    steps=$((10#${steps#ck-} + 5))
    steps_are fallen.ini "$steps"
    submit upright -N 2 -n 2 "$script" fallen.ini --output upright.h5 --set output.weights=upright.w.h5
}
# As a user stops a job.
by_hand() { # NAME
    grep -qs '^  step ' "$1".*.out && scancel --batch --signal=USR1 --name="$1"
}

# On the login node. The job over its limit takes one node, the others share the other four.
jobs_of_this_suite() {
    local few="--set train.steps=3" id waited
    # shellcheck disable=SC2086
    {
        submit limit -n 2 -t 1 --signal=B:USR1@30 "$script" limit.ini --output limit.h5 --set output.weights=limit.w.h5
        sbatch -N 4 -n 8 "$script" "$config" $few >first.submitted 2>&1 </dev/null
        SIM=$PWD/placed submit placed -N 4 -n 8 "$script" "$config" $few --output placed.h5
        submit refused -N 4 -n 8 "$script" zero3.ini --set train.global_batch=25
        RANKS=12 submit crowd -N 4 -n 8 "$script" zero3.ini $few --output crowd.h5
        submit single -n 1 "$script" single.ini $few --output single.h5
        SIM=$PWD/nowhere/sim submit nowhere "$script" zero3.ini
        submit nothing "$script"
        SIM=$PWD/killed submit killed -N 2 -n 4 "$script" zero3.ini --set train.steps=1000000 --output killed.h5
        submit apart -N 2 -n 2 "$script" zero3.ini --set output.checkpoint=/dev/shm/ck.h5
        VARY="parallel.data=ddp,zero1 train.seed=1,2" submit array -n 1 --array=0-3 -o "array.%A_%a.out" "$script" ddp.ini $few
        VARY="train.seed=1,2" submit beyond -n 1 --array=2 "$script" ddp.ini $few
        if srun --mpi=list 2>&1 | grep -q pmix; then
            LAUNCH=srun submit bysrun -N 2 -n 4 "$script" zero3.ini --set train.steps=2000 --set model.layers=1 --output bysrun.h5
        fi
        export REQUEUE=no CHECKPOINT=chain/ck.h5
        few="--set train.steps=2000 --set model.layers=1 --output chain.h5"
        id=$(submit chain1 --parsable -n 2 "$script" zero3.ini $few)
        id=$(submit chain2 --parsable -n 2 -d afternotok:$id "$script" zero3.ini $few)
        submit chain3 -n 2 -d afternotok:$id --kill-on-invalid-dep=yes "$script" zero3.ini $few
        unset REQUEUE CHECKPOINT
    }
    for ((waited = 0; waited < 600; waited++)); do
        once limit after_the_limit
        once chain by_hand chain1
        once srun by_hand bysrun
        [[ $did == *" limit "* ]] && once fallen then_a_node
        [[ $did == *" fallen "* ]] && once dies dies_under_it
        [[ $did == *" dies "* ]] && [ -z "$(squeue -h)" ] && break
        sleep 0.5
    done
    squeue >queue.txt
    for id in $(seq 1 30); do scontrol show job -o "$id" >>jobs.txt 2>/dev/null; done
    readlink /proc/[0-9]*/ns/{pid,net,uts,ipc,mnt} | sort -u >namespaces
    ps -e -o pid,args >processes.txt
}
export -f submit jobs_of_this_suite steps_are node_dies once after_the_limit then_a_node dies_under_it by_hand
export did

# ---- what came of it ----

# ended NAME STATE EXIT_CODE
ended() {
    { grep " JobName=$1 " jobs.txt && cat "$1".*.out; } >log 2>&1
    grep -qE " JobName=$1 JobState=$2 .* ExitCode=$3 " <(sed 's/ UserId=.* JobState=/ JobState=/' jobs.txt)
    ok $? "job $1 ends $2, exit code $3"
}

said() { # NAME PATTERN: one line of the job's output, and only one, matches
    [ "$(grep -cE "$2" "$1".*.out)" -eq 1 ]
}

# Processes of the suite in one of the cluster's namespaces; none is a success. Namespaces' numbers are
# used again, by anybody; the suite's folder is in the environment of its own processes only.
no_process_left() {
    local left waited process
    for ((waited = 0; waited < 50; waited++)); do
        left=$(find /proc/[0-9]*/ns -type l -printf '%h %l\n' 2>/dev/null | grep -F -f "$1" | cut -d' ' -f1 | sort -u |
            while read -r process; do grep -sqaF "$place" "${process%/ns}/environ" && echo "$process"; done)
        [ -z "$left" ] && return 0
        sleep 0.1
    done
    echo "$left"
    return 1
}

no_mount_left() {
    ! grep -E "$place|/etc/slurm" /proc/mounts
}

# Files newer than the suite, by the names and in the places of Slurm, munge, PMIx and the nodes.
no_file_left() {
    ! {
        find /etc/slurm /etc/munge /var/lib/slurm /var/log/slurm /var/log/munge /var/lib/munge /var/spool/slurm* /run/slurm* \
            /run/munge -newer "$place/began" 2>/dev/null
        find /tmp /var/tmp /dev/shm /run -maxdepth 1 -newer "$place/began" \
            \( -name '*node[0-9]*' -o -name '*login*' -o -name 'spmix*' -o -name 'slurm.*' \)
    } | grep .
}

# A network lives by a process or a mount, which are looked for above, or lies about in the host's own.
no_network_left() {
    ! ip -o link | grep -E ' port[0-9]+[@:]' && ! ip netns list | grep -E 'node[0-9]|login'
}

nothing_left() {
    check "$1: no process is left" no_process_left namespaces
    check "$1: no mount is left" no_mount_left
    check "$1: no file is left" no_file_left
    check "$1: no network is left" no_network_left
}

touch began
sleep 0.01
"$cluster" 5 2 bash -c jobs_of_this_suite >log 2>&1 </dev/null &
running=$!
wait $running
ok $? "a cluster of 5 nodes runs the jobs"
check "every job has ended" test "$(wc -l <queue.txt)" -eq 1

check "sbatch takes the job" grep -q 'Submitted batch job' first.submitted
ended sim COMPLETED 0:0
check "on 4 nodes" grep -qE 'JobName=sim .*NumNodes=4 .*NumTasks=8' jobs.txt
check "its output is sim.JOB.out" said sim '^job [0-9]+ on node\[1-4\] \(2\(x4\) ranks a node\)'
check "its run file has every step" compare steps "results/${config%.ini}.h5" 3
check "and its bytes equal the formula" compare bytes "results/${config%.ini}.h5"
check "and its memory equals the formula" compare memory "results/${config%.ini}.h5"

ended placed COMPLETED 0:0
check "ranks sit two by two on four nodes" test "$(cat host.? | sort | uniq -c | awk '{ printf "%s", $1 }')" = 2222
check "SIM=... is what ran" compare steps placed.h5 3

ended refused FAILED 2:0
check "with one line that says why" said refused '^sim: .*global_batch=25: .*8 ranks'

ended crowd COMPLETED 0:0
check "RANKS=12 on 8 cores are 12 ranks" said crowd '^zero3.ini: .* on 12 ranks, '
check "and their bytes equal the formula" compare bytes crowd.h5

ended single COMPLETED 0:0
check "one node is the default" grep -qE 'JobName=single .*NumNodes=1 ' jobs.txt
ended nowhere FAILED 2:0
check "with one line that says what to try" said nowhere 'nowhere/sim: no such program on node[0-9]; try .*SIM='
ended nothing FAILED 2:0
check "with an example" said nothing 'no config; try  sbatch'

ended killed FAILED 137:0
check "the killed job's file has every finished step" compare steps killed.h5 -1
# back NAME: it was queued again, at least once, and said so.
back() { grep -qE " JobName=$1 .* Requeue=1 Restarts=[1-9]" jobs.txt && grep -qE '^job [0-9]+ is back: restart [0-9]+ of ' "$1".*.out; }
ended limit COMPLETED 0:0
check "warned of its limit, it stopped, with a checkpoint" said limit '^sim: stopped by USR1 after step [0-9]+ of 1000000; try --resume results/ck\.[0-9]+-[0-9]+\.h5 to go on$'
check "queued itself again" back limit
check "and went on" said limit '^  goes on from results/ck\.[0-9]+-[0-9]+\.h5, after step [0-9]+$'
ended whole COMPLETED 0:0
check "every step stands once in its file, as in that of a job that was not stopped" compare alike whole.h5 limit.h5
check "and their bytes equal the formula" compare bytes limit.h5
check "and the weights are the same, bit for bit" compare same whole.w.h5 limit.w.h5

ended fallen COMPLETED 0:0
check "though a node died under it: queued again" back fallen
check "it went on from its newest checkpoint" said fallen '^  goes on from fallen/ck-[0-9]+\.h5, after step [1-9][0-9]*$'
ended upright COMPLETED 0:0
check "and to the same bits" compare alike upright.h5 fallen.h5
check "also of the weights" compare same upright.w.h5 fallen.w.h5

ended apart FAILED 2:0
check "a folder that each node has for itself is refused, with the node's name" said apart \
    '^sim: .*output.checkpoint.*: rank 1: on node[0-9] the folder /dev/shm is not the one that rank 0 has'

check "the tasks of an array end COMPLETED" test "$(grep -E ' JobName=array .* JobState=COMPLETED ' jobs.txt | sort -u | wc -l)" -eq 4
of_the_array() {
    local task data=(ddp ddp zero1 zero1) seed=(1 2 1 2)
    for task in 0 1 2 3; do
        compare steps "results/ddp.$task.h5" 3 && "$float/bin/sim" report "results/ddp.$task.h5" | grep -q ": ${data[task]} on 1 rank" &&
            h5_has_seed "results/ddp.$task.h5" "${seed[task]}" &&
            grep -qE "^job [0-9]+_$task on .*: ddp.ini parallel.data=${data[task]} train.seed=${seed[task]} --set train.steps=3$" array.*_"$task".out || return
    done
}
h5_has_seed() { "$float/bin/sim" inspect "$1" | grep -q "recompute = .* seed = $2, steps"; }
check "each with a combination and a file of its own, and says so" of_the_array
ended beyond FAILED 2:0
check "a task that has no combination says so" said beyond "^sim.sbatch: VARY='train.seed=1,2' has fewer combinations than task 2"

if grep -q ' JobName=bysrun ' jobs.txt; then
    ended bysrun COMPLETED 0:0
    check "srun's ranks are one run, stopped" said bysrun '^sim: stopped by USR1 after step [0-9]+ of 2000; '
    check "and queued again" back bysrun
    check "with every step" compare steps bysrun.h5 2000
    check "and their bytes equal the formula" compare bytes bysrun.h5
else
    skip "srun: this Slurm has no pmix (srun --mpi=list)"
fi

ended chain1 FAILED 75:0
ended chain2 COMPLETED 0:0
check "the next of a chain goes on where the one before was stopped" said chain2 '^  goes on from chain/ck-[0-9]+\.h5, after step [0-9]+$'
check "in its file" compare steps chain.h5 2000
ended chain3 CANCELLED 0:0

check "sim and Slurm ran in the cluster" grep -qE 'slurmd -D -N node0' processes.txt
check "on a login node and the 4 nodes that are left, with networks of their own" test "$(grep -c '^net:' namespaces)" -eq 5
nothing_left "afterwards"

# ---- when it ends otherwise ----

# shellcheck disable=SC2016
check "a command's status is passed on" bash -c '"$0" 1 1 bash -c "exit 7"; [ $? -eq 7 ]' "$cluster"

# shellcheck disable=SC2016
export waiting='sbatch -N 2 --wrap "sleep 600" && until [ -n "$(squeue -h -t R)" ]; do sleep 0.1; done
    readlink /proc/[0-9]*/ns/{pid,net,uts,ipc,mnt} | sort -u >namespaces.new && mv namespaces.new namespaces && sleep 600'
for signal in INT TERM KILL; do
    rm -f namespaces
    # Started in the background a script ignores Ctrl-C, unless told otherwise.
    env --default-signal=INT "$cluster" 2 2 bash -c "$waiting" >log 2>&1 </dev/null &
    running=$!
    for _ in $(seq 300); do
        [ -s namespaces ] && break
        sleep 0.1
    done
    [ -s namespaces ] && grep -q pid: namespaces && kill -$signal $running
    ok $? "a cluster with a running job gets SIG$signal"
    ! wait $running 2>/dev/null
    ok $? "and ends, not with 0"
    nothing_left "after SIG$signal"
done
finish
