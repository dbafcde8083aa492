#!/usr/bin/env bash
# prepare.sh WORK — what an emulated Raspberry Pi 3B needs, once: a QEMU new enough to have its I2C controller, Debian's arm64
# kernel, an arm64 root with systemd, and a compiler for the addon. Root only; takes minutes and about 3 GB below WORK.
set -euo pipefail
work=$(realpath -m "$1")
suite=trixie
mkdir -p "$work"
mirror=$(sed -n "s/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p" /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1) || true
step() { printf '== %s (%ss)\n' "$1" "$SECONDS"; }

step packages
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
  mmdebstrap cpio xz-utils kmod qemu-utils g++-aarch64-linux-gnu e2fsprogs libfaketime >"$work/apt.log" 2>&1

if [ ! -x "$work/qemu/usr/bin/qemu-system-aarch64" ]; then
  step "QEMU of $suite, unpacked"
  mmdebstrap --variant=extract --mode=root --include=qemu-system-arm,libc-bin "$suite" "$work/qemu" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
fi

if [ ! -d "$work/kernel/boot" ]; then
  step "kernel"
  mmdebstrap --variant=extract --mode=root --architectures=arm64 --include=linux-image-arm64 "$suite" "$work/kernel" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
fi

# The root that a small Debian with systemd has, unpacked without running anything of it; made anew when the list changes.
packages=dash,bash,coreutils,util-linux,mount,libc-bin,libstdc++6,busybox-static,base-files,base-passwd,passwd,systemd,systemd-sysv,udev,kmod,perl-base,procps,psmisc,diffutils,findutils,grep,sed,mawk,tar,gzip,hostname
if [ "$(cat "$work/root.list" 2>/dev/null)" != "$packages" ]; then
  step "arm64 root with systemd"
  rm -rf "$work/root"
  mmdebstrap --variant=extract --mode=root --architectures=arm64 --include="$packages" "$suite" "$work/root" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
  for part in bin sbin lib; do
    if [ -d "$work/root/$part" ] && [ ! -L "$work/root/$part" ]; then
      cp -a "$work/root/$part/." "$work/root/usr/$part/"
      rm -rf "${work:?}/root/$part"
    fi
    [ -e "$work/root/$part" ] || ln -s "usr/$part" "$work/root/$part"
  done
  # What the packages' own scripts would have done.
  [ -e "$work/root/usr/bin/sh" ] || ln -s dash "$work/root/usr/bin/sh"
  [ -e "$work/root/usr/bin/awk" ] || ln -s mawk "$work/root/usr/bin/awk"
  cp "$work/root/usr/share/base-passwd/passwd.master" "$work/root/etc/passwd"
  cp "$work/root/usr/share/base-passwd/group.master" "$work/root/etc/group"
  cut -d: -f1 "$work/root/etc/passwd" | sed 's/$/:*:1:0:99999:7:::/' >"$work/root/etc/shadow"
  chmod 600 "$work/root/etc/shadow"
  printf '%s: files\n' passwd group shadow hosts >"$work/root/etc/nsswitch.conf"
  mkdir -p "$work/root"/{proc,sys,dev,tmp,run,root,rig}
  printf '%s' "$packages" >"$work/root.list"
fi
step done
