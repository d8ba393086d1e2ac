# fuzz.sh: running the built fuzz targets; for the verbs fuzz and test.

fuzz_targets() {
  local file
  for file in tests/fuzz/*_fuzz.cc; do
    [[ -e $file ]] || continue
    file=${file##*/}
    echo "${file%_fuzz.cc}"
  done
}

# fuzz_one SECONDS TARGET: the folder for new inputs comes first, the seeds are only read.
fuzz_one() {
  local seconds=$1 name=$2 log=build/fuzz/$2.log
  local options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
    -artifact_prefix="build/fuzz/findings/$name-")
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/findings
  local inputs=("build/fuzz/corpus/$name")
  [[ ! -d tests/fuzz/corpus/$name ]] || inputs+=("tests/fuzz/corpus/$name")
  [[ ! -f tests/fuzz/$name.dict ]] || options+=("-dict=tests/fuzz/$name.dict")
  if "build/asan/tests/fuzz/${name}_fuzz" "${options[@]}" "${inputs[@]}" >"$log" 2>&1; then
    printf '%-24s ok, %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    printf '%-24s FOUND something; %s\n' "$name" "$log"
    grep -aE 'ERROR|SUMMARY|Test unit written|runtime error' "$log" | sed 's/^/    /'
    return 1
  fi
}

# fuzz_all SECONDS [TARGET…]: several at once, in the order given; fails if one found something.
fuzz_all() {
  local seconds=$1
  shift
  (($#)) || set -- $(fuzz_targets)
  (($#)) || { say "No fuzz targets."; return 0; }
  export -f fuzz_one
  printf '%s\n' "$@" | nice xargs -P "$(parallel)" -I{} bash -c 'fuzz_one "$@"' _ "$seconds" {} || return 1
  say "$# targets, nothing found"
}
