#!/bin/bash
# First process of the guest, which makes way for systemd: the host's files under a layer of memory, none of the host's own
# services, the share on /rig. Once systemd is up it runs /rig/run.sh as a service; its exit code is left in /rig/rc and the
# guest powers itself off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t tmpfs -o size=60% layer /mnt
mkdir -p /mnt/upper /mnt/work /mnt/root /mnt/modules
mount -t hostfs -o "$RIG_MODULES" none /mnt/modules
mount -t proc proc /proc
overlay=$(find /mnt/modules -name overlay.ko | head -n 1)
[ -n "$overlay" ] && insmod "$overlay"
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work layer /mnt/root || echo "no overlay"
root=/mnt/root
mkdir -p "$root/lib/modules/$(uname -r)" "$root/rig" "$root/oldroot"
mount --move /mnt/modules "$root/lib/modules/$(uname -r)"
mount -t hostfs -o "$RIG_SHARE" none "$root/rig"
"$(dirname "$0")/../systemd/root.sh" "$root" "/bin/sh -c '/bin/sh /rig/run.sh >/rig/out.txt 2>&1; echo \$? >/rig/rc; sync; echo o >/proc/sysrq-trigger; sleep 10'"
# Not the host's: systemd would tidy it up, which takes long through the share.
mount -t tmpfs tmp "$root/tmp"
cd "$root" || exit 1
pivot_root . oldroot
mount --move /oldroot/proc /proc 2>/dev/null
umount -l /oldroot
exec /lib/systemd/systemd </dev/console >/dev/console 2>&1
