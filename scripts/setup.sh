#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Gets what a fresh clone lacks: the pinned Bun, the packages of bun.lock, libpcap.
#
#   sh scripts/setup.sh              set up, say nothing when all is there
#   sh scripts/setup.sh run ARG...   set up, then become `bun ARG...` in the project's root
#
# The package scripts go through `run`, so `npm test` and `bun run test` are the same command
# on a machine that has only one of the two. Messages go to stderr: stdout is the program's.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
cache=$root/.cache
lock=$cache/setup.lock
version=$(cat "$root/.bun-version")
bun=

say() { printf 'nemean setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 71 # EX_OSERR: the system lacks something.
}

# Run a command silently; its output is shown only when it fails.
quietly() {
  log=$cache/setup.$$.log
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

# --- One set-up at a time -----------------------------------------------------------------------

take_lock() {
  mkdir -p "$cache"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    # A set-up that was killed leaves its lock; one that has just begun has not written its pid yet.
    if [ -n "$owner" ] && [ ! -d "/proc/$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock"
      continue
    fi
    [ "$waited" -lt 600 ] || fail "waited 10 minutes for another set-up; if none runs, remove $lock"
    [ "$waited" -ne 0 ] || say "waiting for another set-up to finish"
    waited=$((waited + 1))
    sleep 1
  done
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  echo $$ >"$lock/pid"
}

give_lock() {
  rm -rf "$lock"
  trap - EXIT INT TERM
}

# --- Bun ----------------------------------------------------------------------------------------

answers() { [ "$("$1" --version 2>/dev/null </dev/null)" = "$version" ]; }

find_bun() {
  for bun in "$cache/bun/$version/bun" "$(command -v bun || true)"; do
    if [ -x "$bun" ] && answers "$bun"; then return 0; fi
  done
  bun=
  return 1
}

# Bun's npm package holds a placeholder that its install script replaces. That script may be refused
# (npm 11 asks first), so the program is taken from the package of this platform, beside it.
get_bun() {
  stage=$cache/bun-stage.$$
  rm -rf "$stage"
  mkdir -p "$stage" "$cache/bun/$version"
  echo '{ "private": true }' >"$stage/package.json"
  say "getting Bun $version"
  if command -v npm >/dev/null 2>&1; then
    quietly npm install --prefix "$stage" --no-save --no-package-lock --ignore-scripts \
      --include=optional --no-audit --no-fund --loglevel=error "bun@$version" ||
      fail "npm could not install bun@$version; the reason is above"
  elif command -v bun >/dev/null 2>&1; then
    quietly bun add --cwd "$stage" --exact --ignore-scripts "bun@$version" ||
      fail "bun could not add bun@$version; the reason is above"
  else
    fail "Bun $version is needed and neither npm nor bun is here: install Node.js 18 with npm, or Bun"
  fi
  # More than one where the installer does not tell glibc from musl: the one that runs is right.
  for program in "$stage"/node_modules/@oven/*/bin/bun "$stage"/node_modules/bun/node_modules/@oven/*/bin/bun; do
    if [ -x "$program" ] && answers "$program"; then
      mv -f "$program" "$cache/bun/$version/bun" || fail "cannot write $cache/bun"
      rm -rf "$stage"
      return 0
    fi
  done
  rm -rf "$stage"
  fail "bun@$version has no program that runs here ($(uname -sm))"
}

# --- Packages -----------------------------------------------------------------------------------

stamp=$root/node_modules/.nemean-setup

packages_state() {
  (cd "$root" && uname -sm && cat bun.lock package.json packages/*/package.json) | cksum
}

packages_fresh() { [ "$(cat "$stamp" 2>/dev/null)" = "$(packages_state)" ]; }

get_packages() {
  say "installing packages"
  quietly "$bun" install --cwd "$root" --frozen-lockfile --ignore-scripts ||
    fail "bun install failed; the reason is above"
  mkdir -p "$root/node_modules"
  packages_state >"$stamp"
}

# --- libpcap ------------------------------------------------------------------------------------

# Debian's soname is libpcap.so.0.8, everybody else's libpcap.so.1. Where the loader keeps no list
# (musl) files are looked for; macOS has the library, though in no folder.
have_libpcap() {
  [ "$(uname -s)" != Darwin ] || return 0
  if libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null); then
    case $libraries in *libpcap.so.[01]*) return 0 ;; *) return 1 ;; esac
  fi
  for file in /usr/lib/libpcap.so.[01]* /usr/local/lib/libpcap.so.[01]*; do
    [ ! -e "$file" ] || return 0
  done
  return 1
}

apt_get() {
  quietly env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -q -y "$@"
}

# Without libpcap captures are still read; only filters and the portable live capture need it.
get_libpcap() {
  tried=$cache/libpcap-tried
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ ! -e "$tried" ]; then
    : >"$tried" # One try: a machine without network must not wait for apt at each start.
    say "installing libpcap"
    apt_get update || true
    package=libpcap0.8
    if apt-cache show libpcap0.8t64 >/dev/null 2>&1; then package=libpcap0.8t64; fi
    if apt_get install --no-install-recommends "$package"; then
      rm -f "$tried"
      return 0
    fi
  fi
  say "libpcap is missing (filters and live capture need it): apt-get install libpcap0.8, or your system's libpcap"
}

# ------------------------------------------------------------------------------------------------

find_bun && packages_fresh && have_libpcap || {
  take_lock
  # Looked at again, as another set-up may have just done it.
  find_bun || { get_bun && find_bun; }
  packages_fresh || get_packages
  [ "${1-}" = run ] || rm -f "$cache/libpcap-tried"
  have_libpcap || get_libpcap
  give_lock
}

if [ "${1-}" = run ]; then
  shift
  cd "$root"
  PATH=$(dirname "$bun"):$PATH
  export PATH
  exec "$bun" "$@"
fi
