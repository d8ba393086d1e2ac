# go_tool.sh: go_tool NAME VERSION PACKAGE… prints the path of a program for tests, or says why there is none and fails.
#   It is built from the Go module proxy, as the module in NAME.d/ pins it, with Debian's Go or one of the machine's: once,
#   into a folder outside the tree. A module that needs a later Go (GO_NEEDED=1.24.4) gets it from the same proxy. What the
#   build itself needs (consul: a gigabyte of modules and objects) is removed after it. More packages' programs are put
#   beside the first.
newest_go() {
  local go best=
  for go in /usr/bin/go /usr/local/go/bin/go "$(command -v go || true)"; do
    [[ -x $go ]] || continue
    if [[ -z ${GO_NEEDED:-} ]] || printf '%s\n' "$GO_NEEDED" "$(GOTOOLCHAIN=local "$go" env GOVERSION | sed s/^go//)" | sort -CV; then
      echo "$go"
      return
    fi
    best=${best:-$go}
  done
  [[ -n $best ]] || return 1
  local version=v0.0.1-go$GO_NEEDED.$("$best" env GOOS)-$("$best" env GOARCH)
  "$best" mod download "golang.org/toolchain@$version" >&2 || return 1
  local folder=$GOPATH/pkg/mod/golang.org/toolchain@$version
  chmod -R u+w,+x "$folder/bin" "$folder/pkg/tool"  # an older Go knows nothing of a module with programs
  echo "$folder/bin/go"
}

go_tool() {
  local name=$1 version=$2
  shift 2
  local module folder
  module=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/$name.d
  folder=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/$name-$version
  if [[ ! -x $folder/$name ]]; then
    if ! [[ -x /usr/bin/go ]] && ! command -v go >/dev/null; then
      echo "$name is left out: there is no Go to build it with." >&2
      exit 1
    fi
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock 9  # who comes while another builds gets what he built
  fi
  if [[ ! -x $folder/$name ]]; then
    work=$(mktemp -d "$folder/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cp "$module"/* "$work"
    export GOPATH=$work/go GOCACHE=$work/cache GOFLAGS="-mod=readonly -modcacherw -trimpath" GOTOOLCHAIN=local
    export CGO_ENABLED=0 GOWORK=off
    if ! (cd "$work" && go=$(cd / && newest_go) && mkdir built && nice "$go" build -o built/ "$@") >"$folder/log" 2>&1; then
      tail -n 5 "$folder/log" >&2
      echo "$name is left out: $version can't be built from the Go module proxy here; all of it in $folder/log" >&2
      exit 1
    fi
    for built in "$work"/built/*; do
      [[ $built == "$work/built/$name" ]] || mv "$built" "$folder/"
    done
    mv "$work/built/$name" "$folder/$name"
  fi
  echo "$folder/$name"
}
