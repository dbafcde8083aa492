# On the emulated Pi: runs each line that comes over the console as root, and answers on the console with the line's number, its
# exit code and what it wrote, packed, so that no other line on the console can be taken for it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
dmesg -n 1
n=0
printf '\nPI up %s s after power-on: %s, %s, first process %s\n' "$(cut -d' ' -f1 /proc/uptime)" \
  "$(tr -d '\0' </proc/device-tree/model)" "$(uname -rm)" "$(cat /proc/1/comm)"
while read -r line; do
  n=$((n + 1))
  sh -c "$line" </dev/null >/run/rig.out 2>&1
  code=$?
  printf '\nPI answer %s %s %s\n' $n $code "$(gzip -1 -c /run/rig.out | base64 -w 0)"
done
