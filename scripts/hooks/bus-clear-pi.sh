#!/bin/sh
# Frees an I2C bus on which a part holds SDA low: nine clocks on SCL, then a stop, then the pins go back to the bus.
# For I2C bus 1 of a Raspberry Pi (SDA on GPIO 2, SCL on GPIO 3) with the command pinctrl of Raspberry Pi OS.
set -eu
SDA=${SWATH_SDA:-2}
SCL=${SWATH_SCL:-3}
FUNCTION=${SWATH_FUNCTION:-a0}  # the pins' function as I2C bus 1
restore() { pinctrl set "$SDA,$SCL" "$FUNCTION" pu; }
trap restore EXIT
pinctrl set "$SDA" ip pu
for _ in 1 2 3 4 5 6 7 8 9; do
  pinctrl set "$SCL" op dl  # pulled low
  pinctrl set "$SCL" ip pu  # and let go: never driven high against a part that stretches the clock
done
pinctrl set "$SCL" op dl
pinctrl set "$SDA" op dl
pinctrl set "$SCL" ip pu
pinctrl set "$SDA" ip pu  # SDA rises while SCL is high: stop
