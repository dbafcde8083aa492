#!/bin/sh
# Switches the computer off when the unit has asked for it (power.ignition). Run as root by swath-power-off.service.
# Who removes the request decides: the unit takes it back by removing it when the key is on again, and then nothing happens here.
# SWATH_RUN and SWATH_POWEROFF stand in for the real ones in tests.
set -eu
rm "${SWATH_RUN:-/run/swath}/power-off" || { echo "the request is gone: nothing is switched off"; exit 0; }
echo "the unit asks for it: switching off"
${SWATH_POWEROFF:-systemctl --no-block poweroff}
