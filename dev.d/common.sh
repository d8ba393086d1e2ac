# common.sh: words, presets and Python for the verbs.

say() { printf '%s\n' "$*"; }
fail() { printf 'dev: %s\n' "$*" >&2; exit 1; }
fail_usage() { printf 'dev: %s; see ./dev --help\n' "$*" >&2; exit 2; }

PATH=$PATH:/usr/sbin:/sbin                       # nginx and HAProxy are there, and not on every user's path
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse  # what outlives a clone: the root of another Debian, peers
python=/usr/bin/python3                          # Debian's own: the one that Debian's pytest belongs to

# How many at once: one for each processor, but no more than memory carries (a compiler takes up to 1.5 GiB).
parallel() {
  local processors memory
  processors=$(nproc)
  memory=$(awk '/^MemAvailable/ { n = int($2 / 1572864); print (n > 1 ? n : 1) }' /proc/meminfo)
  echo "${JOBS:-$((processors < memory ? processors : memory))}"
}

# configure PRESET: into build/PRESET, when that was not done yet or the presets changed since.
configure() {
  local made=build/$1/build.ninja
  [[ -e $made && ! CMakePresets.json -nt $made ]] || cmake --preset "$1"
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  configure "$preset"
  nice cmake --build --preset "$preset" -j "$(parallel)" ${1:+--target "$@"}
}

# The released program, left as build/gatehouse.
build_release() {
  build release "$@"
  ln -sfn release/gatehouse build/gatehouse
}

# The C++ files of the project, tracked or about to be.
sources() {
  local file
  git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' | while read -r file; do
    [[ ! -e $file ]] || echo "$file"  # not one that was just deleted
  done
}
