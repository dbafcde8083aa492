#!/bin/sh
# Takes the power of a USB port away for two seconds, for an adapter that hangs: needs a hub that switches its ports (uhubctl
# lists them). On a Raspberry Pi 4 all ports switch together: 1-1 is its hub.
set -eu
HUB=${SWATH_USB_HUB:-1-1}
PORT=${SWATH_USB_PORT:-2}
uhubctl --location "$HUB" --ports "$PORT" --action cycle --delay 2
