#!/bin/bash
# bench_torch.sh BUILD - training steps of sim and of PyTorch side by side (bench_torch.py). PYTHON names a python with torch
# and h5py; SETS is SECTION.KEY=VALUE... more for sim.
export LC_ALL=C
python=${PYTHON:-python3}
if ! "$python" -c 'import torch, h5py' 2>/dev/null; then
    echo "bench_torch: $python has no torch and h5py; try PYTHON=..., or: $python -m pip install torch h5py numpy" >&2
    exit 1
fi
exec "$python" "$(dirname "$0")/bench_torch.py" "$(realpath "$1/bin/sim")"
