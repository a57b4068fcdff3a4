#!/bin/bash
# hosts.sh NODES RATE TRUNK COMMAND... - nodes with links of a given rate on this machine, for as long as COMMAND runs.
#
#     tests/hosts/hosts.sh 4 100 0 mpirun --host host0:2,host1:2 hostname
#
# Each node has its own host name, network and shared memory, so that MPI sees distinct hosts; mpirun starts its
# daemons there without ssh. A node's cable carries RATE Mbit/s in either direction, TCP over Ethernet frames of 1500
# bytes. With a TRUNK of more than 0 Mbit/s the first half of the nodes is on one switch, the rest on another, and a
# cable of that rate joins them; with 0 all are on one. COMMAND runs beside the switch, in the folder of the caller,
# with the caller's files; its exit status is passed on.
#
# Nothing is left, however this ends. All of it lives in one PID namespace: networks have no names, mounts are private,
# and when the namespace's first process dies, the kernel ends the rest. That process dies with this one, and this one
# with its caller. Needs root, iproute2, and a kernel with veth, bridge and tbf.
network=10.78.0

fail() {
    echo "hosts: $1" >&2
    exit 125
}

must() { "$@" || fail "cannot $*"; }

# ---- a cable ----

# end NAME RATE: what leaves by this end goes at RATE Mbit/s: in packets of TCP no longer than the bucket, which is
# small beside a message; a queue of half a second drops nothing.
end() {
    must ip link set "$1" gso_max_size 15000 gro_max_size 15000 up
    must tc qdisc add dev "$1" root tbf rate "$2mbit" burst 32k latency 500ms
}

wait_for() { # COMMAND...: until it says yes
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.02
    done
    fail "$* took too long"
}

# ---- a node, in namespaces of its own ----

node() { # NUMBER RATE
    wait_for ip link show eth0
    must hostname "host$1"
    # Shared memory and job folders of one node must not meet another's.
    must mount -t tmpfs -o size=1g,mode=1777 tmpfs /dev/shm
    must ip link set lo up
    must ip addr add "$network.$((10 + $1))/24" dev eth0
    end eth0 "$2"
    tcp
    touch /dev/shm/ready
    exec sleep infinity
}

# Windows stay as they are between two messages, and losses alone make them smaller. What is not sent yet is kept short,
# so that of two messages between the same nodes the later need not wait for all of the earlier.
tcp() {
    echo 0 >/proc/sys/net/ipv4/tcp_slow_start_after_idle
    echo reno >/proc/sys/net/ipv4/tcp_congestion_control
    echo 65536 >/proc/sys/net/ipv4/tcp_notsent_lowat
}

# ---- beside the switch: the first process ----

switch() { # NAME
    must ip link add "$1" type bridge forward_delay 0
    must ip link set "$1" up
}

names() { # NODES
    local k
    echo "127.0.0.1 localhost"
    echo "$network.1 switch"
    for ((k = 0; k < $1; k++)); do echo "$network.$((10 + k)) host$k"; done
}

has_own_network() { # PROCESS
    [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# enter NAME COMMAND...: what mpirun calls in place of ssh
enter() {
    local process
    read -r process <"$TMPDIR/$1" || fail "there is no node $1"
    shift
    exec nsenter --target "$process" --net --uts --ipc --mount --wdns="$PWD" sh -c "$*"
}

first() { # NODES RATE TRUNK COMMAND...
    local nodes=$1 rate=$2 trunk=$3 at k
    shift 3
    must mount -t proc proc /proc
    must mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    # Open MPI keeps its sockets and folders where each node has its own place.
    export TMPDIR=/dev/shm
    names "$nodes" >$TMPDIR/names
    must mount --bind $TMPDIR/names /etc/hosts
    must hostname switch
    must ip link set lo up
    switch eth0
    must ip addr add $network.1/24 dev eth0
    tcp
    if [ "$trunk" != 0 ]; then
        switch eth1
        must ip link add trunk0 type veth peer name trunk1
        for k in 0 1; do
            must ip link set trunk$k master eth$k
            end trunk$k "$trunk"
        done
    fi
    for ((k = 0; k < nodes; k++)); do
        unshare --net --uts --ipc --mount bash "$0" --node "$k" "$rate" &
        echo $! >"$TMPDIR/host$k"
        wait_for has_own_network $!
        must ip link add "port$k" type veth peer name eth0 netns $!
        at=eth0
        if [ "$trunk" != 0 ] && [ $((2 * k)) -ge "$nodes" ]; then at=eth1; fi
        must ip link set "port$k" master $at
        end "port$k" "$rate"
    done
    for ((k = 0; k < nodes; k++)); do wait_for bash "$0" --enter "host$k" test -e /dev/shm/ready; done
    export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent="bash $0 --enter" OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp
    # Else a long message goes as one piece, before the word that lets the other node send its own.
    export OMPI_MCA_btl_tcp_flags=send
    export OMPI_MCA_btl_tcp_if_include=$network.0/24 OMPI_MCA_oob_tcp_if_include=$network.0/24
    "$@"
    exit
}

# ---- outside ----

case $1 in
--node)
    node "$2" "$3"
    ;;
--enter)
    shift
    enter "$@"
    ;;
--first)
    shift
    first "$@"
    ;;
--with-caller) ;;
*)
    [[ $1 =~ ^[1-9][0-9]?$ && $2 =~ ^[1-9][0-9]*$ && $3 =~ ^[0-9]+$ && $# -ge 4 ]] ||
        fail "usage: hosts.sh NODES RATE TRUNK COMMAND..., with rates in Mbit/s"
    [ "$(id -u)" -eq 0 ] || fail "needs root, to make namespaces"
    for program in ip tc nsenter; do
        command -v $program >/dev/null || fail "$program is missing: apt-get install iproute2 util-linux"
    done
    exec setpriv --pdeathsig TERM bash "$(realpath "$0")" --with-caller "$@"
    ;;
esac
shift

# shellcheck source=tests/support/namespaces.sh
. "$(dirname "$0")/../support/namespaces.sh"
in_namespaces --first "$@"
