# Runs as root under systemd in a guest: installs, tries and takes off again what is in /rig/swath. What it finds is left in
# /rig/found, one "key value" a line; what the scripts say in /rig/<name>.txt. Its arguments are the steps to take: put_on, flash
# (/rig/unit.swath, signed by the key of /rig/hq.pub), try_out, unwatched, take_off.
set -u
found() { echo "$*" >>/rig/found; }
now() { cut -d' ' -f1 /proc/uptime; }
show() { systemctl show -p "$2" --value "$1"; }
# until SECONDS CONDITION...: false when it did not come about.
until_() { n=$1; shift; while [ "$n" -gt 0 ]; do "$@" && return 0; sleep 1; n=$((n - 1)); done; return 1; }
traces() {
  find /etc /usr/local/bin -xdev ! -name '*-' ! -name '.*' ! -name '*.lock'
  ls -d /opt/* /var/lib/* /run/swath* 2>/dev/null
  cut -d: -f1 /etc/passwd /etc/group
  systemctl list-unit-files --no-pager --no-legend 'swath*'
  systemctl list-units --all --no-pager --no-legend 'swath*'
}

# Not the sampler that came up with the unit, which install.sh starts anew.
waits() { ! systemctl list-jobs --no-legend | grep -q 'swath-sampler.* restart ' && [ "$(show swath-sampler MainPID)" != 0 ]; }
put_on() {
  traces | sort >/rig/before.txt
  found boot "$(now)"
  # A bus, a disk and a port that everybody on this machine may use: whoever does not get at them is kept off by the sandbox.
  modprobe -a i2c-dev loop 2>/dev/null
  ls /dev/i2c-* >/dev/null 2>&1 || modprobe i2c-stub chip_addr=0x20
  bus=$(ls /dev/i2c-* | sed 's/.*-//' | sort -n | head -n 1)
  # Nodes of their own, whose rights udev does not set.
  mknod -m 666 /dev/rig-i2c c 89 "$bus"
  mknod -m 666 /dev/rig-disk b 7 0
  perl /rig/listen.pl </dev/null >/dev/null 2>&1 &
  until_ 60 test -e /run/listens
  # What each service can reach is tried by a process that systemd starts within the service's own sandbox.
  for s in swath swath-sampler; do
    mkdir -p /run/systemd/system/$s.service.d
    printf '[Service]\nExecStartPre=-/bin/sh /rig/probe.sh %s\n' $s >/run/systemd/system/$s.service.d/probe.conf
  done

  /rig/swath/scripts/install.sh >/rig/install.txt 2>&1
  found install-code $?
  found installed "$(now)"
  until_ 120 waits
  found states "$(systemctl is-active swath swath-sampler swath-clock-floor | tr '\n' ' ')"
  for s in swath swath-sampler; do
    p=$(show $s MainPID)
    found "$s-user" "$(ps -o user:20= -p "$p" | tr -d ' ')"
    found "$s-status" "$(grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' "/proc/$p/status" | tr -d '\t' | tr '\n' ' ')"
    [ "$(readlink "/proc/$p/ns/net")" = "$(readlink /proc/1/ns/net)" ] && found "$s-net" shared || found "$s-net" own
    found "$s-exposure" "$(systemd-analyze security --no-pager $s | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')"
    journalctl -b --no-pager -o cat -u $s | grep '^probe ' >/rig/probe-$s.txt
    setpriv --reuid $s --regid swath --clear-groups /bin/sh /rig/probe.sh $s >/rig/probe-free-$s.txt 2>&1
  done
  found probed "$(now)"
  rm -rf /run/systemd/system/swath*.service.d
  systemctl daemon-reload
}

# As the maintainer's guide has it: the key of HQ, then the signed file.
samples() { [ "$(systemctl is-active swath-sampler)" = active ]; }
flash() {
  cp /rig/hq.pub /etc/swath/keys/
  systemctl restart swath
  install -o swath -g swath -m 600 /rig/unit.swath /var/lib/swath/inbox/.unit.swath
  mv /var/lib/swath/inbox/.unit.swath /var/lib/swath/inbox/unit.swath
  until_ 300 samples
  found flashed "$(systemctl is-active swath swath-sampler | tr '\n' ' ')"
}

# seconds_of WHAT SERVICE SECONDS: how long after SECONDS its main process was started anew; its state, and how often it was since `before`.
seconds_of() {
  until_ 120 other "$2"
  found "$1" "$(systemctl is-active "$2") $(($(show "$2" NRestarts) - before))"
  found "$1-s" "$(awk "BEGIN { print $(show "$2" ExecMainStartTimestampMonotonic) / 1e6 - $3 }")"
}
other() { p=$(show "$1" MainPID); [ "$p" != 0 ] && [ "$p" != "$was" ] && [ "$(systemctl is-active "$1")" = active ]; }
program() { pgrep -P "$was" | head -n 1; }
# try_service SERVICE PREFIX
try_service() {
  before=$(show "$1" NRestarts)
  # Killed: the service's main process, then the program that it watches over.
  for which in main program; do
    was=$(show "$1" MainPID)
    victim=$was
    [ $which = main ] || victim=$(program)
    kill -KILL "$victim"
    seconds_of "$2killed-$which" "$1" "$(now)"
  done
  # Hangs: nothing of the program runs, nothing ends.
  was=$(show "$1" MainPID)
  kill -STOP "$(program)"
  seconds_of "$2hung" "$1" "$(now)"
  found "$2watchdog" "$(journalctl -b --no-pager -o cat -u "$1" | grep -c 'Watchdog timeout')"
}
# The request to switch off, left by the unit's own user; a file stands for what would follow.
power_off() {
  mkdir -p /run/systemd/system/swath-power-off.service.d
  printf '[Service]\nEnvironment="SWATH_POWEROFF=touch /run/powered-off"\n' >/run/systemd/system/swath-power-off.service.d/rig.conf
  systemctl daemon-reload
  setpriv --reuid swath --regid swath --clear-groups touch /run/powered-off 2>/dev/null && found power-off-free yes || found power-off-free no
  setpriv --reuid swath --regid swath --clear-groups touch /run/swath/power-off
  until_ 60 test -e /run/powered-off
  [ -e /run/powered-off ] && [ ! -e /run/swath/power-off ] && found power-off taken || found power-off none
  rm -rf /run/systemd/system/swath-power-off.service.d /run/powered-off
  systemctl daemon-reload
}
try_out() {
  sampler=$(show swath-sampler MainPID)
  try_service swath ''
  # A sampler without a configuration only waits for one.
  if [ -e /etc/swath/keys/hq.pub ]; then
    until_ 120 samples
    [ "$(show swath-sampler MainPID)" = "$sampler" ] && found sampler-through-it stayed || found sampler-through-it ended
    try_service swath-sampler sampler-
  fi
  journalctl -b --no-pager -o short-monotonic -u swath -u swath-sampler >/rig/journal.txt
  found tried "$(now)"
  power_off
}

# The same hang without WatchdogSec, for longer than one with it lasts.
unwatched() {
  mkdir -p /run/systemd/system/swath.service.d
  printf '[Service]\nWatchdogSec=0\n' >/run/systemd/system/swath.service.d/rig.conf
  systemctl daemon-reload
  systemctl restart swath
  was=$(show swath MainPID)
  victim=$(program)
  kill -STOP "$victim"
  until_ 45 other swath && found unwatched started again || found unwatched "$(systemctl is-active swath) $(sed 's/.*) //' "/proc/$victim/stat" | cut -c1)"
  kill -CONT "$victim"
  rm -rf /run/systemd/system/swath.service.d
  systemctl daemon-reload
}

take_off() {
  /rig/swath/scripts/install.sh >/rig/again.txt 2>&1
  found again-code $?
  found again "$(now)"
  /rig/swath/scripts/uninstall.sh --records >/rig/uninstall.txt 2>&1
  found uninstall-code $?
  found processes "$(pgrep -fc /opt/swath)"
  traces | sort >/rig/after.txt
  found end "$(now)"
}

for step in "$@"; do $step; done
