# install.sh PACKAGE…: run as root by packages.sh. Installs quietly, and never starts or enables a service: nginx and
#   HAProxy are wanted as programs for tests, and their ports may be taken.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt_get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
"${apt_get[@]}" update || echo "apt-get update failed for some source; going on with what is known."
"${apt_get[@]}" install -y --no-install-recommends "$@" >/dev/null
if [[ -d /run/systemd/system ]]; then
  for service in nginx haproxy; do
    [[ " $* " != *" $service"* ]] || systemctl disable --quiet "$service"
  done
fi
