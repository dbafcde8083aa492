#!/bin/bash
# root.sh ROOT COMMAND — makes of a Debian root one that boots to systemd, starts nothing of its own and runs COMMAND as a service.
set -eu
root=$1
units=$root/etc/systemd/system
rm -rf "$units"/*.wants "$root"/etc/rc?.d/* "$root"/etc/init.d/*
mkdir -p "$units/multi-user.target.wants"
mkdir -p "$root/usr/local/bin"
: >"$root/etc/fstab"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
# What differs from host to host, or takes long here and serves nothing.
for unit in dbus.service dbus.socket systemd-logind.service getty.target systemd-hwdb-update.service systemd-update-utmp.service; do
  ln -sf /dev/null "$units/$unit"
done
cat >"$units/rig.service" <<UNIT
[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=$2
UNIT
ln -s ../rig.service "$units/multi-user.target.wants/rig.service"
