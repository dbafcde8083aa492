#!/bin/sh
# Installs Swath on Raspberry Pi OS 64-bit (bookworm, trixie) or Debian: sudo scripts/install.sh [--dry-run] [--destdir DIR]
# May be run again at any time; prints what it does and changes only what is not as it should be. uninstall.sh undoes it.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
root=
dry=no
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=yes ;;
    --destdir) root=${2:?--destdir needs a folder}; shift ;;
    *) echo "usage: install.sh [--dry-run] [--destdir DIR]" >&2; exit 64 ;;
  esac
  shift
done

# Within another root nothing is started and no user of this machine is touched.
live=no
[ -z "$root" ] && live=yes
if [ $live = yes ] && [ $dry = no ] && [ "$(id -u)" != 0 ]; then
  echo "install.sh: must be run as root (sudo), or with --dry-run or --destdir" >&2
  exit 77
fi

# An archive says for which processor it is and what each file must be: a damaged copy or a wrong one is refused before anything
# is touched. A built clone has neither.
if [ -f "$here/SHA256SUMS" ]; then
  (cd "$here" && sha256sum --check --quiet SHA256SUMS >&2) || {
    echo "install.sh: this copy of the archive is damaged (see above): unpack it again, or copy it again; nothing was changed" >&2
    exit 65
  }
fi
if [ -f "$here/ARCHIVE" ] && [ $live = yes ]; then
  for_arch=$(sed -n 's/^arch=//p' "$here/ARCHIVE")
  case $(uname -m) in aarch64) arch=arm64 ;; x86_64) arch=x64 ;; *) arch=$(uname -m) ;; esac
  if [ "$arch" != "$for_arch" ]; then
    echo "install.sh: this archive is for $for_arch, this computer is $arch: make one with scripts/package --arch $arch; nothing was changed" >&2
    exit 65
  fi
fi

changes=0
say() { changes=$((changes + 1)); printf '%s\n' "$*"; }
run() { [ $dry = yes ] || "$@"; }

# put FILE TARGET MODE: copies when it is not there or differs.
put() {
  if [ -f "$root$2" ] && cmp -s "$1" "$root$2"; then return 0; fi
  say "write   $2"
  run install -D -m "$3" "$1" "$root$2"
}

folder() {
  [ -d "$root$1" ] && return 0
  say "folder  $1"
  run mkdir -p "$root$1"
  run chmod "$2" "$root$1"
}

# setting FILE LINE: adds a line to a file of the boot partition that lacks it.
setting() {
  [ -f "$root$1" ] || return 0
  grep -qxF "$2" "$root$1" && return 0
  say "setting $1: $2"
  if [ $dry = no ]; then printf '%s\n' "$2" >>"$root$1"; fi
}

user() {
  if [ $live = yes ]; then
    getent group swath >/dev/null || { say "group   swath"; run groupadd --system swath; }
    getent passwd "$1" >/dev/null && return 0
    say "user    $1"
    run useradd --system --gid swath --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$1"
  elif [ -f "$root/etc/passwd" ] && [ -x "$root/usr/sbin/useradd" ]; then
    chroot "$root" getent group swath >/dev/null || { say "group   swath"; run chroot "$root" groupadd --system swath; }
    chroot "$root" getent passwd "$1" >/dev/null && return 0
    say "user    $1"
    run chroot "$root" useradd --system --gid swath --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$1"
  fi
}

user swath
user swath-sampler

# The program: what lies beside this script, as the archive or a built clone has it.
for part in dist node_modules package.json config docs scripts src/cab/page src/hq/page src/web node LICENSE ARCHIVE; do
  [ -e "$here/$part" ] || continue
  if [ "$here" = "$root/opt/swath" ]; then continue; fi
  if diff -rq --no-dereference "$here/$part" "$root/opt/swath/$part" >/dev/null 2>&1; then continue; fi
  say "copy    /opt/swath/$part"
  run mkdir -p "$(dirname "$root/opt/swath/$part")"
  # Copied beside it and then put in its place, so that a power cut leaves the old one or the new one; owned by root, whoever unpacked it.
  run rm -rf "$root/opt/swath/$part.new"
  run cp -a --no-preserve=ownership "$here/$part" "$root/opt/swath/$part.new"
  run rm -rf "$root/opt/swath/$part"
  run mv "$root/opt/swath/$part.new" "$root/opt/swath/$part"
done
if [ ! -x "$root/opt/swath/node/bin/node" ] && [ ! -x "$here/node/bin/node" ]; then
  node=$(command -v node || true)
  if [ -n "$node" ]; then
    say "link    /opt/swath/node/bin/node -> $node"
    run mkdir -p "$root/opt/swath/node/bin"
    run ln -sfn "$node" "$root/opt/swath/node/bin/node"
  else
    echo "install.sh: there is no Node here and none in this archive: install nodejs 20.19 or newer" >&2
  fi
fi

folder /etc/swath 755
folder /etc/swath/keys 755

units=/etc/systemd/system
put "$here/scripts/install/swath.service" $units/swath.service 644
put "$here/scripts/install/swath-sampler.service" $units/swath-sampler.service 644
put "$here/scripts/install/swath-usb@.service" $units/swath-usb@.service 644
put "$here/scripts/install/swath-power-off.path" $units/swath-power-off.path 644
put "$here/scripts/install/swath-power-off.service" $units/swath-power-off.service 644
put "$here/scripts/install/60-swath.rules" /etc/udev/rules.d/60-swath.rules 644
put "$here/scripts/install/watchdog.conf" /etc/systemd/system.conf.d/50-swath-watchdog.conf 644
put "$here/scripts/install/journald.conf" /etc/systemd/journald.conf.d/50-swath.conf 644
put "$here/scripts/install/clock-floor.service" $units/swath-clock-floor.service 644
put "$here/scripts/install/modules.conf" /etc/modules-load.d/swath.conf 644
put "$here/scripts/install/swath" /usr/local/bin/swath 755

for boot in /boot/firmware/config.txt /boot/config.txt; do
  [ -f "$root$boot" ] || continue
  setting $boot "dtparam=i2c_arm=on,i2c_arm_baudrate=400000"
  setting $boot "enable_uart=1"
  setting $boot "dtparam=watchdog=on"
  break
done

for service in swath-clock-floor.service swath.service swath-sampler.service swath-power-off.path; do
  wants=$units/multi-user.target.wants/$service
  [ -L "$root$wants" ] && continue
  say "enable  ${service%.service}"
  run mkdir -p "$root$units/multi-user.target.wants"
  run ln -s "../$service" "$root$wants"
done

if [ $changes = 0 ]; then
  echo "nothing to do: all is as it should be"
elif [ $live = yes ] && [ $dry = no ]; then
  systemctl daemon-reload
  udevadm control --reload
  # What is plugged in already gets its group and its names now, not with the next start.
  udevadm trigger --action=change --subsystem-match=i2c-dev --subsystem-match=tty
  systemctl restart swath-clock-floor swath swath-power-off.path
  # The sampler is up only once the unit has a configuration, which is flashed later: not waited for.
  systemctl restart --no-block swath-sampler
  echo "started swath and swath-sampler; what they say: journalctl -u swath -u swath-sampler"
fi
[ $dry = no ] || echo "dry run: nothing was changed"
if ls "$root"/etc/swath/keys/*.pub >/dev/null 2>&1; then :; else
  echo "next: copy the public key of HQ to /etc/swath/keys/, then flash a configuration (docs/maintainer.md)"
fi
echo "advice: a card lasts longest with a read-only root (raspi-config, overlay file system) and /var/lib/swath on a partition of its own"
