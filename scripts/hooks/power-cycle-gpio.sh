#!/bin/sh
# Takes the power of a part or a bus away for a moment through a load switch on a GPIO line. Copy it, set the two figures,
# make it executable, and name it in the unit file: hooks: { powerCycle: /usr/local/lib/swath/power-cycle-gpio.sh }
# The sampler calls it with the bus (/dev/i2c-1) and the part's name, waits at most 10 s, and runs it at most once a minute.
set -eu
CHIP=${SWATH_GPIO_CHIP:-gpiochip0}
LINE=${SWATH_GPIO_LINE:-17}  # high switches the power on
OFF_S=2
case $(gpioset --version) in
  *"v1."*)
    gpioset --mode=time --sec="$OFF_S" "$CHIP" "$LINE=0"
    gpioset --mode=exit "$CHIP" "$LINE=1"
    ;;
  *) gpioset --chip "$CHIP" --toggle "${OFF_S}s,0" "$LINE=0" ;; # off, then on, then the end
esac
