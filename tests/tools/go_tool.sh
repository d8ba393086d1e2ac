# go_tool.sh: go_tool NAME VERSION PACKAGE prints the path of a program for tests, or says why there is none and fails.
#   It is built from the Go module proxy, as the module in NAME.d/ pins it, with Debian's Go: once, into a folder outside
#   the tree. What the build itself needs (consul: a gigabyte of modules and objects) is removed after it.
go_tool() {
  local name=$1 version=$2 package=$3 go=/usr/bin/go
  local module folder
  module=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/$name.d
  folder=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/$name-$version
  if [[ ! -x $folder/$name ]]; then
    [[ -x $go ]] || go=$(command -v go) || { echo "$name is left out: there is no Go to build it with." >&2; exit 1; }
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
    if ! (cd "$work" && nice "$go" build -o "$name" "$package") >"$folder/log" 2>&1; then
      tail -n 5 "$folder/log" >&2
      echo "$name is left out: $version can't be built from the Go module proxy here; all of it in $folder/log" >&2
      exit 1
    fi
    mv "$work/$name" "$folder/$name"
  fi
  echo "$folder/$name"
}
