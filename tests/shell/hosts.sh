#!/bin/bash
# [RATE=50] hosts.sh FLOAT_BUILD DOUBLE_BUILD - several nodes with links of known rates on this machine (tests/hosts/hosts.sh):
# what collectives and steps take, measured, beside what the network model says of these rates; within 20 %. A row a
# collective; and nothing is left of the nodes.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

hosts=$root/tests/hosts/hosts.sh
rate=${RATE:-50}         # Mbit/s of a cable, either way: what two cores can fill by the way
bytes=$((80000 * rate)) # of a collective: a step of a ring takes a tenth of a second or more
times=3                 # and its median
most=20                 # percent

finish_counted() {
    echo "1..$number"
    echo "$((number - failures - skipped)) passed, $failures failed"
    exit $((failures > 0))
}

skipped=0
lacks() { # WHAT
    skip "hosts: $1"
    skipped=1
    finish_counted
}
[ "$(id -u)" -eq 0 ] || lacks "nodes are namespaces, and those need root; try  sudo make check-hosts"
for program in ip tc nsenter; do
    command -v $program >/dev/null || lacks "$program is missing; try  apt-get install iproute2 util-linux"
done
unshare --pid --net --uts --ipc --mount --fork true 2>log || lacks "nodes are namespaces: $(head -n 1 log)"
unshare --net sh -c "ip link add cable0 type veth peer name cable1 && ip link add switch0 type bridge &&
    tc qdisc add dev cable0 root tbf rate 1mbit burst 32k latency 50ms" 2>log ||
    lacks "this kernel needs veth, bridge and tbf: $(head -n 1 log)"

# Nodes run in the background, so that Ctrl-C stops them at once, before their files go.
stop_when_interrupted
export OMPI_MCA_hwloc_base_binding_policy=none
touch began

on() { # NODES TRUNK COMMAND...: what it says goes to said, complaints to log
    local nodes=$1 trunk=$2
    shift 2
    timeout -k 5 180 "$hosts" "$nodes" "$rate" "$trunk" "$@" >said 2>log </dev/null &
    running=$!
    wait $running
}

# ---- the model of what is built ----

# Of a frame's 1514 bytes on the cable TCP has 1448 for data. What acknowledges them the other way, a hundredth or two,
# and the beginning of each message are left to the 20 %.
gb_of() { awk -v mbit="$1" 'BEGIN { printf "%.6g", mbit / 8000 * 1448 / 1514 }'; }

# profile DEVICES LINK_GB CARD_GB: of a node, and what leads out of it
profile() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    cat >nodes.ini <<INI
[chip]
peak_16_tflops = 0.02
peak_32_tflops = 0.02
processors = 1
sustained = 1
cut_tiles = yes
tile_traffic = 0
tile_us = 1
misaligned = 1
flash_forward = 1
flash_backward = 1
memory_gb = 4
bandwidth_gb = 10
stream = 1
elementwise = 1
gap_us = 1
[node]
host = host0${cpu:+, $cpu}
devices = $1
link_gb = $2
link_us = 100
cards = 1
card_gb = $3
card_us = 100
message_share = 1
[software]
INI
}

# Computing takes next to nothing beside 6 MB of gradients.
cat >config.ini <<'INI'
[model]
layers = 2
hidden = 256
heads = 4
vocab = 64
sequence = 4
[train]
global_batch = 4
steps = 5
optimizer = sgd
clip = 0
[parallel]
data = ddp
bucket_mb = 100
[hardware]
profile = ./nodes.ini
INI

# ---- measured beside foretold ----

# held NAME MEASURED FORETOLD: a row of the table
held() {
    local row
    row=$(awk -v name="$1" -v is="$2" -v was="$3" 'BEGIN {
        if (was + 0 == 0) print name ": nothing was measured"
        else printf "%-44s %7.3f s, foretold %7.3f s  %+6.1f %%", name, is, was, 100 * (is / was - 1) }')
    awk -v is="${2:-0}" -v was="${3:-0}" -v most=$most 'BEGIN {
        exit !(was > 0 && is <= was * (1 + most / 100) && is >= was * (1 - most / 100)) }'
    ok $? "$row"
}

# named NODES EACH: host0:EACH,host1:EACH,...
named() {
    local k list=
    for ((k = 0; k < $1; k++)); do list+=,host$k:$2; done
    echo "${list#,}"
}

# collectives WHAT NODES EACH TRUNK KIND...: by so many ranks on each node
collectives() {
    local what=$1 nodes=$2 each=$3 trunk=$4 kind measured foretold
    shift 4
    on "$nodes" "$trunk" mpirun --host "$(named "$nodes" "$each")" "$float/tests/hosts/collectives" config.ini "$bytes" $times "$@"
    for kind; do
        read -r measured foretold < <(sed -n "s/^$kind //p" said)
        held "$what, $kind" "$measured" "$foretold"
    done
}

card=$(gb_of "$rate")
inside=1 # GB/s through shared memory, copies and sums included: of that order
profile 1 $inside "$card"
for nodes in 2 3; do collectives "$nodes nodes" $nodes 1 0 ring tree; done
collectives "4 nodes" 4 1 0 ring tree
bytes=$((2 * bytes)) collectives "4 nodes, twice the bytes" 4 1 0 reduce-scatter all-gather
profile 2 $inside "$card"
for nodes in 2 4; do collectives "$nodes nodes of 2 ranks" $nodes 2 0 ring hierarchical tree; done

# Two switches with a cable between: each is a node, its hosts' cables its links, the trunk its card.
profile 2 "$card" "$card"
collectives "4 nodes, 2 on either end of a trunk" 4 1 "$rate" ring crosswise
read -r fair foretold < <(sed -n 's/^ring //p' said)
read -r crossed foretold_crossed < <(sed -n 's/^crosswise //p' said)
check "a ring that goes to and fro is foretold to take twice as long" \
    awk -v a="$foretold" -v b="$foretold_crossed" 'BEGIN { exit !(b > 1.98 * a && b < 2.02 * a) }'
check "and does" awk -v a="$fair" -v b="$crossed" 'BEGIN { exit !(b > 1.7 * a && b < 2.3 * a) }'
profile 2 "$card" "$(gb_of $((rate / 2)))"
collectives "4 nodes, a trunk of half the rate" 4 1 $((rate / 2)) ring

# ---- steps of sim ----

# At one rate: at a higher one so few cores decide how long a step takes.
rate=50
card=$(gb_of $rate)

# trained WHAT NODES HOSTS TRUNK KEY=VALUE...: the median step of a training run, as its report has it; sets `took` and
# `foretold`. What four ranks take for it on two cores with no cable between, milliseconds, is told to the model.
trained() {
    local what=$1 nodes=$2 list=$3 trunk=$4 key sets=(--set train.threads=1)
    shift 4
    for key; do sets+=(--set "$key"); done
    rm -f run.h5
    profile "${node[@]}"
    train 4 --config config.ini "${sets[@]}" --output free.h5 >said 2>log
    echo "step_ms = $(sed -n 's/.* tokens.s, \([0-9.]*\) ms a step.*/\1/p' said)" >>nodes.ini
    on "$nodes" "$trunk" mpirun --host "$list" "$float/bin/sim" --config config.ini "${sets[@]}" --output run.h5
    read -r foretold took < <(awk '$1 == "predicted" {
        for (i = 2; i < NF; i++) if ($(i + 1) == "ms" || $(i + 1) == "s") printf "%g ", $(i + 1) == "ms" ? $i / 1000 : $i
        print "" }' said)
    held "$what" "$took" "$foretold"
}

node=(2 "$inside" "$card")
trained "a step of ddp, 2 nodes of 2 ranks, ring" 2 host0:2,host1:2 0 hardware.all_reduce=ring
check "its report says which ranks are where" grep -qx '  hosts       ranks on host0: 0-1; host1: 2-3' said
check "and its bytes equal the formula" compare bytes run.h5
ring=$took
trained "the same, hierarchical" 2 host0:2,host1:2 0 hardware.all_reduce=hierarchical
check "is sooner than the ring" awk -v a="$ring" -v b="$took" 'BEGIN { exit !(b > 0 && b < 0.9 * a) }'

# Of four ranks in pairs, whose gradients are added across: both pairs share the trunk, unless each is on one end of it.
node=(2 "$card" "$card") pairs="parallel.tp=2 model.hidden=384"
# shellcheck disable=SC2086
trained "tp 2 x dp 2 over a trunk, order tp-dp-pp" 4 host0,host1,host2,host3 "$rate" $pairs hardware.order=tp-dp-pp
shared=$took foretold_shared=$foretold
# shellcheck disable=SC2086
trained "the same, order dp-tp-pp" 4 host0,host2,host1,host3 "$rate" $pairs hardware.order=dp-tp-pp
check "the order that shares it is foretold to cost twice" \
    awk -v a="$foretold" -v b="$foretold_shared" 'BEGIN { exit !(b > 1.6 * a && b < 2.2 * a) }'
check "and does" awk -v a="$took" -v b="$shared" 'BEGIN { exit !(a > 0 && b > 1.6 * a && b < 2.4 * a) }'

# ---- and nothing is left ----

# Whoever was started in the folder of this suite has it in the environment.
no_process_left() {
    local tries left
    for ((tries = 0; tries < 50; tries++)); do
        left=$(cd / && env -i PATH="$PATH" grep -lsaF "PWD=$place" /proc/[0-9]*/environ)
        [ -z "$left" ] && return 0
        sleep 0.1
    done
    echo "$left"
    return 1
}

nothing_left() {
    check "$1: no process is left" no_process_left
    check "$1: no network is left" bash -c "! ip -o link | grep -E ' (port|trunk)[0-9]+[@:]' && ! ip netns list | grep host[0-9]"
    check "$1: no mount is left" bash -c "! grep -E '$place' /proc/mounts"
    check "$1: no folder of Open MPI's is left" bash -c "! find /tmp /dev/shm -maxdepth 1 -newer '$place/began' -name '*host[0-9]*' | grep ."
}
nothing_left "afterwards"
# shellcheck disable=SC2016
check "a command's status is passed on" bash -c '"$0" 1 50 0 bash -c "exit 7"; [ $? -eq 7 ]' "$hosts"
for signal in INT TERM KILL; do
    rm -f started
    # Started in the background a script ignores Ctrl-C, unless told otherwise.
    env --default-signal=INT "$hosts" 2 "$rate" 0 mpirun --host host0,host1 bash -c 'touch started && sleep 600' >log 2>&1 </dev/null &
    running=$!
    for ((tries = 0; tries < 300; tries++)); do
        [ -e started ] && break
        sleep 0.1
    done
    [ -e started ] && kill -$signal $running
    ok $? "nodes with ranks on them get SIG$signal"
    ! wait $running 2>/dev/null
    ok $? "and end, not with 0"
    nothing_left "after SIG$signal"
done
finish_counted
