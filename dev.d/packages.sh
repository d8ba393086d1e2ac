# packages.sh: what is missing of Debian's packages is installed, and only then is root asked for.

# need GROUP…: of packages.txt
need() {
  local release wanted missing
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
  case $release in
    bookworm | trixie) ;;
    *) say "Packages are known for Debian 12 and 13; here ($release) what is installed has to do."; return 0 ;;
  esac
  wanted=$(awk -v groups=" $* " -v release="$release" '
    { split($1, key, /[@:]/) }
    index(groups, " " key[1] " ") && (key[2] == "" || key[2] == release) {
      for (i = 2; i <= NF; i++) print $i
    }' dev.d/packages.txt | sort -u)
  missing=$(comm -23 <(echo "$wanted") <(
    dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u))
  [[ -z $missing ]] || install_packages $missing
}

install_packages() {
  say "Installing: $*"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "neither root nor sudo here; as root: apt-get install $*"
    as_root=(sudo)
  fi
  "${as_root[@]}" bash dev.d/install.sh "$@" || fail "apt-get could not install these packages"
}
