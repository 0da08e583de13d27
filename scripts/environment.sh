# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
# Sourced by scripts/demo and scripts/test: makes virtual environments and keeps them fresh.
#
#   prepare FOLDER EXTRAS [PIN...]   e.g. prepare .venv ros,test
#
# A folder is reused as it is while its Python, constraints.txt and setup.py are what they were; it
# is made anew when its Python is gone, is not the one that PYTHON asks for, or the folder was moved;
# it is only completed when a pin or an extra is new. PINs replace those of constraints.txt for the
# same package.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"

say() {
  if [ -t 1 ]; then printf '\033[1m==> %s\033[0m\n' "$*"; else printf '==> %s\n' "$*"; fi
}
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A ROS installation that was sourced brings packages for its own Python, and the wheels bring
# theirs: the two must not meet. An inherited library path is the parent's, not ours.
unset PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
unset LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION
export RMW_IMPLEMENTATION=rmw_fastrtps_cpp PYTHONUNBUFFERED=1

SUPPORTED='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))'
version_of() { "$1" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null; }

# Print a Python that can make an environment: the one that PYTHON names, or the first there is.
find_python() {
  local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11 python3.10)
  [ -z "${PYTHON:-}" ] || candidates=("$PYTHON") # its path may have a space
  for candidate in "${candidates[@]}"; do
    "$candidate" -c "$SUPPORTED" >/dev/null 2>&1 || continue
    "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1 \
      || fail "$candidate cannot make virtual environments; sudo apt install python3-venv" \
        '(or the python3.X-venv of its version)'
    printf '%s' "$candidate"
    return
  done
  fail 'no Python from 3.10 to 3.14 found; install one (sudo apt install python3) or set PYTHON'
}

# What the contents of an environment depend on, besides the extras.
fingerprint() { # PYTHON [PIN...]
  {
    "$1" -c 'import sys; print(sys.version)'
    cat "$ROOT/constraints.txt" "$ROOT/setup.py"
    printf '%s\n' "${@:2}"
  } | sha256sum | cut -d' ' -f1
}

# True where the environment's Python runs, is the one asked for, and lives where it was made.
healthy() {
  local python="$1/bin/python"
  "$python" -c "import pip; $SUPPORTED" >/dev/null 2>&1 || return 1
  [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$python")" ] || return 1
  # The head of pip names the interpreter it was installed for: another one means it was moved.
  head -n 3 "$1/bin/pip" | grep -qF "$python"
}

# Show the last line of what a command prints, keep all of it in a file, and show the end of that
# if the command fails.
with_progress() {
  local log="$1" line status
  shift
  if [ -t 1 ]; then
    "$@" 2>&1 | tee "$log" | while IFS= read -r line; do
      printf '\r\033[K    %.90s' "$line"
    done
    status="${PIPESTATUS[0]}"
    printf '\r\033[K'
  else
    "$@" 2>&1 | tee "$log" | grep --line-buffered -E '^(Collecting|Downloading|Installing)' \
      | sed -u 's/ (from .*//; s/\(.\{90\}\).*/\1 .../; s/^/    /'
    status="${PIPESTATUS[0]}"
  fi
  if [ "$status" -ne 0 ]; then
    tail -n 30 "$log" >&2
    return "$status"
  fi
}

prepare() {
  local venv="$ROOT/$1" extras="$2" stamp python key have="" extra complete=yes pins pin name
  shift 2
  exec 9<"$ROOT/scripts"
  flock 9 # two scripts at a time would install into each other's environment
  stamp="$venv/.depth_ros"
  if [ -e "$venv" ] && healthy "$venv"; then
    python="$venv/bin/python"
  else
    python="$(find_python)" || exit 1
    [ ! -e "$venv" ] || say "${venv#"$ROOT"/} is broken, moved, or of another Python: making it anew"
    rm -rf -- "$venv"
  fi
  key="$(fingerprint "$python" "$@")"
  if [ -f "$stamp" ]; then
    [ "$(sed -n 1p "$stamp")" = "$key" ] || complete=no
    have="$(sed -n 2p "$stamp")"
  else
    complete=no
  fi
  for extra in ${extras//,/ }; do
    case ",$have," in *",$extra,"*) ;; *) complete=no; have="${have:+$have,}$extra" ;; esac
  done
  if [ "$complete" = no ]; then
    if [ ! -e "$venv" ]; then
      say "making ${venv#"$ROOT"/} with $("$python" --version)"
      "$python" -m venv "$venv" || fail "could not make $venv; sudo apt install python3-venv"
    fi
    rm -f "$stamp"
    pins="$venv/constraints.txt"
    cp "$ROOT/constraints.txt" "$pins"
    for pin in "$@"; do
      name="${pin%%[=<>]*}"
      sed -i "/^$name[=<>]/d" "$pins"
      printf '%s\n' "$pin" >>"$pins"
    done
    say "installing depth_ros[$have] into ${venv#"$ROOT"/} (log: ${venv#"$ROOT"/}/install.log)"
    (cd "$ROOT" && with_progress "$venv/install.log" "$venv/bin/python" -m pip install \
      --disable-pip-version-check --constraint "$pins" --editable ".[$have]") \
      || fail "installation failed; the whole log is in $venv/install.log"
    printf '%s\n%s\n' "$key" "$have" >"$stamp"
  fi
  exec 9<&-
}
