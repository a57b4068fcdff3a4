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
running=
interrupted() {
    trap '' INT TERM HUP
    if [ -n "$running" ]; then kill -TERM "$running" && wait "$running"; fi 2>/dev/null
    exit 130
}
trap interrupted INT TERM HUP

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
# Stands in for sim: rank 1 is killed after a while.
cat >killed <<'SH'
#!/bin/bash
if [ "$OMPI_COMM_WORLD_RANK" -eq 1 ]; then (sleep 2 && kill -KILL $$) & fi
exec sim "$@"
SH
chmod +x placed killed

# submit NAME SBATCH_ARGUMENT...: a job of that name
submit() {
    local name=$1
    shift
    sbatch --job-name="$name" "$@" </dev/null
}

# On the login node. The job over its limit takes one node, the others share the other four.
jobs_of_this_suite() {
    local few="--set train.steps=3" id waited
    # shellcheck disable=SC2086
    {
        submit limit -n 2 -t 1 "$script" zero3.ini --set train.steps=1000000 --output limit.h5
        sbatch -N 4 -n 8 "$script" "$config" $few >first.submitted 2>&1 </dev/null
        SIM=$PWD/placed submit placed -N 4 -n 8 "$script" "$config" $few --output placed.h5
        submit refused -N 4 -n 8 "$script" zero3.ini --set train.global_batch=25
        RANKS=12 submit crowd -N 4 -n 8 "$script" zero3.ini $few --output crowd.h5
        submit single -n 1 "$script" single.ini $few --output single.h5
        SIM=$PWD/nowhere/sim submit nowhere "$script" zero3.ini
        submit nothing "$script"
        SIM=$PWD/killed submit killed -N 2 -n 4 "$script" zero3.ini --set train.steps=1000000 --output killed.h5
    }
    for ((waited = 0; waited < 240; waited++)); do
        [ -z "$(squeue -h)" ] && break
        sleep 1
    done
    squeue >queue.txt
    for id in $(seq 1 20); do scontrol show job -o "$id" >>jobs.txt 2>/dev/null; done
    readlink /proc/[0-9]*/ns/{pid,net,uts,ipc,mnt} | sort -u >namespaces
    ps -e -o pid,args >processes.txt
}
export -f submit jobs_of_this_suite

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
check "with one line that says why" said refused '^sim: .*global_batch = 25'

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
ended limit TIMEOUT '[0-9]+:[0-9]+'
check "its file has every finished step" compare steps limit.h5 -1
check "and their bytes equal the formula" compare bytes limit.h5

check "sim and Slurm ran in the cluster" grep -qE 'slurmd -D -N node4' processes.txt
check "on a login node and 5 nodes, with networks of their own" test "$(grep -c '^net:' namespaces)" -eq 6
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
