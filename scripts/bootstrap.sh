#!/usr/bin/env bash
# Makes this checkout able to run: system packages that are missing, then .venv with the Python ones.
#
#   scripts/bootstrap.sh verify     what `rocverify run` needs: one HIP compiler
#   scripts/bootstrap.sh test       what the test suite needs: clang 19 and clang 15, Rust with Cargo, CMake, and git
#
# Where a real ROCm is installed nothing is fetched with apt. Exits 2, naming the packages to ask for, if
# something is missing that it may not install. A second run only looks (a few hundredths of a second).
# PYTHON names the interpreter to use; otherwise the first Python 3.11 or later that can make a venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly USAGE_ERROR=2
readonly ATTEMPTS=3
readonly VENV=.venv
readonly STAMP="$VENV/.rocverify-installed"

say() { printf 'rocverify: %s\n' "$*" >&2; }

# --- what is there ----------------------------------------------------------------------------------

# The same places as rocverify/toolchain/locate.py; Debian's own hipcc is no ROCm installation.
have_rocm() {
    local root sub hipcc
    for root in "${ROCM_PATH:-}" /opt/rocm; do
        [ -n "$root" ] || continue
        for sub in lib/llvm/bin/clang++ llvm/bin/clang++ bin/amdclang++; do
            [ -x "$root/$sub" ] && return 0
        done
    done
    command -v amdclang++ >/dev/null && return 0
    hipcc=$(command -v hipcc) || return 1
    case $(readlink -f "$hipcc") in
        /usr/bin/* | /usr/share/* | /usr/lib/*) return 1 ;;
    esac
}

# Names the packages of one clang version that are missing, one on a line.
missing_compiler() {
    local bin="/usr/lib/llvm-$1/bin"
    [ -x "/usr/bin/clang++-$1" ] || echo "clang-$1"
    [ -x "$bin/lld" ] || echo "lld-$1"
    [ -x "$bin/llvm-objdump" ] || echo "llvm-$1"
}

# Whole HIP programs, host and device, take more than kernels do.
missing_program_tools() {
    [ -x /usr/lib/llvm-19/bin/clang-offload-bundler ] || echo clang-tools-19
    command -v rustc >/dev/null || echo rustc
    command -v cargo >/dev/null || echo cargo
    command -v cmake >/dev/null || echo cmake
}

missing_hip_parts() {
    compgen -G '/usr/lib/*/amdgcn/bitcode/ockl.bc' >/dev/null || echo rocm-device-libs
    [ -f /usr/include/hip/hip_runtime.h ] || echo libamdhip64-dev
}

missing_toolchain() {
    if [ "$purpose" = test ]; then
        missing_compiler 19
        missing_compiler 15
        missing_program_tools
    elif [ -n "${ROCVERIFY_CLANG:-}" ]; then
        return # whoever names a compiler brings what it needs
    elif [ -n "$(missing_compiler 15)" ]; then
        missing_compiler "$preferred" # either of the two is enough
    fi
    missing_hip_parts
}

usable_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the interpreter to make the venv with. pyenv's shims exist even for versions that do not, so each
# candidate is tried, not just found.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.1{4,3,2,1} /usr/bin/python3; do
        if usable_python "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Names every missing package, one on a line.
missing_packages() {
    if ! venv_is_current && ! find_python >/dev/null; then
        printf '%s\n' python3 python3-venv
    fi
    if [ "$purpose" = test ] && ! command -v git >/dev/null; then
        echo git
    fi
    have_rocm || missing_toolchain
}

# --- system packages --------------------------------------------------------------------------------

may_install() {
    ! have_rocm && command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Mirrors and networks fail for a moment now and then: tries a command several times.
persistently() {
    local attempt
    for attempt in $(seq "$ATTEMPTS"); do
        "$@" && return 0
        [ "$attempt" -eq "$ATTEMPTS" ] || { say "attempt $attempt failed, trying again: $*"; sleep $((attempt * 5)); }
    done
    return 1
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

name_packages() {
    say "these packages are missing: $*"
    if have_rocm; then
        say "a ROCm is installed, so nothing is fetched with apt; please install them yourself"
    elif command -v apt-get >/dev/null; then
        say "installing them takes root or sudo; ask for: apt-get install $*"
    else
        say "this is no Debian system: install a ROCm SDK (https://rocm.docs.amd.com) or clang 15 or later with"
        say "lld, llvm-objdump, ROCm device libraries and HIP headers, and Python 3.11 or later"
    fi
    exit "$USAGE_ERROR"
}

install_packages() {
    local packages
    may_install || name_packages "$@"
    say "installing with apt: $*"
    # A third-party source that fails must not stop the rest: whether the packages come decides.
    persistently apt update -o APT::Update::Error-Mode=any || say "apt-get update failed; going on without"
    apt-cache show clang-19 >/dev/null 2>&1 || preferred=15
    mapfile -t packages < <(missing_packages)
    persistently apt install -y --no-install-recommends "${packages[@]}" || {
        say "apt-get could not install: ${packages[*]}"
        exit "$USAGE_ERROR"
    }
}

# --- the Python environment -------------------------------------------------------------------------

# What the environment was made from: the dependencies, and the place (a venv cannot be moved).
wanted_stamp() {
    echo "$PWD"
    sha256sum pyproject.toml
}

venv_is_current() {
    [ -x "$VENV/bin/python" ] && [ -x "$VENV/bin/rocverify" ] && [ "$(wanted_stamp)" = "$(cat "$STAMP" 2>/dev/null)" ]
}

make_venv() {
    local python
    python=$(find_python) || {
        say "Python 3.11 or later with its venv module is needed, and was not found (PYTHON names one)"
        exit "$USAGE_ERROR"
    }
    # What a link leads to is somebody else's: making it anew would clear it for them, too.
    if [ -L "$VENV" ]; then
        say "$VENV is a link to $(readlink "$VENV"), and not up to date for this checkout: remove the link, to have one made here"
        exit "$USAGE_ERROR"
    fi
    # One of another place or interpreter is made anew; one that only lacks packages is kept.
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || [ "$(head -n 1 "$STAMP" 2>/dev/null)" != "$PWD" ]; then
        say "making $VENV with $python"
        "$python" -m venv --clear "$VENV"
    fi
    say "installing the Python packages into $VENV"
    persistently "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]' || {
        say "pip could not install the Python packages"
        exit "$USAGE_ERROR"
    }
    # Where PYTHONDONTWRITEBYTECODE is set, as in many containers, every process would compile all of it anew.
    "$VENV/bin/python" -m compileall -q rocverify || say "byte code cannot be kept; going on without"
    wanted_stamp >"$STAMP"
}

# ----------------------------------------------------------------------------------------------------

preferred=19 # the clang to install for `verify`; not every release has it
purpose=${1:-}
case $purpose in
    verify | test) ;;
    *)
        say "usage: scripts/bootstrap.sh verify|test"
        exit "$USAGE_ERROR"
        ;;
esac

mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
venv_is_current || make_venv
