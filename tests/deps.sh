#!/bin/sh
# deps.sh PACKAGE... - installs the Debian packages that are missing; says nothing when none is.
set -eu

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    if command -v mpicc >/dev/null 2>&1 && pkg-config --exists hdf5-openmpi openblas jansson 2>/dev/null; then exit 0; fi
    echo "make deps knows apt only. Please install, by your system's names for them:" >&2
    printf '  %s\n' "$@" >&2
    exit 1
fi

missing=""
for package in "$@"; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *"install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    echo "neither root nor sudo: as root, run  apt-get install$missing" >&2
    exit 1
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
