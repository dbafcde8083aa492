#!/usr/bin/env bash
# image.sh WORK — builds the card of the emulated Pi: the root of prepare.sh with this product, its addon compiled for arm64, and
# an initial RAM disk with the modules of the Pi's I2C controller and card reader.
set -euo pipefail
work=$(realpath "$1")
repo=$(realpath "$(dirname "$0")/../../..")
[ -d "$repo/dist/src" ] || { echo "npm run build first" >&2; exit 1; }

# The product as it is installed: production packages only. Nothing is run while they are unpacked.
app=$work/app
rm -rf "$app" && mkdir -p "$app"
cp -a "$repo"/{package.json,package-lock.json,.npmrc,dist,config} "$app/"
mkdir -p "$app/src/cab" "$app/src/hq" && cp -a "$repo/src/cab/page" "$app/src/cab/" && cp -a "$repo/src/hq/page" "$app/src/hq/" && cp -a "$repo/src/web" "$app/src/"
(cd "$app" && npm ci --omit=dev --ignore-scripts --silent)
gyp=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")/node_modules/node-gyp/bin/node-gyp.js
(cd "$app/node_modules/i2c-bus" && CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ node "$gyp" rebuild --arch=arm64 --nodedir="$work/root/opt/node" >"$work/gyp.log" 2>&1) || { tail -n 20 "$work/gyp.log"; exit 1; }

version=$(basename "$work"/kernel/usr/lib/modules/*)
[ -e "$work/kernel/lib" ] || ln -s usr/lib "$work/kernel/lib"
[ -e "$work/kernel/usr/lib/modules/$version/modules.dep" ] || depmod -b "$work/kernel" "$version"
cp "$work/kernel/boot/vmlinuz-$version" "$work/Image"
cp "$work/kernel/usr/lib/linux-image-$version/broadcom/bcm2837-rpi-3-b.dtb" "$work/rpi3b.dtb"
ram=$(mktemp -d)
trap 'rm -rf "$ram"' EXIT
mkdir -p "$ram"/{bin,dev,proc,sys,new,modules}
cp "$work/root/usr/bin/busybox" "$ram/bin/"
for module in bcm2835 sdhci-iproc ext4 i2c-bcm2835 i2c-dev; do
  modprobe -d "$work/kernel" -S "$version" --show-depends "$module" 2>/dev/null | awk '/^insmod/ { print $2 }' || true
done | awk '!seen[$0]++' | while read -r file; do
  name=$(basename "$file" .xz)
  xz -dc "$file" >"$ram/modules/$name"
  echo "/modules/$name" >>"$ram/order"
done
cp "$(dirname "$0")/init" "$ram/init"
chmod +x "$ram/init"
(cd "$ram" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd.gz"

rm -rf "$work/root/opt/swath" && mkdir -p "$work/root/opt" && cp -a "$app" "$work/root/opt/swath"
rm -f "$work/card.img" && truncate -s 2G "$work/card.img"
mkfs.ext4 -q -F -O ^has_journal -d "$work/root" "$work/card.img"
du -sh "$work/card.img"
