# install.sh PACKAGE…: run as root by packages.sh. Installs quietly, and never starts or enables a service: nginx,
#   HAProxy and databases are wanted as programs for tests, and their ports may be taken.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
made=
trap 'rm -f "$log" $made' EXIT
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  made=$policy
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt_get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
"${apt_get[@]}" update >"$log" 2>&1 || echo "apt-get update failed for some source; going on with what is known."
"${apt_get[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1 || { tail -n 20 "$log"; exit 1; }
if [[ -d /run/systemd/system ]]; then
  for service in nginx haproxy postgresql redis-server nghttpx named; do
    package=${service/nghttpx/nghttp2-proxy}
    package=${package/#named/bind9}
    [[ " $* " != *" $package"* ]] || systemctl disable --quiet "$service"
  done
fi
