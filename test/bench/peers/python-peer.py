"""The end-to-end workload with pyserial and paho-mqtt: `python-peer.py LINE_TTY GNSS_TTY PORT`."""
import json
import math
import selectors
import sys
from collections import deque

import paho.mqtt.client as mqtt
import serial


def checks(line):
    body, star, told = line[1:].partition("*")
    total = 0
    for c in body.encode():
        total ^= c
    return line.startswith("$") and star == "*" and f"{total:02X}" == told.strip()


def degrees(text, half):
    v = float(text)
    d = math.floor(v / 100)
    v = d + (v - 100 * d) / 60
    return -v if half in "SW" else v


class Gnss:
    def __init__(self, publish):
        self.publish = publish
        self.rmc = None

    def line(self, line):
        if not checks(line):
            return
        f = line.split("*")[0].split(",")
        if f[0].endswith("RMC") and f[2] == "A":
            self.rmc = f
        elif f[0].endswith("GGA") and self.rmc is not None and f[1] == self.rmc[1]:
            r = self.rmc
            fix = {
                "t": f[1],
                "lat": round(degrees(r[3], r[4]), 8),
                "lon": round(degrees(r[5], r[6]), 8),
                "speed": round(float(r[7]) * 0.514444, 3),
                "alt": float(f[9]),
                "sats": int(f[7]),
            }
            self.publish("bench/fix", json.dumps(fix), 1)


class Numbers:
    def __init__(self, publish):
        self.publish = publish
        self.window = deque(maxlen=5)
        k = math.tan(math.pi * 100 / 1000)
        norm = 1 / (1 + math.sqrt(2) * k + k * k)
        self.b0 = k * k * norm
        self.b1 = 2 * self.b0
        self.b2 = self.b0
        self.a1 = 2 * (k * k - 1) * norm
        self.a2 = (1 - math.sqrt(2) * k + k * k) * norm
        self.s1 = self.s2 = None
        self.out = []

    def line(self, line):
        try:
            self.window.append(float(line))
        except ValueError:
            return
        x = sorted(self.window)[len(self.window) // 2]
        if self.s1 is None:
            self.s1 = x * (1 - self.b0)
            self.s2 = x * (self.b2 - self.a2)
        y = self.b0 * x + self.s1
        self.s1 = self.b1 * x - self.a1 * y + self.s2
        self.s2 = self.b2 * x - self.a2 * y
        self.out.append(y)
        if len(self.out) == 1000:
            n = len(self.out)
            stats = {
                "n": n,
                "mean": round(sum(self.out) / n, 3),
                "min": round(min(self.out), 3),
                "max": round(max(self.out), 3),
                "rms": round(math.sqrt(sum(v * v for v in self.out) / n), 3),
            }
            self.publish("bench/stats", json.dumps(stats), 1)
            self.out.clear()


def main():
    client = mqtt.Client("bench-python") if not hasattr(mqtt, "CallbackAPIVersion") else mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "bench-python")
    client.connect("127.0.0.1", int(sys.argv[3]))
    client.loop_start()
    ports = selectors.DefaultSelector()
    for path, sink in ((sys.argv[1], Numbers(client.publish)), (sys.argv[2], Gnss(client.publish))):
        port = serial.Serial(path, 115200, timeout=0)
        ports.register(port, selectors.EVENT_READ, [sink, b""])
    while True:
        for key, _ in ports.select():
            sink, rest = key.data
            lines = (rest + key.fileobj.read(key.fileobj.in_waiting or 1)).split(b"\n")
            key.data[1] = lines.pop()
            for line in lines:
                sink.line(line.decode("ascii", "replace").strip())


main()
