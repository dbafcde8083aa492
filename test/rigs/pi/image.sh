#!/usr/bin/env bash
# image.sh WORK — builds the card of the emulated Pi: the root of prepare.sh with the archive for linux-arm64 unpacked in /rig, as
# a maintainer would unpack it, and an initial RAM disk with the modules of the Pi's I2C controller, card reader and USB.
set -euo pipefail
work=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
repo=$(realpath "$here/../../..")
"$repo/scripts/package" --arch arm64 --out "$work/swath-linux-arm64.tar.gz"

version=$(basename "$work"/kernel/usr/lib/modules/*)
[ -e "$work/kernel/lib" ] || ln -s usr/lib "$work/kernel/lib"
[ -e "$work/kernel/usr/lib/modules/$version/modules.dep" ] || depmod -b "$work/kernel" "$version"
cp "$work/kernel/boot/vmlinuz-$version" "$work/Image"
cp "$work/kernel/usr/lib/linux-image-$version/broadcom/bcm2837-rpi-3-b.dtb" "$work/rpi3b.dtb"
ram=$(mktemp -d)
trap 'rm -rf "$ram"' EXIT
mkdir -p "$ram"/{bin,dev,proc,sys,new,modules}
cp "$work/root/usr/bin/busybox" "$ram/bin/"
for module in bcm2835 sdhci-iproc ext4 i2c-bcm2835 i2c-dev phy-generic dwc2 cdc_ether loop; do
  modprobe -d "$work/kernel" -S "$version" --show-depends "$module" 2>/dev/null | awk '/^insmod/ { print $2 }' || true
done | awk '!seen[$0]++' | while read -r file; do
  name=$(basename "$file" .xz)
  xz -dc "$file" >"$ram/modules/$name"
  echo "/modules/$name" >>"$ram/order"
done
cp "$here/init" "$ram/init"
chmod +x "$ram/init"
(cd "$ram" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd.gz"

"$here/../systemd/root.sh" "$work/root" "/bin/sh /rig/agent.sh"
rm -rf "$work/root/rig" && mkdir -p "$work/root/rig" && cp "$here/agent.sh" "$work/root/rig/"
tar -C "$work/root/rig" -xzf "$work/swath-linux-arm64.tar.gz"
rm -f "$work/card.img" && truncate -s 2G "$work/card.img"
mkfs.ext4 -q -F -O ^has_journal -d "$work/root" "$work/card.img"
du -sh "$work/card.img"
