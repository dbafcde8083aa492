#!/bin/sh
# Takes Swath off again: sudo scripts/uninstall.sh [--dry-run] [--destdir DIR] [--records]
# Records, keys and secrets (/var/lib/swath, /etc/swath) stay unless --records says that they may go.
set -eu
root=
dry=no
records=no
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=yes ;;
    --records) records=yes ;;
    --destdir) root=${2:?--destdir needs a folder}; shift ;;
    *) echo "usage: uninstall.sh [--dry-run] [--destdir DIR] [--records]" >&2; exit 64 ;;
  esac
  shift
done
if [ -z "$root" ] && [ $dry = no ] && [ "$(id -u)" != 0 ]; then
  echo "uninstall.sh: must be run as root (sudo), or with --dry-run or --destdir" >&2
  exit 77
fi
run() { [ $dry = yes ] || "$@"; }
gone() {
  if [ -e "$root$1" ] || [ -L "$root$1" ]; then
    echo "remove  $1"
    run rm -rf "$root$1"
  fi
}

if [ -z "$root" ]; then run systemctl disable --now swath swath-sampler swath-clock-floor swath-power-off.path || true; fi
units=/etc/systemd/system
for service in swath swath-sampler swath-clock-floor; do
  gone $units/multi-user.target.wants/$service.service
  gone $units/$service.service
done
gone $units/multi-user.target.wants/swath-power-off.path
gone $units/swath-power-off.path
gone $units/swath-power-off.service
gone "$units/swath-usb@.service"
gone /etc/udev/rules.d/60-swath.rules
gone /etc/systemd/system.conf.d/50-swath-watchdog.conf
gone /etc/systemd/journald.conf.d/50-swath.conf
gone /etc/modules-load.d/swath.conf
for folder in /etc/systemd/system.conf.d /etc/systemd/journald.conf.d; do
  [ ! -d "$root$folder" ] || run rmdir --ignore-fail-on-non-empty "$root$folder"
done
gone /usr/local/bin/swath
gone /opt/swath
for name in swath-sampler swath; do
  if [ -z "$root" ]; then
    getent passwd $name >/dev/null && { echo "user    $name removed"; run userdel $name; }
  elif [ -f "$root/etc/passwd" ] && grep -q "^$name:" "$root/etc/passwd" && [ -x "$root/usr/sbin/userdel" ]; then
    echo "user    $name removed"
    run chroot "$root" userdel $name
  fi
done
if [ $records = yes ]; then
  gone /var/lib/swath
  gone /etc/swath
else
  echo "kept    /var/lib/swath and /etc/swath (records, keys, secrets); --records removes them"
fi
if [ -z "$root" ]; then
  run systemctl daemon-reload
  # A sampler that was stopped while it waited counts as failed, and would go on being listed.
  run systemctl reset-failed swath swath-sampler 2>/dev/null || true
  run udevadm control --reload
fi
echo "settings in /boot stay: other programs may need I2C and UART too"
[ $dry = no ] || echo "dry run: nothing was changed"
