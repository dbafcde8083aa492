#!/bin/bash
# First process of the guest: the host's files read-only with a layer of memory over them, the kernel's modules, the share on /rig.
# Then /rig/run.sh runs as root; its exit code is left in /rig/rc and the guest powers itself off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t tmpfs -o size=60% layer /mnt
mkdir -p /mnt/upper /mnt/work /mnt/root /mnt/modules
mount -t hostfs -o "$RIG_MODULES" none /mnt/modules
mount -t proc proc /proc
overlay=$(find /mnt/modules -name overlay.ko | head -n 1)
[ -n "$overlay" ] && insmod "$overlay"
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work layer /mnt/root || echo "no overlay"
root=/mnt/root
mkdir -p "$root/lib/modules/$(uname -r)" "$root/rig"
mount --move /mnt/modules "$root/lib/modules/$(uname -r)"
mount -t hostfs -o "$RIG_SHARE" none "$root/rig"
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t devtmpfs dev "$root/dev"
mkdir -p "$root/dev/pts" "$root/dev/shm"
mount -t devpts pts "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
mount -t tmpfs run "$root/run"
ip link set lo up 2>/dev/null
exec chroot "$root" /bin/sh -c '/bin/sh /rig/run.sh >/rig/out.txt 2>&1; echo $? >/rig/rc; sync; echo o >/proc/sysrq-trigger; sleep 10' </dev/null
