# root.sh: the same verb in a root of another Debian, for `--root trixie`.
#   The root is made by debootstrap, once, outside the tree. Inside, the tree is /gatehouse and its build/ is our
#   build/RELEASE, so that nothing is mixed. The mounts live in a mount namespace and go with its last process.

# split_root ARGUMENT…: takes --root RELEASE out of them, into `root`; the others are left in `rest`.
split_root() {
  root= rest=()
  while (($#)); do
    if [[ $1 == --root ]]; then
      root=${2:?"--root needs the name of a release"}
      shift
    else
      rest+=("$1")
    fi
    shift
  done
}

# in_root RELEASE VERB [ARGUMENT…]
in_root() {
  local release=$1 root=$cache/$1
  shift
  [[ $release == trixie || $release == bookworm ]] || fail_usage "known roots are trixie and bookworm, not $release"
  ((EUID == 0)) || fail "--root mounts and changes its root, so it needs root: sudo ./dev $1 --root $release"
  need root
  [[ -e $root/etc/debian_version ]] || make_root "$release" "$root"
  mkdir -p "build/$release" "$root/gatehouse"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  unshare --mount --propagation private bash -euc '
    root=$1 release=$2
    shift 2
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount --bind . "$root/gatehouse"
    mount --bind "build/$release" "$root/gatehouse/build"
    exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM="${TERM:-dumb}" \
      GATEHOUSE_ROOT="$release" ${JOBS:+JOBS="$JOBS"} ${http_proxy:+http_proxy="$http_proxy"} \
      ${https_proxy:+https_proxy="$https_proxy"} /gatehouse/dev "$@"
  ' _ "$root" "$release" "$@"
}

make_root() {
  local release=$1 root=$2
  say "Making a root of Debian $release in $root"
  rm -rf --one-file-system "$root" "$root.new"
  mkdir -p "$root.new"
  debootstrap --variant=minbase "$release" "$root.new" "$(mirror)" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log"; fail "debootstrap failed; all of it in $root.log"; }
  mv "$root.new" "$root"
}

# The mirror that this machine itself uses.
mirror() {
  local uri
  uri=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' | grep -m 1 -E '/debian/$' || true)
  echo "${uri:-http://deb.debian.org/debian}"
}
