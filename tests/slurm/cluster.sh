#!/bin/bash
# cluster.sh NODES CPUS COMMAND... - a Slurm of its own on this machine, for as long as COMMAND runs.
#
#     tests/slurm/cluster.sh 4 2 srun -N 4 hostname
#
# munged, slurmctld and one slurmd a node; each node has its own host name, network and shared memory,
# so that MPI sees distinct hosts. COMMAND runs on the login node, in the folder of the caller, and sees
# the caller's files; its exit status is passed on. CPUS is what each node claims to have.
#
# Nothing is left, however this ends. All of it lives in one PID namespace with private mounts: what
# Slurm writes is in a tmpfs over /etc/slurm that only the namespace sees, networks have no names, and
# when the namespace's first process dies, the kernel ends the rest and forgets the mounts. That process
# dies with this one; and this one with its caller. Needs root, and Debian's slurm-wlm and munge.
home=/etc/slurm
network=10.77.0

fail() {
    echo "cluster: $1" >&2
    exit 125
}

must() { "$@" || fail "cannot $*"; }

# ---- a node, in namespaces of its own ----

node() { # NUMBER
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ip link show eth0 >/dev/null 2>&1 && break
        sleep 0.05
    done
    must hostname "node$1"
    # Shared memory and job folders of one node must not meet another's.
    must mount -t tmpfs -o size=1g,mode=1777 tmpfs /dev/shm
    must ip link set lo up
    must ip addr add "$network.$((10 + $1))/24" dev eth0
    must ip link set eth0 up
    exec slurmd -D -N "node$1"
}

# ---- the login node: first process of the cluster ----

configure() { # NODES CPUS
    local k
    (umask 077 && head -c 128 /dev/urandom >$home/munge.key)
    mkdir $home/state
    {
        echo "127.0.0.1 localhost"
        echo "$network.1 login"
        for ((k = 0; k < $1; k++)); do echo "$network.$((10 + k)) node$k"; done
    } >$home/hosts
    # No cgroups and no pinning: works in containers, where nodes may claim CPUs that are not there.
    echo "CgroupPlugin=cgroup/v1" >$home/cgroup.conf # else slurmd asks for systemd
    # The default fence lets some ranks out of MPI_Init too early when srun starts them.
    echo "PMIxCollFence=ring" >$home/mpi.conf
    cat >$home/slurm.conf <<CONF
ClusterName=test
SlurmctldHost=login($network.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$home/munge.sock,cred_expire=5
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool.%n
TmpFS=/dev/shm
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.%n.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=pmix
PropagateResourceLimits=NONE
ReturnToService=2
SlurmdTimeout=20
KillWait=5
KillOnBadExit=1
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_interval=5
NodeName=node[0-$(($1 - 1))] CPUs=$2 RealMemory=1000 State=UNKNOWN
PartitionName=test Nodes=node[0-$(($1 - 1))] Default=YES MaxTime=INFINITE State=UP
CONF
}

# A bridge here, a cable to every node.
connect() { # NODE PID
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        [ "$(readlink "/proc/$2/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
        sleep 0.05
    done
    must ip link add "port$1" type veth peer name eth0 netns "$2"
    must ip link set "port$1" master eth0 up
}

idle() { [ "$(timeout 5 sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" -eq "$1" ]; }

login() { # NODES CPUS COMMAND...
    local nodes=$1 cpus=$2 k controller
    shift 2
    must mount -t proc proc /proc
    must mount -t tmpfs -o mode=755 tmpfs $home
    must mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    configure "$nodes" "$cpus"
    must mount --bind $home/hosts /etc/hosts
    must hostname login
    must ip link set lo up
    must ip link add eth0 type bridge forward_delay 0
    must ip addr add $network.1/24 dev eth0
    must ip link set eth0 up
    # Open MPI and Slurm keep their sockets and folders where each node has its own place.
    export TMPDIR=/dev/shm
    munged -F --key-file=$home/munge.key --socket=$home/munge.sock --pid-file=$home/munged.pid \
        --log-file=$home/munged.log --seed-file=$home/munged.seed >$home/munged.out 2>&1 </dev/null &
    slurmctld -D >$home/slurmctld.out 2>&1 </dev/null &
    controller=$!
    for ((k = 0; k < nodes; k++)); do
        unshare --net --uts --ipc --mount bash "$0" --node "$k" >"$home/node$k.out" 2>&1 </dev/null &
        connect "$k" $!
    done
    SECONDS=0
    while ((SECONDS < 30)) && kill -0 $controller 2>/dev/null; do
        if idle "$nodes"; then
            "$@"
            exit
        fi
        sleep 0.1
    done
    tail -n 8 $home/*.out $home/*.log >&2
    fail "after $SECONDS s $nodes nodes were not idle, or slurmctld had died; the logs are above"
}

# ---- outside ----

case $1 in
--node) node "$2" ;;
--login)
    shift
    login "$@"
    ;;
--with-caller) ;;
*)
    [[ $1 =~ ^[1-9][0-9]?$ && $2 =~ ^[1-9][0-9]*$ && $# -ge 3 ]] || fail "usage: cluster.sh NODES CPUS COMMAND..."
    [ "$(id -u)" -eq 0 ] || fail "needs root, to make namespaces"
    for program in munged slurmctld slurmd sbatch ip; do
        command -v $program >/dev/null || fail "$program is missing: apt-get install slurm-wlm munge iproute2"
    done
    [ -d $home ] || fail "there is no $home to hide behind a tmpfs"
    exec setpriv --pdeathsig TERM bash "$0" --with-caller "$@"
    ;;
esac
shift

# Another cluster's wishes are not for this one.
unset "${!SLURM_@}" "${!SBATCH_@}"
# shellcheck source=tests/support/namespaces.sh
. "$(dirname "$0")/../support/namespaces.sh"
in_namespaces --login "$@"
